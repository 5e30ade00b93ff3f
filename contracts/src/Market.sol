// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";
import {ILicenseTerms} from "./interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";
import {IRevenueSource} from "./interfaces/IRevenueSource.sol";
import {RefundEscrow} from "./RefundEscrow.sol";
import {LicenseToken} from "./LicenseToken.sol";
import {RoyaltyLedger} from "./RoyaltyLedger.sol";

/// @title Offers, quotes and the sale of licenses.
/// @dev Specified in `IMarket`.
///      Holds no money between transactions.
contract Market is IMarket, IRevenueSource, ReentrancyGuardTransient {
    using EnumerableSet for EnumerableSet.Bytes32Set;
    using SafeERC20 for IERC20;

    uint256 public constant MAX_NOTE_BYTES = 512;

    IAssetRegistry public immutable REGISTRY;
    ILicenseTerms public immutable TERMS;
    LicenseToken public immutable LICENSES;
    RoyaltyLedger public immutable LEDGER;
    RefundEscrow public immutable REFUNDS;
    IProtocolParameters public immutable PARAMETERS;
    /// @notice Where fees go; the parameters have named it for good.
    address public immutable TREASURY;

    /// @dev Offers belong to the owner who made them.
    mapping(uint256 asset => mapping(address owner => EnumerableSet.Bytes32Set)) private _offers;

    /// @dev The last of the core contracts to be deployed, so it checks that the addresses predicted for the others hold.
    constructor(
        IAssetRegistry registry,
        ILicenseTerms terms,
        LicenseToken licenses,
        RoyaltyLedger ledger,
        RefundEscrow refunds,
        IProtocolParameters parameters
    ) {
        _expect(licenses.MARKET(), address(this));
        _expect(address(licenses.REGISTRY()), address(registry));
        _expect(address(licenses.TERMS()), address(terms));
        _expect(address(ledger.REGISTRY()), address(registry));
        _expect(address(ledger.PARAMETERS()), address(parameters));
        _expect(refunds.MARKET(), address(this));
        _expect(address(refunds.LICENSES()), address(licenses));
        _expect(address(refunds.TERMS()), address(terms));
        _expect(address(refunds.LEDGER()), address(ledger));
        _expect(address(refunds.PARAMETERS()), address(parameters));
        REFUNDS = refunds;
        TREASURY = parameters.treasury();
        (REGISTRY, TERMS, LICENSES, LEDGER, PARAMETERS) = (registry, terms, licenses, ledger, parameters);
    }

    /* ----------------------------------------------------------------- offers */

    /// @inheritdoc IMarket
    function setOffer(uint256 asset, bytes32 termsId, bool active) external {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        EnumerableSet.Bytes32Set storage offers = _offers[asset][msg.sender];
        if (active) _feeOn(TERMS.priceOf(termsId)); // reverts for a currency that is not allowed
        bool changed = active ? offers.add(termsId) : offers.remove(termsId);
        if (changed) emit OfferChanged(asset, termsId, active);
    }

    /// @inheritdoc IMarket
    function isOffered(uint256 asset, bytes32 termsId) public view returns (bool) {
        return _offers[asset][REGISTRY.ownerOf(asset)].contains(termsId);
    }

    /// @inheritdoc IMarket
    function offersOf(uint256 asset) external view returns (bytes32[] memory) {
        return _offers[asset][REGISTRY.ownerOf(asset)].values();
    }

    /* ----------------------------------------------------------------- sales */

    /// @inheritdoc IMarket
    function quote(uint256 asset, bytes32 termsId) external view returns (Quote memory given) {
        ILicenseTerms.Price memory price = _offered(asset, termsId);
        given.currency = price.currency;
        given.price = price.amount;
        given.fee = _feeOn(price);
        (given.payees, given.amounts) = LEDGER.split(asset, price.amount - given.fee);
        given.accounts = new address[](given.payees.length);
        for (uint256 i = 0; i < given.payees.length; ++i) {
            given.accounts[i] = REGISTRY.ownerOf(given.payees[i]);
        }
    }

    /// @inheritdoc IMarket
    function buy(uint256 asset, bytes32 termsId, uint256 maxPrice, address holder)
        external
        nonReentrant
        returns (uint256 license)
    {
        return _buy(asset, termsId, maxPrice, holder);
    }

    /// @inheritdoc IMarket
    function renew(uint256 license, uint256 maxPrice) external nonReentrant returns (uint64 expiresAt) {
        ILicenseToken.License memory held = LICENSES.get(license);
        ILicenseTerms.Price memory price = _offered(held.asset, held.termsId);
        if (price.amount > maxPrice) revert PriceAboveCap(price.amount, maxPrice);
        uint256 fee = _feeOn(price);
        expiresAt = LICENSES.renew(license);
        emit RenewalSold(license, held.asset, msg.sender, held.termsId, price.amount, fee);
        if (price.amount != 0) _collect(held.asset, price, fee);
    }

    /// @inheritdoc IMarket
    function refund(uint256 license) external nonReentrant {
        if (LICENSES.ownerOf(license) != msg.sender) revert NotLicenseHolder(license, msg.sender);
        if (LICENSES.isFirm(license)) revert NotRefundable(license);
        LICENSES.end(license);
        REFUNDS.refund(license);
    }

    /// @inheritdoc IMarket
    function buyWithPermit(
        uint256 asset,
        bytes32 termsId,
        uint256 maxPrice,
        address holder,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 license) {
        ILicenseTerms.Price memory price = _offered(asset, termsId);
        // Somebody may have used the same permit first; what counts is the allowance that the payment finds.
        try IERC20Permit(address(price.currency)).permit(msg.sender, address(this), price.amount, deadline, v, r, s) {}
            catch {}
        return _buy(asset, termsId, maxPrice, holder);
    }

    /* ----------------------------------------------------------------- licenses without a price */

    /// @inheritdoc IMarket
    function request(uint256 asset, bytes32 termsId, string calldata note) external {
        if (bytes(note).length > MAX_NOTE_BYTES) revert NoteTooLong(bytes(note).length, MAX_NOTE_BYTES);
        REGISTRY.ownerOf(asset); // reverts for an unknown asset, as the next line does for unknown terms
        TERMS.priceOf(termsId);
        emit LicenseRequested(asset, msg.sender, termsId, note);
    }

    /// @inheritdoc IMarket
    function decline(uint256 asset, bytes32 termsId, address account) external {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        emit RequestDeclined(asset, account, termsId);
    }

    /// @inheritdoc IMarket
    function grant(uint256 asset, bytes32 termsId, address holder) external nonReentrant returns (uint256 license) {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        license = LICENSES.issue(holder, asset, termsId);
        emit LicenseGranted(license, asset, holder, termsId);
    }

    /* ----------------------------------------------------------------- inside */

    function _buy(uint256 asset, bytes32 termsId, uint256 maxPrice, address holder) private returns (uint256 license) {
        ILicenseTerms.Price memory price = _offered(asset, termsId);
        if (price.amount > maxPrice) revert PriceAboveCap(price.amount, maxPrice);
        uint256 fee = _feeOn(price);
        license = LICENSES.issue(holder, asset, termsId);
        emit LicenseSold(license, asset, msg.sender, termsId, price.amount, fee);
        if (price.amount == 0) return license;
        if (price.refundWindow == 0) _collect(asset, price, fee);
        else _holdBack(license, price);
    }

    function _holdBack(uint256 license, ILicenseTerms.Price memory price) private {
        REFUNDS.hold(license, msg.sender);
        uint256 had = price.currency.balanceOf(address(REFUNDS));
        price.currency.safeTransferFrom(msg.sender, address(REFUNDS), price.amount);
        uint256 received = price.currency.balanceOf(address(REFUNDS)) - had;
        if (received != price.amount) {
            revert IRoyaltyLedger.WrongAmountReceived(price.currency, received, price.amount);
        }
    }

    function _collect(uint256 asset, ILicenseTerms.Price memory price, uint256 fee) private {
        if (fee != 0) price.currency.safeTransferFrom(msg.sender, TREASURY, fee);
        LEDGER.collect(asset, price.currency, price.amount - fee, msg.sender);
    }

    /// @inheritdoc IRevenueSource
    function onCollect(IERC20 currency, uint256 amount, address payer) external {
        if (msg.sender != address(LEDGER)) revert OnlyLedger(msg.sender);
        currency.safeTransferFrom(payer, address(LEDGER), amount);
    }

    function _offered(uint256 asset, bytes32 termsId) private view returns (ILicenseTerms.Price memory) {
        if (!isOffered(asset, termsId)) revert NotOffered(asset, termsId);
        return TERMS.priceOf(termsId);
    }

    function _feeOn(ILicenseTerms.Price memory price) private view returns (uint256) {
        return price.amount == 0 ? 0 : PARAMETERS.feeOn(price.currency, price.amount);
    }

    function _expect(address found, address wanted) private pure {
        if (found != wanted) revert WrongWiring(found, wanted);
    }
}

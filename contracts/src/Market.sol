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
import {LicenseToken} from "./LicenseToken.sol";
import {RoyaltyLedger} from "./RoyaltyLedger.sol";

/// @title Offers, quotes and the sale of licenses.
/// @dev Specified in `IMarket`.
///      Holds no money between transactions.
contract Market is IMarket, ReentrancyGuardTransient {
    using EnumerableSet for EnumerableSet.Bytes32Set;
    using SafeERC20 for IERC20;

    uint256 public constant MAX_NOTE_BYTES = 512;
    uint256 private constant BPS = 10_000;

    IAssetRegistry public immutable REGISTRY;
    ILicenseTerms public immutable TERMS;
    LicenseToken public immutable LICENSES;
    RoyaltyLedger public immutable LEDGER;
    IProtocolParameters public immutable PARAMETERS;

    /// @dev Offers belong to the owner who made them.
    mapping(uint256 asset => mapping(address owner => EnumerableSet.Bytes32Set)) private _offers;

    /// @dev The last of the core contracts to be deployed, so it checks that the addresses predicted for the others hold.
    constructor(
        IAssetRegistry registry,
        ILicenseTerms terms,
        LicenseToken licenses,
        RoyaltyLedger ledger,
        IProtocolParameters parameters
    ) {
        _expect(licenses.MARKET(), address(this));
        _expect(address(licenses.REGISTRY()), address(registry));
        _expect(address(licenses.TERMS()), address(terms));
        _expect(address(ledger.REGISTRY()), address(registry));
        _expect(address(ledger.PARAMETERS()), address(parameters));
        (REGISTRY, TERMS, LICENSES, LEDGER, PARAMETERS) = (registry, terms, licenses, ledger, parameters);
    }

    /* ----------------------------------------------------------------- offers */

    /// @inheritdoc IMarket
    function setOffer(uint256 asset, bytes32 termsId, bool active) external {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        EnumerableSet.Bytes32Set storage offers = _offers[asset][msg.sender];
        if (active) _checkCurrency(TERMS.get(termsId));
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
        ILicenseTerms.Terms memory terms = _offered(asset, termsId);
        given.currency = IERC20(terms.currency);
        given.price = terms.price;
        given.fee = _feeOf(terms.price);
        (given.payees, given.amounts) = LEDGER.split(asset, terms.price - given.fee);
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
        ILicenseTerms.Terms memory terms = _offered(held.asset, held.termsId);
        if (terms.price > maxPrice) revert PriceAboveCap(terms.price, maxPrice);
        uint256 fee = _feeOf(terms.price);
        expiresAt = LICENSES.renew(license);
        emit RenewalSold(license, held.asset, msg.sender, held.termsId, terms.price, fee);
        if (terms.price != 0) _collect(held.asset, terms, fee);
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
        ILicenseTerms.Terms memory terms = _offered(asset, termsId);
        // Somebody may have used the same permit first; what counts is the allowance that the payment finds.
        try IERC20Permit(terms.currency).permit(msg.sender, address(this), terms.price, deadline, v, r, s) {} catch {}
        return _buy(asset, termsId, maxPrice, holder);
    }

    /* ----------------------------------------------------------------- licenses without a price */

    /// @inheritdoc IMarket
    function request(uint256 asset, bytes32 termsId, string calldata note) external {
        if (bytes(note).length > MAX_NOTE_BYTES) revert NoteTooLong(bytes(note).length, MAX_NOTE_BYTES);
        REGISTRY.ownerOf(asset); // reverts for an unknown asset, as the next line does for unknown terms
        TERMS.get(termsId);
        emit LicenseRequested(asset, msg.sender, termsId, note);
    }

    /// @inheritdoc IMarket
    function grant(uint256 asset, bytes32 termsId, address holder) external nonReentrant returns (uint256 license) {
        if (REGISTRY.ownerOf(asset) != msg.sender) revert NotAssetOwner(asset, msg.sender);
        _checkSeats(asset, termsId, TERMS.get(termsId).seats);
        license = LICENSES.issue(holder, asset, termsId);
        emit LicenseGranted(license, asset, holder, termsId);
    }

    /* ----------------------------------------------------------------- inside */

    function _buy(uint256 asset, bytes32 termsId, uint256 maxPrice, address holder) private returns (uint256 license) {
        ILicenseTerms.Terms memory terms = _offered(asset, termsId);
        if (terms.price > maxPrice) revert PriceAboveCap(terms.price, maxPrice);
        _checkSeats(asset, termsId, terms.seats);
        uint256 fee = _feeOf(terms.price);
        license = LICENSES.issue(holder, asset, termsId);
        emit LicenseSold(license, asset, msg.sender, termsId, terms.price, fee);
        if (terms.price != 0) _collect(asset, terms, fee);
    }

    function _collect(uint256 asset, ILicenseTerms.Terms memory terms, uint256 fee) private {
        _checkCurrency(terms);
        IERC20 currency = IERC20(terms.currency);
        uint256 revenue = terms.price - fee;
        if (fee != 0) currency.safeTransferFrom(msg.sender, PARAMETERS.treasury(), fee);
        currency.safeTransferFrom(msg.sender, address(this), revenue);
        // Once and for all: the ledger takes only what it is told to by the market, which keeps nothing it could take later.
        if (currency.allowance(address(this), address(LEDGER)) < revenue) {
            currency.forceApprove(address(LEDGER), type(uint256).max);
        }
        LEDGER.pay(asset, currency, revenue);
    }

    function _checkSeats(uint256 asset, bytes32 termsId, uint32 seats) private view {
        if (seats != 0 && LICENSES.seatsTaken(asset, termsId) >= seats) revert NoSeatsLeft(asset, termsId, seats);
    }

    function _offered(uint256 asset, bytes32 termsId) private view returns (ILicenseTerms.Terms memory) {
        if (!isOffered(asset, termsId)) revert NotOffered(asset, termsId);
        return TERMS.get(termsId);
    }

    function _checkCurrency(ILicenseTerms.Terms memory terms) private view {
        if (terms.price != 0 && !PARAMETERS.isCurrency(IERC20(terms.currency))) {
            revert CurrencyNotAllowed(IERC20(terms.currency));
        }
    }

    function _expect(address found, address wanted) private pure {
        if (found != wanted) revert WrongWiring(found, wanted);
    }

    function _feeOf(uint256 price) private view returns (uint256) {
        return price * PARAMETERS.feeBps() / BPS;
    }
}

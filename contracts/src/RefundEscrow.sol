// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ILicenseTerms} from "./interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "./interfaces/ILicenseToken.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IRefundEscrow} from "./interfaces/IRefundEscrow.sol";
import {IRevenueSource} from "./interfaces/IRevenueSource.sol";
import {IRoyaltyLedger} from "./interfaces/IRoyaltyLedger.sol";

/// @title What was paid for licenses that can still be given back.
/// @dev Specified in `IRefundEscrow`. Price, currency and asset follow from the license, whose terms never change.
contract RefundEscrow is IRefundEscrow, IRevenueSource, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;

    ILicenseToken public immutable LICENSES;
    ILicenseTerms public immutable TERMS;
    IRoyaltyLedger public immutable LEDGER;
    IProtocolParameters public immutable PARAMETERS;
    address public immutable MARKET;

    /// @param feeBps The fee of the day of the sale.
    struct Sale {
        address payer;
        uint40 closesAt;
        uint16 feeBps;
    }

    mapping(uint256 license => Sale) private _sales;

    /// @param market Address the market will have; predicted, since it needs this contract's.
    constructor(
        ILicenseToken licenses,
        ILicenseTerms terms,
        IRoyaltyLedger ledger,
        IProtocolParameters parameters,
        address market
    ) {
        (LICENSES, TERMS, LEDGER, PARAMETERS, MARKET) = (licenses, terms, ledger, parameters, market);
    }

    modifier onlyMarket() {
        if (msg.sender != MARKET) revert OnlyMarket(msg.sender);
        _;
    }

    /// @inheritdoc IRefundEscrow
    function hold(uint256 license, address payer) external onlyMarket {
        (uint256 asset, ILicenseTerms.Price memory price) = _priceOf(license);
        uint40 closesAt = uint40(block.timestamp) + price.refundWindow;
        _sales[license] = Sale(payer, closesAt, PARAMETERS.feeBps());
        emit Held(license, asset, payer, closesAt);
    }

    /// @inheritdoc IRefundEscrow
    function refund(uint256 license) external nonReentrant onlyMarket returns (address payer, uint256 amount) {
        Sale memory sale = _sales[license];
        if (sale.payer == address(0)) revert NothingHeld(license);
        if (block.timestamp >= sale.closesAt) revert WindowClosed(license, sale.closesAt);
        delete _sales[license];
        (, ILicenseTerms.Price memory price) = _priceOf(license);
        (payer, amount) = (sale.payer, price.amount);
        emit Refunded(license, payer, price.currency, amount);
        price.currency.safeTransfer(payer, amount);
    }

    /// @inheritdoc IRefundEscrow
    function release(uint256[] calldata licenses) external nonReentrant {
        for (uint256 i = 0; i < licenses.length; ++i) {
            Sale memory sale = _sales[licenses[i]];
            if (sale.payer != address(0)) _release(licenses[i], sale);
        }
    }

    /// @inheritdoc IRevenueSource
    function onCollect(IERC20 currency, uint256 amount, address) external {
        if (msg.sender != address(LEDGER)) revert OnlyLedger(msg.sender);
        currency.safeTransfer(address(LEDGER), amount);
    }

    /// @inheritdoc IRefundEscrow
    function saleOf(uint256 license) external view returns (address payer, uint40 closesAt) {
        return (_sales[license].payer, _sales[license].closesAt);
    }

    function _release(uint256 license, Sale memory sale) private {
        if (block.timestamp < sale.closesAt && !LICENSES.isFirm(license)) revert WindowOpen(license, sale.closesAt);
        delete _sales[license];
        (uint256 asset, ILicenseTerms.Price memory price) = _priceOf(license);
        uint256 fee = price.amount * sale.feeBps / BPS;
        emit Released(license, asset, price.amount - fee, fee);
        if (fee != 0) price.currency.safeTransfer(PARAMETERS.treasury(), fee);
        LEDGER.collect(asset, price.currency, price.amount - fee, address(this));
    }

    function _priceOf(uint256 license) private view returns (uint256 asset, ILicenseTerms.Price memory price) {
        ILicenseToken.License memory sold = LICENSES.get(license);
        return (sold.asset, TERMS.priceOf(sold.termsId));
    }
}

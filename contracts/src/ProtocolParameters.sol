// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";

/// @title Parameters the DAO votes on, each with a hard limit in code.
/// @dev Specified in `IProtocolParameters`.
contract ProtocolParameters is IProtocolParameters, AccessManaged {
    uint16 public constant MAX_FEE_BPS = 1_000;
    uint16 public constant MAX_MAX_ROYALTY_BPS = 9_000;
    uint256 public constant MAX_CURRENCIES = 16;

    uint256 private constant BPS = 10_000;
    bytes32 private constant FEE_BPS = "feeBps";
    bytes32 private constant ROYALTY_BPS = "maxRoyaltyBps";

    /// @inheritdoc IProtocolParameters
    address public immutable treasury;
    /// @inheritdoc IProtocolParameters
    uint16 public feeBps;
    /// @inheritdoc IProtocolParameters
    uint16 public maxRoyaltyBps;

    enum Status {
        Never,
        Withdrawn,
        Allowed
    }

    IERC20[] private _currencies;
    mapping(IERC20 currency => Status) private _status;

    /// @param authority The access manager that says who may change parameters.
    /// @param treasury_ Receives protocol fees, for good.
    constructor(
        address authority,
        address treasury_,
        uint16 initialFeeBps,
        uint16 initialMaxRoyaltyBps,
        IERC20[] memory initialCurrencies
    ) AccessManaged(authority) {
        if (treasury_ == address(0)) revert InvalidAddress("treasury");
        treasury = treasury_;
        _setFeeBps(initialFeeBps);
        _setMaxRoyaltyBps(initialMaxRoyaltyBps);
        for (uint256 i = 0; i < initialCurrencies.length; ++i) {
            _setCurrency(initialCurrencies[i], true);
        }
    }

    /// @inheritdoc IProtocolParameters
    function setFeeBps(uint16 value) external restricted {
        _setFeeBps(value);
    }

    /// @inheritdoc IProtocolParameters
    function setMaxRoyaltyBps(uint16 value) external restricted {
        _setMaxRoyaltyBps(value);
    }

    /// @inheritdoc IProtocolParameters
    function setCurrency(IERC20 currency, bool allowed) external restricted {
        _setCurrency(currency, allowed);
    }

    /// @inheritdoc IProtocolParameters
    function feeOn(IERC20 currency, uint256 price) external view returns (uint256) {
        if (!isCurrency(currency)) revert CurrencyNotAllowed(currency);
        return price * feeBps / BPS;
    }

    /// @inheritdoc IProtocolParameters
    function isCurrency(IERC20 currency) public view returns (bool) {
        return _status[currency] == Status.Allowed;
    }

    /// @inheritdoc IProtocolParameters
    function wasCurrency(IERC20 currency) external view returns (bool) {
        return _status[currency] != Status.Never;
    }

    /// @inheritdoc IProtocolParameters
    function currencies() external view returns (IERC20[] memory) {
        return _currencies;
    }

    function _setFeeBps(uint16 value) private {
        if (value > MAX_FEE_BPS) revert OutOfBounds(FEE_BPS, value, MAX_FEE_BPS);
        emit ParameterChanged(FEE_BPS, feeBps, value);
        feeBps = value;
    }

    function _setMaxRoyaltyBps(uint16 value) private {
        if (value > MAX_MAX_ROYALTY_BPS) revert OutOfBounds(ROYALTY_BPS, value, MAX_MAX_ROYALTY_BPS);
        emit ParameterChanged(ROYALTY_BPS, maxRoyaltyBps, value);
        maxRoyaltyBps = value;
    }

    function _setCurrency(IERC20 currency, bool allowed) private {
        if (address(currency).code.length == 0) revert InvalidAddress("currency");
        if (_status[currency] == Status.Never) {
            if (_currencies.length == MAX_CURRENCIES) revert TooManyCurrencies(MAX_CURRENCIES);
            _currencies.push(currency);
        }
        _status[currency] = allowed ? Status.Allowed : Status.Withdrawn;
        emit CurrencyAllowed(currency, allowed);
    }
}

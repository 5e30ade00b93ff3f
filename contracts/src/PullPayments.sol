// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IPullPayments} from "./interfaces/IPullPayments.sol";

/// @title What the escrow and the channel have in common: money that waits for its owner.
/// @dev Specified in `IPullPayments`.
abstract contract PullPayments is IPullPayments, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IProtocolParameters public immutable PARAMETERS;

    mapping(address account => mapping(IERC20 currency => uint256)) private _claimable;

    constructor(IProtocolParameters parameters) {
        PARAMETERS = parameters;
    }

    /// @inheritdoc IPullPayments
    function claim(IERC20 currency, address receiver) external nonReentrant returns (uint256 amount) {
        amount = _claimable[msg.sender][currency];
        if (amount == 0) revert NothingToClaim(msg.sender);
        delete _claimable[msg.sender][currency];
        emit Claimed(msg.sender, currency, receiver, amount);
        currency.safeTransfer(receiver, amount);
    }

    /// @inheritdoc IPullPayments
    function claimable(address account, IERC20 currency) external view returns (uint256) {
        return _claimable[account][currency];
    }

    function _credit(address account, IERC20 currency, uint256 amount) internal {
        if (amount != 0) _claimable[account][currency] += amount;
    }

    function _requireAllowed(IERC20 currency) internal view {
        if (!PARAMETERS.isCurrency(currency)) revert CurrencyNotAllowed(currency);
    }
}

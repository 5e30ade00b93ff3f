// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What was paid for licenses that can still be given back.
interface IRefundEscrow {
    /// @notice The price of a license came in; until `closesAt` its holder may give the license back.
    event Held(uint256 indexed license, uint256 indexed asset, address indexed payer, uint40 closesAt);
    /// @notice A license was given back, and who had paid for it has all of the price again.
    event Refunded(uint256 indexed license, address indexed payer, IERC20 indexed currency, uint256 amount);
    /// @notice A sale is final: `fee` went to the treasury and `revenue` to the ledger, as in a sale without a window.
    event Released(uint256 indexed license, uint256 indexed asset, uint256 revenue, uint256 fee);

    /// @notice Only the market may do this.
    error OnlyMarket(address caller);
    /// @notice Nothing is held for that license: it had no window, or the money has gone on or back.
    error NothingHeld(uint256 license);
    /// @notice The license could be given back until then.
    error WindowClosed(uint256 license, uint40 closedAt);
    /// @notice The license can still be given back.
    error WindowOpen(uint256 license, uint40 closesAt);

    /// @notice Remembers who paid for `license`, after the price came; only the market may.
    function hold(uint256 license, address payer) external;
    /// @notice Pays the price of `license` back to who paid it; only the market may, and before the window closes.
    function refund(uint256 license) external returns (address payer, uint256 amount);
    /// @notice Sends on what was paid for `licenses`, fee and revenue, as a sale without a window does at once; open to
    ///         anyone when the window has closed, or when the license cannot be given back any more. Licenses for which
    ///         nothing is held are passed over.
    function release(uint256[] calldata licenses) external;
    /// @notice What is held for `license`.
    /// @return payer Zero when nothing is.
    /// @return closesAt Block time from which it can no longer be given back.
    function saleOf(uint256 license) external view returns (address payer, uint40 closesAt);
}

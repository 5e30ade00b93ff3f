// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A contract that brings revenue to the ledger.
interface IRevenueSource {
    /// @notice Only the ledger may do this.
    error OnlyLedger(address caller);

    /// @notice Sends `amount` to the ledger; called by it from within `collect`.
    /// @param payer What the contract told `collect`.
    function onCollect(IERC20 currency, uint256 amount, address payer) external;
}

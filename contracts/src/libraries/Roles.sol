// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Roles of `SaharaAccess` beside the DAO's own.
library Roles {
    /// @notice Modules that lock the stake standing behind a job and slash what they have locked.
    uint64 internal constant SLASHER = 1;
    /// @notice Who judges jobs that have stake behind them.
    uint64 internal constant EVALUATOR = 2;
}

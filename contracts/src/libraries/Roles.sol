// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Roles of `SaharaAccess`: what modules may do to each other, and classes of what the DAO may do.
/// @notice The timelock holds every class from the first block on. Each waits for a multiple of the timelock's delay, the
///         longer the more it changes for people who may want to leave first.
library Roles {
    /// @notice Modules that lock the stake standing behind a job and slash what they have locked.
    uint64 internal constant SLASHER = 1;
    /// @notice Who judges jobs that have stake behind them.
    uint64 internal constant EVALUATOR = 2;
    /// @notice Fee and royalty cap, inside limits in code.
    uint64 internal constant PARAMETERS = 10;
    /// @notice What people may pay with.
    uint64 internal constant CURRENCIES = 11;
    /// @notice Key servers that are added, or moved by the DAO.
    uint64 internal constant KEY_SERVERS = 12;
    /// @notice Which module is current.
    uint64 internal constant DIRECTORY = 13;
    /// @notice Stake that is taken by vote.
    uint64 internal constant SLASHING = 14;
    /// @notice What must not wait: a key server that is switched off, or on again.
    uint64 internal constant EMERGENCY = 15;

    /// @dev For what changes the rules of government themselves.
    uint256 internal constant LONGEST_WAIT = 4;

    /// @return multiple Of the timelock's delay. What has no class, as a payment from the treasury, waits for one.
    function waitOf(uint64 class) internal pure returns (uint256 multiple) {
        if (class == DIRECTORY) return 3;
        if (class == CURRENCIES || class == KEY_SERVERS || class == SLASHING) return 2;
        return 1;
    }
}

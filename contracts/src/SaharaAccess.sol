// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {IStaking} from "./interfaces/IStaking.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title The one authority over governed contracts.
/// @notice Its only admin at first is the timelock, so each change passes a vote and a delay; the DAO may hand out roles.
///         Two are handed out from the first block on: the escrow slashes what it has locked, the DAO judges jobs.
contract SaharaAccess is AccessManager {
    /// @param timelock Admin from the first block on; the deployer never holds a role.
    /// @param staking Where stake is locked and slashed. Its address is predicted, as is that of `escrow`, which refuses
    ///        to be deployed where it has not got its role.
    constructor(address timelock, address staking, address escrow) AccessManager(timelock) {
        _setTargetFunctionRole(staking, IStaking.lock.selector, Roles.SLASHER);
        _setTargetFunctionRole(staking, IStaking.slash.selector, Roles.SLASHER);
        _grantRole(Roles.SLASHER, escrow, 0, 0);
        _grantRole(Roles.EVALUATOR, timelock, 0, 0);
    }
}

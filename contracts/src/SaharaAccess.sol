// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {IDirectory} from "./interfaces/IDirectory.sol";
import {IKeyServerRegistry} from "./interfaces/IKeyServerRegistry.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {IStaking} from "./interfaces/IStaking.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title The one authority over governed contracts.
/// @notice Every governed function belongs to a class, and the timelock holds every class and administers them, so each
///         change passes a vote and a delay; the DAO may hand a class to somebody else. Two more roles are handed out from
///         the first block on: the escrow slashes what it has locked, the DAO judges jobs.
contract SaharaAccess is AccessManager {
    /// @param timelock Admin and holder of every class from the first block on; the deployer never holds a role.
    /// @param parameters Predicted, as are all that follow: a function at a wrong address has no class, and is the admin's.
    /// @param escrow Refuses to be deployed where it has not got its role.
    constructor(
        address timelock,
        address parameters,
        address keyServers,
        address directory,
        address staking,
        address escrow
    ) AccessManager(timelock) {
        _govern(timelock, Roles.PARAMETERS, parameters, IProtocolParameters.setFeeBps.selector);
        _govern(timelock, Roles.PARAMETERS, parameters, IProtocolParameters.setMaxRoyaltyBps.selector);
        _govern(timelock, Roles.CURRENCIES, parameters, IProtocolParameters.setCurrency.selector);
        _govern(timelock, Roles.KEY_SERVERS, keyServers, IKeyServerRegistry.add.selector);
        _govern(timelock, Roles.KEY_SERVERS, keyServers, IKeyServerRegistry.setUrl.selector);
        _govern(timelock, Roles.EMERGENCY, keyServers, IKeyServerRegistry.setActive.selector);
        _govern(timelock, Roles.DIRECTORY, directory, IDirectory.set.selector);
        _govern(timelock, Roles.SLASHING, staking, IStaking.seize.selector);
        _setTargetFunctionRole(staking, IStaking.lock.selector, Roles.SLASHER);
        _setTargetFunctionRole(staking, IStaking.slash.selector, Roles.SLASHER);
        _grantRole(Roles.SLASHER, escrow, 0, 0);
        _grantRole(Roles.EVALUATOR, timelock, 0, 0);
    }

    function _govern(address timelock, uint64 class, address target, bytes4 selector) private {
        (bool held,) = hasRole(class, timelock);
        if (!held) _grantRole(class, timelock, 0, 0);
        _setTargetFunctionRole(target, selector, class);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {IDirectory} from "./interfaces/IDirectory.sol";
import {IKeyServerRegistry} from "./interfaces/IKeyServerRegistry.sol";
import {IProtocolParameters} from "./interfaces/IProtocolParameters.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title The one authority over governed contracts.
/// @notice Every governed function belongs to a class, and the timelock holds every class and administers them, so each
///         change passes a vote and a delay; the DAO may hand a class to somebody else.
contract SaharaAccess is AccessManager {
    /// @param timelock Admin and holder of every class from the first block on; the deployer never holds a role.
    /// @param parameters Predicted, as are the next two: a function at a wrong address has no class, and is the admin's.
    constructor(address timelock, address parameters, address keyServers, address directory) AccessManager(timelock) {
        _govern(timelock, Roles.PARAMETERS, parameters, IProtocolParameters.setFeeBps.selector);
        _govern(timelock, Roles.PARAMETERS, parameters, IProtocolParameters.setMaxRoyaltyBps.selector);
        _govern(timelock, Roles.CURRENCIES, parameters, IProtocolParameters.setCurrency.selector);
        _govern(timelock, Roles.KEY_SERVERS, keyServers, IKeyServerRegistry.add.selector);
        _govern(timelock, Roles.KEY_SERVERS, keyServers, IKeyServerRegistry.setUrl.selector);
        _govern(timelock, Roles.EMERGENCY, keyServers, IKeyServerRegistry.setActive.selector);
        _govern(timelock, Roles.DIRECTORY, directory, IDirectory.set.selector);
    }

    function _govern(address timelock, uint64 class, address target, bytes4 selector) private {
        (bool held,) = hasRole(class, timelock);
        if (!held) _grantRole(class, timelock, 0, 0);
        _setTargetFunctionRole(target, selector, class);
    }
}

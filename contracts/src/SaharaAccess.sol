// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title The one authority over governed contracts.
/// @notice Its only admin at first is the timelock, so each change passes a vote and a delay; the DAO may hand out roles.
contract SaharaAccess is AccessManager {
    /// @param timelock Admin from the first block on; the deployer never holds a role.
    constructor(address timelock) AccessManager(timelock) {}
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The DAO's hands: treasury, owner of every parameter, and the delay in which anyone can leave.
/// @notice Only the governor proposes, cancels and executes; the timelock administers itself.
contract SaharaTimelock is TimelockController {
    /// @notice The delay can never be voted above this: a longer one could freeze the DAO for good.
    uint256 public constant MAX_DELAY = 30 days;
    /// @notice The delay can never be voted below the one of deployment.
    uint256 public immutable FLOOR;

    error DelayOutOfBounds(uint256 given, uint256 minimum, uint256 maximum);

    /// @param governor Address the governor will have; predicted, since the governor is deployed after the token.
    constructor(uint256 minDelay, address governor)
        TimelockController(minDelay, _only(governor), _only(governor), address(0))
    {
        FLOOR = minDelay;
        _check(minDelay, minDelay);
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        _check(newDelay, FLOOR);
        super.updateDelay(newDelay);
    }

    function _check(uint256 delay, uint256 floor) private pure {
        if (delay < floor || delay > MAX_DELAY) revert DelayOutOfBounds(delay, floor, MAX_DELAY);
    }

    function _only(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}

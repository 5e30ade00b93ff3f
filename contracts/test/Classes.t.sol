// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {Lab} from "./base/Lab.sol";
import {Roles} from "../src/libraries/Roles.sol";
import {SaharaTimelock} from "../src/SaharaTimelock.sol";

/// @dev Classes of action: who holds them, how long they wait, and who may cancel what waits.
contract ClassesTest is Lab {
    /* ----------------------------------------------------------------- classes */

    function test_every_governed_function_has_its_class_and_the_timelock_holds_them_all() public view {
        _class(address(parameters), parameters.setFeeBps.selector, Roles.PARAMETERS);
        _class(address(parameters), parameters.setMaxRoyaltyBps.selector, Roles.PARAMETERS);
        _class(address(parameters), parameters.setCurrency.selector, Roles.CURRENCIES);
        _class(address(keyServers), keyServers.add.selector, Roles.KEY_SERVERS);
        _class(address(keyServers), keyServers.setUrl.selector, Roles.KEY_SERVERS);
        _class(address(keyServers), keyServers.setActive.selector, Roles.EMERGENCY);
        _class(address(directory), directory.set.selector, Roles.DIRECTORY);
    }

    function test_a_class_can_be_handed_to_a_committee_with_a_delay_of_its_own() public {
        vm.prank(address(timelock));
        access.grantRole(Roles.EMERGENCY, carol, 1 hours);
        vm.startPrank(carol);
        vm.expectRevert();
        keyServers.setActive(1, false);
        bytes memory action = abi.encodeCall(keyServers.setActive, (1, false));
        access.schedule(address(keyServers), action, 0);
        skip(1 hours);
        access.execute(address(keyServers), action);
        assertFalse(keyServers.get(1).active);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, carol));
        parameters.setFeeBps(0);
    }

    /* ----------------------------------------------------------------- delays */

    function test_an_action_waits_the_longer_the_more_it_changes() public view {
        bytes memory nothing;
        assertEq(timelock.delayOf(address(parameters), abi.encodeCall(parameters.setFeeBps, (1))), 2);
        assertEq(timelock.delayOf(address(keyServers), abi.encodeCall(keyServers.setActive, (1, false))), 2);
        assertEq(timelock.delayOf(address(token), abi.encodeCall(token.transfer, (carol, 1))), 2, "the treasury pays");
        assertEq(timelock.delayOf(carol, nothing), 2);
        assertEq(timelock.delayOf(address(parameters), abi.encodeCall(parameters.setCurrency, (token, false))), 4);
        assertEq(timelock.delayOf(address(keyServers), abi.encodeCall(keyServers.setUrl, (1, "x"))), 4);
        assertEq(timelock.delayOf(address(directory), abi.encodeCall(directory.set, ("Market", carol))), 6);
        assertEq(timelock.delayOf(address(access), abi.encodeCall(access.labelRole, (1, "x"))), 8);
        assertEq(timelock.delayOf(address(governor), abi.encodeCall(governor.setVotingDelay, (1))), 8);
        assertEq(timelock.delayOf(address(timelock), abi.encodeCall(timelock.updateDelay, (3))), 8);
    }

    function test_a_batch_waits_as_long_as_its_slowest_call() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _batch();
        assertEq(timelock.delayFor(targets, calls), 6);
        vm.startPrank(address(governor));
        timelock.scheduleBatch(targets, values, calls, 0, 0, 2);
        bytes32 id = timelock.hashOperationBatch(targets, values, calls, 0, 0);
        assertEq(timelock.getTimestamp(id), block.timestamp + 6);
        timelock.schedule(targets[1], 0, calls[1], 0, "again", 2);
        assertEq(
            timelock.getTimestamp(timelock.hashOperation(targets[1], 0, calls[1], 0, "again")), block.timestamp + 6
        );
        skip(5);
        vm.expectRevert();
        timelock.executeBatch(targets, values, calls, 0, 0);
        skip(1);
        timelock.executeBatch(targets, values, calls, 0, 0);
        assertEq(directory.get("Market"), address(ledger));
    }

    function test_the_governor_says_when_an_action_can_be_carried_out() public {
        uint256 id = _queued(address(directory), abi.encodeCall(directory.set, ("Market", address(ledger))));
        assertEq(governor.proposalEta(id), block.timestamp + 6);
    }

    /// @dev A detour through the access manager, the governor or the timelock itself is no shorter.
    function test_no_detour_is_shorter() public view {
        bytes memory change = abi.encodeCall(directory.set, ("Market", carol));
        bytes[] memory list = new bytes[](1);
        list[0] = abi.encodeCall(access.execute, (address(directory), change));
        assertEq(timelock.delayOf(address(access), list[0]), 8);
        assertEq(timelock.delayOf(address(access), abi.encodeCall(access.multicall, (list))), 8);
        assertEq(
            timelock.delayOf(address(governor), abi.encodeCall(governor.relay, (address(directory), 0, change))), 8
        );
    }

    function test_no_class_waits_longer_than_thirty_days() public {
        vm.prank(address(timelock));
        timelock.updateDelay(20 days);
        assertEq(timelock.delayOf(address(directory), abi.encodeCall(directory.set, ("Market", carol))), 30 days);
    }

    /* ----------------------------------------------------------------- the guardian */

    function test_the_guardian_cancels_what_waits_until_the_sunset() public {
        bytes memory action = abi.encodeCall(parameters.setFeeBps, (0));
        uint256 id = _queued(address(parameters), action);
        bytes32 operation = _operation(address(parameters), action);
        vm.prank(guardian);
        timelock.cancel(operation);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Canceled));
        assertFalse(timelock.isOperation(operation));
    }

    function test_the_guardian_retires() public {
        assertEq(timelock.GUARDIAN(), guardian);
        assertEq(timelock.SUNSET(), 1_800_000_000 + GUARDIAN_TERM);
        vm.warp(timelock.SUNSET() - governor.votingPeriod() - 4);
        bytes memory action = abi.encodeCall(parameters.setFeeBps, (0));
        _queued(address(parameters), action);
        bytes32 operation = _operation(address(parameters), action);
        vm.warp(timelock.SUNSET());
        vm.expectRevert(abi.encodeWithSelector(SaharaTimelock.GuardianRetired.selector, timelock.SUNSET()));
        vm.prank(guardian);
        timelock.cancel(operation);
    }

    function test_the_guardian_may_nothing_else() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _batch();
        vm.startPrank(guardian);
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        timelock.scheduleBatch(targets, values, calls, 0, 0, 6);
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        timelock.executeBatch(targets, values, calls, 0, 0);
        bytes32 role = timelock.CANCELLER_ROLE();
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        timelock.grantRole(role, mallory);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        parameters.setFeeBps(0);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        timelock.cancel("what was never queued");
    }

    function test_nobody_else_cancels() public {
        bytes memory action = abi.encodeCall(parameters.setFeeBps, (0));
        _queued(address(parameters), action);
        bytes32 operation = _operation(address(parameters), action);
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        vm.prank(mallory);
        timelock.cancel(operation);
    }

    function test_a_guardian_is_for_two_years_at_most_or_not_at_all() public {
        vm.expectRevert(
            abi.encodeWithSelector(SaharaTimelock.GuardianTermOutOfBounds.selector, 731 days, uint256(730 days))
        );
        new SaharaTimelock(2, address(governor), access, guardian, 731 days);
        SaharaTimelock alone = new SaharaTimelock(2, address(governor), access, address(0), 0);
        assertFalse(alone.hasRole(alone.CANCELLER_ROLE(), address(0)));
    }

    /* ----------------------------------------------------------------- verbs */

    function _class(address target, bytes4 selector, uint64 wanted) private view {
        assertEq(access.getTargetFunctionRole(target, selector), wanted);
        (bool held, uint32 delay) = access.hasRole(wanted, address(timelock));
        assertTrue(held);
        assertEq(delay, 0, "the timelock's own delay is the delay");
        (bool left,) = access.hasRole(wanted, deployer);
        assertFalse(left);
    }

    function _batch() private view returns (address[] memory targets, uint256[] memory values, bytes[] memory calls) {
        (targets, values, calls) = (new address[](2), new uint256[](2), new bytes[](2));
        (targets[0], targets[1]) = (address(parameters), address(directory));
        calls[0] = abi.encodeCall(parameters.setFeeBps, (1));
        calls[1] = abi.encodeCall(directory.set, ("Market", address(ledger)));
    }

    function _queued(address target, bytes memory action) private returns (uint256 id) {
        (address[] memory targets, bytes[] memory calls) = (new address[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, action);
        vm.prank(alice);
        id = governor.propose(targets, new uint256[](1), calls, "why");
        skip(VOTING_DELAY + 1);
        vm.prank(alice);
        governor.castVote(id, 1);
        skip(VOTING_PERIOD + 1);
        governor.queue(targets, new uint256[](1), calls, keccak256("why"));
    }

    function _operation(address target, bytes memory action) private view returns (bytes32) {
        (address[] memory targets, bytes[] memory calls) = (new address[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, action);
        bytes32 salt = bytes20(address(governor)) ^ keccak256("why");
        return timelock.hashOperationBatch(targets, new uint256[](1), calls, 0, salt);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {SaharaGovernor} from "../src/SaharaGovernor.sol";
import {SaharaTimelock} from "../src/SaharaTimelock.sol";

contract GovernanceTest is Lab {
    string internal constant WHY = "# Raise the fee\nTo pay for audits.";

    function test_a_vote_changes_the_fee() public {
        bytes memory action = abi.encodeCall(parameters.setFeeBps, (300));
        uint256 id = _propose(alice, address(parameters), action);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Pending));
        skip(VOTING_DELAY + 1);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Active));
        _vote(alice, id, 1);
        _vote(bob, id, 1);
        vm.prank(carol);
        governor.castVoteWithReason(id, 0, "too dear");
        skip(VOTING_PERIOD + 1);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Succeeded));
        _queue(address(parameters), action);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Queued));
        vm.expectRevert();
        _execute(address(parameters), action);
        skip(TIMELOCK_DELAY);
        _execute(address(parameters), action);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Executed));
        assertEq(parameters.feeBps(), 300);
    }

    function test_a_vote_spends_the_treasury() public {
        _pass(address(token), abi.encodeCall(token.transfer, (carol, 5 * TOKEN)));
        assertEq(token.balanceOf(carol), 10_005 * TOKEN);
    }

    function test_the_quorum_is_a_share_of_the_whole_supply() public view {
        assertEq(governor.quorum(block.timestamp - 1), 4_000 * TOKEN, "4 % of 100,000, the silent treasury included");
    }

    function test_a_vote_below_the_quorum_fails() public {
        vm.prank(alice);
        token.transfer(mallory, 3_999 * TOKEN);
        vm.prank(mallory);
        token.delegate(mallory);
        skip(1);
        uint256 id = _propose(mallory, address(parameters), abi.encodeCall(parameters.setFeeBps, (0)));
        skip(VOTING_DELAY + 1);
        _vote(mallory, id, 1);
        skip(VOTING_PERIOD + 1);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_a_late_quorum_gives_the_others_time() public {
        uint256 id = _propose(alice, address(parameters), abi.encodeCall(parameters.setFeeBps, (0)));
        skip(VOTING_DELAY + VOTING_PERIOD - 5);
        uint256 deadline = governor.proposalDeadline(id);
        _vote(alice, id, 1);
        assertGt(governor.proposalDeadline(id), deadline);
        skip(30);
        _vote(bob, id, 0);
        _vote(carol, id, 0);
        skip(VOTING_PERIOD);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_tokens_bought_after_the_snapshot_do_not_vote() public {
        uint256 id = _propose(alice, address(parameters), abi.encodeCall(parameters.setFeeBps, (0)));
        skip(VOTING_DELAY + 1);
        vm.prank(carol);
        token.transfer(mallory, 10_000 * TOKEN);
        vm.prank(mallory);
        token.delegate(mallory);
        _vote(mallory, id, 1);
        (, uint256 forVotes,) = governor.proposalVotes(id);
        assertEq(forVotes, 0);
    }

    function test_a_vote_by_signature() public {
        (address signer, uint256 key) = makeAddrAndKey("signer");
        vm.prank(alice);
        token.transfer(signer, 1_000 * TOKEN);
        vm.prank(signer);
        token.delegate(signer);
        skip(1);
        uint256 id = _propose(alice, address(parameters), abi.encodeCall(parameters.setFeeBps, (0)));
        skip(VOTING_DELAY + 1);
        bytes32 body = keccak256(abi.encode(governor.BALLOT_TYPEHASH(), id, uint8(1), signer, governor.nonces(signer)));
        (, string memory name, string memory version,,,,) = governor.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                block.chainid,
                address(governor)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, body)));
        governor.castVoteBySig(id, 1, signer, abi.encodePacked(r, s, v));
        assertTrue(governor.hasVoted(id, signer));
    }

    /* ----------------------------------------------------------------- bounds */

    function test_settings_move_inside_their_bounds() public {
        _pass(address(governor), abi.encodeCall(governor.setVotingPeriod, (600)));
        assertEq(governor.votingPeriod(), 600);
        _pass(address(governor), abi.encodeCall(governor.setProposalThreshold, (1_000 * TOKEN)));
        assertEq(governor.proposalThreshold(), 1_000 * TOKEN);
        _pass(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (10)));
        assertEq(governor.quorumNumerator(), 10);
        _pass(address(governor), abi.encodeCall(governor.setVotingDelay, (60)));
        assertEq(governor.votingDelay(), 60);
        _pass(address(timelock), abi.encodeCall(timelock.updateDelay, (1 days)));
        assertEq(timelock.getMinDelay(), 1 days);
    }

    function test_no_vote_can_make_the_next_one_impossible() public {
        _fails(address(governor), abi.encodeCall(governor.setVotingDelay, (31 days)));
        _fails(address(governor), abi.encodeCall(governor.setVotingPeriod, (59)));
        _fails(address(governor), abi.encodeCall(governor.setVotingPeriod, (31 days)));
        _fails(address(governor), abi.encodeCall(governor.setProposalThreshold, (1_001 * TOKEN)));
        _fails(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (21)));
        _fails(address(governor), abi.encodeCall(governor.updateQuorumNumerator, (0)));
        _fails(address(governor), abi.encodeCall(governor.setLateQuorumVoteExtension, (VOTING_PERIOD + 1)));
        _fails(address(governor), abi.encodeCall(governor.updateTimelock, (timelock)));
        _fails(address(timelock), abi.encodeCall(timelock.updateDelay, (31 days)));
        _fails(address(timelock), abi.encodeCall(timelock.updateDelay, (1)));
        _fails(address(parameters), abi.encodeCall(parameters.setFeeBps, (1_001)));
    }

    function test_governance_functions_answer_to_governance_alone() public {
        vm.startPrank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, mallory));
        governor.setVotingPeriod(600);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, mallory));
        governor.relay(address(token), 0, "");
        vm.expectRevert(SaharaGovernor.TimelockIsFixed.selector);
        governor.updateTimelock(timelock);
    }

    function test_a_timelock_starts_inside_its_bounds() public {
        vm.expectRevert(abi.encodeWithSelector(SaharaTimelock.DelayOutOfBounds.selector, 31 days, 31 days, 30 days));
        new SaharaTimelock(31 days, address(governor), access, guardian, 1 days);
    }

    /* ----------------------------------------------------------------- the way of a proposal */

    function _pass(address target, bytes memory action) private {
        _carry(target, action);
        _execute(target, action);
    }

    function _fails(address target, bytes memory action) private {
        uint256 state = vm.snapshotState();
        _carry(target, action);
        vm.expectRevert();
        _execute(target, action);
        vm.revertToState(state);
    }

    function _carry(address target, bytes memory action) private {
        uint256 id = _propose(alice, target, action);
        skip(governor.votingDelay() + 1);
        _vote(alice, id, 1);
        _vote(bob, id, 1);
        skip(governor.votingPeriod() + 1);
        _queue(target, action);
        skip(timelock.delayOf(target, action));
    }

    function _propose(address proposer, address target, bytes memory action) private returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _actions(target, action);
        vm.prank(proposer);
        return governor.propose(targets, values, calls, WHY);
    }

    function _queue(address target, bytes memory action) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _actions(target, action);
        governor.queue(targets, values, calls, keccak256(bytes(WHY)));
    }

    function _execute(address target, bytes memory action) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = _actions(target, action);
        governor.execute(targets, values, calls, keccak256(bytes(WHY)));
    }

    function _vote(address voter, uint256 id, uint8 support) private {
        vm.prank(voter);
        governor.castVote(id, support);
    }

    function _actions(address target, bytes memory action)
        private
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calls)
    {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, action);
    }
}

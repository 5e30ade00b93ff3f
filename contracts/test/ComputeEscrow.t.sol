// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "./base/Jobs.sol";
import {ComputeEscrow} from "../src/ComputeEscrow.sol";
import {SaharaAccess} from "../src/SaharaAccess.sol";
import {IComputeEscrow} from "../src/interfaces/IComputeEscrow.sol";
import {IPullPayments} from "../src/interfaces/IPullPayments.sol";
import {IStaking, Pools} from "../src/interfaces/IStaking.sol";
import {Roles} from "../src/libraries/Roles.sol";

/// @dev The life of a job, and who may do what in it.
contract ComputeEscrowTest is Jobs {
    /* ----------------------------------------------------------------- the ways it can end */

    function test_a_job_is_paid_as_it_runs_and_the_rest_after_the_dispute_window() public {
        uint256 jobId = running();
        assertEq(locked(), STAKE);
        settle(jobId, 100);
        assertEq(has(provider), 270, "90 % of 100 seconds at 3");
        settle(jobId, 400);
        assertEq(has(provider), 1_080);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "checkpoints");
        skip(DISPUTE_WINDOW);
        vm.prank(mallory);
        escrow.complete(jobId, "");
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Completed));
        assertEq(has(provider), 1_200);
        assertEq(has(client.addr), 1_800, "idle time is not billed");
        assertEq(locked(), 0);
        vm.prank(provider);
        assertEq(escrow.claim(token, carol), 1_200, "to whom the provider wants");
        vm.prank(client.addr);
        escrow.claim(token, client.addr);
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_a_client_who_is_content_need_not_wait() public {
        uint256 jobId = submitted(100);
        vm.prank(client.addr);
        escrow.complete(jobId, "good");
        assertEq(has(provider), 300);
        assertEq(has(client.addr), BUDGET - 300);
    }

    function test_a_fixed_price_is_a_voucher_for_the_budget_with_all_of_it_held_back() public {
        IComputeEscrow.Terms memory terms = jobTerms();
        (terms.rate, terms.holdbackBps) = (terms.budget, 10_000);
        uint256 jobId = running(terms);
        settle(jobId, 1);
        assertEq(has(provider), 0);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        uint256 before = vm.snapshotState();
        vm.prank(evaluator);
        escrow.complete(jobId, "");
        assertEq(has(provider), BUDGET);
        vm.revertToState(before);
        vm.prank(evaluator);
        escrow.reject(jobId, "");
        assertEq(has(client.addr), BUDGET);
        assertEq(has(provider), 0);
    }

    function test_a_client_takes_back_a_job_that_nobody_took() public {
        uint256 jobId = created(jobTerms(), "open");
        vm.prank(client.addr);
        escrow.reject(jobId, "");
        assertEq(has(client.addr), 0, "nothing was deposited");
        jobId = funded(jobTerms());
        vm.prank(client.addr);
        escrow.reject(jobId, "");
        assertEq(has(client.addr), BUDGET);
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Rejected));
    }

    function test_a_provider_may_give_up_and_keeps_what_was_released() public {
        uint256 jobId = running();
        settle(jobId, 100);
        vm.prank(provider);
        escrow.reject(jobId, "");
        assertEq(has(provider), 270);
        assertEq(has(client.addr), BUDGET - 270);
        assertEq(locked(), 0);
    }

    function test_a_provider_who_vanishes_costs_the_client_time_only() public {
        uint256 jobId = running();
        settle(jobId, 100);
        vm.prank(client.addr);
        escrow.stop(jobId);
        skip(STOP_DELAY - 1);
        vm.expectRevert(wrongStatus(jobId));
        escrow.claimRefund(jobId);
        skip(1);
        escrow.claimRefund(jobId);
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Expired));
        assertEq(has(provider), 270);
        assertEq(has(client.addr), BUDGET - 270);
        assertEq(locked(), 0);
    }

    function test_a_client_who_vanishes_costs_the_provider_time_only() public {
        uint256 jobId = running();
        bytes memory last = voucher(jobId, 1_000);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        skip(300 days);
        escrow.settle(jobId, 1_000, last);
        vm.prank(provider);
        escrow.complete(jobId, "");
        assertEq(has(provider), BUDGET);
        assertEq(has(client.addr), 0);
    }

    function test_stopping_gives_the_provider_its_time_and_never_more_than_it_had() public {
        uint256 jobId = running();
        skip(10 days - 60);
        uint48 deadline = escrow.getJob(jobId).deadline;
        vm.prank(client.addr);
        escrow.stop(jobId);
        assertEq(escrow.getJob(jobId).deadline, deadline);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Submitted));
    }

    /* ----------------------------------------------------------------- disputes */

    function test_a_dispute_that_is_lost_costs_the_bond() public {
        uint256 jobId = disputed(100);
        assertEq(escrow.getJob(jobId).bond, 150, "5 % of the budget");
        assertEq(token.balanceOf(address(escrow)), BUDGET + 150);
        vm.prank(evaluator);
        escrow.complete(jobId, "the work is good");
        assertEq(has(provider), 300 + 150);
        assertEq(has(client.addr), BUDGET - 300);
    }

    function test_a_dispute_that_is_won_gives_back_what_was_held_and_takes_stake() public {
        uint256 jobId = disputed(100);
        vm.prank(evaluator);
        escrow.rejectAndSlash(jobId, "the work is bad", 400, 300);
        assertEq(has(provider), 270, "what was released stays");
        assertEq(has(client.addr), BUDGET - 270 + 150);
        assertEq(token.balanceOf(client.addr), 5_000 * TOKEN - BUDGET - 150 + 300, "and 300 of the stake");
        assertEq(locked(), 0, "the rest of the stake is free");
        assertEq(staking.poolOf(Pools.PROVIDER, provider).assets, 1_000 * TOKEN - 400);
    }

    function test_when_the_evaluator_keeps_silent_the_two_share_what_was_held() public {
        uint256 jobId = disputed(101);
        uint256 held = escrow.getJob(jobId).resourceSeconds * RATE - has(provider);
        assertEq(held, 30);
        skip(JUDGMENT_PERIOD - 1);
        vm.expectRevert(wrongStatus(jobId));
        escrow.claimRefund(jobId);
        skip(1);
        vm.prank(evaluator);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, evaluator));
        escrow.complete(jobId, "");
        vm.prank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, mallory));
        escrow.complete(jobId, "");
        escrow.claimRefund(jobId);
        assertEq(has(provider), 273 + 15);
        assertEq(has(client.addr), BUDGET + 150 - 273 - 15);
        assertEq(locked(), 0);
    }

    function test_a_client_may_give_in() public {
        uint256 jobId = disputed(100);
        vm.prank(client.addr);
        escrow.complete(jobId, "never mind");
        assertEq(has(provider), 300 + 150);
    }

    function test_a_dispute_is_possible_when_the_currency_is_refused_since() public {
        uint256 jobId = submitted(100);
        vm.prank(address(timelock));
        parameters.setCurrency(token, false);
        vm.prank(client.addr);
        escrow.dispute(jobId, "wrong");
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Disputed));
    }

    function test_the_dao_judges_by_a_vote_in_time() public {
        uint256 jobId = disputed(100);
        address[] memory targets = new address[](1);
        bytes[] memory calls = new bytes[](1);
        targets[0] = address(escrow);
        calls[0] = abi.encodeCall(escrow.rejectAndSlash, (jobId, "bad", STAKE, STAKE));
        vm.prank(carol);
        uint256 proposal = governor.propose(targets, new uint256[](1), calls, "# Judge");
        skip(VOTING_DELAY + 1);
        vm.prank(carol);
        governor.castVote(proposal, 1);
        skip(VOTING_PERIOD);
        governor.queue(targets, new uint256[](1), calls, keccak256("# Judge"));
        skip(TIMELOCK_DELAY);
        governor.execute(targets, new uint256[](1), calls, keccak256("# Judge"));
        assertEq(uint8(statusOf(jobId)), uint8(IComputeEscrow.Status.Rejected));
        assertEq(staking.poolOf(Pools.PROVIDER, provider).assets, 1_000 * TOKEN - STAKE);
    }

    function test_an_evaluator_judges_without_a_dispute_too() public {
        uint256 jobId = running();
        vm.prank(evaluator);
        escrow.rejectAndSlash(jobId, "caught", STAKE, STAKE);
        assertEq(has(client.addr), BUDGET);
        assertEq(staking.poolOf(Pools.PROVIDER, provider).assets, 1_000 * TOKEN - STAKE);
    }

    /* ----------------------------------------------------------------- stake and evaluators */

    function test_stake_stands_only_under_evaluators_of_the_dao() public {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.evaluator = carol;
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotAppointed.selector, carol));
        created(terms, "a");
        terms.stake = 0;
        uint256 jobId = running(terms);
        vm.prank(carol);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotAppointed.selector, carol));
        escrow.rejectAndSlash(jobId, "", 0, 0);
        vm.prank(carol);
        escrow.reject(jobId, "");
        assertEq(has(client.addr), BUDGET, "about the money, anyone whom both trust may judge");
    }

    function test_a_dismissed_evaluator_takes_no_stake() public {
        vm.prank(address(timelock));
        access.grantRole(Roles.EVALUATOR, carol, 0);
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.evaluator = carol;
        uint256 jobId = funded(terms);
        uint256 before = vm.snapshotState();
        vm.prank(address(timelock));
        access.revokeRole(Roles.EVALUATOR, carol);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotAppointed.selector, carol));
        escrow.accept(jobId);
        vm.revertToState(before);
        vm.prank(provider);
        escrow.accept(jobId);
        vm.prank(address(timelock));
        access.revokeRole(Roles.EVALUATOR, carol);
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotAppointed.selector, carol));
        escrow.rejectAndSlash(jobId, "", 1, 1);
        escrow.reject(jobId, "");
        assertEq(locked(), 0);
    }

    function test_no_more_is_slashed_than_stands_behind_the_job() public {
        uint256 jobId = disputed(100);
        vm.startPrank(evaluator);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.SlashTooHigh.selector, STAKE + 1, STAKE));
        escrow.rejectAndSlash(jobId, "", STAKE + 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.CompensationTooHigh.selector, STAKE + 1, STAKE));
        escrow.rejectAndSlash(jobId, "", STAKE, STAKE + 1);
    }

    function test_a_job_needs_the_stake_it_names() public {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.stake = uint96(1_000 * TOKEN + 1);
        uint256 jobId = funded(terms);
        vm.prank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(
                IStaking.StakeTooLow.selector, Pools.PROVIDER, provider, 1_000 * TOKEN, 1_000 * TOKEN + 1
            )
        );
        escrow.accept(jobId);
    }

    function test_an_escrow_that_was_replaced_still_pays_everybody() public {
        uint256 jobId = submitted(100);
        vm.startPrank(address(timelock));
        access.revokeRole(Roles.SLASHER, address(escrow));
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        escrow.rejectAndSlash(jobId, "", 1, 0);
        vm.stopPrank();
        skip(DISPUTE_WINDOW);
        escrow.complete(jobId, "");
        assertEq(has(provider) + has(client.addr), BUDGET);
        assertEq(locked(), 0);
    }

    function test_an_escrow_without_its_role_is_not_deployed() public {
        SaharaAccess other = new SaharaAccess(
            address(timelock),
            address(parameters),
            address(keyServers),
            address(directory),
            address(staking),
            address(escrow)
        );
        vm.expectPartialRevert(IComputeEscrow.NoSlasherRole.selector);
        new ComputeEscrow(other, staking, parameters, 1, 1, 1);
    }

    /* ----------------------------------------------------------------- who and when */

    function test_sending_a_job_twice_creates_it_once() public {
        uint256 jobId = created(jobTerms(), "salt");
        assertEq(jobId, escrow.jobIdOf(client.addr, "salt"));
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.JobExists.selector, jobId));
        created(jobTerms(), "salt");
        vm.prank(mallory);
        assertNotEq(escrow.createJob(jobTerms(), "salt"), jobId, "nobody else can take the id");
        vm.startPrank(client.addr);
        escrow.fund(jobId, BUDGET);
        vm.expectRevert(wrongStatus(jobId));
        escrow.fund(jobId, BUDGET);
    }

    function test_each_step_is_for_one_side_only() public {
        uint256 jobId = created(jobTerms(), "salt");
        bytes memory refusal = abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, mallory);
        vm.startPrank(mallory);
        vm.expectRevert(refusal);
        escrow.reject(jobId, "");
        vm.expectRevert(refusal);
        escrow.fund(jobId, BUDGET);
        vm.stopPrank();
        vm.startPrank(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.BudgetMismatch.selector, BUDGET, 1));
        escrow.fund(jobId, 1);
        escrow.fund(jobId, BUDGET);
        vm.stopPrank();
        vm.prank(mallory);
        vm.expectRevert(refusal);
        escrow.accept(jobId);
        vm.expectRevert(wrongStatus(jobId));
        vm.prank(provider);
        escrow.submit(jobId, "", "");
        vm.prank(provider);
        escrow.accept(jobId);
        vm.expectRevert(wrongStatus(jobId));
        vm.prank(provider);
        escrow.accept(jobId);
        vm.prank(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, client.addr));
        escrow.reject(jobId, "");
        vm.startPrank(mallory);
        vm.expectRevert(refusal);
        escrow.stop(jobId);
        vm.expectRevert(refusal);
        escrow.submit(jobId, "", "");
        vm.expectRevert(wrongStatus(jobId));
        escrow.complete(jobId, "");
        vm.expectRevert(refusal);
        escrow.reject(jobId, "");
        vm.expectRevert(refusal);
        escrow.rejectAndSlash(jobId, "", 1, 1);
        vm.stopPrank();
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        vm.startPrank(mallory);
        vm.expectRevert(refusal);
        escrow.dispute(jobId, "");
        vm.expectRevert(refusal);
        escrow.complete(jobId, "");
        vm.stopPrank();
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, provider));
        escrow.complete(jobId, "");
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, provider));
        escrow.reject(jobId, "");
    }

    function test_the_last_second_counts_and_the_next_does_not() public {
        uint256 jobId = running();
        uint48 deadline = escrow.getJob(jobId).deadline;
        vm.warp(deadline - 1);
        vm.expectRevert(wrongStatus(jobId));
        escrow.claimRefund(jobId);
        uint256 before = vm.snapshotState();
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        vm.warp(block.timestamp + DISPUTE_WINDOW - 1);
        uint256 inWindow = vm.snapshotState();
        vm.prank(client.addr);
        escrow.dispute(jobId, "");
        vm.revertToState(inWindow);
        skip(1);
        vm.expectRevert(wrongStatus(jobId));
        vm.prank(client.addr);
        escrow.dispute(jobId, "");
        vm.prank(evaluator);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, evaluator));
        escrow.reject(jobId, "");
        vm.revertToState(before);
        vm.warp(deadline);
        vm.expectRevert(wrongStatus(jobId));
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "");
        escrow.claimRefund(jobId);
    }

    function test_a_job_that_ended_has_ended() public {
        uint256 jobId = submitted(100);
        vm.prank(client.addr);
        escrow.complete(jobId, "");
        bytes memory more = voucher(jobId, 200);
        bytes memory refusal = wrongStatus(jobId);
        vm.expectRevert(refusal);
        escrow.settle(jobId, 200, more);
        skip(100 days);
        vm.expectRevert(refusal);
        escrow.claimRefund(jobId);
        vm.startPrank(client.addr);
        vm.expectRevert(refusal);
        escrow.complete(jobId, "");
        vm.expectRevert(refusal);
        escrow.fund(jobId, BUDGET);
        vm.stopPrank();
        vm.prank(evaluator);
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.NotYours.selector, jobId, evaluator));
        escrow.reject(jobId, "");
    }

    function test_nothing_is_claimed_twice() public {
        uint256 jobId = submitted(100);
        vm.prank(client.addr);
        escrow.complete(jobId, "");
        vm.startPrank(provider);
        escrow.claim(token, provider);
        vm.expectRevert(abi.encodeWithSelector(IPullPayments.NothingToClaim.selector, provider));
        escrow.claim(token, provider);
    }

    function test_terms_that_cannot_be_are_refused() public {
        IComputeEscrow.Terms memory terms = jobTerms();
        terms.provider = address(0);
        _refused(terms, "no provider");
        terms = jobTerms();
        terms.evaluator = address(0);
        _refused(terms, "no evaluator");
        terms = jobTerms();
        terms.evaluator = provider;
        _refused(terms, "the provider is the evaluator");
        terms = jobTerms();
        terms.rate = 0;
        _refused(terms, "the budget buys no second");
        terms.rate = terms.budget + 1;
        _refused(terms, "the budget buys no second");
        terms = jobTerms();
        terms.holdbackBps = 10_001;
        _refused(terms, "more than all is held back");
        terms = jobTerms();
        terms.expiresAt = uint48(block.timestamp);
        _refused(terms, "it has expired");
        terms.expiresAt = uint48(block.timestamp + 90 days + 1);
        _refused(terms, "it takes more than 90 days");
    }

    function _refused(IComputeEscrow.Terms memory terms, string memory reason) private {
        vm.expectRevert(abi.encodeWithSelector(IComputeEscrow.InvalidTerms.selector, reason));
        created(terms, "salt");
    }
}

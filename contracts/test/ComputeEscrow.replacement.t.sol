// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "./base/Jobs.sol";
import {ComputeEscrow} from "../src/ComputeEscrow.sol";
import {IComputeEscrow} from "../src/interfaces/IComputeEscrow.sol";
import {Roles} from "../src/libraries/Roles.sol";

/// @dev Another escrow takes the first one's place, which may slash nobody from then on: what it holds is paid out.
contract ComputeEscrowReplacementTest is Jobs {
    ComputeEscrow internal next;

    function _replace() private {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.prank(address(timelock));
        access.grantRole(Roles.SLASHER, predicted, 0);
        next = new ComputeEscrow(access, staking, parameters, DISPUTE_WINDOW, JUDGMENT_PERIOD, STOP_DELAY);
        vm.startPrank(address(timelock));
        directory.set("ComputeEscrow", address(next));
        access.revokeRole(Roles.SLASHER, address(escrow));
        vm.stopPrank();
    }

    function test_what_was_earned_before_is_claimed_to_the_last_wei() public {
        uint256 jobId = submitted(400);
        vm.prank(client.addr);
        escrow.complete(jobId, "good");
        _replace();
        _claim();
        assertEq(token.balanceOf(address(escrow)), 0);
        assertEq(directory.get("ComputeEscrow"), address(next));
    }

    function test_a_job_under_way_is_metered_finished_and_paid_by_the_former_escrow() public {
        uint256 jobId = running();
        _replace();
        settle(jobId, 400);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "checkpoints");
        skip(DISPUTE_WINDOW);
        escrow.complete(jobId, "");
        assertEq(has(provider), 1_200);
        assertEq(has(client.addr), 1_800);
        assertEq(locked(), 0, "the stake is free again");
        _claim();
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_a_dispute_under_way_is_judged_without_a_slash() public {
        uint256 jobId = disputed(400);
        _replace();
        vm.startPrank(evaluator);
        vm.expectRevert();
        escrow.rejectAndSlash(jobId, "wrong", STAKE, STAKE);
        escrow.reject(jobId, "wrong");
        vm.stopPrank();
        assertEq(locked(), 0);
        _claim();
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_a_deposit_that_nobody_worked_for_comes_back_when_its_time_is_over() public {
        uint256 jobId = funded(jobTerms());
        _replace();
        skip(10 days + 1);
        escrow.claimRefund(jobId);
        assertEq(has(client.addr), BUDGET);
        _claim();
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function test_jobs_of_both_escrows_lock_stake_of_their_own() public {
        uint256 jobId = running();
        _replace();
        vm.startPrank(client.addr);
        token.approve(address(next), BUDGET);
        uint256 other = next.createJob(jobTerms(), "salt");
        next.fund(other, BUDGET);
        vm.stopPrank();
        vm.prank(provider);
        next.accept(other);
        vm.prank(provider);
        escrow.reject(jobId, "moved");
        assertEq(locked(), 0);
        assertEq(uint8(next.getJob(other).status), uint8(IComputeEscrow.Status.Funded));
        assertTrue(next.getJob(other).accepted);
    }

    function _claim() private {
        if (has(provider) != 0) {
            vm.prank(provider);
            escrow.claim(token, provider);
        }
        if (has(client.addr) != 0) {
            vm.prank(client.addr);
            escrow.claim(token, client.addr);
        }
    }
}

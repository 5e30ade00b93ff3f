// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "./base/Jobs.sol";
import {Pools} from "../src/interfaces/IStaking.sol";

/// @dev What stake, jobs and channels cost: whole transactions, intrinsic gas and refunds included. The figures are kept in
///      `snapshots/jobs.json`; the limits are here.
/// forge-config: default.isolate = true
contract GasJobsTest is Jobs {
    function test_stake() public {
        vm.startPrank(alice);
        token.approve(address(staking), type(uint256).max);
        staking.stake(Pools.PROVIDER, provider, TOKEN);
        assertLt(_measured("stake: behind somebody, first"), 150_000);
        staking.unstake(Pools.PROVIDER, provider, TOKEN);
        assertLt(_measured("unstake"), 90_000);
        skip(COOLDOWN);
        staking.withdraw(Pools.PROVIDER, provider);
        assertLt(_measured("withdraw"), 110_000);
    }

    function test_a_slash_costs_the_same_however_many_stake() public {
        uint256 one = _slashing();
        for (uint160 i = 1; i <= 50; ++i) {
            address person = address(0x1000 + i);
            vm.prank(alice);
            token.transfer(person, TOKEN);
            vm.startPrank(person);
            token.approve(address(staking), TOKEN);
            staking.stake(Pools.PROVIDER, provider, TOKEN);
            vm.stopPrank();
        }
        assertApproxEqRel(_slashing(), one, 0.02e18);
    }

    function _slashing() private returns (uint256) {
        vm.prank(address(timelock));
        staking.seize(Pools.PROVIDER, provider, 1, mallory, 1, "");
        vm.prank(address(timelock));
        staking.seize(Pools.PROVIDER, provider, 1, mallory, 1, "");
        return vm.snapshotGasLastCall("jobs", "slash");
    }

    function test_a_job() public {
        uint256 jobId = created(jobTerms(), "salt");
        assertLt(_measured("job: create"), 200_000);
        vm.prank(client.addr);
        escrow.fund(jobId, BUDGET);
        assertLt(_measured("job: fund"), 110_000);
        vm.prank(provider);
        escrow.accept(jobId);
        assertLt(_measured("job: accept, stake locked"), 130_000);
        settle(jobId, 60);
        assertLt(_measured("job: settle, first"), 80_000);
        settle(jobId, 120);
        assertLt(_measured("job: settle, again"), 60_000);
        vm.prank(provider);
        escrow.submit(jobId, "manifest", "checkpoints");
        assertLt(_measured("job: submit"), 65_000);
        vm.prank(client.addr);
        escrow.complete(jobId, "");
        assertLt(_measured("job: complete"), 110_000);
        vm.prank(provider);
        escrow.claim(token, provider);
        assertLt(_measured("claim"), 60_000);
    }

    function test_a_channel() public {
        uint256 asset = publish(alice, "asset");
        vm.startPrank(client.addr);
        token.approve(address(channels), type(uint256).max);
        bytes32 id = channels.open(address(0), asset, token, 1_000, uint48(block.timestamp + 1 days), "salt");
        vm.stopPrank();
        assertLt(_measured("channel: open, toward an asset"), 210_000);
        channels.redeem(id, 10, signed(client, channels.voucherDigest(id, 10)));
        assertLt(_measured("channel: redeem, first"), 150_000);
        channels.redeem(id, 20, signed(client, channels.voucherDigest(id, 20)));
        assertLt(_measured("channel: redeem, again"), 130_000);
        skip(1 days);
        channels.finish(id);
        assertLt(_measured("channel: finish"), 70_000);
    }

    function _measured(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall("jobs", name);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {TollToken} from "./helpers/TollToken.sol";
import {Staking} from "../src/Staking.sol";
import {IStaking, Pools} from "../src/interfaces/IStaking.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {Roles} from "../src/libraries/Roles.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @dev Alice is an operator, Bob and Carol stake behind her, and `module` is trusted to slash.
contract StakingTest is Lab {
    bytes32 internal constant ROLE = Pools.PROVIDER;
    bytes32 internal constant WHY = "job 7";
    address internal module = makeAddr("module");

    function setUp() public override {
        super.setUp();
        address[3] memory people = [alice, bob, carol];
        for (uint256 i = 0; i < people.length; ++i) {
            vm.prank(people[i]);
            token.approve(address(staking), type(uint256).max);
        }
        vm.prank(address(timelock));
        access.grantRole(Roles.SLASHER, module, 0);
    }

    function _stake(address account, uint256 amount) private returns (uint256 shares) {
        vm.prank(account);
        return staking.stake(ROLE, alice, amount);
    }

    function _unstake(address account, uint256 shares) private {
        vm.prank(account);
        staking.unstake(ROLE, alice, shares);
    }

    function _withdraw(address account) private returns (uint256) {
        vm.prank(account);
        return staking.withdraw(ROLE, alice);
    }

    function _lock(uint256 amount) private {
        vm.prank(module);
        staking.lock(ROLE, alice, amount, WHY);
    }

    function _slash(uint256 amount, uint256 compensation) private {
        vm.prank(module);
        staking.slash(ROLE, alice, amount, mallory, compensation, WHY);
    }

    /* ----------------------------------------------------------------- staking and getting it back */

    function test_stake_comes_back_after_the_cooldown() public {
        uint256 had = token.balanceOf(alice);
        assertEq(_stake(alice, 100), 100, "one share a token in a pool that was never slashed");
        _unstake(alice, 100);
        skip(COOLDOWN - 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.CoolingDown.selector, block.timestamp + 1));
        _withdraw(alice);
        skip(1);
        assertEq(_withdraw(alice), 100);
        assertEq(token.balanceOf(alice), had);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotUnstaking.selector, alice));
        _withdraw(alice);
    }

    function test_asking_again_begins_the_cooldown_again() public {
        _stake(alice, 100);
        _unstake(alice, 40);
        skip(COOLDOWN - 1);
        _unstake(alice, 60);
        skip(COOLDOWN - 1);
        vm.expectPartialRevert(IStaking.CoolingDown.selector);
        _withdraw(alice);
        skip(1);
        assertEq(_withdraw(alice), 100);
    }

    function test_nobody_unstakes_more_than_they_have() public {
        _stake(alice, 100);
        vm.expectRevert(abi.encodeWithSelector(IStaking.SharesTooFew.selector, 100, 101));
        _unstake(alice, 101);
        vm.expectRevert(abi.encodeWithSelector(IStaking.SharesTooFew.selector, 0, 100));
        _unstake(bob, 100);
        vm.expectRevert(abi.encodeWithSelector(IStaking.SharesTooFew.selector, 100, 0));
        _unstake(alice, 0);
    }

    function test_nothing_and_nobody_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IStaking.NothingToStake.selector, alice, 0));
        _stake(bob, 0);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NothingToStake.selector, address(0), 1));
        staking.stake(ROLE, address(0), 1);
    }

    function test_pools_of_different_roles_are_apart() public {
        _stake(alice, 100);
        vm.prank(alice);
        staking.stake(Pools.KEY_SERVER, alice, 50);
        _lock(100);
        _slash(100, 0);
        assertEq(staking.poolOf(Pools.KEY_SERVER, alice).assets, 50);
        assertEq(staking.poolOf(ROLE, alice).assets, 0);
    }

    /* ----------------------------------------------------------------- locks */

    function test_only_trusted_modules_lock_and_slash_and_only_the_dao_seizes() public {
        _stake(alice, 100);
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, mallory);
        vm.startPrank(mallory);
        vm.expectRevert(refusal);
        staking.lock(ROLE, alice, 1, WHY);
        vm.expectRevert(refusal);
        staking.slash(ROLE, alice, 0, mallory, 0, WHY);
        vm.expectRevert(refusal);
        staking.seize(ROLE, alice, 1, mallory, 1, WHY);
        vm.stopPrank();
        vm.prank(module);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, module));
        staking.seize(ROLE, alice, 1, mallory, 1, WHY);
    }

    function test_locked_stake_cannot_be_withdrawn() public {
        _stake(alice, 100);
        _lock(60);
        _unstake(alice, 100);
        skip(COOLDOWN);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeLocked.selector, 40, 100));
        _withdraw(alice);
        vm.prank(module);
        staking.unlock(ROLE, alice, 60, WHY);
        assertEq(_withdraw(alice), 100);
    }

    function test_a_lock_never_counts_on_stake_that_leaves() public {
        _stake(alice, 100);
        _unstake(alice, 70);
        assertEq(staking.lockable(ROLE, alice), 30);
        vm.prank(module);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooLow.selector, ROLE, alice, 30, 31));
        staking.lock(ROLE, alice, 31, WHY);
        _lock(30);
        skip(COOLDOWN);
        assertEq(_withdraw(alice), 70, "an operator that goes on working keeps nobody from leaving");
    }

    function test_each_module_has_its_own_locks() public {
        address other = makeAddr("other module");
        vm.prank(address(timelock));
        access.grantRole(Roles.SLASHER, other, 0);
        _stake(alice, 100);
        _lock(60);
        bytes memory refusal = abi.encodeWithSelector(IStaking.LockTooSmall.selector, other, 0, 1);
        vm.startPrank(other);
        vm.expectRevert(refusal);
        staking.unlock(ROLE, alice, 1, WHY);
        vm.expectRevert(refusal);
        staking.slash(ROLE, alice, 1, mallory, 0, WHY);
        vm.stopPrank();
        assertEq(staking.lockedBy(ROLE, alice, module), 60);
        assertEq(staking.lockedBy(ROLE, alice, other), 0);
    }

    function test_a_module_that_lost_its_role_can_free_stake_but_not_slash_it() public {
        _stake(alice, 100);
        _lock(60);
        vm.prank(address(timelock));
        access.revokeRole(Roles.SLASHER, module);
        vm.prank(module);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        staking.slash(ROLE, alice, 1, mallory, 0, WHY);
        vm.prank(module);
        staking.unlock(ROLE, alice, 60, WHY);
        assertEq(staking.poolOf(ROLE, alice).locked, 0);
    }

    /* ----------------------------------------------------------------- slashing */

    function test_the_victim_comes_first_and_the_treasury_gets_the_rest() public {
        _stake(alice, 100);
        _lock(60);
        uint256 treasury = token.balanceOf(address(timelock));
        vm.expectEmit();
        emit IStaking.Slashed(ROLE, alice, module, 50, mallory, 30, WHY);
        _slash(50, 30);
        assertEq(token.balanceOf(mallory), 30);
        assertEq(token.balanceOf(address(timelock)), treasury + 20);
        IStaking.Pool memory pool = staking.poolOf(ROLE, alice);
        assertEq(pool.assets, 50);
        assertEq(pool.locked, 10, "what was slashed is no longer locked");
    }

    function test_no_slash_beyond_the_lock_and_no_compensation_beyond_the_slash() public {
        _stake(alice, 100);
        _lock(60);
        vm.expectRevert(abi.encodeWithSelector(IStaking.LockTooSmall.selector, module, 60, 61));
        _slash(61, 0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.CompensationTooHigh.selector, 51, 50));
        _slash(50, 51);
    }

    function test_a_slash_reaches_stake_that_is_cooling_down() public {
        _stake(alice, 100);
        _lock(50);
        _unstake(alice, 100);
        skip(COOLDOWN);
        _slash(50, 50);
        assertEq(_withdraw(alice), 50);
    }

    function test_the_dao_seizes_what_cools_down_but_not_what_stands_behind_a_job() public {
        _stake(alice, 100);
        _lock(30);
        _unstake(alice, 100);
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooLow.selector, ROLE, alice, 70, 71));
        staking.seize(ROLE, alice, 71, carol, 0, WHY);
        staking.seize(ROLE, alice, 70, carol, 70, WHY);
        vm.stopPrank();
        _slash(30, 30);
        assertEq(token.balanceOf(mallory), 30, "the job's stake was there");
    }

    function test_whoever_stakes_after_a_slash_does_not_pay_for_it() public {
        _stake(bob, 1_000);
        _lock(500);
        _slash(500, 0);
        _stake(carol, 1_000);
        assertEq(staking.worthOf(ROLE, alice, staking.positionOf(ROLE, alice, carol).shares), 1_000);
        assertEq(staking.worthOf(ROLE, alice, staking.positionOf(ROLE, alice, bob).shares), 500);
    }

    function test_an_emptied_pool_begins_again() public {
        _stake(bob, 100);
        _unstake(bob, 40);
        _lock(60);
        _slash(60, 0);
        vm.prank(address(timelock));
        staking.seize(ROLE, alice, 40, mallory, 0, WHY);
        assertEq(staking.positionOf(ROLE, alice, bob).shares, 0);
        _stake(carol, 10);
        skip(COOLDOWN);
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotUnstaking.selector, bob));
        _withdraw(bob);
        assertEq(staking.poolOf(ROLE, alice).generation, 1);
        assertEq(staking.worthOf(ROLE, alice, 10), 10);
        assertEq(staking.worthOf(ROLE, bob, 10), 0, "a pool nobody ever used");
    }

    /* ----------------------------------------------------------------- attacks */

    function test_a_plain_transfer_does_not_move_the_price() public {
        _stake(alice, 1);
        vm.prank(alice);
        token.transfer(address(staking), 1_000 * TOKEN);
        assertEq(_stake(bob, 999), 999, "the first depositor cannot make shares dear");
        _unstake(bob, 999);
        skip(COOLDOWN);
        assertEq(_withdraw(bob), 999);
    }

    function testFuzz_a_slash_falls_on_everybody_in_proportion(uint256 a, uint256 b, uint256 cut, bool leaves) public {
        a = bound(a, 1, 10_000 * TOKEN);
        b = bound(b, 1, 10_000 * TOKEN);
        _stake(bob, a);
        _stake(carol, b);
        cut = bound(cut, 0, a + b - 1);
        _lock(cut);
        if (leaves) _unstake(bob, a);
        _slash(cut, cut);
        if (!leaves) _unstake(bob, a);
        _unstake(carol, b);
        skip(COOLDOWN);
        uint256 toBob = _withdraw(bob);
        uint256 toCarol = _withdraw(carol);
        uint256 left = a + b - cut;
        assertEq(toBob, a * left / (a + b), "what is left, by shares, rounded down");
        assertEq(toCarol, left - toBob, "and the last one gets the rest");
        assertEq(token.balanceOf(mallory), cut);
        assertEq(token.balanceOf(address(staking)), 0);
    }

    function testFuzz_staking_and_leaving_at_once_never_pays(uint256 first, uint256 cut, uint256 mine) public {
        first = bound(first, 1, 10_000 * TOKEN);
        mine = bound(mine, 1, 10_000 * TOKEN);
        cut = bound(cut, 0, first - 1);
        _stake(bob, first);
        _lock(cut);
        _slash(cut, 0);
        vm.assume(mine * first / (first - cut) < type(uint104).max - first);
        uint256 bobs = staking.worthOf(ROLE, alice, first);
        uint256 shares = _stake(carol, mine);
        assertGe(shares, mine, "nobody's stake rounds to nothing");
        assertGe(staking.worthOf(ROLE, alice, first), bobs, "who was there loses nothing");
        _unstake(carol, shares);
        skip(COOLDOWN);
        uint256 back = _withdraw(carol);
        assertLe(back, mine);
        assertGe(back + 1, mine, "and costs one wei of rounding at most");
        assertGe(staking.worthOf(ROLE, alice, first), bobs);
    }

    function test_a_token_that_calls_back_finds_the_door_closed() public {
        ReentrantToken hostile = new ReentrantToken();
        Staking pool = new Staking(address(access), hostile, address(timelock), COOLDOWN);
        hostile.approve(address(pool), type(uint256).max);
        hostile.arm(address(pool), abi.encodeCall(pool.stake, (ROLE, alice, 1)));
        pool.stake(ROLE, alice, 5);
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
        assertEq(bytes4(hostile.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        pool.unstake(ROLE, alice, 5);
        skip(COOLDOWN);
        hostile.arm(address(pool), abi.encodeCall(pool.withdraw, (ROLE, alice)));
        pool.withdraw(ROLE, alice);
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
    }

    function test_a_token_that_keeps_a_part_is_refused() public {
        TollToken toll = new TollToken();
        Staking pool = new Staking(address(access), toll, address(timelock), COOLDOWN);
        toll.approve(address(pool), type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.WrongAmountReceived.selector, toll, 99, 100));
        pool.stake(ROLE, alice, 100);
    }
}

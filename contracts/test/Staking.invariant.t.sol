// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {Lab} from "./base/Lab.sol";
import {SaharaToken} from "../src/SaharaToken.sol";
import {Staking} from "../src/Staking.sol";
import {IStaking, Pools} from "../src/interfaces/IStaking.sol";
import {Roles} from "../src/libraries/Roles.sol";

/// @dev Does at random what anyone may do with stake; it is a trusted module itself, and sometimes the DAO.
contract StakingHandler is Test {
    bytes32 internal constant ROLE = Pools.PROVIDER;
    Staking private immutable STAKING;
    SaharaToken private immutable TOKEN;
    address private immutable DAO;
    address[] public people;

    uint256 public staked;
    uint256 public withdrawn;
    uint256 public taken;
    mapping(address account => uint256) public putIn;
    mapping(address account => uint256) public gotOut;

    constructor(Staking staking, SaharaToken token, address dao, address[] memory people_) {
        (STAKING, TOKEN, DAO, people) = (staking, token, dao, people_);
    }

    function stake(uint256 who, uint256 operator, uint256 amount) external {
        address account = _person(who);
        address behind = _person(operator);
        IStaking.Pool memory pool = STAKING.poolOf(ROLE, behind);
        uint256 most = TOKEN.balanceOf(account) / 3;
        // A pool that was slashed to almost nothing has no room for more shares.
        if (pool.assets != 0) most = _min(most, uint256(pool.assets) * (type(uint104).max / 2) / pool.shares);
        if (most == 0 || pool.shares > type(uint104).max / 2) return;
        amount = bound(amount, 1, most);
        vm.prank(account);
        STAKING.stake(ROLE, behind, amount);
        staked += amount;
        putIn[account] += amount;
    }

    function unstake(uint256 who, uint256 operator, uint256 shares) external {
        address account = _person(who);
        address behind = _person(operator);
        uint256 held = STAKING.positionOf(ROLE, behind, account).shares;
        if (held == 0) return;
        vm.prank(account);
        STAKING.unstake(ROLE, behind, bound(shares, 1, held));
    }

    function withdraw(uint256 who, uint256 operator, uint256 patience) external {
        address account = _person(who);
        address behind = _person(operator);
        IStaking.Position memory position = STAKING.positionOf(ROLE, behind, account);
        skip(bound(patience, 0, 20 days));
        if (position.leaving == 0 || block.timestamp < position.availableAt) return;
        IStaking.Pool memory pool = STAKING.poolOf(ROLE, behind);
        uint256 worth = STAKING.worthOf(ROLE, behind, position.leaving);
        bool covered = worth <= pool.assets - pool.locked;
        vm.prank(account);
        try STAKING.withdraw(ROLE, behind) returns (uint256 amount) {
            assertTrue(covered, "what is locked stays");
            assertEq(amount, worth);
            withdrawn += worth;
            gotOut[account] += worth;
        } catch {
            assertFalse(covered, "what is free goes");
        }
    }

    function lock(uint256 operator, uint256 amount) external {
        address behind = _person(operator);
        STAKING.lock(ROLE, behind, bound(amount, 0, STAKING.lockable(ROLE, behind)), "job");
    }

    function unlock(uint256 operator, uint256 amount) external {
        address behind = _person(operator);
        STAKING.unlock(ROLE, behind, bound(amount, 0, STAKING.lockedBy(ROLE, behind, address(this))), "job");
    }

    function slash(uint256 operator, uint256 amount, uint256 compensation) external {
        address behind = _person(operator);
        // What was locked can always be slashed: the stake covers it.
        amount = bound(amount, 0, STAKING.lockedBy(ROLE, behind, address(this)));
        STAKING.slash(ROLE, behind, amount, DAO, bound(compensation, 0, amount), "job");
        taken += amount;
    }

    function seize(uint256 operator, uint256 amount) external {
        address behind = _person(operator);
        IStaking.Pool memory pool = STAKING.poolOf(ROLE, behind);
        amount = bound(amount, 0, (pool.assets - pool.locked) / 4);
        vm.prank(DAO);
        STAKING.seize(ROLE, behind, amount, DAO, 0, "vote");
        taken += amount;
    }

    function _person(uint256 seed) private view returns (address) {
        return people[seed % people.length];
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}

contract StakingInvariantTest is Lab {
    bytes32 internal constant ROLE = Pools.PROVIDER;
    StakingHandler internal handler;
    address[] internal people;

    function setUp() public override {
        super.setUp();
        people = [alice, bob, carol];
        handler = new StakingHandler(staking, token, address(timelock), people);
        for (uint256 i = 0; i < people.length; ++i) {
            vm.prank(people[i]);
            token.approve(address(staking), type(uint256).max);
        }
        vm.prank(address(timelock));
        access.grantRole(Roles.SLASHER, address(handler), 0);
        targetContract(address(handler));
    }

    /// @dev One campaign for all of them: each would play the same games again.
    function invariant_stake_is_covered_fair_and_all_there() public view {
        _stake_covers_what_is_locked();
        _a_share_is_never_worth_more_than_a_token();
        _tokens_are_in_pools_or_went_where_they_should();
        _shares_belong_to_somebody();
        _nobody_takes_what_another_put_in();
    }

    function _stake_covers_what_is_locked() private view {
        for (uint256 i = 0; i < people.length; ++i) {
            IStaking.Pool memory pool = staking.poolOf(ROLE, people[i]);
            assertLe(pool.locked, pool.assets);
            assertEq(pool.locked, staking.lockedBy(ROLE, people[i], address(handler)));
        }
    }

    function _a_share_is_never_worth_more_than_a_token() private view {
        for (uint256 i = 0; i < people.length; ++i) {
            IStaking.Pool memory pool = staking.poolOf(ROLE, people[i]);
            assertLe(pool.assets, pool.shares);
            assertEq(pool.assets == 0, pool.shares == 0, "no shares of nothing, and nothing without shares");
        }
    }

    function _tokens_are_in_pools_or_went_where_they_should() private view {
        uint256 inPools;
        for (uint256 i = 0; i < people.length; ++i) {
            inPools += staking.poolOf(ROLE, people[i]).assets;
        }
        assertEq(token.balanceOf(address(staking)), inPools);
        assertEq(handler.staked(), inPools + handler.withdrawn() + handler.taken());
    }

    function _shares_belong_to_somebody() private view {
        for (uint256 i = 0; i < people.length; ++i) {
            IStaking.Pool memory pool = staking.poolOf(ROLE, people[i]);
            uint256 shares;
            uint256 leaving;
            for (uint256 j = 0; j < people.length; ++j) {
                IStaking.Position memory position = staking.positionOf(ROLE, people[i], people[j]);
                shares += position.shares + position.leaving;
                leaving += position.leaving;
            }
            assertEq(pool.shares, shares);
            assertEq(pool.leaving, leaving);
        }
    }

    function _nobody_takes_what_another_put_in() private view {
        for (uint256 i = 0; i < people.length; ++i) {
            uint256 worth;
            for (uint256 j = 0; j < people.length; ++j) {
                IStaking.Position memory position = staking.positionOf(ROLE, people[j], people[i]);
                worth += staking.worthOf(ROLE, people[j], uint256(position.shares) + position.leaving);
            }
            // Rounding of others can leave one wei a withdrawal with those who stay.
            assertLe(handler.gotOut(people[i]) + worth, handler.putIn(people[i]) + 64);
        }
    }
}

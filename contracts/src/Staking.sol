// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IStaking} from "./interfaces/IStaking.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";

/// @title Stake in SAHARA behind an operator, one pool for each role it has.
/// @dev Specified in `IStaking`. Tokens sent here by a plain transfer belong to no pool: the books count, not the balance.
contract Staking is IStaking, AccessManaged, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    IERC20 public immutable TOKEN;
    address public immutable TREASURY;
    /// @notice Seconds between asking for stake and getting it.
    uint48 public immutable COOLDOWN;

    mapping(bytes32 role => mapping(address operator => Pool)) private _pools;
    mapping(bytes32 pool => mapping(address account => Position)) private _positions;
    mapping(bytes32 role => mapping(address operator => mapping(address slasher => uint256))) private _locks;

    /// @param authority The access manager that says who may lock and slash.
    /// @param treasury Gets what is slashed and goes to no victim.
    /// @param cooldown In seconds: longer than it takes to notice and punish.
    constructor(address authority, IERC20 token, address treasury, uint48 cooldown) AccessManaged(authority) {
        (TOKEN, TREASURY, COOLDOWN) = (token, treasury, cooldown);
    }

    /* ----------------------------------------------------------------- whoever stakes */

    /// @inheritdoc IStaking
    function stake(bytes32 role, address operator, uint256 amount) external nonReentrant returns (uint256 shares) {
        if (amount == 0 || operator == address(0)) revert NothingToStake(operator, amount);
        Pool storage pool = _pools[role][operator];
        uint256 assets = pool.assets;
        // A share is worth at most one token, so that no stake is too small to get one.
        shares = assets == 0 ? amount : uint256(amount.toUint104()) * pool.shares / assets;
        pool.assets = (assets + amount).toUint104();
        pool.shares = (pool.shares + shares).toUint104();
        _position(role, operator, msg.sender).shares += uint104(shares);
        emit Staked(role, operator, msg.sender, amount, shares);
        TOKEN.collect(amount);
    }

    /// @inheritdoc IStaking
    function unstake(bytes32 role, address operator, uint256 shares) external nonReentrant {
        Position storage position = _position(role, operator, msg.sender);
        if (shares == 0 || shares > position.shares) revert SharesTooFew(position.shares, shares);
        uint48 availableAt = uint48(block.timestamp) + COOLDOWN;
        position.shares -= uint104(shares);
        position.leaving += uint104(shares);
        position.availableAt = availableAt;
        _pools[role][operator].leaving += uint104(shares);
        emit Unstaking(role, operator, msg.sender, shares, availableAt);
    }

    /// @inheritdoc IStaking
    function withdraw(bytes32 role, address operator) external nonReentrant returns (uint256 amount) {
        Position storage position = _position(role, operator, msg.sender);
        Pool storage pool = _pools[role][operator];
        uint104 shares = position.leaving;
        if (shares == 0) revert NotUnstaking(msg.sender);
        if (block.timestamp < position.availableAt) revert CoolingDown(position.availableAt);
        amount = _worth(pool, shares);
        uint256 free = pool.assets - pool.locked;
        if (amount > free) revert StakeLocked(free, amount);
        (position.leaving, position.availableAt) = (0, 0);
        pool.assets -= uint104(amount);
        pool.shares -= shares;
        pool.leaving -= shares;
        emit Withdrawn(role, operator, msg.sender, amount, shares);
        TOKEN.safeTransfer(msg.sender, amount);
    }

    /* ----------------------------------------------------------------- modules and the DAO */

    /// @inheritdoc IStaking
    function lock(bytes32 role, address operator, uint256 amount, bytes32 purpose) external restricted nonReentrant {
        Pool storage pool = _pools[role][operator];
        uint256 free = _lockable(pool);
        if (amount > free) revert StakeTooLow(role, operator, free, amount);
        pool.locked += uint104(amount);
        _locks[role][operator][msg.sender] += amount;
        emit Locked(role, operator, msg.sender, amount, purpose);
    }

    /// @inheritdoc IStaking
    function unlock(bytes32 role, address operator, uint256 amount, bytes32 purpose) external nonReentrant {
        _release(role, operator, amount);
        emit Unlocked(role, operator, msg.sender, amount, purpose);
    }

    /// @inheritdoc IStaking
    function slash(
        bytes32 role,
        address operator,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    ) external restricted nonReentrant {
        _release(role, operator, amount);
        _take(role, operator, amount, victim, compensation, purpose);
    }

    /// @inheritdoc IStaking
    function seize(
        bytes32 role,
        address operator,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    ) external restricted nonReentrant {
        Pool storage pool = _pools[role][operator];
        uint256 free = pool.assets - pool.locked;
        if (amount > free) revert StakeTooLow(role, operator, free, amount);
        _take(role, operator, amount, victim, compensation, purpose);
    }

    /* ----------------------------------------------------------------- views */

    /// @inheritdoc IStaking
    function poolOf(bytes32 role, address operator) external view returns (Pool memory) {
        return _pools[role][operator];
    }

    /// @inheritdoc IStaking
    function positionOf(bytes32 role, address operator, address account) external view returns (Position memory) {
        return _position(role, operator, account);
    }

    /// @inheritdoc IStaking
    function lockable(bytes32 role, address operator) external view returns (uint256) {
        return _lockable(_pools[role][operator]);
    }

    /// @inheritdoc IStaking
    function lockedBy(bytes32 role, address operator, address slasher) external view returns (uint256) {
        return _locks[role][operator][slasher];
    }

    /// @inheritdoc IStaking
    function worthOf(bytes32 role, address operator, uint256 shares) external view returns (uint256) {
        return _worth(_pools[role][operator], shares);
    }

    /* ----------------------------------------------------------------- inside */

    function _release(bytes32 role, address operator, uint256 amount) private {
        uint256 locked = _locks[role][operator][msg.sender];
        if (amount > locked) revert LockTooSmall(msg.sender, locked, amount);
        _locks[role][operator][msg.sender] = locked - amount;
        _pools[role][operator].locked -= uint104(amount);
    }

    function _take(
        bytes32 role,
        address operator,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    ) private {
        if (compensation > amount) revert CompensationTooHigh(compensation, amount);
        Pool storage pool = _pools[role][operator];
        pool.assets -= uint104(amount);
        emit Slashed(role, operator, msg.sender, amount, victim, compensation, purpose);
        if (pool.assets == 0 && pool.shares != 0) {
            (pool.shares, pool.leaving) = (0, 0);
            emit PoolEmptied(role, operator, ++pool.generation);
        }
        if (compensation != 0) TOKEN.safeTransfer(victim, compensation);
        if (amount != compensation) TOKEN.safeTransfer(TREASURY, amount - compensation);
    }

    /// @dev What stays in the pool whatever its holders have asked for, less what is locked.
    function _lockable(Pool storage pool) private view returns (uint256) {
        uint256 staying = _worth(pool, pool.shares - pool.leaving);
        return staying > pool.locked ? staying - pool.locked : 0;
    }

    function _worth(Pool storage pool, uint256 shares) private view returns (uint256) {
        return pool.shares == 0 ? 0 : shares * pool.assets / pool.shares;
    }

    function _position(bytes32 role, address operator, address account) private view returns (Position storage) {
        return _positions[keccak256(abi.encode(role, operator, _pools[role][operator].generation))][account];
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Pools of stake that are in use; any other id would work as well.
library Pools {
    bytes32 internal constant PROVIDER = "provider";
    bytes32 internal constant KEY_SERVER = "key-server";
    bytes32 internal constant CURATOR = "curator";
}

/// @title Stake in SAHARA behind an operator, one pool for each role it has.
/// @notice Whoever stakes holds shares of the operator's pool. A slash takes from the pool's tokens and so from every
///         share at once, whoever holds it and whether or not it is being withdrawn. Nothing is ever added to a pool but
///         stake, so a share is never worth more than one token.
/// @dev Invariants: locked <= tokens of the pool; tokens <= shares; the contract holds the tokens of all pools.
interface IStaking {
    /// @param assets Tokens in the pool, those being withdrawn included.
    /// @param shares Shares in all, those being withdrawn included.
    /// @param generation How often the pool was slashed to nothing; shares of an earlier generation are worth nothing.
    /// @param leaving Shares being withdrawn. They stay slashable, but no new lock counts on them.
    /// @param locked Tokens that stand behind something and cannot be withdrawn.
    struct Pool {
        uint104 assets;
        uint104 shares;
        uint48 generation;
        uint104 leaving;
        uint104 locked;
    }

    /// @param shares Shares that stay.
    /// @param leaving Shares being withdrawn, from `availableAt` on.
    struct Position {
        uint104 shares;
        uint104 leaving;
        uint48 availableAt;
    }

    /// @notice `account` put tokens behind `operator`.
    event Staked(
        bytes32 indexed role, address indexed operator, address indexed account, uint256 amount, uint256 shares
    );
    /// @notice `account` can withdraw `shares` from `availableAt` on, with all it asked to withdraw before.
    event Unstaking(
        bytes32 indexed role, address indexed operator, address indexed account, uint256 shares, uint256 availableAt
    );
    /// @notice `account` has its tokens back.
    event Withdrawn(
        bytes32 indexed role, address indexed operator, address indexed account, uint256 amount, uint256 shares
    );
    /// @notice `amount` stands behind what the module `slasher` calls `purpose`.
    event Locked(
        bytes32 indexed role, address indexed operator, address indexed slasher, uint256 amount, bytes32 purpose
    );
    /// @notice `amount` is free again.
    event Unlocked(
        bytes32 indexed role, address indexed operator, address indexed slasher, uint256 amount, bytes32 purpose
    );
    /// @notice The pool lost `amount`: `compensation` went to `victim`, the rest to the treasury.
    event Slashed(
        bytes32 indexed role,
        address indexed operator,
        address indexed slasher,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    );
    /// @notice Nothing is left in the pool; whoever stakes next starts generation `generation`.
    event PoolEmptied(bytes32 indexed role, address indexed operator, uint256 generation);

    /// @notice An amount of zero, or nobody to stake for.
    error NothingToStake(address operator, uint256 amount);
    /// @notice The account has fewer shares that stay in the pool.
    error SharesTooFew(uint256 held, uint256 wanted);
    /// @notice The account is withdrawing nothing from the pool.
    error NotUnstaking(address account);
    /// @notice The cool-down lasts until `availableAt`.
    error CoolingDown(uint256 availableAt);
    /// @notice The pool's tokens stand behind something, and `amount` is more than `free`.
    error StakeLocked(uint256 free, uint256 amount);
    /// @notice The pool has only `free` tokens that may be locked.
    error StakeTooLow(bytes32 role, address operator, uint256 free, uint256 amount);
    /// @notice More than the caller has locked in that pool.
    error LockTooSmall(address slasher, uint256 locked, uint256 amount);
    /// @notice A victim cannot get more than is taken.
    error CompensationTooHigh(uint256 compensation, uint256 amount);

    /// @notice Puts `amount` of one's own tokens behind `operator`, which may be oneself.
    /// @return shares Shares of the pool that they are.
    function stake(bytes32 role, address operator, uint256 amount) external returns (uint256 shares);
    /// @notice Begins to withdraw `shares`: they can be withdrawn after the cool-down and slashed until then. Asking again
    ///         begins the cool-down again for all of it.
    function unstake(bytes32 role, address operator, uint256 shares) external;
    /// @notice Pays out what has cooled down, at the worth it has by then, unless it is locked.
    function withdraw(bytes32 role, address operator) external returns (uint256 amount);

    /// @notice Puts `amount` of a pool behind `purpose`; only modules with the slasher's role.
    function lock(bytes32 role, address operator, uint256 amount, bytes32 purpose) external;
    /// @notice Frees `amount` of what the caller has locked; with or without a role, so that stake cannot be caught.
    function unlock(bytes32 role, address operator, uint256 amount, bytes32 purpose) external;
    /// @notice Takes `amount` of what the caller has locked: `compensation` goes to `victim`, the rest to the treasury.
    ///         Only modules with the slasher's role.
    function slash(
        bytes32 role,
        address operator,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    ) external;
    /// @notice Takes what no module has locked, being withdrawn or not, as `slash` does; only the DAO may.
    function seize(
        bytes32 role,
        address operator,
        uint256 amount,
        address victim,
        uint256 compensation,
        bytes32 purpose
    ) external;

    /// @notice An operator's pool.
    function poolOf(bytes32 role, address operator) external view returns (Pool memory);
    /// @notice What `account` has in a pool.
    function positionOf(bytes32 role, address operator, address account) external view returns (Position memory);
    /// @notice Tokens that may still be locked in a pool.
    function lockable(bytes32 role, address operator) external view returns (uint256);
    /// @notice What the module `slasher` has locked in a pool.
    function lockedBy(bytes32 role, address operator, address slasher) external view returns (uint256);
    /// @notice What `shares` of a pool are worth, in tokens, rounded down.
    function worthOf(bytes32 role, address operator, uint256 shares) external view returns (uint256);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Revenue of assets and what they owe to their ancestors.
/// @notice Shares are parts per 1e9. A child's table is frozen when its parents are linked: each parent's line is the
///         parent with what it keeps, and the parent's own table scaled by the share owed to the parent.
/// @dev Invariant per currency: paid out + claimable + unsettled = paid in.
interface IRoyaltyLedger {
    /// @notice What a child owes to one parent.
    /// @param royaltyBps By the license used for it.
    /// @param own The parent has the same owner. Nothing is owed to it, but each payee of its gets at least the share
    ///        that it owes them: nobody sheds what is owed by deriving from their own work.
    struct Debt {
        uint256 parent;
        uint16 royaltyBps;
        bool own;
    }

    /// @notice What `asset` owes from here on, in parts per 1e9 of its revenue: when its parents are linked, and when a
    ///         payee waives its share.
    event TableFrozen(uint256 indexed asset, uint256[] payees, uint256[] shares);
    /// @notice The owner of `payee` gave up its share in `asset`; the table without it was announced before.
    event Waived(uint256 indexed asset, uint256 indexed payee);
    /// @notice Revenue came in and waits to be settled.
    event Paid(uint256 indexed asset, address indexed payer, IERC20 indexed currency, uint256 amount);
    /// @notice `amount` of revenue was divided by the table that `TableFrozen` announced last: `floor(amount * share / 1e9)`
    ///         to each payee, and what is left to `asset`.
    event Settled(uint256 indexed asset, IERC20 indexed currency, uint256 amount);
    /// @notice An asset changed hands: what it held stays with `seller`, who gets it with the next `claim`.
    event Retained(uint256 indexed asset, address indexed seller, IERC20 indexed currency, uint256 amount);
    /// @notice From here on what `asset` keeps is its members', not its owner's.
    event Shared(uint256 indexed asset);
    /// @notice A collection's revenue became revenue of a member, which waits to be settled.
    event PassedOn(uint256 indexed collection, uint256 indexed member, IERC20 indexed currency, uint256 amount);
    /// @notice Money left the ledger for `account`.
    event Claimed(address indexed account, IERC20 indexed currency, uint256 amount);

    /// @notice Only the asset registry may do this.
    error OnlyRegistry(address caller);
    /// @notice Only the contract of the collections may do this.
    error OnlyCollections(address caller);
    /// @notice What `payee` keeps is not the account's, so it is not theirs to give up.
    error NotPayee(address account, uint256 payee);
    /// @notice `asset` owes nothing to `payee`.
    error NothingOwed(uint256 asset, uint256 payee);
    /// @notice What the asset keeps is its owner's.
    error NotShared(uint256 asset);
    /// @param stack Sum of the shares that `asset` would owe, in parts per 1e9, as is `cap`.
    /// @param debts The edges that cause it.
    error StackTooHigh(uint256 asset, uint256 stack, uint256 cap, Debt[] debts);
    /// @notice The table would have more than 16 payees.
    error TooManyPayees(uint256 count);
    /// @notice The currency did not move what it was told to, so the books would promise more than there is.
    error WrongAmountReceived(IERC20 currency, uint256 received, uint256 amount);
    /// @notice With it the ledger would hold more of the currency than its books can say, 2^128 - 1.
    error AmountTooLarge(uint256 amount, uint256 room);
    /// @notice `account` has nothing in that currency.
    error NothingToClaim(address account);

    /// @notice Freezes the table of `asset`; only the registry may, once, at registration.
    function link(uint256 asset, Debt[] calldata debts) external;
    /// @notice Gives up, for good, what `asset` owes to `payee`, whose owner calls: the way out of a parent that was named
    ///         wrongly. Settles what came in before; what `asset` owes to others stays as it is, and so do the tables of
    ///         what was derived from it before.
    function waive(uint256 asset, uint256 payee) external;
    /// @notice Revenue for `asset`: O(1), whatever the number of ancestors.
    /// @dev In any currency that was ever allowed: what is on its way when the DAO withdraws one still arrives.
    function pay(uint256 asset, IERC20 currency, uint256 amount) external;
    /// @notice `pay` for a contract that does not hold the money itself: it is called back (`IRevenueSource`) and has it
    ///         sent here.
    /// @param payer Handed to the caller again.
    function collect(uint256 asset, IERC20 currency, uint256 amount, address payer) external;
    /// @notice Distributes what `asset` received since the last call; open to anyone; at most 16 payees.
    function settle(uint256 asset, IERC20 currency) external;
    /// @notice Settles `assets`, then pays to `account` what its assets hold and what earlier sales left it.
    /// @param assets Assets to settle first: own ones and descendants. Those not owned by `account` only get settled.
    function claim(address account, IERC20 currency, uint256[] calldata assets) external returns (uint256 amount);
    /// @notice What `claim` with the same arguments would pay now.
    function claimable(address account, IERC20 currency, uint256[] calldata assets) external view returns (uint256);
    /// @notice Revenue of `asset` that nobody settled yet.
    function unsettled(uint256 asset, IERC20 currency) external view returns (uint256);
    /// @notice What `asset` was credited with and its owner has not claimed.
    function balanceOf(uint256 asset, IERC20 currency) external view returns (uint256);
    /// @notice Who shares in the revenue of `asset`, sorted, and with how much in parts per 1e9.
    function tableOf(uint256 asset) external view returns (uint256[] memory payees, uint256[] memory shares);
    /// @notice Splits `amount` paid to `asset`; the last entry is `asset` itself with what remains after rounding.
    function split(uint256 asset, uint256 amount)
        external
        view
        returns (uint256[] memory payees, uint256[] memory amounts);
    /// @notice Makes what `asset` keeps its members', for good; what it holds so far stays its owner's. Only the contract
    ///         of the collections may.
    function giveToMembers(uint256 asset) external;
    /// @notice Moves what a shared asset holds to its members as revenue; only the contract of the collections may.
    function passOn(uint256 from, IERC20 currency, uint256[] calldata to, uint256[] calldata amounts) external;
    /// @notice Whether what `asset` keeps is its members'.
    function isShared(uint256 asset) external view returns (bool);
    /// @notice Called by the registry before an asset changes hands: what accrued belongs to `seller`.
    function beforeTransfer(uint256 asset, address seller) external;
}

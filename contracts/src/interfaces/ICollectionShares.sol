// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Collections: assets whose revenue belongs to other assets, their members, by weight.
/// @notice The money stays in the royalty ledger. Here is kept, per currency, what one unit of weight has earned, so that
///         revenue for any number of members is taken in at the same cost; `claim` passes a member's part on as revenue of
///         the member's asset, of which that asset's own ancestors get theirs.
/// @dev Invariant per collection and currency: passed on + due to members + rounding = credited to the collection.
interface ICollectionShares {
    /// @notice The owner of `member` agrees to its place in `collection`, or takes that back.
    event MemberAgreed(uint256 indexed collection, uint256 indexed member, bool agreed);
    /// @notice From here on `member` has `weight` of `total`.
    event WeightChanged(uint256 indexed collection, uint256 indexed member, uint64 weight, uint256 total);
    /// @notice `amount` of the collection's revenue was divided among `total` of weight.
    event Collected(uint256 indexed collection, IERC20 indexed currency, uint256 amount, uint256 total);

    /// @notice Not an asset of kind `Collection`.
    error NotACollection(uint256 asset);
    /// @notice Only the asset's owner may do this.
    error NotAssetOwner(uint256 asset, address caller);
    /// @notice The member's owner has not agreed, and is not the collection's.
    error NotAgreed(uint256 collection, uint256 member);
    /// @notice A collection cannot be its own member.
    error OwnMember(uint256 collection);
    /// @notice There must be one weight for each member.
    error LengthMismatch(uint256 members, uint256 weights);
    /// @notice At deployment: the ledger expects another contract.
    error WrongWiring(address found, address wanted);

    /// @notice Agrees that own assets may be members of `collection`, or takes that back, which ends their weight; what
    ///         they earned so far stays theirs.
    function agree(uint256 collection, uint256[] calldata members, bool agreed) external;
    /// @notice Gives members their weights, zero to leave; only the collection's owner may, and only to assets whose owner
    ///         agreed or that they own themselves. Changes count for revenue from now on.
    /// @dev With the first call the collection's revenue is its members' for good; what came before stays its owner's.
    function setWeights(uint256 collection, uint256[] calldata members, uint64[] calldata weights) external;
    /// @notice Divides what the collection received since the last call; open to anyone, at a cost that does not depend on
    ///         the number of members.
    function collect(uint256 collection, IERC20 currency) external;
    /// @notice Passes on to `members` what they have earned, as revenue of their assets; open to anyone.
    function claim(uint256 collection, IERC20 currency, uint256[] calldata members) external;
    /// @notice What `claim` would pass on to `member` now.
    function dueTo(uint256 collection, IERC20 currency, uint256 member) external view returns (uint256);
    /// @notice The weight of a member, and whether its owner agreed to it.
    function memberOf(uint256 collection, uint256 member) external view returns (uint64 weight, bool agreed);
    /// @notice The sum of all weights.
    function totalWeight(uint256 collection) external view returns (uint256);
}

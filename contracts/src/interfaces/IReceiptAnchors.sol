// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Roots of the key servers' receipt logs.
/// @notice A key server keeps its release receipts in an append-only Merkle tree (RFC 6962, SHA-256) and writes the tree's
///         head here from time to time. Whoever holds a receipt and its audit path proves with an anchor that the server
///         signed it no later than the anchor's time; a server that rewrites its log contradicts its own anchors.
interface IReceiptAnchors {
    /// @param treeSize Leaves under `root`.
    /// @param time Seconds of the block that took the anchor.
    struct Anchor {
        uint64 treeSize;
        uint64 time;
        bytes32 root;
    }

    /// @notice A key server wrote the head of its receipt log; `index` counts its anchors from 0.
    event Anchored(uint256 indexed serverId, uint256 index, uint64 treeSize, bytes32 root, uint64 time);

    /// @notice Only the account that the key server is registered with writes its anchors.
    error NotTheKeyServer(uint256 serverId, address account, address caller);
    /// @notice A log only grows.
    error TreeDidNotGrow(uint256 serverId, uint64 anchored, uint64 given);
    /// @notice The server has not written that many anchors.
    error UnknownAnchor(uint256 serverId, uint256 index);
    /// @notice No anchor of the server covers that receipt yet.
    error NotAnchored(uint256 serverId, uint64 leafIndex);

    /// @notice Writes the head of the caller's receipt log. A server that the DAO switched off may still do so: what it
    ///         released before must stay provable.
    function anchor(uint256 serverId, uint64 treeSize, bytes32 root) external returns (uint256 index);

    /// @notice Anchors of a server so far.
    function count(uint256 serverId) external view returns (uint256);
    /// @notice One anchor by its index, from 0.
    function get(uint256 serverId, uint256 index) external view returns (Anchor memory);
    /// @notice The last anchor; all zeros before the first.
    function latest(uint256 serverId) external view returns (Anchor memory);
    /// @notice At most `limit` anchors from `first` on, oldest first.
    function page(uint256 serverId, uint256 first, uint256 limit) external view returns (Anchor[] memory);
    /// @notice The first anchor whose tree has the receipt at `leafIndex` (from 0): the one that dates it.
    function covering(uint256 serverId, uint64 leafIndex) external view returns (uint256 index, Anchor memory);
}

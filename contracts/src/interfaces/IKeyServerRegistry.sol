// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Key servers that the DAO recognizes.
interface IKeyServerRegistry {
    /// @param account Address whose signature stands under release receipts.
    /// @param encryptionKey HPKE public key that shares are sealed to (MLKEM768_X25519).
    struct KeyServer {
        address account;
        bool active;
        string url;
        bytes encryptionKey;
    }

    /// @param treeSize Receipts in the log (RFC 6962) when it was anchored; 0 before the first anchor.
    /// @param root Root over them.
    struct Anchor {
        uint64 treeSize;
        bytes32 root;
    }

    /// @notice The DAO recognized a key server.
    event KeyServerAdded(uint256 indexed id, address indexed account, string url);
    /// @notice A key server moved, or was switched on or off.
    event KeyServerChanged(uint256 indexed id, bool active, string url);

    /// @notice A key server's log of receipts had `treeSize` entries under `root`; it can only grow from there.
    event LogAnchored(uint256 indexed serverId, uint64 treeSize, bytes32 root);

    /// @notice Ids are counted from 1 to `count`.
    error UnknownKeyServer(uint256 id);
    /// @notice Something is missing or has the wrong size.
    error InvalidKeyServer(string reason);
    /// @notice Only the server's own account anchors its log.
    error NotServerAccount(uint256 id, address account, address caller);
    /// @notice A log only grows.
    error LogNotLonger(uint256 id, uint64 anchored, uint64 given);

    /// @notice Ids are given out from 1 upward.
    function add(address account, string calldata url, bytes calldata encryptionKey) external returns (uint256 id);
    /// @notice A server may move: its own account or the DAO changes the URL; only the DAO changes `active`.
    function setUrl(uint256 id, string calldata url) external;
    /// @notice Switches a server on or off; only the DAO may.
    function setActive(uint256 id, bool active) external;
    /// @notice Anchors the caller's log of receipts, so that none can be taken back.
    function anchor(uint256 serverId, uint64 treeSize, bytes32 root) external;
    /// @notice The newest anchor of a server's log.
    function anchorOf(uint256 serverId) external view returns (Anchor memory);
    /// @notice Everything known of a server.
    function get(uint256 id) external view returns (KeyServer memory);
    /// @notice Servers so far, those switched off included.
    function count() external view returns (uint256);
}

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

    event KeyServerAdded(uint256 indexed id, address indexed account, string url);
    event KeyServerChanged(uint256 indexed id, bool active, string url);

    error UnknownKeyServer(uint256 id);
    error InvalidKeyServer(string reason);

    /// @notice Ids are given out from 1 upward.
    function add(address account, string calldata url, bytes calldata encryptionKey) external returns (uint256 id);
    /// @notice A server may move: its own account or the DAO changes the URL; only the DAO changes `active`.
    function setUrl(uint256 id, string calldata url) external;
    function setActive(uint256 id, bool active) external;
    function get(uint256 id) external view returns (KeyServer memory);
    function count() external view returns (uint256);
}

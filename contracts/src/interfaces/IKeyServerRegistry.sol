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

    /// @notice The DAO recognized a key server.
    event KeyServerAdded(uint256 indexed id, address indexed account, string url);
    /// @notice A key server moved, or was switched on or off.
    event KeyServerChanged(uint256 indexed id, bool active, string url);

    /// @notice Ids are counted from 1 to `count`.
    error UnknownKeyServer(uint256 id);
    /// @notice Something is missing or has the wrong size.
    error InvalidKeyServer(string reason);

    /// @notice Ids are given out from 1 upward.
    function add(address account, string calldata url, bytes calldata encryptionKey) external returns (uint256 id);
    /// @notice A server may move: its own account or the DAO changes the URL; only the DAO changes `active`.
    function setUrl(uint256 id, string calldata url) external;
    /// @notice Switches a server on or off; only the DAO may.
    function setActive(uint256 id, bool active) external;
    /// @notice Everything known of a server.
    function get(uint256 id) external view returns (KeyServer memory);
    /// @notice The account alone, without reading the key.
    function accountOf(uint256 id) external view returns (address account);
    /// @notice Servers so far, those switched off included.
    function count() external view returns (uint256);
}

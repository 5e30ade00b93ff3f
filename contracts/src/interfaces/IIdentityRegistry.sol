// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Handles and encryption keys of accounts.
/// @notice A handle is the `owner` in `owner/name`: 3 to 32 characters of a-z, 0-9 and single inner hyphens.
interface IIdentityRegistry {
    /// @notice `account` has a handle, for good.
    event HandleClaimed(address indexed account, string handle);
    /// @notice `account` published its HPKE public key.
    event EncryptionKeySet(address indexed account, bytes key);

    /// @notice Not spelled as a handle is.
    error InvalidHandle(string handle);
    /// @notice Somebody else has it.
    error HandleTaken(string handle, address holder);
    /// @notice An account keeps the handle it has.
    error HandleAlreadySet(address account, string handle);
    /// @notice A key has 1,216 bytes.
    error InvalidEncryptionKey(uint256 length);

    /// @notice Claims `handle` for the caller, for good, and publishes their HPKE public key.
    function register(string calldata handle, bytes calldata encryptionKey) external;

    /// @notice Replaces the caller's HPKE public key (MLKEM768_X25519, 1216 bytes).
    function setEncryptionKey(bytes calldata key) external;

    /// @notice The handle, or nothing when the account has none.
    function handleOf(address account) external view returns (string memory);
    /// @return account The holder, or zero when nobody claimed `handle`.
    function accountOf(string calldata handle) external view returns (address account);
    /// @notice The HPKE public key, or nothing when the account has none.
    function encryptionKeyOf(address account) external view returns (bytes memory);
}

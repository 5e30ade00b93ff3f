// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {Names} from "./libraries/Names.sol";

/// @title Handles and encryption keys of accounts.
/// @dev Specified in `IIdentityRegistry`.
contract IdentityRegistry is IIdentityRegistry {
    /// @notice Bytes of an MLKEM768_X25519 public key.
    uint256 public constant ENCRYPTION_KEY_BYTES = 1216;

    mapping(address account => string) private _handles;
    mapping(bytes32 handleHash => address) private _accounts;
    /// @dev Keys are kept as contract code: a third of the gas of storage slots.
    mapping(address account => address pointer) private _keys;

    /// @inheritdoc IIdentityRegistry
    function register(string calldata handle, bytes calldata encryptionKey) external {
        if (!Names.isHandle(handle)) revert InvalidHandle(handle);
        string storage present = _handles[msg.sender];
        if (bytes(present).length != 0) revert HandleAlreadySet(msg.sender, present);
        bytes32 handleHash = keccak256(bytes(handle));
        address holder = _accounts[handleHash];
        if (holder != address(0)) revert HandleTaken(handle, holder);

        _handles[msg.sender] = handle;
        _accounts[handleHash] = msg.sender;
        emit HandleClaimed(msg.sender, handle);
        _setKey(encryptionKey);
    }

    /// @inheritdoc IIdentityRegistry
    function setEncryptionKey(bytes calldata key) external {
        _setKey(key);
    }

    /// @inheritdoc IIdentityRegistry
    function handleOf(address account) external view returns (string memory) {
        return _handles[account];
    }

    /// @inheritdoc IIdentityRegistry
    function accountOf(string calldata handle) external view returns (address account) {
        return _accounts[keccak256(bytes(handle))];
    }

    /// @inheritdoc IIdentityRegistry
    function encryptionKeyOf(address account) external view returns (bytes memory) {
        address pointer = _keys[account];
        return pointer == address(0) ? bytes("") : SSTORE2.read(pointer);
    }

    function _setKey(bytes calldata key) private {
        if (key.length != ENCRYPTION_KEY_BYTES) revert InvalidEncryptionKey(key.length);
        _keys[msg.sender] = SSTORE2.write(key);
        emit EncryptionKeySet(msg.sender, key);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

import {IKeyServerRegistry} from "./interfaces/IKeyServerRegistry.sol";

/// @title Key servers that the DAO recognizes.
/// @dev Specified in `IKeyServerRegistry`.
contract KeyServerRegistry is IKeyServerRegistry, AccessManaged {
    /// @notice Bytes of an MLKEM768_X25519 public key.
    uint256 public constant ENCRYPTION_KEY_BYTES = 1216;
    uint256 public constant MAX_URL_BYTES = 512;

    struct Entry {
        address account;
        bool active;
        address keyPointer;
        string url;
    }

    Entry[] private _servers;

    /// @param authority The access manager that says who may add and switch servers.
    /// @param servers The first servers, ids from 1 upward in this order.
    constructor(address authority, KeyServer[] memory servers) AccessManaged(authority) {
        for (uint256 i = 0; i < servers.length; ++i) {
            uint256 id = _add(servers[i].account, servers[i].url, servers[i].encryptionKey);
            if (!servers[i].active) {
                _servers[id - 1].active = false;
                emit KeyServerChanged(id, false, servers[i].url);
            }
        }
    }

    /// @inheritdoc IKeyServerRegistry
    function add(address account, string calldata url, bytes calldata encryptionKey)
        external
        restricted
        returns (uint256 id)
    {
        return _add(account, url, encryptionKey);
    }

    /// @inheritdoc IKeyServerRegistry
    function setUrl(uint256 id, string calldata url) external {
        Entry storage server = _entry(id);
        if (msg.sender != server.account) _checkCanCall(msg.sender, msg.data);
        _checkUrl(url);
        server.url = url;
        emit KeyServerChanged(id, server.active, url);
    }

    /// @inheritdoc IKeyServerRegistry
    function setActive(uint256 id, bool active) external restricted {
        Entry storage server = _entry(id);
        server.active = active;
        emit KeyServerChanged(id, active, server.url);
    }

    /// @inheritdoc IKeyServerRegistry
    function get(uint256 id) external view returns (KeyServer memory) {
        Entry storage server = _entry(id);
        return KeyServer(server.account, server.active, server.url, SSTORE2.read(server.keyPointer));
    }

    /// @inheritdoc IKeyServerRegistry
    function accountOf(uint256 id) external view returns (address account) {
        return _entry(id).account;
    }

    /// @inheritdoc IKeyServerRegistry
    function count() external view returns (uint256) {
        return _servers.length;
    }

    function _add(address account, string memory url, bytes memory encryptionKey) private returns (uint256 id) {
        if (account == address(0)) revert InvalidKeyServer("no account");
        if (encryptionKey.length != ENCRYPTION_KEY_BYTES) revert InvalidKeyServer("encryption key is not 1216 bytes");
        _checkUrl(url);
        _servers.push(Entry(account, true, SSTORE2.write(encryptionKey), url));
        id = _servers.length;
        emit KeyServerAdded(id, account, url);
    }

    function _entry(uint256 id) private view returns (Entry storage) {
        if (id == 0 || id > _servers.length) revert UnknownKeyServer(id);
        return _servers[id - 1];
    }

    function _checkUrl(string memory url) private pure {
        if (bytes(url).length == 0 || bytes(url).length > MAX_URL_BYTES) {
            revert InvalidKeyServer("url is not 1 to 512 bytes");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IKeyServerRegistry} from "./interfaces/IKeyServerRegistry.sol";
import {IReceiptAnchors} from "./interfaces/IReceiptAnchors.sol";

/// @title Roots of the key servers' receipt logs.
/// @dev Specified in `IReceiptAnchors`.
///      Nobody can change or remove an anchor; there is no owner.
contract ReceiptAnchors is IReceiptAnchors {
    IKeyServerRegistry public immutable SERVERS;

    mapping(uint256 serverId => Anchor[]) private _anchors;

    constructor(IKeyServerRegistry servers) {
        SERVERS = servers;
    }

    /// @inheritdoc IReceiptAnchors
    function anchor(uint256 serverId, uint64 treeSize, bytes32 root) external returns (uint256 index) {
        address account = SERVERS.accountOf(serverId);
        if (msg.sender != account) revert NotTheKeyServer(serverId, account, msg.sender);
        Anchor[] storage anchors = _anchors[serverId];
        index = anchors.length;
        uint64 anchored = index == 0 ? 0 : anchors[index - 1].treeSize;
        if (treeSize <= anchored) revert TreeDidNotGrow(serverId, anchored, treeSize);
        anchors.push(Anchor(treeSize, uint64(block.timestamp), root));
        emit Anchored(serverId, index, treeSize, root, uint64(block.timestamp));
    }

    /// @inheritdoc IReceiptAnchors
    function count(uint256 serverId) external view returns (uint256) {
        return _anchors[serverId].length;
    }

    /// @inheritdoc IReceiptAnchors
    function get(uint256 serverId, uint256 index) external view returns (Anchor memory) {
        if (index >= _anchors[serverId].length) revert UnknownAnchor(serverId, index);
        return _anchors[serverId][index];
    }

    /// @inheritdoc IReceiptAnchors
    function latest(uint256 serverId) external view returns (Anchor memory last) {
        Anchor[] storage anchors = _anchors[serverId];
        if (anchors.length != 0) last = anchors[anchors.length - 1];
    }

    /// @inheritdoc IReceiptAnchors
    function page(uint256 serverId, uint256 first, uint256 limit) external view returns (Anchor[] memory found) {
        Anchor[] storage anchors = _anchors[serverId];
        uint256 length = first < anchors.length ? Math.min(limit, anchors.length - first) : 0;
        found = new Anchor[](length);
        for (uint256 i = 0; i < length; ++i) {
            found[i] = anchors[first + i];
        }
    }

    /// @inheritdoc IReceiptAnchors
    function covering(uint256 serverId, uint64 leafIndex) external view returns (uint256 index, Anchor memory) {
        Anchor[] storage anchors = _anchors[serverId];
        uint256 high = anchors.length;
        while (index < high) {
            uint256 middle = Math.average(index, high);
            if (anchors[middle].treeSize > leafIndex) high = middle;
            else index = middle + 1;
        }
        if (index == anchors.length) revert NotAnchored(serverId, leafIndex);
        return (index, anchors[index]);
    }
}

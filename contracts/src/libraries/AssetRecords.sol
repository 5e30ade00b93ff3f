// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibBytes} from "solady/utils/LibBytes.sol";

import {IAssetRegistry} from "../interfaces/IAssetRegistry.sol";

/// @title Bytes of what never changes about an asset: each one is paid for, so no word is padded.
/// @dev A version: root 32, manifest hash 32, metadata hash 32, epoch 4, time 8, and the URI to the end.
///      A card: creator 20, kind 1, length of the name 1, number of parents 1, the name, the parents at 17 each (parent 8,
///      license 8, relation 1), and the first version to the end.
library AssetRecords {
    using LibBytes for bytes;

    struct Card {
        address creator;
        IAssetRegistry.Kind kind;
        string name;
        IAssetRegistry.Edge[] parents;
        IAssetRegistry.Version first;
    }

    uint256 private constant NAME_AT = 23;
    uint256 private constant EDGE_BYTES = 17;
    uint256 private constant URI_AT = 108;

    function packVersion(IAssetRegistry.Version memory version) internal pure returns (bytes memory) {
        return abi.encodePacked(
            version.root, version.manifestHash, version.metadataHash, version.epoch, version.publishedAt, version.uri
        );
    }

    function unpackVersion(bytes memory packed) internal pure returns (IAssetRegistry.Version memory) {
        return IAssetRegistry.Version({
            root: packed.load(0),
            manifestHash: packed.load(32),
            metadataHash: packed.load(64),
            epoch: uint32(_number(packed, 96, 4)),
            publishedAt: uint64(_number(packed, 100, 8)),
            uri: string(packed.slice(URI_AT))
        });
    }

    function packCard(Card memory card) internal pure returns (bytes memory) {
        uint256 count = card.parents.length;
        bytes memory edges;
        for (uint256 i = 0; i < count; ++i) {
            IAssetRegistry.Edge memory edge = card.parents[i];
            edges = abi.encodePacked(edges, uint64(edge.parent), uint64(edge.license), uint8(edge.relation));
        }
        return abi.encodePacked(
            card.creator,
            uint8(card.kind),
            uint8(bytes(card.name).length),
            uint8(count),
            card.name,
            edges,
            packVersion(card.first)
        );
    }

    function unpackCard(bytes memory packed) internal pure returns (Card memory card) {
        card.creator = address(uint160(_number(packed, 0, 20)));
        card.kind = IAssetRegistry.Kind(_number(packed, 20, 1));
        uint256 at = NAME_AT + _number(packed, 21, 1);
        card.name = string(packed.slice(NAME_AT, at));
        card.parents = new IAssetRegistry.Edge[](_number(packed, 22, 1));
        for (uint256 i = 0; i < card.parents.length; ++i) {
            card.parents[i] = IAssetRegistry.Edge({
                parent: _number(packed, at, 8),
                license: _number(packed, at + 8, 8),
                relation: IAssetRegistry.Relation(_number(packed, at + 16, 1))
            });
            at += EDGE_BYTES;
        }
        card.first = unpackVersion(packed.slice(at));
    }

    /// @dev The big-endian number of `size` bytes at `at`.
    function _number(bytes memory packed, uint256 at, uint256 size) private pure returns (uint256) {
        return uint256(packed.load(at)) >> (256 - 8 * size);
    }
}

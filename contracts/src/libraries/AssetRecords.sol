// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LibBytes} from "solady/utils/LibBytes.sol";

import {IAssetRegistry} from "../interfaces/IAssetRegistry.sol";

/// @title Bytes of what never changes about an asset: each one is paid for, so no word is padded.
/// @dev A version: root 32, manifest hash 32, metadata hash 32, epoch 4, time 5, and the URI to the end.
///      A card: kind and number of parents 1 (3 and 5 bits), length of the name 1, the name, the parents at 17
///      each (parent 8, license 8, relation 1), and the first version to the end.
library AssetRecords {
    using LibBytes for bytes;

    struct Card {
        IAssetRegistry.Kind kind;
        string name;
        IAssetRegistry.Edge[] parents;
        IAssetRegistry.Version first;
    }

    uint256 private constant NAME_AT = 2;
    uint256 private constant EDGE_BYTES = 17;
    uint256 private constant URI_AT = 105;

    function packVersion(IAssetRegistry.Version memory version) internal pure returns (bytes memory) {
        return abi.encodePacked(
            version.root,
            version.manifestHash,
            version.metadataHash,
            version.epoch,
            uint40(version.publishedAt),
            version.uri
        );
    }

    function unpackVersion(bytes memory packed) internal pure returns (IAssetRegistry.Version memory) {
        return IAssetRegistry.Version({
            root: packed.load(0),
            manifestHash: packed.load(32),
            metadataHash: packed.load(64),
            epoch: uint32(_number(packed, 96, 4)),
            publishedAt: uint64(_number(packed, 100, 5)),
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
            uint8(uint256(card.kind) << 5 | count),
            uint8(bytes(card.name).length),
            card.name,
            edges,
            card.first.root,
            card.first.manifestHash,
            card.first.metadataHash,
            card.first.epoch,
            uint40(card.first.publishedAt),
            card.first.uri
        );
    }

    function unpackCard(bytes memory packed) internal pure returns (Card memory card) {
        uint256 kindAndCount = _number(packed, 0, 1);
        card.kind = IAssetRegistry.Kind(kindAndCount >> 5);
        uint256 at = NAME_AT + _number(packed, 1, 1);
        card.name = string(packed.slice(NAME_AT, at));
        card.parents = new IAssetRegistry.Edge[](kindAndCount & 31);
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

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {AssetRecords} from "../src/libraries/AssetRecords.sol";

contract AssetRecordsTest is Test {
    function testFuzz_what_is_packed_comes_back(
        uint64[16] memory ids,
        uint8 count,
        IAssetRegistry.Version memory first,
        string memory name
    ) public pure {
        vm.assume(bytes(name).length < 256);
        first.publishedAt %= 1 << 40;
        AssetRecords.Card memory card;
        (card.kind, card.name, card.first) = (IAssetRegistry.Kind.Service, name, first);
        card.parents = new IAssetRegistry.Edge[](count % 17);
        for (uint256 i = 0; i < card.parents.length; ++i) {
            card.parents[i] = IAssetRegistry.Edge(ids[i], ids[15 - i], IAssetRegistry.Relation(uint8(ids[i] % 5)));
        }
        AssetRecords.Card memory found = AssetRecords.unpackCard(AssetRecords.packCard(card));
        assertEq(abi.encode(found), abi.encode(card));
        assertEq(abi.encode(AssetRecords.unpackVersion(AssetRecords.packVersion(first))), abi.encode(first));
    }
}

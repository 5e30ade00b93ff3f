// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {IRoyaltyLedger} from "../src/interfaces/IRoyaltyLedger.sol";
import {Names} from "../src/libraries/Names.sol";

contract AssetRegistryTest is Lab {
    function test_registering_records_creator_name_kind_and_first_version() public {
        IAssetRegistry.Version memory first = version("assets/penguins/1");
        vm.prank(alice);
        uint256 asset = registry.register("penguins", IAssetRegistry.Kind.Model, first, new IAssetRegistry.Edge[](0));
        assertEq(asset, 1);
        assertEq(registry.assetCount(), 1);
        assertEq(registry.ownerOf(asset), alice);
        assertEq(registry.creatorOf(asset), alice);
        assertEq(registry.nameOf(asset), "penguins");
        assertEq(uint8(registry.kindOf(asset)), uint8(IAssetRegistry.Kind.Model));
        assertEq(registry.assetOf(alice, "penguins"), asset);
        assertEq(registry.assetOf(bob, "penguins"), 0);
        assertEq(registry.versionCount(asset), 1);
        IAssetRegistry.Version memory stored = registry.versionOf(asset, 1);
        assertEq(stored.root, first.root);
        assertEq(stored.uri, first.uri);
        assertEq(stored.publishedAt, block.timestamp);
    }

    function test_a_name_is_taken_once_per_creator() public {
        uint256 asset = publish(alice, "penguins");
        publish(bob, "penguins");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.NameTaken.selector, alice, "penguins", asset));
        publish(alice, "penguins");
    }

    function test_spellings_of_names() public {
        string[6] memory good = ["a", "0", "penguins-v2", "a.b_c-d", "3d", "a..b"];
        for (uint256 i = 0; i < good.length; ++i) {
            assertTrue(Names.isAssetName(good[i]), good[i]);
        }
        string[8] memory bad = ["", ".a", "-a", "_a", "A", "a/b", "a b", unicode"ä"];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidName.selector, bad[i]));
            publish(alice, bad[i]);
        }
        bytes memory long = new bytes(65);
        for (uint256 i = 0; i < 65; ++i) {
            long[i] = "a";
        }
        assertFalse(Names.isAssetName(string(long)));
    }

    function test_owner_adds_versions_and_others_cannot() public {
        uint256 asset = publish(alice, "penguins");
        vm.prank(alice);
        assertEq(registry.publishVersion(asset, version("assets/2")), 2);
        assertEq(registry.versionOf(asset, 2).uri, "assets/2");
        assertEq(registry.versionOf(asset, 1).uri, "assets/x", "the old version stays");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.NotAssetOwner.selector, asset, mallory));
        vm.prank(mallory);
        registry.publishVersion(asset, version("evil"));
    }

    function test_rekeying_raises_the_epoch_and_keeps_the_root() public {
        uint256 asset = publish(alice, "penguins");
        vm.startPrank(alice);
        registry.rekeyVersion(asset, 1, 2, bytes32("new manifest"), "assets/x2");
        IAssetRegistry.Version memory stored = registry.versionOf(asset, 1);
        assertEq(stored.epoch, 2);
        assertEq(stored.root, bytes32("root"));
        assertEq(stored.manifestHash, bytes32("new manifest"));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.StaleEpoch.selector, 2, 2));
        registry.rekeyVersion(asset, 1, 2, bytes32("rollback"), "assets/x");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownVersion.selector, asset, 2));
        registry.rekeyVersion(asset, 2, 3, bytes32("none"), "assets/x");
    }

    function test_what_does_not_exist_is_named() public {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownAsset.selector, 7));
        registry.nameOf(7);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownVersion.selector, 7, 1));
        registry.versionOf(7, 1);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownAsset.selector, 7));
        registry.publishVersion(7, version("x"));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownAsset.selector, 7));
        publish(alice, "child", edges(trainedOn(7, 1)));
    }

    function test_a_uri_is_bounded() public {
        string memory long = string(new bytes(2_049));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidUri.selector, 2_049));
        vm.prank(alice);
        registry.register("long", IAssetRegistry.Kind.Dataset, version(long), new IAssetRegistry.Edge[](0));
    }

    /* ----------------------------------------------------------------- parents */

    function test_a_licensed_parent_is_linked_with_its_license() public {
        uint256 parent = publish(alice, "digits");
        uint256 license = offerAndBuy(bob, parent, remix(0, 1_000));
        uint256 child = publish(bob, "net", edges(trainedOn(parent, license)));
        IAssetRegistry.Edge[] memory stored = registry.parentsOf(child);
        assertEq(stored.length, 1);
        assertEq(stored[0].parent, parent);
        assertEq(stored[0].license, license);
        assertEq(uint8(stored[0].relation), uint8(IAssetRegistry.Relation.TrainedOn));
    }

    function test_an_owner_needs_no_license_and_owes_nothing() public {
        uint256 parent = publish(alice, "digits");
        uint256 child = publish(alice, "net", edges(trainedOn(parent, 99)));
        assertEq(registry.parentsOf(child)[0].license, 0);
        (uint256[] memory payees,) = ledger.tableOf(child);
        assertEq(payees.length, 0);
    }

    function test_a_parent_without_a_fitting_license_is_refused() public {
        uint256 parent = publish(alice, "digits");
        uint256 other = publish(alice, "other");
        _refused(bob, parent, 0);
        uint256 foreign = offerAndBuy(carol, parent, remix(0, 1_000));
        _refused(bob, parent, foreign);
        uint256 elsewhere = offerAndBuy(bob, other, remix(0, 1_000));
        _refused(bob, parent, elsewhere);

        ILicenseTerms.Terms memory what = remix(0, 1_000);
        what.duration = 30 days;
        uint256 expired = offerAndBuy(bob, parent, what);
        skip(30 days);
        _refused(bob, parent, expired);

        what.uses = Uses.INFERENCE | Uses.COMMERCIAL;
        _refused(bob, parent, offerAndBuy(bob, parent, what));
    }

    function test_a_training_license_covers_training_and_nothing_else() public {
        uint256 parent = publish(alice, "digits");
        ILicenseTerms.Terms memory what = remix(0, 1_000);
        what.uses = Uses.TRAINING;
        uint256 license = offerAndBuy(bob, parent, what);
        publish(bob, "net", edges(trainedOn(parent, license)));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.LicenseDoesNotCover.selector, license, parent, bob));
        publish(bob, "cut", edges(IAssetRegistry.Edge(parent, license, IAssetRegistry.Relation.DerivedFrom)));
    }

    function test_an_unknown_license_is_refused() public {
        uint256 parent = publish(alice, "digits");
        vm.expectRevert();
        publish(bob, "net", edges(trainedOn(parent, 12_345)));
    }

    function test_parents_are_sorted_and_named_once() public {
        uint256 a = publish(alice, "a");
        uint256 b = publish(alice, "b");
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ParentsNotSorted.selector, a));
        publish(alice, "c", edges(trainedOn(b, 0), trainedOn(a, 0)));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ParentsNotSorted.selector, a));
        publish(alice, "c", edges(trainedOn(a, 0), trainedOn(a, 0)));
    }

    function test_two_licenses_of_one_parent_do_not_double_what_is_owed() public {
        uint256 parent = publish(alice, "digits");
        uint256 first = offerAndBuy(bob, parent, remix(0, 1_000));
        uint256 second = offerAndBuy(bob, parent, remix(0, 2_000));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ParentsNotSorted.selector, parent));
        publish(bob, "net", edges(trainedOn(parent, first), trainedOn(parent, second)));
        uint256 child = publish(bob, "net", edges(trainedOn(parent, first)));
        (, uint256[] memory shares) = ledger.tableOf(child);
        assertEq(shares[0], 100_000_000, "by the license that was used");
    }

    function test_at_most_sixteen_parents() public {
        IAssetRegistry.Edge[] memory parents = new IAssetRegistry.Edge[](17);
        for (uint256 i = 0; i < 17; ++i) {
            parents[i] = trainedOn(publish(alice, string.concat("p", vm.toString(i))), 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.TooManyParents.selector, 17));
        publish(alice, "child", parents);
    }

    function test_shares_above_the_cap_are_refused_at_link_time() public {
        uint256 a = publish(alice, "a");
        uint256 b = publish(alice, "b");
        uint256 la = offerAndBuy(bob, a, remix(0, 3_000));
        uint256 lb = offerAndBuy(bob, b, remix(0, 2_001));
        IRoyaltyLedger.Debt[] memory causes = new IRoyaltyLedger.Debt[](2);
        (causes[0], causes[1]) = (IRoyaltyLedger.Debt(a, 3_000, false), IRoyaltyLedger.Debt(b, 2_001, false));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyLedger.StackTooHigh.selector, 3, 500_100_000, 500_000_000, causes)
        );
        publish(bob, "net", edges(trainedOn(a, la), trainedOn(b, lb)));
    }

    function test_it_speaks_erc721() public view {
        assertTrue(registry.supportsInterface(0x80ac58cd));
        assertTrue(registry.supportsInterface(0x01ffc9a7));
        assertFalse(registry.supportsInterface(0xffffffff));
    }

    function _refused(address account, uint256 parent, uint256 license) private {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.LicenseDoesNotCover.selector, license, parent, account));
        publish(account, "net", edges(trainedOn(parent, license)));
    }
}

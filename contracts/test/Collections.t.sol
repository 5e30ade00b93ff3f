// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {CollectionShares} from "../src/CollectionShares.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {ICollectionShares} from "../src/interfaces/ICollectionShares.sol";
import {IRoyaltyLedger} from "../src/interfaces/IRoyaltyLedger.sol";

/// @dev Assets whose revenue belongs to their members.
contract CollectionsTest is Lab {
    uint256 internal cats;
    uint256 internal dogs;
    uint256 internal pets;

    function setUp() public override {
        super.setUp();
        cats = publish(alice, "cats");
        dogs = publish(bob, "dogs");
        pets = _collection(carol, "pets");
        vm.prank(alice);
        collections.agree(pets, list1(cats), true);
        vm.prank(bob);
        collections.agree(pets, list1(dogs), true);
    }

    function test_members_share_by_weight_and_their_ancestors_get_theirs() public {
        uint256 kittens = derive(bob, "kittens", cats, 1_000);
        vm.prank(bob);
        collections.agree(pets, list1(kittens), true);
        _weigh(kittens, 3, dogs, 1);
        _pay(pets, 400);
        assertEq(collections.dueTo(pets, token, kittens), 300, "seen before anybody divides it");
        vm.prank(mallory);
        collections.claim(pets, token, list2(kittens, dogs));
        assertEq(ledger.unsettled(kittens, token), 300);
        assertEq(ledger.unsettled(dogs, token), 100);
        assertEq(ledger.claim(alice, token, list2(cats, kittens)), 30, "what kittens owe to cats");
        assertEq(ledger.claim(bob, token, list2(kittens, dogs)), 370);
        assertEq(token.balanceOf(address(ledger)), 0);
    }

    function test_changes_count_from_then_on() public {
        _weigh(cats, 1, dogs, 1);
        _pay(pets, 100);
        _weigh(cats, 1, dogs, 3);
        _pay(pets, 100);
        _weigh(cats, 0, dogs, 1);
        _pay(pets, 100);
        assertEq(collections.dueTo(pets, token, cats), 50 + 25);
        assertEq(collections.dueTo(pets, token, dogs), 50 + 75 + 100);
        collections.claim(pets, token, list2(cats, dogs));
        collections.claim(pets, token, list2(cats, dogs));
        assertEq(ledger.unsettled(cats, token), 75);
        assertEq(ledger.unsettled(dogs, token), 225);
    }

    function test_what_came_before_the_first_members_is_the_owners_and_never_again() public {
        _pay(pets, 100);
        _weigh(cats, 1, dogs, 1);
        _pay(pets, 40);
        assertEq(ledger.claimable(carol, token, list1(pets)), 100);
        assertEq(ledger.claim(carol, token, list1(pets)), 100);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NothingToClaim.selector, carol));
        ledger.claim(carol, token, list1(pets));
        vm.prank(carol);
        registry.transferFrom(carol, mallory, pets);
        assertEq(ledger.claimable(carol, token, new uint256[](0)), 0, "a sale takes nothing from the members");
        assertEq(collections.dueTo(pets, token, cats), 20);
    }

    function test_while_nobody_has_weight_revenue_waits() public {
        _weigh(cats, 1, dogs, 0);
        _weigh(cats, 0, dogs, 0);
        _pay(pets, 100);
        collections.claim(pets, token, list1(cats));
        assertEq(ledger.unsettled(cats, token), 0);
        _weigh(cats, 0, dogs, 1);
        assertEq(collections.dueTo(pets, token, dogs), 100);
    }

    function test_a_derivative_of_a_collection_pays_its_members() public {
        _weigh(cats, 1, dogs, 1);
        uint256 net = derive(bob, "net", pets, 1_000);
        _pay(net, 1_000);
        ledger.settle(net, token);
        collections.claim(pets, token, list2(cats, dogs));
        assertEq(ledger.unsettled(cats, token), 50);
    }

    function test_a_collection_of_collections() public {
        uint256 zoo = _collection(carol, "zoo");
        vm.prank(carol);
        collections.setWeights(zoo, list1(pets), _weights(1, 0, 1));
        _weigh(cats, 1, dogs, 1);
        _pay(zoo, 100);
        collections.claim(zoo, token, list1(pets));
        collections.claim(pets, token, list2(cats, dogs));
        assertEq(ledger.unsettled(dogs, token), 50);
    }

    function test_taking_in_revenue_costs_the_same_however_many_members() public {
        _weigh(cats, 1, dogs, 1);
        _pay(pets, 100);
        collections.collect(pets, token);
        _pay(pets, 100);
        uint256 few = _gasOfCollecting();
        uint256[] memory ids = new uint256[](200);
        uint64[] memory weights = new uint64[](200);
        for (uint256 i = 0; i < ids.length; ++i) {
            (ids[i], weights[i]) = (publish(carol, string.concat("m", vm.toString(i))), 7);
        }
        vm.prank(carol);
        collections.setWeights(pets, ids, weights);
        _pay(pets, 100);
        assertApproxEqAbs(_gasOfCollecting(), few, 200);
    }

    /* ----------------------------------------------------------------- who may */

    function test_nobody_is_made_a_member_without_their_owners_will() public {
        uint256 birds = publish(alice, "birds");
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotAgreed.selector, pets, birds));
        _weigh(cats, 1, birds, 1);
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotAssetOwner.selector, birds, carol));
        vm.prank(carol);
        collections.agree(pets, list1(birds), true);
        uint256 own = publish(carol, "own");
        _weigh(cats, 1, own, 1);
    }

    function test_who_leaves_keeps_what_was_earned_and_gets_no_more() public {
        _weigh(cats, 1, dogs, 1);
        _pay(pets, 100);
        vm.prank(alice);
        collections.agree(pets, list1(cats), false);
        _pay(pets, 100);
        assertEq(collections.dueTo(pets, token, cats), 50);
        assertEq(collections.dueTo(pets, token, dogs), 150);
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotAgreed.selector, pets, cats));
        _weigh(cats, 1, dogs, 1);
    }

    function test_only_the_owner_weighs_and_only_in_collections() public {
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotAssetOwner.selector, pets, mallory));
        vm.prank(mallory);
        collections.setWeights(pets, list1(cats), _weights(1, 0, 1));
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotACollection.selector, cats));
        collections.setWeights(cats, list1(cats), _weights(1, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.NotACollection.selector, cats));
        collections.agree(cats, list1(cats), true);
        vm.stopPrank();
        vm.startPrank(carol);
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.OwnMember.selector, pets));
        collections.setWeights(pets, list1(pets), _weights(1, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.LengthMismatch.selector, 1, 2));
        collections.setWeights(pets, list1(cats), _weights(1, 1, 2));
    }

    function test_only_the_collections_share_and_pass_on() public {
        vm.startPrank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.OnlyCollections.selector, mallory));
        ledger.giveToMembers(cats);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.OnlyCollections.selector, mallory));
        ledger.passOn(cats, token, list1(dogs), list1(1));
        vm.stopPrank();
        vm.startPrank(address(collections));
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NotShared.selector, cats));
        ledger.passOn(cats, token, list1(dogs), list1(1));
        vm.expectRevert(abi.encodeWithSelector(ICollectionShares.WrongWiring.selector, address(collections), _next()));
        new CollectionShares(registry, ledger, parameters);
    }

    /// @dev Even a faulty contract of the collections takes nothing from assets that are not shared, nor more than there is.
    function test_more_than_a_collection_holds_cannot_be_passed_on() public {
        _weigh(cats, 1, dogs, 1);
        _pay(pets, 100);
        ledger.settle(pets, token);
        vm.expectRevert();
        vm.prank(address(collections));
        ledger.passOn(pets, token, list1(cats), list1(101));
    }

    function test_a_token_that_calls_back_is_not_passed_on_twice() public {
        ReentrantToken hostile = new ReentrantToken();
        vm.prank(address(timelock));
        parameters.setCurrency(hostile, true);
        hostile.approve(address(ledger), type(uint256).max);
        _weigh(cats, 1, dogs, 1);
        ledger.pay(pets, hostile, 100);
        hostile.arm(address(collections), abi.encodeCall(collections.claim, (pets, hostile, list2(cats, dogs))));
        ledger.pay(pets, hostile, 100);
        assertFalse(hostile.succeeded(), "not while money is on its way");
        collections.claim(pets, hostile, list2(cats, dogs));
        assertEq(ledger.unsettled(cats, hostile), 100);
        assertEq(ledger.unsettled(dogs, hostile), 100);
    }

    /* ----------------------------------------------------------------- properties */

    /// @dev Against a plain model that divides every payment at once.
    function testFuzz_shares_equal_dividing_every_payment(uint256 seed) public {
        uint256[2] memory members = [cats, dogs];
        uint64[2] memory weights = [uint64(1), 1];
        _weigh(cats, 1, dogs, 1);
        uint256[2] memory earned; // in parts of 1e18
        uint256 paid;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            if (dice % 3 == 0) {
                weights = [uint64(dice >> 8) >> (dice >> 72 & 63), uint64(dice >> 136) >> (dice >> 200 & 63)];
                if (weights[0] == 0 && weights[1] == 0) weights[0] = 1;
                _weigh(cats, weights[0], dogs, weights[1]);
            } else {
                uint256 amount = (dice >> 8) % (100 * TOKEN);
                _pay(pets, amount);
                paid += amount;
                uint256 total = uint256(weights[0]) + weights[1];
                for (uint256 m = 0; m < 2; ++m) {
                    earned[m] += amount * 1e18 * weights[m] / total;
                }
                if (dice >> 250 == 0) collections.claim(pets, token, list1(members[dice >> 249 & 1]));
            }
        }
        uint256 given;
        for (uint256 m = 0; m < 2; ++m) {
            uint256 got = collections.dueTo(pets, token, members[m]) + ledger.unsettled(members[m], token);
            assertApproxEqAbs(got, earned[m] / 1e18, 16, "rounding of each step at most");
            given += got;
        }
        assertLe(given, paid, "no more than came in");
        collections.claim(pets, token, list2(cats, dogs));
        assertLe(ledger.balanceOf(pets, token), 32, "and what is left is rounding");
    }

    function _weigh(uint256 a, uint64 weight, uint256 b, uint64 other) private {
        uint64[] memory weights = _weights(weight, other, 2);
        vm.prank(carol);
        collections.setWeights(pets, list2(a, b), weights);
    }

    function _weights(uint64 a, uint64 b, uint256 count) private pure returns (uint64[] memory list) {
        list = new uint64[](count);
        list[0] = a;
        if (count == 2) list[1] = b;
    }

    function _collection(address owner, string memory name) private returns (uint256) {
        vm.prank(owner);
        return
            registry.register(name, IAssetRegistry.Kind.Collection, version("assets/x"), new IAssetRegistry.Edge[](0));
    }

    function _pay(uint256 asset, uint256 amount) private {
        vm.prank(carol);
        ledger.pay(asset, token, amount);
    }

    function _next() private view returns (address) {
        return vm.computeCreateAddress(address(collections), vm.getNonce(address(collections)));
    }

    function _gasOfCollecting() private returns (uint256 used) {
        vm.cool(address(collections));
        vm.cool(address(ledger));
        used = gasleft();
        collections.collect(pets, token);
        used -= gasleft();
    }
}

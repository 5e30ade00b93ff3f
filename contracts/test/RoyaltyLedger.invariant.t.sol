// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Test} from "forge-std/Test.sol";
import {AssetRegistry} from "../src/AssetRegistry.sol";
import {RoyaltyLedger} from "../src/RoyaltyLedger.sol";
import {SaharaToken} from "../src/SaharaToken.sol";

/// @dev Does at random what anyone may do with the ledger, and keeps its own books.
contract LedgerHandler is Test {
    RoyaltyLedger private immutable LEDGER;
    AssetRegistry private immutable REGISTRY;
    SaharaToken private immutable CURRENCY;
    address[] public people;

    uint256 public paidIn;
    uint256 public paidOut;

    constructor(RoyaltyLedger ledger, AssetRegistry registry, SaharaToken token, address[] memory people_) {
        (LEDGER, REGISTRY, CURRENCY, people) = (ledger, registry, token, people_);
    }

    function pay(uint256 who, uint256 asset, uint256 amount) external {
        address payer = _person(who);
        amount = bound(amount, 0, CURRENCY.balanceOf(payer) / 10);
        uint256 id = _asset(asset);
        vm.prank(payer);
        LEDGER.pay(id, CURRENCY, amount);
        paidIn += amount;
    }

    function settle(uint256 asset) external {
        LEDGER.settle(_asset(asset), CURRENCY);
    }

    function claim(uint256 who, uint256 first, uint256 second) external {
        uint256[] memory assets = new uint256[](2);
        (assets[0], assets[1]) = (_asset(first), _asset(second));
        address account = _person(who);
        uint256 expected = LEDGER.claimable(account, CURRENCY, assets);
        if (expected == 0) return;
        uint256 had = CURRENCY.balanceOf(account);
        assertEq(LEDGER.claim(account, CURRENCY, assets), expected, "claimable told the truth");
        assertEq(CURRENCY.balanceOf(account) - had, expected);
        paidOut += expected;
    }

    function sell(uint256 asset, uint256 to) external {
        uint256 id = _asset(asset);
        address seller = REGISTRY.ownerOf(id);
        address buyer = _person(to);
        uint256[] memory sold = new uint256[](1);
        sold[0] = id;
        uint256 owed = LEDGER.claimable(seller, CURRENCY, sold);
        vm.prank(seller);
        REGISTRY.transferFrom(seller, buyer, id);
        assertEq(LEDGER.claimable(seller, CURRENCY, sold), owed, "a sale takes nothing from the seller");
    }

    function _person(uint256 seed) private view returns (address) {
        return people[seed % people.length];
    }

    function _asset(uint256 seed) private view returns (uint256) {
        return seed % REGISTRY.assetCount() + 1;
    }
}

contract RoyaltyLedgerInvariantTest is Lab {
    LedgerHandler internal handler;
    address[] internal people;

    function setUp() public override {
        super.setUp();
        people = [alice, bob, carol];
        uint256 root = publish(alice, "root");
        uint256 left = derive(bob, "left", root, 1_234);
        uint256 right = derive(carol, "right", root, 3_333);
        uint256 a = offerAndBuy(alice, left, remix(0, 777));
        uint256 b = offerAndBuy(alice, right, remix(0, 2_221));
        uint256 top = publish(alice, "top", edges(trainedOn(left, a), trainedOn(right, b)));
        derive(bob, "over", top, 4_999);
        handler = new LedgerHandler(ledger, registry, token, people);
        targetContract(address(handler));
    }

    function invariant_paid_out_and_claimable_and_unsettled_is_what_was_paid_in() public view {
        uint256 held;
        for (uint256 asset = 1; asset <= registry.assetCount(); ++asset) {
            held += ledger.unsettled(asset, token) + ledger.balanceOf(asset, token);
        }
        for (uint256 i = 0; i < people.length; ++i) {
            held += ledger.claimable(people[i], token, new uint256[](0));
        }
        assertEq(held + handler.paidOut(), handler.paidIn());
        assertEq(token.balanceOf(address(ledger)), held, "and the coins are there");
    }

    function invariant_everything_can_be_claimed_by_somebody() public view {
        uint256[] memory all = new uint256[](registry.assetCount());
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i + 1;
        }
        uint256 sum;
        for (uint256 i = 0; i < people.length; ++i) {
            sum += ledger.claimable(people[i], token, all);
        }
        assertEq(sum, token.balanceOf(address(ledger)));
    }
}

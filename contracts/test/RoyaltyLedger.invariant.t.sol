// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Test} from "forge-std/Test.sol";
import {CollectionShares} from "../src/CollectionShares.sol";
import {ILicenseTerms} from "../src/interfaces/ILicenseTerms.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {Market} from "../src/Market.sol";
import {RefundEscrow} from "../src/RefundEscrow.sol";
import {AssetRegistry} from "../src/AssetRegistry.sol";
import {RoyaltyLedger} from "../src/RoyaltyLedger.sol";
import {SaharaToken} from "../src/SaharaToken.sol";

/// @dev Does at random what anyone may do with the ledger, and keeps its own books.
contract LedgerHandler is Test {
    RoyaltyLedger private immutable LEDGER;
    AssetRegistry private immutable REGISTRY;
    SaharaToken private immutable CURRENCY;
    uint256 public constant PRICE = 3 ether + 7;

    address[] public people;

    CollectionShares private immutable COLLECTIONS;
    RefundEscrow private immutable REFUNDS;
    Market private immutable MARKET;
    uint256 public immutable POOL;
    bytes32 private immutable TERMS_ID;

    uint256 public held;
    uint256 public sold;
    uint256 public paidIn;
    uint256 public paidOut;

    constructor(
        RoyaltyLedger ledger,
        Market market,
        CollectionShares collections,
        SaharaToken token,
        uint256 pool,
        bytes32 termsId,
        address[] memory people_
    ) {
        (LEDGER, REGISTRY, CURRENCY, people) = (ledger, AssetRegistry(address(ledger.REGISTRY())), token, people_);
        (MARKET, REFUNDS, COLLECTIONS, POOL, TERMS_ID) = (market, market.REFUNDS(), collections, pool, termsId);
    }

    /// @dev A sale that can be undone for a while.
    function buy(uint256 who) external {
        address buyer = _person(who);
        vm.prank(REGISTRY.ownerOf(POOL));
        MARKET.setOffer(POOL, TERMS_ID, true);
        vm.prank(buyer);
        MARKET.buy(POOL, TERMS_ID, PRICE, buyer);
        held += PRICE;
        ++sold;
    }

    function refund(uint256 license) external {
        if (sold == 0) return;
        license = license % sold + 1;
        (address payer, uint40 closesAt) = REFUNDS.saleOf(license);
        if (payer == address(0) || closesAt <= block.timestamp) return;
        uint256 had = CURRENCY.balanceOf(payer);
        vm.prank(payer);
        MARKET.refund(license);
        assertEq(CURRENCY.balanceOf(payer) - had, PRICE);
        held -= PRICE;
    }

    function release(uint256 license, uint256 wait) external {
        skip(wait % 2 days);
        if (sold == 0) return;
        uint256[] memory ids = new uint256[](1);
        ids[0] = license % sold + 1;
        (address payer, uint40 closesAt) = REFUNDS.saleOf(ids[0]);
        if (payer == address(0) || closesAt > block.timestamp) return;
        REFUNDS.release(ids);
        held -= PRICE;
        paidIn += PRICE - PRICE * 250 / 10_000;
    }

    function weigh(uint256 first, uint64 weight) external {
        uint256[] memory ids = new uint256[](1);
        uint64[] memory weights = new uint64[](1);
        (ids[0], weights[0]) = (_member(first), weight);
        vm.prank(REGISTRY.ownerOf(ids[0]));
        COLLECTIONS.agree(POOL, ids, true);
        vm.prank(REGISTRY.ownerOf(POOL));
        COLLECTIONS.setWeights(POOL, ids, weights);
    }

    function leave(uint256 first) external {
        uint256[] memory ids = new uint256[](1);
        ids[0] = _member(first);
        vm.prank(REGISTRY.ownerOf(ids[0]));
        COLLECTIONS.agree(POOL, ids, false);
    }

    function passOn(uint256 first) external {
        uint256[] memory ids = new uint256[](1);
        ids[0] = _member(first);
        uint256 due = COLLECTIONS.dueTo(POOL, CURRENCY, ids[0]);
        uint256 had = LEDGER.unsettled(ids[0], CURRENCY);
        COLLECTIONS.claim(POOL, CURRENCY, ids);
        assertEq(LEDGER.unsettled(ids[0], CURRENCY) - had, due, "what was said to be due came");
    }

    function _member(uint256 seed) private view returns (uint256) {
        return seed % (POOL - 1) + 1;
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

    /// @dev Whose owner may gives up a share; what all assets together hold or wait for stays the same.
    function waive(uint256 child, uint256 which) external {
        uint256 id = _asset(child);
        (uint256[] memory payees,) = LEDGER.tableOf(id);
        if (payees.length == 0) return;
        uint256 payee = payees[which % payees.length];
        if (LEDGER.isShared(payee)) return;
        vm.prank(REGISTRY.ownerOf(payee));
        LEDGER.waive(id, payee);
        assertEq(LEDGER.unsettled(id, CURRENCY), 0, "what came in before was divided before");
    }

    function sell(uint256 asset, uint256 to) external {
        uint256 id = _asset(asset);
        address seller = REGISTRY.ownerOf(id);
        address buyer = _person(to);
        uint256[] memory named = new uint256[](1);
        named[0] = id;
        uint256 owed = LEDGER.claimable(seller, CURRENCY, named);
        vm.prank(seller);
        REGISTRY.transferFrom(seller, buyer, id);
        assertEq(LEDGER.claimable(seller, CURRENCY, named), owed, "a sale takes nothing from the seller");
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
        IAssetRegistry.Edge[] memory parents = edges(trainedOn(left, offerAndBuy(carol, left, remix(0, 1_000))));
        vm.prank(carol);
        uint256 pool = registry.register("pool", IAssetRegistry.Kind.Collection, version("x"), parents);
        vm.prank(carol);
        collections.setWeights(pool, new uint256[](0), new uint64[](0));
        handler = _handler(pool);
        targetContract(address(handler));
    }

    /// @dev Whoever owns the pool, it is offered; sales of it can be undone for a week.
    function _handler(uint256 pool) private returns (LedgerHandler) {
        LedgerHandler probe = new LedgerHandler(ledger, market, collections, token, pool, bytes32(0), people);
        ILicenseTerms.Terms memory what = remix(probe.PRICE(), 0);
        what.refundWindow = 7 days;
        bytes32 termsId = terms.register(what);
        return new LedgerHandler(ledger, market, collections, token, pool, termsId, people);
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

    function invariant_what_is_held_for_refunds_is_there() public view {
        assertEq(token.balanceOf(address(refunds)), handler.held());
    }

    /// @dev What the members of the pool are due is in the ledger, up to roundings in the pool's favor.
    function invariant_a_collection_owes_no_more_than_it_has() public view {
        uint256 pool = handler.POOL();
        uint256 due;
        for (uint256 member = 1; member < pool; ++member) {
            due += collections.dueTo(pool, token, member);
        }
        (, uint256[] memory parts) = ledger.split(pool, ledger.unsettled(pool, token));
        assertLe(due, ledger.balanceOf(pool, token) + parts[parts.length - 1]);
    }

    function invariant_everything_is_claimed_by_somebody_or_due_to_members() public view {
        uint256[] memory all = new uint256[](registry.assetCount());
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i + 1;
        }
        uint256 sum;
        for (uint256 i = 0; i < people.length; ++i) {
            sum += ledger.claimable(people[i], token, all);
        }
        uint256 pool = handler.POOL();
        // Parts of the pool's ancestors in what is settled are theirs; what the pool keeps is its members'.
        sum += ledger.balanceOf(pool, token);
        for (uint256 asset = 1; asset <= pool; ++asset) {
            (uint256[] memory payees, uint256[] memory parts) = ledger.split(asset, ledger.unsettled(asset, token));
            for (uint256 i = 0; i < payees.length; ++i) {
                if (payees[i] == pool) sum += parts[i];
            }
        }
        assertEq(sum, token.balanceOf(address(ledger)));
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {TollToken} from "./helpers/TollToken.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRevenueSource} from "../src/interfaces/IRevenueSource.sol";
import {IRoyaltyLedger} from "../src/interfaces/IRoyaltyLedger.sol";

/// @dev What somebody with bad intentions would try.
contract AttacksTest is Lab {
    ReentrantToken internal hostile;
    uint256 internal asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "digits");
        hostile = new ReentrantToken();
        vm.prank(address(timelock));
        parameters.setCurrency(hostile, true);
        hostile.approve(address(ledger), type(uint256).max);
        hostile.approve(address(market), type(uint256).max);
    }

    function test_a_token_that_calls_back_cannot_claim_twice() public {
        ledger.pay(asset, hostile, 1_000);
        hostile.arm(address(ledger), abi.encodeCall(ledger.claim, (alice, hostile, list1(asset))));
        assertEq(ledger.claim(alice, hostile, list1(asset)), 1_000);
        _refusedInside();
        assertEq(hostile.balanceOf(alice), 1_000);
        assertEq(hostile.balanceOf(address(ledger)), 0);
    }

    function test_a_token_that_calls_back_cannot_claim_money_that_is_still_coming() public {
        hostile.arm(address(ledger), abi.encodeCall(ledger.claim, (alice, hostile, list1(asset))));
        ledger.pay(asset, hostile, 1_000);
        _refusedInside();
        assertEq(ledger.unsettled(asset, hostile), 1_000);
    }

    function test_a_token_that_calls_back_cannot_buy_within_a_sale() public {
        ILicenseTerms.Terms memory what = remix(1_000, 0);
        (what.currency, what.seats) = (address(hostile), 1);
        bytes32 id = offer(asset, what);
        hostile.arm(address(market), abi.encodeCall(market.buy, (asset, id, 1_000, mallory)));
        market.buy(asset, id, 1_000, bob);
        _refusedInside();
        assertEq(licenses.licenseCount(), 1);
    }

    function test_a_token_that_calls_back_cannot_move_the_asset_within_a_claim() public {
        ledger.pay(asset, hostile, 1_000);
        vm.prank(alice);
        registry.approve(address(hostile), asset);
        hostile.arm(address(registry), abi.encodeCall(registry.transferFrom, (alice, mallory, asset)));
        ledger.claim(alice, hostile, list1(asset));
        _refusedInside();
        assertEq(registry.ownerOf(asset), alice);
    }

    function test_a_hostile_currency_cannot_touch_the_money_of_another() public {
        vm.prank(bob);
        ledger.pay(asset, token, 1_000);
        ledger.pay(asset, hostile, 7);
        hostile.arm(address(ledger), abi.encodeCall(ledger.claim, (alice, token, list1(asset))));
        ledger.claim(alice, hostile, list1(asset));
        assertEq(ledger.claimable(alice, token, list1(asset)), 1_000);
    }

    function test_a_currency_that_keeps_a_part_of_transfers_is_refused() public {
        TollToken toll = new TollToken();
        vm.prank(address(timelock));
        parameters.setCurrency(toll, true);
        toll.approve(address(ledger), type(uint256).max);
        toll.approve(address(market), type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.WrongAmountReceived.selector, toll, 990, 1_000));
        ledger.pay(asset, toll, 1_000);
        ILicenseTerms.Terms memory what = remix(1_000, 0);
        what.currency = address(toll);
        bytes32 id = offer(asset, what);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.WrongAmountReceived.selector, toll, 966, 975));
        market.buy(asset, id, 1_000, bob);
        assertEq(toll.balanceOf(address(ledger)), 0);
        assertEq(licenses.licenseCount(), 0);
    }

    function test_a_token_that_calls_back_cannot_renew_within_a_renewal() public {
        ILicenseTerms.Terms memory what = remix(1_000, 0);
        (what.currency, what.duration) = (address(hostile), 1 days);
        bytes32 id = offer(asset, what);
        uint256 license = market.buy(asset, id, 1_000, bob);
        uint64 end = licenses.get(license).expiresAt;
        hostile.arm(address(market), abi.encodeCall(market.renew, (license, 1_000)));
        market.renew(license, 1_000);
        _refusedInside();
        assertEq(licenses.get(license).expiresAt, end + 1 days);
    }

    function test_nobody_but_the_ledger_makes_the_market_take_from_those_who_trust_it() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenueSource.OnlyLedger.selector, mallory));
        vm.prank(mallory);
        market.onCollect(token, 5, bob);
        hostile.arm(address(market), abi.encodeCall(market.onCollect, (token, 5, bob)));
        hostile.transfer(alice, 1);
        assertFalse(hostile.succeeded());
        // Whoever asks the ledger to collect is called back, whatever payer they name.
        vm.expectRevert();
        vm.prank(mallory);
        ledger.collect(asset, token, 5, bob);
        assertEq(token.balanceOf(bob), 10_000 * TOKEN);
    }

    function test_revenue_that_was_announced_and_did_not_come_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.WrongAmountReceived.selector, token, 0, 5));
        ledger.collect(asset, token, 5, bob);
        assertEq(ledger.unsettled(asset, token), 0);
    }

    function test_more_than_the_books_can_hold_is_refused() public {
        vm.prank(bob);
        ledger.pay(asset, token, 3);
        uint256 room = type(uint128).max - 3;
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.AmountTooLarge.selector, room + 1, room));
        vm.prank(bob);
        ledger.pay(asset, token, room + 1);
    }

    /// @dev A source that brings nothing.
    function onCollect(IERC20, uint256, address) external {}

    function test_gifts_poured_over_an_account_do_not_make_the_question_dearer() public {
        bytes32 id = offer(asset, remix(0, 0));
        buy(bob, asset, id);
        uint256 before = _gasOfAsking(bob);
        ILicenseTerms.Terms memory junk = remix(0, 0);
        junk.duration = 1;
        bytes32 junkId = offer(asset, junk);
        for (uint256 i = 0; i < 200; ++i) {
            vm.prank(mallory);
            market.buy(asset, junkId, 0, bob);
        }
        assertApproxEqAbs(_gasOfAsking(bob), before, 3_000);
        assertTrue(licenses.hasAccess(bob, asset, Uses.ALL));
    }

    function test_the_dearest_question_stays_cheap() public {
        for (uint16 uses = 1; uses <= Uses.ALL; ++uses) {
            ILicenseTerms.Terms memory what = remix(0, 0);
            what.computeOnly = uses & Uses.READ == 0;
            what.uses = uses;
            offerAndBuy(bob, asset, what);
        }
        assertLt(_gasOfAsking(bob), 500_000);
    }

    function test_a_transfer_stays_affordable_with_every_currency_and_every_payee() public {
        uint256 last = asset;
        for (uint256 i = 1; i < 16; ++i) {
            last = derive(i % 2 == 0 ? alice : bob, string.concat("a", vm.toString(i)), last, 5_000);
        }
        for (uint256 i = 2; i < parameters.MAX_CURRENCIES(); ++i) {
            ReentrantToken other = new ReentrantToken();
            vm.prank(address(timelock));
            parameters.setCurrency(other, true);
            other.approve(address(ledger), type(uint256).max);
            ledger.pay(last, other, 1 ether);
        }
        ledger.pay(last, hostile, 1 ether);
        address owner = registry.ownerOf(last);
        vm.prank(owner);
        uint256 before = gasleft();
        registry.transferFrom(owner, carol, last);
        assertLt(before - gasleft(), 15_000_000, "half of a block");
    }

    function test_dust_neither_blocks_nor_creates_money() public {
        uint256 net = derive(bob, "net", asset, 1_000);
        vm.startPrank(carol);
        for (uint256 i = 0; i < 9; ++i) {
            ledger.pay(net, token, 1);
            ledger.settle(net, token);
        }
        vm.stopPrank();
        assertEq(ledger.balanceOf(net, token), 9);
        assertEq(ledger.claim(bob, token, list1(net)), 9);
    }

    function test_tokens_thrown_at_the_ledger_belong_to_nobody_and_break_nothing() public {
        vm.prank(carol);
        token.transfer(address(ledger), 5);
        vm.prank(carol);
        ledger.pay(asset, token, 10);
        assertEq(ledger.claim(alice, token, list1(asset)), 10);
        assertEq(token.balanceOf(address(ledger)), 5);
    }

    function test_claiming_for_somebody_pays_them_and_not_the_caller() public {
        vm.prank(carol);
        ledger.pay(asset, token, 10);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.NothingToClaim.selector, mallory));
        vm.prank(mallory);
        ledger.claim(mallory, token, list1(asset));
        uint256 had = token.balanceOf(alice);
        vm.prank(mallory);
        ledger.claim(alice, token, list1(asset));
        assertEq(token.balanceOf(alice), had + 10);
    }

    function test_a_captured_account_changes_nothing() public {
        address[3] memory accounts = [deployer, alice, mallory];
        for (uint256 i = 0; i < accounts.length; ++i) {
            bytes memory denied = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, accounts[i]);
            vm.startPrank(accounts[i]);
            vm.expectRevert(denied);
            parameters.setFeeBps(1_000);
            vm.expectRevert(denied);
            parameters.setMaxRoyaltyBps(0);
            vm.expectRevert(denied);
            parameters.setCurrency(hostile, false);
            vm.expectRevert(denied);
            directory.set("Market", address(this));
            vm.expectRevert(denied);
            keyServers.add(mallory, "http://evil", new bytes(1216));
            vm.expectRevert(denied);
            keyServers.setActive(1, false);
            vm.expectRevert(denied);
            keyServers.setUrl(1, "http://evil");
            vm.expectRevert();
            access.grantRole(0, mallory, 0);
            vm.expectRevert();
            timelock.schedule(address(parameters), 0, "", 0, 0, 2);
            vm.expectRevert();
            timelock.updateDelay(2);
            vm.expectRevert();
            parameters.setAuthority(mallory);
            vm.stopPrank();
        }
    }

    function _refusedInside() private view {
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
        assertEq(bytes4(hostile.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    /// @dev With every slot cold, as a key server's call finds them.
    function _gasOfAsking(address account) private returns (uint256) {
        vm.cool(address(licenses));
        vm.cool(address(registry));
        uint256 before = gasleft();
        licenses.hasAccess(account, asset, Uses.DERIVATIVE);
        return before - gasleft();
    }
}

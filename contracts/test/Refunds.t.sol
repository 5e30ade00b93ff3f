// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {TollToken} from "./helpers/TollToken.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "../src/interfaces/ILicenseToken.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IRefundEscrow} from "../src/interfaces/IRefundEscrow.sol";
import {IRevenueSource} from "../src/interfaces/IRevenueSource.sol";
import {IRoyaltyLedger} from "../src/interfaces/IRoyaltyLedger.sol";

/// @dev Sales that can be undone for a while.
contract RefundsTest is Lab {
    uint32 internal constant WINDOW = 7 days;
    uint256 internal asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "digits");
    }

    function test_the_money_waits_until_the_window_closes() public {
        uint256 license = offerAndBuy(bob, asset, _refundable(25 * TOKEN));
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(token.balanceOf(address(refunds)), 25 * TOKEN);
        assertEq(ledger.unsettled(asset, token), 0);
        (address payer, uint40 closesAt) = refunds.saleOf(license);
        assertEq(payer, bob);
        assertEq(closesAt, block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.WindowOpen.selector, license, closesAt));
        refunds.release(list1(license));

        skip(WINDOW);
        uint256 had = token.balanceOf(address(timelock));
        vm.prank(mallory);
        refunds.release(list2(license, license));
        assertEq(token.balanceOf(address(timelock)) - had, 0.625e18);
        assertEq(ledger.unsettled(asset, token), 24.375e18, "as a sale without a window");
        assertEq(token.balanceOf(address(refunds)), 0);
        refunds.release(list1(license));
        assertEq(ledger.unsettled(asset, token), 24.375e18, "once");
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
    }

    function test_a_license_given_back_ends_at_once_and_brings_back_all_of_the_price() public {
        uint256 license = offerAndBuy(bob, asset, _refundable(25 * TOKEN));
        skip(WINDOW - 1);
        vm.expectEmit(address(licenses));
        emit ILicenseToken.LicenseEnded(license);
        vm.expectEmit(address(refunds));
        emit IRefundEscrow.Refunded(license, bob, token, 25 * TOKEN);
        vm.prank(bob);
        market.refund(license);
        assertEq(token.balanceOf(bob), 10_000 * TOKEN);
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(licenses.licenseFor(bob, asset, Uses.READ), 0);
        assertEq(licenses.balanceOf(bob), 0);
        assertEq(licenses.licensesOf(bob, asset), list1(license), "its number stays in the history");
        assertEq(licenses.get(license).asset, asset, "and what it said");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, license));
        licenses.ownerOf(license);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.UnknownLicense.selector, license));
        licenses.promote(license);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, license));
        vm.prank(bob);
        market.refund(license);
        skip(WINDOW);
        refunds.release(list1(license));
        assertEq(ledger.unsettled(asset, token), 0);
    }

    function test_a_gift_is_given_back_by_its_holder_to_who_paid() public {
        bytes32 id = offer(asset, _refundable(25 * TOKEN));
        vm.prank(bob);
        uint256 license = market.buy(asset, id, 25 * TOKEN, carol);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotLicenseHolder.selector, license, bob));
        vm.prank(bob);
        market.refund(license);
        vm.prank(carol);
        market.refund(license);
        assertEq(token.balanceOf(bob), 10_000 * TOKEN);
        assertEq(token.balanceOf(carol), 10_000 * TOKEN);
    }

    function test_after_the_window_nothing_comes_back() public {
        uint256 license = offerAndBuy(bob, asset, _refundable(25 * TOKEN));
        (, uint40 closesAt) = refunds.saleOf(license);
        skip(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.WindowClosed.selector, license, closesAt));
        vm.prank(bob);
        market.refund(license);
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
    }

    function test_without_a_window_nothing_is_held_and_nothing_comes_back() public {
        uint256 license = offerAndBuy(bob, asset, remix(25 * TOKEN, 0));
        assertEq(token.balanceOf(address(refunds)), 0);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.NothingHeld.selector, license));
        vm.prank(bob);
        market.refund(license);
        bytes32 id = terms.register(_refundable(TOKEN));
        vm.prank(alice);
        uint256 granted = market.grant(asset, id, bob);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.NothingHeld.selector, granted));
        vm.prank(bob);
        market.refund(granted);
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ), "a refund that fails takes nothing");
    }

    function test_a_license_that_changed_hands_is_firm() public {
        ILicenseTerms.Terms memory what = _refundable(25 * TOKEN);
        what.transferable = true;
        uint256 license = offerAndBuy(bob, asset, what);
        vm.prank(bob);
        licenses.transferFrom(bob, carol, license);
        vm.prank(carol);
        licenses.transferFrom(carol, bob, license);
        assertTrue(licenses.isFirm(license), "even when it came back");
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotRefundable.selector, license));
        vm.prank(bob);
        market.refund(license);
        refunds.release(list1(license));
        assertEq(ledger.unsettled(asset, token), 24.375e18, "so the owner need not wait");
    }

    function test_a_license_that_a_derivative_stands_on_is_firm() public {
        ILicenseTerms.Terms memory what = _refundable(25 * TOKEN);
        what.royaltyBps = 1_000;
        uint256 license = offerAndBuy(bob, asset, what);
        publish(bob, "net", edges(trainedOn(asset, license)));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotRefundable.selector, license));
        vm.prank(bob);
        market.refund(license);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.OnlyRegistry.selector, mallory));
        vm.prank(mallory);
        licenses.makeFirm(license);
    }

    function test_a_license_given_back_carries_no_derivative() public {
        uint256 license = offerAndBuy(bob, asset, _refundable(25 * TOKEN));
        vm.prank(bob);
        market.refund(license);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, license));
        publish(bob, "net", edges(trainedOn(asset, license)));
    }

    function test_an_older_license_stands_in_for_the_one_given_back() public {
        uint256 kept = offerAndBuy(bob, asset, remix(TOKEN, 0));
        uint256 license = offerAndBuy(bob, asset, _refundable(25 * TOKEN));
        vm.prank(bob);
        market.refund(license);
        assertEq(licenses.licenseFor(bob, asset, Uses.READ), kept);
    }

    function test_a_seat_given_back_is_free() public {
        ILicenseTerms.Terms memory what = _refundable(TOKEN);
        (what.seats, what.duration) = (3, 30 days);
        bytes32 id = offer(asset, what);
        uint256 first = buy(bob, asset, id);
        uint256 second = buy(bob, asset, id);
        skip(1 days);
        uint256 third = buy(carol, asset, id);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.NoSeatsLeft.selector, asset, id, 3));
        buy(carol, asset, id);
        vm.startPrank(bob);
        market.refund(second);
        vm.stopPrank();
        assertEq(licenses.seatsTaken(asset, id), 2);
        buy(carol, asset, id);
        vm.prank(bob);
        market.refund(first);
        vm.prank(carol);
        market.refund(third);
        assertEq(licenses.seatsTaken(asset, id), 1);
        skip(30 days);
        assertEq(licenses.seatsTaken(asset, id), 0);
    }

    /// @dev Buys, refunds and waits in any order: the seats are those of a plain count.
    function testFuzz_seats_equal_a_plain_count(uint256 seed) public {
        ILicenseTerms.Terms memory what = _refundable(1);
        (what.seats, what.duration) = (4, 8 days);
        bytes32 id = offer(asset, what);
        for (uint256 i = 0; i < 24; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            uint256 count = licenses.licenseCount();
            uint256 alive;
            for (uint256 license = 1; license <= count; ++license) {
                try licenses.ownerOf(license) {
                    if (licenses.get(license).expiresAt > block.timestamp) ++alive;
                } catch {}
            }
            assertEq(licenses.seatsTaken(asset, id), alive);
            if (dice % 3 == 0) {
                skip((dice >> 8) % 3 days);
            } else if (dice % 3 == 1 && count != 0) {
                vm.prank(bob);
                try market.refund((dice >> 8) % count + 1) {} catch {}
            } else {
                vm.prank(bob);
                (bool bought,) = address(market).call(abi.encodeCall(market.buy, (asset, id, 1, bob)));
                assertEq(bought, alive < 4);
            }
        }
    }

    function test_renewals_are_final() public {
        ILicenseTerms.Terms memory what = _refundable(10 * TOKEN);
        what.duration = 30 days;
        uint256 license = offerAndBuy(bob, asset, what);
        vm.prank(carol);
        market.renew(license, 10 * TOKEN);
        assertEq(ledger.unsettled(asset, token), 9.75e18, "what a renewal brings goes on at once");
        vm.prank(bob);
        market.refund(license);
        assertEq(token.balanceOf(bob), 10_000 * TOKEN);
        assertEq(token.balanceOf(carol), 9_990 * TOKEN);
    }

    function test_the_fee_is_that_of_the_day_of_the_sale() public {
        uint256 license = offerAndBuy(bob, asset, _refundable(100 * TOKEN));
        vm.prank(address(timelock));
        parameters.setFeeBps(1_000);
        skip(WINDOW);
        refunds.release(list1(license));
        assertEq(ledger.unsettled(asset, token), 97.5e18);
    }

    function test_money_held_when_the_dao_withdraws_a_currency_still_goes_both_ways() public {
        bytes32 id = offer(asset, _refundable(TOKEN));
        uint256 first = buy(bob, asset, id);
        uint256 second = buy(bob, asset, id);
        vm.prank(address(timelock));
        parameters.setCurrency(token, false);
        vm.prank(bob);
        market.refund(first);
        skip(WINDOW);
        refunds.release(list1(second));
        assertEq(ledger.claim(alice, token, list1(asset)), 0.975e18);
    }

    function test_only_the_market_holds_and_pays_back() public {
        vm.startPrank(mallory);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.OnlyMarket.selector, mallory));
        refunds.hold(1, mallory);
        vm.expectRevert(abi.encodeWithSelector(IRefundEscrow.OnlyMarket.selector, mallory));
        refunds.refund(1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueSource.OnlyLedger.selector, mallory));
        refunds.onCollect(token, 1, mallory);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.OnlyMarket.selector, mallory));
        licenses.end(1);
    }

    function test_a_token_that_calls_back_is_refunded_once() public {
        ReentrantToken hostile = _hostile();
        ILicenseTerms.Terms memory what = _refundable(1_000);
        (what.currency, what.transferable) = (address(hostile), true);
        bytes32 id = offer(asset, what);
        market.buy(asset, id, 1_000, bob);
        uint256 license = market.buy(asset, id, 1_000, address(hostile));
        hostile.arm(address(market), abi.encodeCall(market.refund, (license)));
        vm.prank(bob);
        market.refund(1);
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
        assertEq(hostile.balanceOf(address(refunds)), 1_000, "what the other license brought is still there");
        hostile.arm(address(licenses), abi.encodeCall(licenses.transferFrom, (address(hostile), mallory, license)));
        vm.prank(address(hostile));
        market.refund(license);
        assertFalse(hostile.succeeded(), "a license on its way back cannot be sold");
        assertEq(hostile.balanceOf(address(refunds)), 0);
    }

    /// @dev Who receives a license or an asset is called in the middle of the transfer.
    function test_a_receiver_that_calls_back_gets_nothing_of_the_senders() public {
        ILicenseTerms.Terms memory what = _refundable(25 * TOKEN);
        what.transferable = true;
        uint256 license = offerAndBuy(bob, asset, what);
        _calls = abi.encodeCall(market.refund, (license));
        (_target, _refused) = (address(market), IMarket.NotRefundable.selector);
        vm.prank(bob);
        licenses.safeTransferFrom(bob, address(this), license);
        assertEq(token.balanceOf(address(refunds)), 25 * TOKEN);

        vm.prank(carol);
        ledger.pay(asset, token, 100);
        _calls = abi.encodeCall(ledger.claim, (address(this), token, list1(asset)));
        (_target, _refused) = (address(ledger), IRoyaltyLedger.NothingToClaim.selector);
        vm.prank(alice);
        registry.safeTransferFrom(alice, address(this), asset);
        assertEq(ledger.claim(alice, token, new uint256[](0)), 100);
    }

    address private _target;
    bytes private _calls;
    bytes4 private _refused;

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        (bool done, bytes memory answer) = _target.call(_calls);
        assertFalse(done);
        assertEq(bytes4(answer), _refused);
        return this.onERC721Received.selector;
    }

    function test_a_token_that_calls_back_is_released_once() public {
        ReentrantToken hostile = _hostile();
        ILicenseTerms.Terms memory what = _refundable(1_000);
        what.currency = address(hostile);
        uint256 license = market.buy(asset, offer(asset, what), 1_000, bob);
        skip(WINDOW);
        hostile.arm(address(refunds), abi.encodeCall(refunds.release, (list1(license))));
        refunds.release(list1(license));
        assertTrue(hostile.tried());
        assertFalse(hostile.succeeded());
        assertEq(ledger.unsettled(asset, hostile), 975);
    }

    function test_a_currency_that_keeps_a_part_is_refused_here_too() public {
        TollToken toll = new TollToken();
        vm.prank(address(timelock));
        parameters.setCurrency(toll, true);
        toll.approve(address(market), type(uint256).max);
        ILicenseTerms.Terms memory what = _refundable(1_000);
        what.currency = address(toll);
        bytes32 id = offer(asset, what);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyLedger.WrongAmountReceived.selector, toll, 990, 1_000));
        market.buy(asset, id, 1_000, bob);
    }

    function testFuzz_a_released_sale_pays_what_a_direct_one_does(uint256 price, uint16 share, uint16 fee) public {
        price = bound(price, 1, 1_000 * TOKEN);
        vm.prank(address(timelock));
        parameters.setFeeBps(uint16(bound(fee, 0, 1_000)));
        uint256 child = derive(bob, "net", asset, uint16(bound(share, 0, 5_000)));
        uint256 had = token.balanceOf(address(timelock));
        uint256 license = offerAndBuy(carol, child, _refundable(price));
        skip(WINDOW);
        refunds.release(list1(license));
        uint256 held = ledger.unsettled(child, token);
        uint256 taken = token.balanceOf(address(timelock)) - had;
        offerAndBuy(carol, child, remix(price, 0));
        assertEq(ledger.unsettled(child, token), 2 * held);
        assertEq(token.balanceOf(address(timelock)) - had, 2 * taken);
        assertEq(held + taken, price);
    }

    function _refundable(uint256 price) private view returns (ILicenseTerms.Terms memory what) {
        what = remix(price, 0);
        what.refundWindow = WINDOW;
    }

    function _hostile() private returns (ReentrantToken hostile) {
        hostile = new ReentrantToken();
        vm.prank(address(timelock));
        parameters.setCurrency(hostile, true);
        hostile.approve(address(market), type(uint256).max);
    }
}

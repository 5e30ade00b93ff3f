// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "../src/interfaces/ILicenseToken.sol";
import {IProtocolParameters} from "../src/interfaces/IProtocolParameters.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";

contract MarketTest is Lab {
    uint256 internal asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "digits");
    }

    /* ----------------------------------------------------------------- offers */

    function test_an_owner_offers_and_withdraws() public {
        bytes32 id = offer(asset, remix(TOKEN, 0));
        assertTrue(market.isOffered(asset, id));
        assertEq(market.offersOf(asset).length, 1);
        vm.startPrank(alice);
        market.setOffer(asset, id, true);
        assertEq(market.offersOf(asset).length, 1, "twice is once");
        market.setOffer(asset, id, false);
        market.setOffer(asset, id, false);
        vm.stopPrank();
        assertFalse(market.isOffered(asset, id));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOffered.selector, asset, id));
        market.quote(asset, id);
    }

    function test_only_the_owner_offers_and_only_known_terms_in_allowed_currencies() public {
        bytes32 id = terms.register(remix(TOKEN, 0));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotAssetOwner.selector, asset, mallory));
        vm.prank(mallory);
        market.setOffer(asset, id, true);

        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ILicenseTerms.UnknownTerms.selector, bytes32("x")));
        market.setOffer(asset, bytes32("x"), true);
        ILicenseTerms.Terms memory foreign = remix(TOKEN, 0);
        foreign.currency = address(0xbeef);
        bytes32 foreignId = terms.register(foreign);
        vm.expectRevert(abi.encodeWithSelector(IProtocolParameters.CurrencyNotAllowed.selector, address(0xbeef)));
        market.setOffer(asset, foreignId, true);
    }

    function test_offers_end_when_the_asset_changes_hands() public {
        bytes32 id = offer(asset, remix(0, 0));
        vm.prank(alice);
        registry.transferFrom(alice, bob, asset);
        assertFalse(market.isOffered(asset, id));
        assertEq(market.offersOf(asset).length, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOffered.selector, asset, id));
        buy(carol, asset, id);
    }

    /* ----------------------------------------------------------------- sales */

    function test_a_sale_pays_fee_and_revenue_and_gives_the_license() public {
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        uint256 before = token.balanceOf(address(timelock));
        vm.expectEmit(address(market));
        emit IMarket.LicenseSold(1, asset, bob, id, 25 * TOKEN, 0.625e18);
        uint256 license = buy(bob, asset, id);
        assertEq(licenses.ownerOf(license), bob);
        assertEq(token.balanceOf(bob), 9_975 * TOKEN);
        assertEq(token.balanceOf(address(timelock)) - before, 0.625e18);
        assertEq(token.balanceOf(address(ledger)), 24.375e18);
        assertEq(token.balanceOf(address(market)), 0, "the market keeps nothing");
        assertEq(ledger.unsettled(asset, token), 24.375e18);
    }

    function testFuzz_a_quote_is_what_everyone_gets(uint256 price, uint16 first, uint16 second) public {
        price = bound(price, 0, 1_000 * TOKEN);
        uint256 child = derive(bob, "net", asset, uint16(bound(first, 0, 5_000)));
        uint256 grandchild = derive(carol, "tuned", child, uint16(bound(second, 0, 5_000)));
        bytes32 id = offer(grandchild, remix(price, 0));
        IMarket.Quote memory given = market.quote(grandchild, id);
        uint256[3] memory had = [token.balanceOf(alice), token.balanceOf(bob), token.balanceOf(carol)];
        uint256 hadTreasury = token.balanceOf(address(timelock));

        address buyer = makeAddr("buyer");
        vm.prank(address(timelock));
        token.transfer(buyer, price);
        hadTreasury -= price;
        vm.prank(buyer);
        token.approve(address(market), price);
        buy(buyer, grandchild, id);
        _claimAll(child, grandchild);

        uint256 sum = given.fee;
        for (uint256 i = 0; i < given.payees.length; ++i) {
            assertEq(given.accounts[i], registry.ownerOf(given.payees[i]));
            sum += given.amounts[i];
            uint256 who = given.accounts[i] == alice ? 0 : given.accounts[i] == bob ? 1 : 2;
            assertEq(token.balanceOf(given.accounts[i]) - had[who], given.amounts[i]);
        }
        assertEq(sum, given.price, "the quote adds up");
        assertEq(given.price, price);
        assertEq(given.payees[given.payees.length - 1], grandchild, "the licensed asset comes last");
        assertEq(token.balanceOf(address(timelock)) - hadTreasury, given.fee);
        assertEq(token.balanceOf(address(ledger)), 0);
    }

    function test_a_free_license_moves_no_money() public {
        bytes32 id = offer(asset, remix(0, 0));
        vm.prank(mallory);
        market.buy(asset, id, 0, mallory);
        assertEq(token.balanceOf(address(ledger)), 0);
    }

    function test_a_price_of_one_unit_rounds_to_no_fee_and_no_royalty_and_still_sells() public {
        uint256 child = derive(bob, "net", asset, 1_000);
        bytes32 id = offer(child, remix(1, 0));
        buy(carol, child, id);
        assertEq(ledger.unsettled(child, token), 1);
        ledger.settle(child, token);
        assertEq(ledger.balanceOf(child, token), 1, "rounding stays with the paid asset");
        assertEq(ledger.balanceOf(asset, token), 0);
    }

    function test_a_price_above_the_cap_is_refused() public {
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        vm.expectRevert(abi.encodeWithSelector(IMarket.PriceAboveCap.selector, 25 * TOKEN, 24 * TOKEN));
        vm.prank(bob);
        market.buy(asset, id, 24 * TOKEN, bob);
    }

    function test_without_funds_or_allowance_nothing_happens() public {
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        vm.startPrank(mallory);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        market.buy(asset, id, 25 * TOKEN, mallory);
        token.approve(address(market), 25 * TOKEN);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientBalance.selector);
        market.buy(asset, id, 25 * TOKEN, mallory);
        vm.stopPrank();
        assertEq(licenses.balanceOf(mallory), 0);
    }

    function test_a_gift_goes_to_its_holder_and_is_paid_by_the_caller() public {
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        vm.prank(bob);
        uint256 license = market.buy(asset, id, 25 * TOKEN, carol);
        assertEq(licenses.ownerOf(license), carol);
        assertEq(token.balanceOf(bob), 9_975 * TOKEN);
        vm.expectRevert(ERC721.TransferToZeroAddress.selector);
        vm.prank(bob);
        market.buy(asset, id, 25 * TOKEN, address(0));
    }

    function test_seats_run_out_and_come_back() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        (what.seats, what.duration) = (2, 1 days);
        bytes32 id = offer(asset, what);
        buy(bob, asset, id);
        buy(carol, asset, id);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.NoSeatsLeft.selector, asset, id, 2));
        buy(carol, asset, id);
        skip(1 days);
        buy(carol, asset, id);
    }

    function test_a_currency_the_dao_withdrew_sells_no_more() public {
        bytes32 id = offer(asset, remix(TOKEN, 0));
        vm.prank(address(timelock));
        parameters.setCurrency(token, false);
        vm.expectRevert(abi.encodeWithSelector(IProtocolParameters.CurrencyNotAllowed.selector, address(token)));
        buy(bob, asset, id);
    }

    /* ----------------------------------------------------------------- renewals */

    function test_a_renewal_extends_the_same_license_and_pays_like_a_sale() public {
        bytes32 id = offer(asset, _monthly(10 * TOKEN));
        uint256 license = buy(bob, asset, id);
        uint64 end = licenses.get(license).expiresAt;
        skip(10 days);
        vm.expectEmit(address(market));
        emit IMarket.RenewalSold(license, asset, bob, id, 10 * TOKEN, 0.25e18);
        vm.prank(bob);
        assertEq(market.renew(license, 10 * TOKEN), end + 30 days);
        assertEq(licenses.get(license).expiresAt, end + 30 days);
        assertEq(licenses.licenseCount(), 1);
        assertEq(token.balanceOf(bob), 9_980 * TOKEN);
        assertEq(ledger.unsettled(asset, token), 19.5e18);
        skip(40 days);
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        skip(10 days);
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ), "and then it ends");
    }

    function testFuzz_a_renewal_pays_what_a_sale_pays(uint256 price, uint16 royalty) public {
        price = bound(price, 0, 100 * TOKEN);
        uint256 child = derive(bob, "net", asset, uint16(bound(royalty, 0, 5_000)));
        bytes32 id = offer(child, _monthly(price));
        address treasury = address(timelock);
        uint256[2] memory had = [token.balanceOf(treasury), token.balanceOf(carol)];
        uint256 license = buy(carol, child, id);
        uint256[2] memory sold = [token.balanceOf(treasury) - had[0], ledger.unsettled(child, token)];
        vm.startPrank(carol);
        token.approve(address(market), price);
        market.renew(license, price);
        vm.stopPrank();
        assertEq(token.balanceOf(treasury), had[0] + 2 * sold[0]);
        assertEq(ledger.unsettled(child, token), 2 * sold[1]);
        assertEq(token.balanceOf(carol), had[1] - 2 * price);
        assertEq(token.balanceOf(address(ledger)), 2 * sold[1]);
    }

    function test_an_expired_license_is_renewed_from_now() public {
        uint256 license = offerAndBuy(bob, asset, _monthly(0));
        skip(100 days);
        vm.prank(carol);
        assertEq(market.renew(license, 0), block.timestamp + 30 days, "by anybody, for its holder");
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        assertFalse(licenses.hasAccess(carol, asset, Uses.READ));
    }

    function test_a_renewal_needs_the_offer_and_the_price_below_the_cap() public {
        bytes32 id = offer(asset, _monthly(10 * TOKEN));
        uint256 license = buy(bob, asset, id);
        vm.expectRevert(abi.encodeWithSelector(IMarket.PriceAboveCap.selector, 10 * TOKEN, 9 * TOKEN));
        vm.prank(bob);
        market.renew(license, 9 * TOKEN);
        vm.prank(alice);
        market.setOffer(asset, id, false);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotOffered.selector, asset, id));
        vm.prank(bob);
        market.renew(license, 10 * TOKEN);
    }

    function test_what_never_ends_or_takes_a_seat_is_not_renewed() public {
        uint256 forever = offerAndBuy(bob, asset, remix(0, 0));
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.NeverExpires.selector, forever));
        market.renew(forever, 0);
        ILicenseTerms.Terms memory seated = _monthly(0);
        seated.seats = 2;
        uint256 license = offerAndBuy(bob, asset, seated);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.SeatNotRenewable.selector, license, 2));
        market.renew(license, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.OnlyMarket.selector, bob));
        vm.prank(bob);
        licenses.renew(license);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.UnknownLicense.selector, 9));
        market.renew(9, 0);
    }

    function test_renewals_reach_a_hundred_years_and_no_further() public {
        ILicenseTerms.Terms memory long = _monthly(0);
        long.duration = 36_525 days;
        uint256 license = offerAndBuy(bob, asset, long);
        uint256 latest = block.timestamp + 36_525 days;
        vm.expectRevert(
            abi.encodeWithSelector(ILicenseToken.RenewedTooFar.selector, license, latest + 36_525 days, latest)
        );
        market.renew(license, 0);
    }

    function _monthly(uint256 price) private view returns (ILicenseTerms.Terms memory what) {
        what = remix(price, 0);
        what.duration = 30 days;
    }

    /* ----------------------------------------------------------------- licenses without a price */

    function test_a_license_is_asked_for_and_granted() public {
        bytes32 id = terms.register(_monthly(10 * TOKEN));
        vm.expectEmit(address(market));
        emit IMarket.LicenseRequested(asset, bob, id, "for my thesis");
        vm.prank(bob);
        market.request(asset, id, "for my thesis");
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ), "asking gives nothing");
        vm.expectEmit(address(market));
        emit IMarket.LicenseGranted(1, asset, bob, id);
        vm.prank(alice);
        assertEq(market.grant(asset, id, bob), 1);
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(token.balanceOf(bob), 10_000 * TOKEN);
    }

    function test_only_the_owner_grants_and_seats_count() public {
        ILicenseTerms.Terms memory what = _monthly(0);
        what.seats = 1;
        bytes32 id = terms.register(what);
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotAssetOwner.selector, asset, mallory));
        vm.prank(mallory);
        market.grant(asset, id, mallory);
        vm.startPrank(alice);
        market.grant(asset, id, bob);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.NoSeatsLeft.selector, asset, id, 1));
        market.grant(asset, id, carol);
    }

    function test_only_the_owner_declines() public {
        bytes32 id = terms.register(_monthly(0));
        vm.expectRevert(abi.encodeWithSelector(IMarket.NotAssetOwner.selector, asset, mallory));
        vm.prank(mallory);
        market.decline(asset, id, bob);
        vm.expectEmit(address(market));
        emit IMarket.RequestDeclined(asset, bob, id);
        vm.prank(alice);
        market.decline(asset, id, bob);
    }

    function test_a_request_names_what_exists_and_is_short() public {
        bytes32 id = terms.register(_monthly(0));
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 9));
        market.request(9, id, "");
        vm.expectRevert(abi.encodeWithSelector(ILicenseTerms.UnknownTerms.selector, bytes32("x")));
        market.request(asset, "x", "");
        vm.expectRevert(abi.encodeWithSelector(IMarket.NoteTooLong.selector, 513, 512));
        market.request(asset, id, string(new bytes(513)));
    }

    /* ----------------------------------------------------------------- permits */

    function test_a_permit_pays_in_one_transaction() public {
        (address buyer, uint256 key) = _buyer();
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        (uint8 v, bytes32 r, bytes32 s) = _permit(buyer, key, 25 * TOKEN);
        vm.prank(buyer);
        uint256 license = market.buyWithPermit(asset, id, 25 * TOKEN, buyer, block.timestamp, v, r, s);
        assertEq(licenses.ownerOf(license), buyer);
        assertEq(token.allowance(buyer, address(market)), 0);
    }

    function test_a_permit_that_somebody_sent_first_still_buys() public {
        (address buyer, uint256 key) = _buyer();
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        (uint8 v, bytes32 r, bytes32 s) = _permit(buyer, key, 25 * TOKEN);
        vm.prank(mallory);
        token.permit(buyer, address(market), 25 * TOKEN, block.timestamp, v, r, s);
        vm.prank(buyer);
        market.buyWithPermit(asset, id, 25 * TOKEN, buyer, block.timestamp, v, r, s);
        assertTrue(licenses.hasAccess(buyer, asset, 1));
    }

    function test_somebody_elses_permit_buys_nothing_for_the_caller() public {
        (address buyer, uint256 key) = _buyer();
        bytes32 id = offer(asset, remix(25 * TOKEN, 0));
        (uint8 v, bytes32 r, bytes32 s) = _permit(buyer, key, 25 * TOKEN);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        vm.prank(mallory);
        market.buyWithPermit(asset, id, 25 * TOKEN, mallory, block.timestamp, v, r, s);
    }

    function _buyer() private returns (address buyer, uint256 key) {
        (buyer, key) = makeAddrAndKey("buyer");
        vm.prank(alice);
        token.transfer(buyer, 100 * TOKEN);
    }

    function _permit(address owner, uint256 key, uint256 value) private view returns (uint8, bytes32, bytes32) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 body =
            keccak256(abi.encode(typeHash, owner, address(market), value, token.nonces(owner), block.timestamp));
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), body)));
    }

    function _claimAll(uint256 child, uint256 grandchild) private {
        ledger.settle(grandchild, IERC20(token));
        address[3] memory people = [alice, bob, carol];
        uint256[3] memory assets = [asset, child, grandchild];
        for (uint256 i = 0; i < 3; ++i) {
            if (ledger.claimable(people[i], token, list1(assets[i])) != 0) {
                ledger.claim(people[i], token, list1(assets[i]));
            }
        }
    }
}

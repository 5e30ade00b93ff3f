// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ILicenseTerms} from "../src/interfaces/ILicenseTerms.sol";
import {IReviews} from "../src/interfaces/IReviews.sol";

contract ReviewsTest is Lab {
    uint256 private asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "asset");
    }

    function test_who_holds_a_license_reviews_and_may_change_their_mind() public {
        uint256 license = offerAndBuy(bob, asset, remix(TOKEN, 0));
        vm.expectEmit(address(reviews));
        emit IReviews.Reviewed(asset, bob, license, 2, "it fell apart");
        vm.prank(bob);
        reviews.review(license, 2, "it fell apart");
        _summary(1, 2);
        vm.prank(bob);
        reviews.review(license, 5, "version 2 holds");
        _summary(1, 5);
        (uint8 stars, uint256 behind) = reviews.reviewOf(asset, bob);
        assertEq(stars, 5);
        assertEq(behind, license);
        vm.prank(bob);
        reviews.withdraw(asset);
        _summary(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IReviews.NoReview.selector, asset, bob));
        vm.prank(bob);
        reviews.withdraw(asset);
    }

    function test_many_licenses_are_one_voice() public {
        uint256 first = offerAndBuy(bob, asset, remix(TOKEN, 0));
        uint256 second = offerAndBuy(bob, asset, remix(TOKEN, 0));
        vm.startPrank(bob);
        reviews.review(first, 5, "");
        reviews.review(second, 4, "");
        vm.stopPrank();
        _summary(1, 4);
    }

    function test_a_license_that_changes_hands_speaks_for_one_account() public {
        ILicenseTerms.Terms memory what = remix(TOKEN, 0);
        what.transferable = true;
        uint256 license = offerAndBuy(bob, asset, what);
        vm.startPrank(bob);
        reviews.review(license, 5, "");
        licenses.transferFrom(bob, carol, license);
        vm.expectRevert(abi.encodeWithSelector(IReviews.NotLicenseHolder.selector, license, bob));
        reviews.review(license, 1, "");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IReviews.LicenseSpent.selector, license, bob));
        vm.prank(carol);
        reviews.review(license, 5, "");
        _summary(1, 5);
    }

    function test_a_sale_that_can_be_undone_is_no_receipt_yet() public {
        ILicenseTerms.Terms memory what = remix(TOKEN, 0);
        what.refundWindow = 1 days;
        uint256 license = offerAndBuy(bob, asset, what);
        uint40 closesAt = uint40(block.timestamp + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IReviews.LicenseNotFinal.selector, license, closesAt));
        vm.prank(bob);
        reviews.review(license, 5, "");
        skip(1 days);
        vm.prank(bob);
        reviews.review(license, 5, "");
        _summary(1, 5);
    }

    function test_owners_do_not_praise_their_own() public {
        uint256 license = offerAndBuy(alice, asset, remix(0, 0));
        vm.expectRevert(abi.encodeWithSelector(IReviews.OwnAsset.selector, asset));
        vm.prank(alice);
        reviews.review(license, 5, "");
    }

    function testFuzz_only_the_holder_reviews(address caller) public {
        uint256 license = offerAndBuy(bob, asset, remix(0, 0));
        vm.assume(caller != bob);
        vm.expectRevert(abi.encodeWithSelector(IReviews.NotLicenseHolder.selector, license, caller));
        vm.prank(caller);
        reviews.review(license, 5, "");
    }

    function testFuzz_stars_are_one_to_five(uint8 stars) public {
        uint256 license = offerAndBuy(bob, asset, remix(0, 0));
        vm.startPrank(bob);
        if (stars == 0 || stars > 5) vm.expectRevert(abi.encodeWithSelector(IReviews.StarsOutOfRange.selector, stars));
        reviews.review(license, stars, "");
    }

    function test_a_text_is_not_a_book() public {
        uint256 license = offerAndBuy(bob, asset, remix(0, 0));
        vm.startPrank(bob);
        reviews.review(license, 5, string(new bytes(1_024)));
        vm.expectRevert(abi.encodeWithSelector(IReviews.TextTooLong.selector, 1_025, 1_024));
        reviews.review(license, 5, string(new bytes(1_025)));
    }

    /// @dev Whatever people write and take back, the sum is that of what stands.
    function testFuzz_the_sum_is_that_of_what_stands(uint8[24] calldata moves) public {
        address[3] memory people = [bob, carol, mallory];
        uint256[3] memory held;
        uint8[3] memory stands;
        for (uint256 i = 0; i < 3; ++i) {
            held[i] = offerAndBuy(people[i], asset, remix(0, 0));
        }
        for (uint256 i = 0; i < moves.length; ++i) {
            uint256 who = moves[i] % 3;
            uint8 stars = uint8(moves[i] / 3 % 6);
            if (stars == 0 && stands[who] == 0) continue;
            vm.prank(people[who]);
            if (stars == 0) reviews.withdraw(asset);
            else reviews.review(held[who], stars, "");
            stands[who] = stars;
        }
        uint256 count;
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            if (stands[i] != 0) ++count;
            sum += stands[i];
        }
        _summary(count, sum);
    }

    function _summary(uint256 count, uint256 stars) private view {
        (uint256 foundCount, uint256 foundStars) = reviews.summaryOf(asset);
        assertEq(foundCount, count);
        assertEq(foundStars, stars);
    }
}

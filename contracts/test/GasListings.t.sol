// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";

/// @dev What reviews and reports cost: whole transactions, intrinsic gas and refunds included. The figures are kept in
///      `snapshots/listings.json`; the limits are here.
/// forge-config: default.isolate = true
contract GasListingsTest is Lab {
    function test_reviews_and_reports() public {
        uint256 asset = publish(alice, "asset");
        uint256 first = offerAndBuy(bob, asset, remix(TOKEN, 0));
        uint256 second = offerAndBuy(carol, asset, remix(TOKEN, 0));
        string memory text = "Forty letters, which is about a sentence.";
        vm.prank(bob);
        reviews.review(first, 5, text);
        assertLt(_measured("review: an asset's first"), 130_000);
        vm.prank(carol);
        reviews.review(second, 4, text);
        assertLt(_measured("review: another account's"), 115_000);
        vm.prank(carol);
        reviews.review(second, 3, text);
        assertLt(_measured("review: written anew"), 75_000);
        vm.prank(carol);
        reviews.withdraw(asset);
        assertLt(_measured("review: withdrawn"), 45_000);
        vm.prank(carol);
        moderation.report(asset, text);
        assertLt(_measured("report: the first"), 85_000);
        vm.prank(bob);
        moderation.report(asset, text);
        assertLt(_measured("report: another account's"), 70_000);
    }

    function _measured(string memory what) private returns (uint256) {
        return vm.snapshotGasLastCall("listings", what);
    }
}

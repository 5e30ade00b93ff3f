// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ILicenseTerms, Uses} from "../src/interfaces/ILicenseTerms.sol";
import {ILicenseToken} from "../src/interfaces/ILicenseToken.sol";

contract LicenseTokenTest is Lab {
    uint256 internal asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "digits");
    }

    function test_only_the_market_issues() public {
        bytes32 id = terms.register(remix(0, 0));
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.OnlyMarket.selector, alice));
        vm.prank(alice);
        licenses.issue(alice, asset, id);
    }

    function test_a_license_gives_access_and_its_absence_does_not() public {
        assertTrue(licenses.hasAccess(alice, asset, Uses.READ), "the owner");
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
        uint256 license = offerAndBuy(bob, asset, remix(0, 0));
        assertTrue(licenses.hasAccess(bob, asset, Uses.ALL));
        assertEq(licenses.licenseFor(bob, asset, Uses.TRAINING), license);
        assertFalse(licenses.hasAccess(alice, 99, Uses.READ), "no such asset");
        assertFalse(licenses.hasAccess(alice, 0, Uses.READ));
    }

    function test_every_bit_must_be_allowed_by_one_license() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.uses = Uses.INFERENCE;
        offerAndBuy(bob, asset, what);
        what.uses = Uses.TRAINING;
        offerAndBuy(bob, asset, what);
        assertTrue(licenses.hasAccess(bob, asset, Uses.INFERENCE));
        assertTrue(licenses.hasAccess(bob, asset, Uses.TRAINING | Uses.READ));
        assertFalse(licenses.hasAccess(bob, asset, Uses.TRAINING | Uses.INFERENCE), "two halves are no whole");
    }

    function test_compute_only_never_allows_reading() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.uses = Uses.TRAINING;
        what.computeOnly = true;
        uint256 license = offerAndBuy(bob, asset, what);
        assertTrue(licenses.hasAccess(bob, asset, Uses.TRAINING));
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(licenses.get(license).uses & Uses.READ, 0);
    }

    function test_a_license_ends_at_its_expiry() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.duration = 1 days;
        uint256 license = offerAndBuy(bob, asset, what);
        assertEq(licenses.get(license).expiresAt, block.timestamp + 1 days);
        skip(1 days - 1);
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        skip(1);
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(licenses.licensesOf(bob, asset).length, 1, "it is still there to be seen");
    }

    function test_when_it_was_issued_outlives_renewals() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.duration = 10 days;
        uint256 license = offerAndBuy(bob, asset, what);
        uint256 forever = offerAndBuy(bob, asset, remix(0, 0));
        uint256 issued = block.timestamp;
        skip(3 days);
        market.renew(license, 0);
        skip(30 days);
        market.renew(license, 0);
        assertEq(licenses.get(license).issuedAt, issued);
        assertEq(licenses.get(license).expiresAt, block.timestamp + 10 days);
        assertEq(licenses.get(forever).issuedAt, issued);
    }

    function test_the_license_that_expires_last_is_named() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        what.duration = 10 days;
        uint256 long = offerAndBuy(bob, asset, what);
        what.duration = 1 days;
        uint256 short = offerAndBuy(bob, asset, what);
        assertEq(licenses.licenseFor(bob, asset, Uses.READ), long);
        uint256 forever = offerAndBuy(bob, asset, remix(0, 0));
        assertEq(licenses.licenseFor(bob, asset, Uses.READ), forever);
        assertEq(licenses.get(forever).expiresAt, 0);
        uint256[] memory all = licenses.licensesOf(bob, asset);
        assertEq(all.length, 3);
        assertEq(all[1], short);
    }

    function test_soul_bound_licenses_stay_and_say_so() public {
        uint256 license = offerAndBuy(bob, asset, remix(0, 0));
        assertTrue(licenses.locked(license));
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.SoulBound.selector, license));
        vm.prank(bob);
        licenses.transferFrom(bob, carol, license);
        assertTrue(licenses.supportsInterface(0xb45a3c0e), "ERC-5192");
        assertTrue(licenses.supportsInterface(0x80ac58cd), "ERC-721");
    }

    function test_locking_is_announced_at_mint() public {
        bytes32 bound = offer(asset, remix(0, 0));
        bytes32 free = offer(asset, _transferable());
        vm.expectEmit(address(licenses));
        emit ILicenseToken.Locked(1);
        buy(bob, asset, bound);
        vm.expectEmit(address(licenses));
        emit ILicenseToken.Unlocked(2);
        buy(bob, asset, free);
    }

    function test_a_sold_license_moves_the_access_with_it() public {
        uint256 license = offerAndBuy(bob, asset, _transferable());
        vm.prank(bob);
        licenses.transferFrom(bob, carol, license);
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
        assertTrue(licenses.hasAccess(carol, asset, Uses.READ));
        assertEq(licenses.licenseFor(carol, asset, Uses.READ), license);
    }

    function test_a_second_license_stands_in_for_a_sold_one() public {
        bytes32 id = offer(asset, _transferable());
        uint256 first = buy(bob, asset, id);
        uint256 second = buy(bob, asset, id);
        vm.startPrank(bob);
        licenses.transferFrom(bob, carol, second);
        assertEq(licenses.licenseFor(bob, asset, Uses.READ), first);
        licenses.transferFrom(bob, carol, first);
        assertFalse(licenses.hasAccess(bob, asset, Uses.READ));
    }

    function test_an_old_license_can_be_promoted_after_many_others() public {
        bytes32 id = offer(asset, _transferable());
        uint256 kept = buy(bob, asset, id);
        ILicenseTerms.Terms memory other = _transferable();
        other.uses = Uses.INFERENCE;
        bytes32 otherId = offer(asset, other);
        uint256 sold = buy(bob, asset, id);
        for (uint256 i = 0; i < 40; ++i) {
            buy(bob, asset, otherId);
        }
        vm.prank(bob);
        licenses.transferFrom(bob, carol, sold);
        assertFalse(licenses.hasAccess(bob, asset, Uses.DERIVATIVE), "further back than the search goes");
        licenses.promote(kept);
        assertEq(licenses.licenseFor(bob, asset, Uses.DERIVATIVE), kept);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.UnknownLicense.selector, 999));
        licenses.promote(999);
    }

    function test_the_royalty_share_is_frozen_at_mint() public {
        uint256 license = offerAndBuy(bob, asset, remix(0, 700));
        offerAndBuy(carol, asset, remix(0, 900));
        assertEq(licenses.get(license).royaltyBps, 700);
    }

    function test_an_owner_cannot_take_back_a_license() public {
        bytes32 id = offer(asset, remix(TOKEN, 0));
        uint256 license = buy(bob, asset, id);
        vm.startPrank(alice);
        market.setOffer(asset, id, false);
        registry.rekeyVersion(asset, 1, 2, bytes32("m"), "assets/y");
        registry.transferFrom(alice, carol, asset);
        vm.stopPrank();
        assertTrue(licenses.hasAccess(bob, asset, Uses.ALL));
        assertEq(licenses.ownerOf(license), bob);
        assertFalse(licenses.hasAccess(alice, asset, Uses.READ), "who sold the asset has no more access");
    }

    function test_seats_free_themselves_when_licenses_expire() public {
        ILicenseTerms.Terms memory what = remix(0, 0);
        (what.seats, what.duration) = (5, 1 days);
        bytes32 id = offer(asset, what);
        buy(bob, asset, id);
        buy(bob, asset, id);
        skip(12 hours);
        buy(carol, asset, id);
        assertEq(licenses.seatsTaken(asset, id), 3);
        skip(12 hours);
        assertEq(licenses.seatsTaken(asset, id), 1);
        skip(12 hours);
        assertEq(licenses.seatsTaken(asset, id), 0);
    }

    function test_unknown_licenses_are_named() public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.UnknownLicense.selector, 5));
        licenses.get(5);
        vm.expectRevert(abi.encodeWithSelector(ILicenseToken.UnknownLicense.selector, 5));
        licenses.locked(5);
    }

    /// @dev The index must answer as a plain search of everything the account holds would.
    function testFuzz_access_equals_a_plain_search(uint256 seed) public {
        uint16[4] memory masks = [Uses.INFERENCE, Uses.TRAINING, Uses.ALL, Uses.TRAINING | Uses.COMMERCIAL];
        for (uint256 i = 0; i < 12; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            ILicenseTerms.Terms memory what = _transferable();
            what.uses = masks[dice % 4];
            what.duration = uint64((dice >> 8) % 4) * 1 days;
            uint256 license = offerAndBuy(bob, asset, what);
            if ((dice >> 16) % 3 == 0) {
                vm.prank(bob);
                licenses.transferFrom(bob, carol, license);
            }
            skip((dice >> 24) % 1 days);
        }
        for (uint16 use = 1; use <= Uses.ALL; use += 9) {
            assertEq(licenses.hasAccess(bob, asset, use), _searched(bob, use));
            assertEq(licenses.hasAccess(carol, asset, use), _searched(carol, use));
        }
    }

    function _searched(address account, uint16 use) private view returns (bool) {
        uint256[] memory all = licenses.licensesOf(account, asset);
        for (uint256 i = 0; i < all.length; ++i) {
            ILicenseToken.License memory license = licenses.get(all[i]);
            bool valid = license.expiresAt == 0 || license.expiresAt > block.timestamp;
            if (licenses.ownerOf(all[i]) == account && valid && license.uses & use == use) return true;
        }
        return false;
    }

    function _transferable() private view returns (ILicenseTerms.Terms memory what) {
        what = remix(0, 0);
        what.transferable = true;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {Lab} from "./base/Lab.sol";
import {IModeration} from "../src/interfaces/IModeration.sol";
import {Uses} from "../src/interfaces/ILicenseTerms.sol";

contract ModerationTest is Lab {
    uint256 private asset;

    function setUp() public override {
        super.setUp();
        asset = publish(alice, "asset");
    }

    function test_the_dao_vouches_for_publishers_and_may_stop() public {
        vm.startPrank(address(timelock));
        moderation.setVerified(alice, true, "met in person");
        assertTrue(moderation.isVerified(alice));
        moderation.setVerified(alice, false, "key stolen");
        assertFalse(moderation.isVerified(alice));
    }

    function testFuzz_nobody_else_decides(address caller) public {
        vm.assume(caller != address(timelock));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
        moderation.setVerified(caller, true, "");
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
        moderation.setStanding(asset, IModeration.Standing.TakenDown, "");
    }

    function test_the_dao_can_hand_decisions_to_a_committee() public {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IModeration.setStanding.selector;
        vm.startPrank(address(timelock));
        access.setTargetFunctionRole(address(moderation), selectors, 40);
        access.grantRole(40, carol, 0);
        vm.stopPrank();
        vm.prank(carol);
        moderation.setStanding(asset, IModeration.Standing.Disputed, "under review");
        assertEq(uint256(_listing().standing), uint256(IModeration.Standing.Disputed));
    }

    function test_reports_count_once_an_account_until_a_decision() public {
        vm.prank(bob);
        moderation.report(asset, "it is my photograph");
        vm.prank(carol);
        moderation.report(asset, "it is his photograph");
        assertEq(_listing().reports, 2);
        vm.expectRevert(abi.encodeWithSelector(IModeration.AlreadyReported.selector, asset, bob));
        vm.prank(bob);
        moderation.report(asset, "again");
        vm.prank(address(timelock));
        moderation.setStanding(asset, IModeration.Standing.Clear, "it is not");
        assertEq(_listing().reports, 0);
        vm.prank(bob);
        moderation.report(asset, "it still is");
        assertEq(_listing().reports, 1);
    }

    function test_a_report_alone_decides_nothing() public {
        vm.prank(bob);
        moderation.report(asset, "bad");
        assertEq(uint256(_listing().standing), uint256(IModeration.Standing.Clear));
    }

    function test_the_owner_appeals_once_a_decision() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IModeration.NothingToAppeal.selector, asset));
        moderation.appeal(asset, "why");
        vm.stopPrank();
        vm.prank(address(timelock));
        moderation.setStanding(asset, IModeration.Standing.TakenDown, "copied");
        vm.expectRevert(abi.encodeWithSelector(IModeration.NotAssetOwner.selector, asset, bob));
        vm.prank(bob);
        moderation.appeal(asset, "no");
        vm.startPrank(alice);
        moderation.appeal(asset, "I made it");
        assertTrue(_listing().appealed);
        vm.expectRevert(abi.encodeWithSelector(IModeration.AlreadyAppealed.selector, asset));
        moderation.appeal(asset, "I did");
        vm.stopPrank();
        vm.prank(address(timelock));
        moderation.setStanding(asset, IModeration.Standing.Clear, "she did");
        assertFalse(_listing().appealed);
    }

    function test_who_paid_keeps_what_was_paid_for() public {
        offerAndBuy(bob, asset, remix(TOKEN, 0));
        vm.prank(address(timelock));
        moderation.setStanding(asset, IModeration.Standing.TakenDown, "copied");
        assertTrue(licenses.hasAccess(bob, asset, Uses.READ));
        assertEq(registry.ownerOf(asset), alice);
    }

    function testFuzz_reasons_are_short_and_not_empty(uint16 length) public {
        vm.startPrank(bob);
        if (length == 0 || length > 512) {
            vm.expectRevert(abi.encodeWithSelector(IModeration.InvalidReason.selector, uint256(length), 512));
        }
        moderation.report(asset, string(new bytes(length)));
    }

    function test_what_does_not_exist_is_not_judged() public {
        vm.expectRevert();
        moderation.report(99, "nothing");
        vm.expectRevert();
        vm.prank(address(timelock));
        moderation.setStanding(99, IModeration.Standing.Disputed, "nothing");
    }

    function _listing() private view returns (IModeration.Listing memory) {
        return moderation.listingOf(asset);
    }
}

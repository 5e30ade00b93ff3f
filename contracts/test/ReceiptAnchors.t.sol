// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IKeyServerRegistry} from "../src/interfaces/IKeyServerRegistry.sol";
import {IReceiptAnchors} from "../src/interfaces/IReceiptAnchors.sol";

contract ReceiptAnchorsTest is Lab {
    function test_the_history_of_a_log_stays_readable() public {
        uint64 start = uint64(block.timestamp);
        vm.startPrank(keyServer);
        vm.expectEmit(address(anchors));
        emit IReceiptAnchors.Anchored(1, 0, 3, "three", start);
        assertEq(anchors.anchor(1, 3, "three"), 0);
        skip(10);
        assertEq(anchors.anchor(1, 8, "eight"), 1);
        vm.stopPrank();

        assertEq(anchors.count(1), 2);
        _equal(anchors.get(1, 0), 3, start, "three");
        _equal(anchors.latest(1), 8, start + 10, "eight");
        IReceiptAnchors.Anchor[] memory all = anchors.page(1, 0, type(uint256).max);
        assertEq(all.length, 2);
        _equal(all[1], 8, start + 10, "eight");
        assertEq(anchors.page(1, 1, 5).length, 1);
        assertEq(anchors.page(1, 2, 5).length, 0);
    }

    function test_before_the_first_anchor_there_is_nothing() public {
        assertEq(anchors.count(1), 0);
        _equal(anchors.latest(1), 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.UnknownAnchor.selector, 1, 0));
        anchors.get(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.NotAnchored.selector, 1, 0));
        anchors.covering(1, 0);
    }

    function test_a_log_only_grows() public {
        vm.startPrank(keyServer);
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.TreeDidNotGrow.selector, 1, 0, 0));
        anchors.anchor(1, 0, "nothing");
        anchors.anchor(1, 5, "five");
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.TreeDidNotGrow.selector, 1, 5, 5));
        anchors.anchor(1, 5, "another five");
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.TreeDidNotGrow.selector, 1, 5, 4));
        anchors.anchor(1, 4, "four");
    }

    function testFuzz_only_a_servers_own_account_anchors(address caller) public {
        vm.assume(caller != keyServer);
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.NotTheKeyServer.selector, 1, keyServer, caller));
        vm.prank(caller);
        anchors.anchor(1, 1, "root");
    }

    function test_servers_do_not_write_for_each_other_and_must_exist() public {
        vm.prank(address(timelock));
        keyServers.add(bob, "https://two.example", new bytes(1216));
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.NotTheKeyServer.selector, 1, keyServer, bob));
        anchors.anchor(1, 1, "root");
        anchors.anchor(2, 1, "root");
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.UnknownKeyServer.selector, 3));
        anchors.anchor(3, 1, "root");
        assertEq(anchors.count(1), 0);
    }

    function test_a_server_that_is_switched_off_still_anchors() public {
        vm.prank(address(timelock));
        keyServers.setActive(1, false);
        vm.prank(keyServer);
        anchors.anchor(1, 1, "root");
        assertEq(anchors.count(1), 1);
    }

    /// @dev The binary search finds what a walk from the first anchor finds.
    function testFuzz_covering_is_the_first_anchor_that_has_the_receipt(uint8[12] memory steps, uint16 leaf) public {
        uint64 size;
        uint256 wanted = type(uint256).max;
        vm.startPrank(keyServer);
        for (uint256 i = 0; i < steps.length; ++i) {
            size += uint64(steps[i]) + 1;
            anchors.anchor(1, size, bytes32(uint256(size)));
            if (wanted == type(uint256).max && leaf < size) wanted = i;
        }
        if (wanted == type(uint256).max) {
            vm.expectRevert(abi.encodeWithSelector(IReceiptAnchors.NotAnchored.selector, 1, leaf));
            anchors.covering(1, leaf);
        } else {
            (uint256 index, IReceiptAnchors.Anchor memory found) = anchors.covering(1, leaf);
            assertEq(index, wanted);
            assertGt(found.treeSize, leaf);
            assertEq(found.root, bytes32(uint256(found.treeSize)));
        }
    }

    function _equal(IReceiptAnchors.Anchor memory found, uint64 treeSize, uint64 time, bytes32 root) private pure {
        assertEq(found.treeSize, treeSize);
        assertEq(found.time, time);
        assertEq(found.root, root);
    }
}

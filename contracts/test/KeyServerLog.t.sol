// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IKeyServerRegistry} from "../src/interfaces/IKeyServerRegistry.sol";

contract KeyServerLogTest is Lab {
    function test_a_server_anchors_its_own_log() public {
        assertEq(keyServers.anchorOf(1).treeSize, 0);
        vm.expectEmit();
        emit IKeyServerRegistry.LogAnchored(1, 5, keccak256("root"));
        vm.prank(keyServer);
        keyServers.anchor(1, 5, keccak256("root"));
        assertEq(keyServers.anchorOf(1).treeSize, 5);
        assertEq(keyServers.anchorOf(1).root, keccak256("root"));
    }

    function test_nobody_else_does(address caller) public {
        vm.assume(caller != keyServer);
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.NotServerAccount.selector, 1, keyServer, caller));
        vm.prank(caller);
        keyServers.anchor(1, 5, keccak256("root"));
    }

    function test_a_log_only_grows(uint64 first, uint64 second) public {
        first = uint64(bound(first, 1, type(uint64).max));
        vm.startPrank(keyServer);
        keyServers.anchor(1, first, keccak256("first"));
        if (second <= first) {
            vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.LogNotLonger.selector, 1, first, second));
        }
        keyServers.anchor(1, second, keccak256("second"));
        assertEq(keyServers.anchorOf(1).treeSize, second > first ? second : first);
    }

    function test_a_server_that_is_not_there_has_no_log() public {
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.UnknownKeyServer.selector, 9));
        keyServers.anchor(9, 1, keccak256("root"));
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.UnknownKeyServer.selector, 9));
        keyServers.anchorOf(9);
    }
}

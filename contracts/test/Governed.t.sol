// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IDirectory} from "../src/interfaces/IDirectory.sol";
import {IKeyServerRegistry} from "../src/interfaces/IKeyServerRegistry.sol";
import {IProtocolParameters} from "../src/interfaces/IProtocolParameters.sol";

/// @dev Parameters, key servers and directory as the timelock sees them.
contract GovernedTest is Lab {
    function test_the_fee_has_a_limit_in_code() public {
        vm.startPrank(address(timelock));
        parameters.setFeeBps(1_000);
        assertEq(parameters.feeBps(), 1_000);
        vm.expectRevert(
            abi.encodeWithSelector(IProtocolParameters.OutOfBounds.selector, bytes32("feeBps"), 1_001, 1_000)
        );
        parameters.setFeeBps(1_001);
    }

    function test_the_royalty_cap_has_a_limit_in_code() public {
        vm.startPrank(address(timelock));
        parameters.setMaxRoyaltyBps(9_000);
        assertEq(parameters.maxRoyaltyBps(), 9_000);
        vm.expectRevert(
            abi.encodeWithSelector(IProtocolParameters.OutOfBounds.selector, bytes32("maxRoyaltyBps"), 9_001, 9_000)
        );
        parameters.setMaxRoyaltyBps(9_001);
    }

    function test_currencies_come_and_go_and_stay_listed() public {
        vm.startPrank(address(timelock));
        parameters.setCurrency(token, false);
        assertFalse(parameters.isCurrency(token));
        assertEq(parameters.currencies().length, 1);
        parameters.setCurrency(token, true);
        assertEq(parameters.currencies().length, 1);
        vm.expectRevert(abi.encodeWithSelector(IProtocolParameters.InvalidAddress.selector, bytes32("currency")));
        parameters.setCurrency(IERC20(address(0xbeef)), true);
        for (uint256 i = 1; i < 16; ++i) {
            parameters.setCurrency(new ReentrantToken(), true);
        }
        ReentrantToken seventeenth = new ReentrantToken();
        vm.expectRevert(abi.encodeWithSelector(IProtocolParameters.TooManyCurrencies.selector, 16));
        parameters.setCurrency(seventeenth, true);
    }

    function test_key_servers_are_added_switched_and_moved() public {
        vm.prank(address(timelock));
        assertEq(keyServers.add(bob, "https://two.example", new bytes(1216)), 2);
        assertEq(keyServers.count(), 2);
        vm.prank(address(timelock));
        keyServers.setActive(2, false);
        vm.prank(bob);
        keyServers.setUrl(2, "https://moved.example");
        IKeyServerRegistry.KeyServer memory server = keyServers.get(2);
        assertEq(server.account, bob);
        assertEq(server.url, "https://moved.example");
        assertFalse(server.active);
        assertEq(server.encryptionKey.length, 1216);
        vm.prank(address(timelock));
        keyServers.setUrl(2, "https://again.example");
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.UnknownKeyServer.selector, 3));
        keyServers.get(3);
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.UnknownKeyServer.selector, 0));
        keyServers.setUrl(0, "x");
    }

    function test_a_key_server_is_complete_or_refused() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IKeyServerRegistry.InvalidKeyServer.selector, "no account"));
        keyServers.add(address(0), "x", new bytes(1216));
        vm.expectRevert(
            abi.encodeWithSelector(IKeyServerRegistry.InvalidKeyServer.selector, "encryption key is not 1216 bytes")
        );
        keyServers.add(bob, "x", new bytes(32));
        vm.expectRevert(
            abi.encodeWithSelector(IKeyServerRegistry.InvalidKeyServer.selector, "url is not 1 to 512 bytes")
        );
        keyServers.add(bob, "", new bytes(1216));
    }

    function test_the_directory_points_and_moves() public {
        assertEq(directory.get("Market"), address(market));
        assertEq(directory.names().length, 5);
        vm.startPrank(address(timelock));
        directory.set("Market", address(ledger));
        directory.set("Escrow", address(market));
        assertEq(directory.get("Market"), address(ledger));
        assertEq(directory.names().length, 6);
        vm.expectRevert(abi.encodeWithSelector(IDirectory.NotAContract.selector, bytes32("Market"), mallory));
        directory.set("Market", mallory);
        vm.expectRevert(abi.encodeWithSelector(IDirectory.UnknownModule.selector, bytes32("x")));
        directory.get("x");
    }
}

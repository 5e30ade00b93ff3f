// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {IIdentityRegistry} from "../src/interfaces/IIdentityRegistry.sol";
import {Names} from "../src/libraries/Names.sol";

contract IdentityRegistryTest is Lab {
    bytes internal key = new bytes(1216);

    function test_a_handle_and_a_key_are_found_both_ways() public {
        key[7] = 0x42;
        vm.prank(alice);
        identities.register("alice-9", key);
        assertEq(identities.handleOf(alice), "alice-9");
        assertEq(identities.accountOf("alice-9"), alice);
        assertEq(identities.encryptionKeyOf(alice), key);
        assertEq(identities.accountOf("nobody"), address(0));
        assertEq(identities.encryptionKeyOf(bob), "");
    }

    function test_a_handle_belongs_to_the_first_who_claims_it() public {
        vm.prank(alice);
        identities.register("alice", key);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.HandleTaken.selector, "alice", alice));
        vm.prank(mallory);
        identities.register("alice", key);
    }

    function test_an_account_keeps_its_handle() public {
        vm.startPrank(alice);
        identities.register("alice", key);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.HandleAlreadySet.selector, alice, "alice"));
        identities.register("alice2", key);
    }

    function test_a_key_can_be_replaced_and_has_one_length() public {
        vm.startPrank(alice);
        identities.register("alice", key);
        key[0] = 0x01;
        identities.setEncryptionKey(key);
        assertEq(identities.encryptionKeyOf(alice), key);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.InvalidEncryptionKey.selector, 32));
        identities.setEncryptionKey(new bytes(32));
    }

    function test_spellings_of_handles() public {
        string[5] memory good = ["abc", "a-b-c", "0xabc", "abcdefghijklmnopqrstuvwxyz012345", "1-2"];
        for (uint256 i = 0; i < good.length; ++i) {
            assertTrue(Names.isHandle(good[i]), good[i]);
        }
        string[11] memory bad = [
            "",
            "ab",
            "-abc",
            "abc-",
            "a--b",
            "Abc",
            "a_b",
            "a.b",
            "a b",
            unicode"über",
            "abcdefghijklmnopqrstuvwxyz0123456"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            assertFalse(Names.isHandle(bad[i]), bad[i]);
            vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.InvalidHandle.selector, bad[i]));
            identities.register(bad[i], key);
        }
    }
}

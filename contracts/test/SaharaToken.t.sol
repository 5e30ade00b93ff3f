// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";

contract SaharaTokenTest is Lab {
    bytes32 internal constant TRANSFER_TYPE = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function test_votes_follow_tokens() public {
        assertEq(token.getVotes(alice), 10_000 * TOKEN);
        vm.prank(alice);
        token.transfer(bob, 1_000 * TOKEN);
        assertEq(token.getVotes(alice), 9_000 * TOKEN);
        assertEq(token.getVotes(bob), 11_000 * TOKEN);
        skip(1);
        assertEq(token.getPastVotes(bob, block.timestamp - 1), 11_000 * TOKEN);
    }

    function test_a_signed_transfer_is_carried_by_anyone_and_once() public {
        (address payer, uint256 key) = makeAddrAndKey("payer");
        vm.prank(alice);
        token.transfer(payer, 10 * TOKEN);
        bytes32 nonce = keccak256("any 32 bytes");
        bytes32 body = keccak256(abi.encode(TRANSFER_TYPE, payer, bob, TOKEN, 0, block.timestamp + 60, nonce));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), body)));
        uint256 had = token.balanceOf(bob);
        vm.startPrank(mallory);
        token.transferWithAuthorization(payer, bob, TOKEN, 0, block.timestamp + 60, nonce, v, r, s);
        assertEq(token.balanceOf(bob), had + TOKEN);
        assertTrue(token.authorizationState(payer, nonce));
        vm.expectRevert();
        token.transferWithAuthorization(payer, bob, TOKEN, 0, block.timestamp + 60, nonce, v, r, s);
    }
}

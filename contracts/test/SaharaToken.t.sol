// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Vm} from "forge-std/Vm.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

contract SaharaTokenTest is Lab {
    bytes32 internal constant TRANSFER_TYPE = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 internal constant RECEIVE_TYPE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 internal constant CANCEL_TYPE = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    Vm.Wallet internal payer;

    function setUp() public override {
        super.setUp();
        payer = vm.createWallet("payer");
        vm.prank(carol);
        token.transfer(payer.addr, 10 * TOKEN);
    }

    function test_votes_follow_tokens() public {
        assertEq(token.getVotes(alice), 10_000 * TOKEN);
        vm.prank(alice);
        token.transfer(bob, 1_000 * TOKEN);
        assertEq(token.getVotes(alice), 9_000 * TOKEN);
        assertEq(token.getVotes(bob), 11_000 * TOKEN);
        skip(1);
        assertEq(token.getPastVotes(bob, block.timestamp - 1), 11_000 * TOKEN);
    }

    /* ----------------------------------------------------------------- transfers that somebody else carries */

    function testFuzz_a_signed_transfer_is_carried_by_anyone_and_once(uint256 value, bytes32 nonce) public {
        value = bound(value, 0, 10 * TOKEN);
        uint256 had = token.balanceOf(bob);
        bytes memory call = _transfer(value, 0, block.timestamp + 60, nonce);
        _carry(call, "");
        assertEq(token.balanceOf(bob), had + value);
        assertEq(token.balanceOf(payer.addr), 10 * TOKEN - value);
        assertTrue(token.authorizationState(payer.addr, nonce));
        _carry(call, abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, payer.addr, nonce));
    }

    function test_a_signed_transfer_counts_between_its_two_times_only() public {
        (uint256 from, uint256 until) = (block.timestamp + 10, block.timestamp + 20);
        bytes memory call = _transfer(TOKEN, from, until, "n");
        bytes memory refusal = abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, from, until);
        _carry(call, refusal);
        vm.warp(from);
        _carry(call, refusal);
        vm.warp(until);
        _carry(call, refusal);
        vm.warp(until - 1);
        _carry(call, "");
    }

    function test_whoever_changes_a_signed_transfer_is_refused() public {
        uint256 until = block.timestamp + 60;
        (uint8 v, bytes32 r, bytes32 s) = _sign(TRANSFER_TYPE, TOKEN, 0, until, "n");
        bytes memory wrong = abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector);
        address from = payer.addr;
        _carry(abi.encodeCall(token.transferWithAuthorization, (from, mallory, TOKEN, 0, until, "n", v, r, s)), wrong);
        _carry(abi.encodeCall(token.transferWithAuthorization, (from, bob, TOKEN + 1, 0, until, "n", v, r, s)), wrong);
        _carry(abi.encodeCall(token.transferWithAuthorization, (from, bob, TOKEN, 0, until + 1, "n", v, r, s)), wrong);
        _carry(abi.encodeCall(token.transferWithAuthorization, (from, bob, TOKEN, 0, until, "m", v, r, s)), wrong);
        _carry(abi.encodeCall(token.transferWithAuthorization, (alice, bob, TOKEN, 0, until, "n", v, r, s)), wrong);
        _carry(abi.encodeCall(token.receiveWithAuthorization, (from, bob, TOKEN, 0, until, "n", v, r, s)), wrong);
        assertEq(token.balanceOf(from), 10 * TOKEN);
    }

    function test_what_one_is_to_receive_nobody_else_carries() public {
        uint256 until = block.timestamp + 60;
        (uint8 v, bytes32 r, bytes32 s) = _sign(RECEIVE_TYPE, TOKEN, 0, until, "n");
        bytes memory call =
            abi.encodeCall(token.receiveWithAuthorization, (payer.addr, bob, TOKEN, 0, until, "n", v, r, s));
        _carry(call, abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, bob));
        vm.prank(bob);
        (bool done,) = address(token).call(call);
        assertTrue(done);
        assertEq(token.balanceOf(payer.addr), 9 * TOKEN);
    }

    function test_a_canceled_transfer_pays_nobody() public {
        bytes memory call = _transfer(TOKEN, 0, block.timestamp + 60, "n");
        bytes32 body = keccak256(abi.encode(CANCEL_TYPE, payer.addr, bytes32("n")));
        (uint8 v, bytes32 r, bytes32 s) = _signed(body);
        token.cancelAuthorization(payer.addr, "n", v, r, s);
        _carry(call, abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, payer.addr, bytes32("n")));
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        token.cancelAuthorization(alice, "m", v, r, s);
    }

    function test_a_signed_transfer_without_the_money_uses_nothing_up() public {
        bytes memory call = _transfer(11 * TOKEN, 0, block.timestamp + 60, "n");
        _carry(
            call,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, payer.addr, 10 * TOKEN, 11 * TOKEN)
        );
        assertFalse(token.authorizationState(payer.addr, "n"));
    }

    /* ----------------------------------------------------------------- verbs */

    function _transfer(uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce)
        private
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = _sign(TRANSFER_TYPE, value, validAfter, validBefore, nonce);
        return abi.encodeCall(
            token.transferWithAuthorization, (payer.addr, bob, value, validAfter, validBefore, nonce, v, r, s)
        );
    }

    function _sign(bytes32 type_, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce)
        private
        returns (uint8, bytes32, bytes32)
    {
        return _signed(keccak256(abi.encode(type_, payer.addr, bob, value, validAfter, validBefore, nonce)));
    }

    function _signed(bytes32 body) private returns (uint8, bytes32, bytes32) {
        return vm.sign(payer, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), body)));
    }

    /// @dev Mallory sends it; `refusal` is what comes back, or empty where it goes through.
    function _carry(bytes memory call, bytes memory refusal) private {
        vm.prank(mallory);
        (bool done, bytes memory answer) = address(token).call(call);
        assertEq(done, refusal.length == 0);
        if (!done) assertEq(answer, refusal);
    }
}

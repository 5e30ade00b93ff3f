// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {ReentrantToken} from "./helpers/ReentrantToken.sol";
import {SmartWallet} from "./helpers/SmartWallet.sol";
import {TollToken} from "./helpers/TollToken.sol";
import {Vm} from "forge-std/Vm.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {CallChannel} from "../src/CallChannel.sol";
import {ICallChannel} from "../src/interfaces/ICallChannel.sol";
import {IPullPayments} from "../src/interfaces/IPullPayments.sol";
import {ExactTransfer} from "../src/libraries/ExactTransfer.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @dev A payer with a key opens channels of 1,000 toward Bob, or toward an asset of his.
contract CallChannelTest is Lab {
    uint96 internal constant DEPOSIT = 1_000;
    uint48 internal constant LIFE = 30 days;
    Vm.Wallet internal payer;

    function setUp() public override {
        super.setUp();
        payer = vm.createWallet("payer");
        vm.prank(alice);
        token.transfer(payer.addr, 1_000 * TOKEN);
        vm.prank(payer.addr);
        token.approve(address(channels), type(uint256).max);
    }

    function _open(address payee, uint256 asset, IERC20 currency, bytes32 salt) private returns (bytes32) {
        vm.prank(payer.addr);
        return channels.open(payee, asset, currency, DEPOSIT, uint48(block.timestamp) + LIFE, salt);
    }

    function _open() private returns (bytes32) {
        return _open(bob, 0, token, "salt");
    }

    function _voucher(bytes32 channelId, uint256 amount) private returns (bytes memory) {
        return _signed(payer, channels.voucherDigest(channelId, amount));
    }

    function _signed(Vm.Wallet memory who, bytes32 digest) private returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(who, digest);
        return abi.encodePacked(r, s, v);
    }

    function _redeem(bytes32 channelId, uint256 amount) private {
        channels.redeem(channelId, amount, _voucher(channelId, amount));
    }

    /* ----------------------------------------------------------------- the life of a channel */

    function test_the_highest_voucher_counts() public {
        bytes32 id = _open();
        _redeem(id, 10);
        _redeem(id, 300);
        assertEq(channels.claimable(bob, token), 300);
        skip(LIFE);
        assertEq(channels.finish(id), 700);
        vm.prank(payer.addr);
        assertEq(channels.claim(token, carol), 700);
        vm.prank(bob);
        channels.claim(token, bob);
        assertEq(token.balanceOf(address(channels)), 0);
    }

    function test_calls_of_an_asset_pay_down_the_graph_it_derives_from() public {
        uint256 root = publish(alice, "root");
        uint256 child = derive(bob, "child", root, 2_000);
        bytes32 id = _open(address(0), child, token, "salt");
        _redeem(id, 100);
        _redeem(id, 600);
        assertEq(ledger.unsettled(child, token), 600);
        ledger.settle(child, token);
        assertEq(ledger.balanceOf(root, token), 120);
        assertEq(token.allowance(address(channels), address(ledger)), 0, "the ledger may take nothing more");
    }

    function test_the_payee_has_time_to_redeem_when_the_payer_closes() public {
        bytes32 id = _open();
        vm.prank(payer.addr);
        channels.close(id);
        skip(CLOSE_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.StillOpen.selector, id, block.timestamp + 1));
        channels.finish(id);
        _redeem(id, 400);
        skip(1);
        assertEq(channels.finish(id), 600);
        bytes memory late = _voucher(id, 500);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.NotOpen.selector, id));
        channels.redeem(id, 500, late);
    }

    function test_closing_never_makes_a_channel_last_longer() public {
        bytes32 id = _open();
        skip(LIFE - 60);
        uint48 expiry = channels.getChannel(id).closesAt;
        vm.prank(payer.addr);
        channels.close(id);
        assertEq(channels.getChannel(id).closesAt, expiry);
    }

    function test_a_top_up_raises_the_cap() public {
        bytes32 id = _open();
        bytes memory above = _voucher(id, DEPOSIT + 1);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.AboveCap.selector, DEPOSIT + 1, DEPOSIT));
        channels.redeem(id, DEPOSIT + 1, above);
        vm.prank(payer.addr);
        channels.topUp(id, 1);
        channels.redeem(id, DEPOSIT + 1, above);
        assertEq(channels.claimable(bob, token), DEPOSIT + 1);
        skip(LIFE);
        vm.prank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.Closing.selector, id, block.timestamp));
        channels.topUp(id, 1);
    }

    function test_an_expired_channel_ends_by_anyones_hand_for_the_payer() public {
        bytes32 id = _open();
        skip(LIFE - 1);
        vm.expectPartialRevert(ICallChannel.StillOpen.selector);
        channels.finish(id);
        skip(1);
        vm.prank(mallory);
        channels.finish(id);
        assertEq(channels.claimable(payer.addr, token), DEPOSIT);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.NotOpen.selector, id));
        channels.finish(id);
    }

    function test_only_the_payer_tops_up_and_closes() public {
        bytes32 id = _open();
        bytes memory refusal = abi.encodeWithSelector(ICallChannel.NotYours.selector, id, bob);
        vm.startPrank(bob);
        vm.expectRevert(refusal);
        channels.close(id);
        vm.expectRevert(refusal);
        channels.topUp(id, 1);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.NotOpen.selector, bytes32("x")));
        channels.close("x");
    }

    function test_opening_twice_opens_once() public {
        bytes32 id = _open();
        assertEq(id, channels.channelIdOf(payer.addr, "salt"));
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.ChannelExists.selector, id));
        _open();
        skip(LIFE);
        channels.finish(id);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.ChannelExists.selector, id));
        _open(bob, 0, token, "salt"); // or old vouchers would count again
    }

    function test_terms_that_cannot_be_are_refused() public {
        vm.startPrank(payer.addr);
        uint48 time = uint48(block.timestamp);
        bytes memory payees =
            abi.encodeWithSelector(ICallChannel.InvalidTerms.selector, "the payee is an account or an asset");
        vm.expectRevert(payees);
        channels.open(address(0), 0, token, 1, time + 1, "");
        vm.expectRevert(payees);
        channels.open(bob, 1, token, 1, time + 1, "");
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.InvalidTerms.selector, "it has expired"));
        channels.open(bob, 0, token, 1, time, "");
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.InvalidTerms.selector, "it lasts more than 365 days"));
        channels.open(bob, 0, token, 1, time + 365 days + 1, "");
        vm.expectRevert();
        channels.open(address(0), 99, token, 1, time + 1, "");
    }

    /* ----------------------------------------------------------------- vouchers */

    function test_a_voucher_is_what_the_specification_says() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Sahara CallChannel"),
                keccak256("1"),
                block.chainid,
                address(channels)
            )
        );
        bytes32 message =
            keccak256(abi.encode(keccak256("CallVoucher(bytes32 channelId,uint256 amount)"), bytes32("id"), 25));
        assertEq(channels.voucherDigest("id", 25), keccak256(abi.encodePacked(hex"1901", domain, message)));
    }

    function test_vouchers_only_grow() public {
        bytes32 id = _open();
        _redeem(id, 100);
        for (uint256 amount = 99; amount <= 100; ++amount) {
            bytes memory old = _voucher(id, amount);
            vm.expectRevert(abi.encodeWithSelector(ICallChannel.StaleVoucher.selector, 100, amount));
            channels.redeem(id, amount, old);
        }
    }

    function test_no_voucher_of_another_channel_contract_chain_or_signer() public {
        bytes32 id = _open();
        bytes32 other = _open(bob, 0, token, "another");
        CallChannel twin = new CallChannel(ledger, parameters, CLOSE_DELAY);
        bytes[4] memory bad;
        bad[0] = _voucher(other, 100);
        bad[1] = _signed(payer, twin.voucherDigest(id, 100));
        bad[2] = _signed(vm.createWallet("somebody else"), channels.voucherDigest(id, 100));
        vm.chainId(1);
        bad[3] = _voucher(id, 100);
        vm.chainId(31_337);
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICallChannel.InvalidSignature.selector, payer.addr));
            channels.redeem(id, 100, bad[i]);
        }
        _redeem(id, 100);
    }

    function test_a_payer_may_be_a_contract() public {
        Vm.Wallet memory key = vm.createWallet("owner of a wallet");
        SmartWallet wallet = new SmartWallet(key.addr);
        vm.prank(alice);
        token.transfer(address(wallet), DEPOSIT);
        wallet.execute(address(token), abi.encodeCall(token.approve, (address(channels), DEPOSIT)));
        uint48 expiry = uint48(block.timestamp) + LIFE;
        wallet.execute(
            address(channels), abi.encodeCall(channels.open, (bob, 0, token, DEPOSIT, expiry, bytes32("salt")))
        );
        bytes32 id = channels.channelIdOf(address(wallet), "salt");
        channels.redeem(id, 100, _signed(key, channels.voucherDigest(id, 100)));
        bytes memory foreign = _voucher(id, 200);
        vm.expectRevert(abi.encodeWithSelector(ICallChannel.InvalidSignature.selector, address(wallet)));
        channels.redeem(id, 200, foreign);
    }

    /* ----------------------------------------------------------------- currencies */

    function test_a_currency_that_keeps_a_part_is_refused() public {
        IERC20 toll = _hostile(address(new TollToken()));
        vm.prank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(ExactTransfer.WrongAmountReceived.selector, toll, 990, DEPOSIT));
        channels.open(bob, 0, toll, DEPOSIT, uint48(block.timestamp) + LIFE, "salt");
    }

    function test_a_currency_of_nobodys_choice_is_refused() public {
        IERC20 unknown = new ReentrantToken();
        vm.expectRevert(abi.encodeWithSelector(IPullPayments.CurrencyNotAllowed.selector, unknown));
        _open(bob, 0, unknown, "salt");
    }

    function test_a_currency_that_is_withdrawn_meanwhile_is_still_redeemed_and_returned() public {
        uint256 asset = publish(bob, "asset");
        bytes32 id = _open(address(0), asset, token, "salt");
        bytes memory last = _voucher(id, 500);
        _redeem(id, 100);
        vm.prank(address(timelock));
        parameters.setCurrency(token, false);
        channels.redeem(id, 500, last);
        assertEq(ledger.unsettled(asset, token), 500);
        skip(LIFE);
        assertEq(channels.finish(id), 500);
    }

    function test_a_currency_that_calls_back_finds_every_door_closed() public {
        ReentrantToken hostile = ReentrantToken(address(_hostile(address(new ReentrantToken()))));
        bytes32 id = _open(address(0), publish(bob, "asset"), hostile, "salt");
        bytes memory next = _voucher(id, 20);
        bytes[3] memory calls = [
            abi.encodeCall(channels.redeem, (id, 20, next)),
            abi.encodeCall(channels.finish, (id)),
            abi.encodeCall(channels.claim, (hostile, mallory))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            hostile.arm(address(channels), calls[i]);
            _redeem(id, 10 + i);
            assertTrue(hostile.tried());
            assertFalse(hostile.succeeded());
            assertEq(bytes4(hostile.answer()), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
        assertEq(hostile.balanceOf(address(ledger)), 12);
    }

    function _hostile(address made) private returns (IERC20 currency) {
        currency = IERC20(made);
        vm.prank(address(timelock));
        parameters.setCurrency(currency, true);
        currency.transfer(payer.addr, 10_000);
        vm.prank(payer.addr);
        currency.approve(address(channels), type(uint256).max);
    }

    /* ----------------------------------------------------------------- sums */

    function testFuzz_what_comes_in_goes_out(
        uint96 deposit,
        uint96 more,
        uint256 first,
        uint256 second,
        bool toAsset,
        bool closes
    ) public {
        deposit = uint96(bound(deposit, 0, 400 * TOKEN));
        more = uint96(bound(more, 0, 400 * TOKEN));
        second = bound(second, 0, uint256(deposit) + more);
        first = bound(first, 0, second);
        uint256 asset = toAsset ? publish(bob, "asset") : 0;
        uint256 had = token.balanceOf(payer.addr);
        vm.startPrank(payer.addr);
        bytes32 id =
            channels.open(toAsset ? address(0) : bob, asset, token, deposit, uint48(block.timestamp) + LIFE, "salt");
        channels.topUp(id, more);
        if (closes) channels.close(id);
        vm.stopPrank();
        if (first != 0) _redeem(id, first);
        if (second > first) _redeem(id, second);
        skip(closes ? CLOSE_DELAY : LIFE);
        channels.finish(id);
        assertEq(toAsset ? ledger.unsettled(asset, token) : channels.claimable(bob, token), second);
        if (second != deposit + more) {
            vm.prank(payer.addr);
            channels.claim(token, payer.addr);
        }
        assertEq(token.balanceOf(payer.addr), had - second);
        assertEq(token.balanceOf(address(channels)), toAsset ? 0 : second);
    }
}

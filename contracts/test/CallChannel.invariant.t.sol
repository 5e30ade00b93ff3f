// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Lab} from "./base/Lab.sol";
import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";
import {CallChannel} from "../src/CallChannel.sol";
import {ICallChannel} from "../src/interfaces/ICallChannel.sol";
import {SaharaToken} from "../src/SaharaToken.sol";

/// @dev Opens, tops up, signs, redeems, closes and claims at random, toward an account and an asset.
contract ChannelHandler is Test {
    CallChannel private immutable CHANNELS;
    SaharaToken private immutable CURRENCY;
    address private immutable PAYEE;
    uint256 private immutable ASSET;
    Vm.Wallet private _payer;
    bytes32[] public ids;

    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public toAsset;

    constructor(CallChannel channels, SaharaToken currency, Vm.Wallet memory payer, address payee, uint256 asset) {
        (CHANNELS, CURRENCY, _payer, PAYEE, ASSET) = (channels, currency, payer, payee, asset);
    }

    function open(bool asset, uint96 amount, uint48 life) external {
        if (ids.length == 6) return;
        amount = uint96(bound(amount, 0, 1e18));
        uint48 expiry = uint48(block.timestamp + bound(life, 1 hours, 365 days));
        vm.prank(_payer.addr);
        ids.push(
            CHANNELS.open(asset ? address(0) : PAYEE, asset ? ASSET : 0, CURRENCY, amount, expiry, bytes32(ids.length))
        );
        paidIn += amount;
    }

    function topUp(uint256 which, uint96 amount) external {
        if (ids.length == 0) return;
        amount = uint96(bound(amount, 0, 1e18));
        vm.prank(_payer.addr);
        try CHANNELS.topUp(ids[which % ids.length], amount) {
            paidIn += amount;
        } catch {}
    }

    function redeem(uint256 which, uint256 amount, uint48 patience) external {
        if (ids.length == 0) return;
        skip(bound(patience, 0, 3 days));
        bytes32 id = ids[which % ids.length];
        ICallChannel.Channel memory channel = CHANNELS.getChannel(id);
        amount = bound(amount, 0, uint256(channel.deposit) + 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_payer, CHANNELS.voucherDigest(id, amount));
        try CHANNELS.redeem(id, amount, abi.encodePacked(r, s, v)) {
            if (channel.asset != 0) toAsset += amount - channel.redeemed;
        } catch {
            bool refused = channel.closed || amount <= channel.redeemed || amount > channel.deposit;
            assertTrue(refused, "a good voucher is always worth its money");
        }
    }

    function close(uint256 which) external {
        if (ids.length == 0) return;
        vm.prank(_payer.addr);
        try CHANNELS.close(ids[which % ids.length]) {} catch {}
    }

    function finish(uint256 which) external {
        if (ids.length == 0) return;
        try CHANNELS.finish(ids[which % ids.length]) {} catch {}
    }

    function claim(bool payer) external {
        address account = payer ? _payer.addr : PAYEE;
        uint256 amount = CHANNELS.claimable(account, CURRENCY);
        if (amount == 0) return;
        vm.prank(account);
        CHANNELS.claim(CURRENCY, account);
        paidOut += amount;
    }

    function count() external view returns (uint256) {
        return ids.length;
    }
}

contract CallChannelInvariantTest is Lab {
    ChannelHandler internal handler;
    address internal payer;
    uint256 internal asset;

    function setUp() public override {
        super.setUp();
        Vm.Wallet memory wallet = vm.createWallet("payer");
        payer = wallet.addr;
        vm.prank(alice);
        token.transfer(payer, 1_000 * TOKEN);
        vm.prank(payer);
        token.approve(address(channels), type(uint256).max);
        asset = publish(carol, "asset");
        handler = new ChannelHandler(channels, token, wallet, bob, asset);
        targetContract(address(handler));
    }

    function invariant_the_channel_holds_what_it_owes() public view {
        uint256 owed = channels.claimable(payer, token) + channels.claimable(bob, token);
        for (uint256 i = 0; i < handler.count(); ++i) {
            ICallChannel.Channel memory channel = channels.getChannel(handler.ids(i));
            if (!channel.closed) owed += channel.deposit - channel.redeemed;
        }
        assertEq(token.balanceOf(address(channels)), owed);
        assertEq(handler.paidIn(), handler.paidOut() + handler.toAsset() + owed);
        assertEq(ledger.unsettled(asset, token), handler.toAsset());
    }

    /// @dev Whatever happened: after a year the payer alone has back all that was not redeemed.
    function afterInvariant() public {
        skip(365 days);
        for (uint256 i = 0; i < handler.count(); ++i) {
            if (!channels.getChannel(handler.ids(i)).closed) channels.finish(handler.ids(i));
        }
        uint256 rest = channels.claimable(payer, token);
        if (rest != 0) {
            vm.prank(payer);
            channels.claim(token, payer);
        }
        assertEq(token.balanceOf(address(channels)), channels.claimable(bob, token), "and the payee has the others");
    }
}

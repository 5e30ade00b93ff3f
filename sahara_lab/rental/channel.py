"""Prepaid channels for paid calls: deposit once, sign with each call, redeem when it suits (docs/spec/contracts.md)."""

from __future__ import annotations

from dataclasses import dataclass

from sahara_lab.chain import Chain, Wallet
from sahara_lab.chain.sender import Sender
from sahara_lab.errors import InputError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.identity.directory import ZERO_ADDRESS
from sahara_lab.licensing.terms import seconds
from sahara_lab.rental.vouchers import CallVoucher, allow, claim, salt_of, typed_data
from sahara_lab.signing import recover_typed_data
from sahara_lab.units import Wei, format_tokens, to_wei


@dataclass(frozen=True)
class ChannelState:
    """A channel as it stands now. Amounts in wei, ``closes_at`` in seconds of the chain's clock.

    ``payee`` is None when the payee is ``asset``, and ``asset`` is 0 when it is an account.
    """

    id: str
    payer: str
    payee: str | None
    asset: int
    deposit: Wei
    redeemed: Wei
    closes_at: int
    closed: bool

    def __str__(self) -> str:
        to = self.payee or f"asset {self.asset}"
        state = "closed" if self.closed else f"{format_tokens(self.deposit - self.redeemed)} left"
        return f"channel of {self.payer} to {to}: {state}"


class Channel:
    """Prepaid channels as one account sees them. Amounts are whole tokens as text; pays in SAHARA."""

    def __init__(self, chain: Chain, directory: Directory, wallet: Wallet, sender: Sender) -> None:
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._channels = chain.contract("CallChannel")

    def state(self, channel_id: str) -> ChannelState:
        """A channel by its id.

        Raises:
            NotFound: there is none.
        """
        found = self._channels.call("getChannel", bytes.fromhex(channel_id))
        if found["payer"] == ZERO_ADDRESS:
            raise NotFound(f"there is no channel {channel_id[:12]}…")
        return ChannelState(
            id=channel_id,
            payer=self._directory.handle(found["payer"]),
            payee=None if found["payee"] == ZERO_ADDRESS else self._directory.handle(found["payee"]),
            asset=found["asset"],
            deposit=Wei(found["deposit"]),
            redeemed=Wei(found["redeemed"]),
            closes_at=found["closesAt"],
            closed=found["closed"],
        )

    # -- the payer ----------------------------------------------------------------------------------------------------

    def open(
        self, name: str, *, deposit: str, lasts: str | int, payee: str | None = None, asset: int = 0
    ) -> ChannelState:
        """Open a channel toward an account or an asset; ``deposit`` is the most it can cost. Doing it again changes
        nothing.

        Args:
            name: one's own name for it, never used for another channel.
            asset: number of the asset whose revenue the calls are.

        Raises:
            InputError: the name is used for another channel.
            FundsError: the balance does not cover the deposit.
        """
        to = self._directory.address(payee) if payee else ZERO_ADDRESS
        identity = bytes(self._channels.call("channelIdOf", self._wallet.address, salt_of(name)))
        amount = to_wei(deposit)
        if self._channels.call("getChannel", identity)["payer"] == ZERO_ADDRESS:
            expires = self._chain.block("pending").timestamp + seconds(lasts)
            allow(self._chain, self._sender, self._wallet.address, self._channels, amount)
            terms = (to, asset, self._chain.addresses["SaharaToken"], amount, expires, salt_of(name))
            self._sender.send(self._channels, "open", *terms, intent=f"channel {identity.hex()}")
        found = self._channels.call("getChannel", identity)
        if (found["payee"], found["asset"]) != (to, asset) or found["closed"]:
            raise InputError(f"you had another channel called {name!r}", hint="Choose another name")
        return self.state(identity.hex())

    def top_up(self, channel_id: str, amount: str) -> ChannelState:
        """Add to the deposit."""
        wei = to_wei(amount)
        allow(self._chain, self._sender, self._wallet.address, self._channels, wei)
        return self._do("topUp", channel_id, wei)

    def sign(self, channel_id: str, amount: int) -> CallVoucher:
        """Owe ``amount`` wei in all on a channel.

        Raises:
            InputError: the channel is another's or closed, or that is more than its deposit.
        """
        found = self.state(channel_id)
        if self._directory.address(found.payer) != self._wallet.address:
            raise InputError(f"the channel is {found.payer}'s, who signs its vouchers")
        if found.closed or not 0 < amount <= found.deposit:
            raise InputError(f"the voucher is above the deposit, {format_tokens(found.deposit)}, or the channel closed")
        message = typed_data(CallVoucher, self._channels, self._chain.chain_id, bytes.fromhex(channel_id), amount)
        return CallVoucher(channel_id, amount, self._wallet.sign_typed_data(message).hex())

    def close(self, channel_id: str) -> ChannelState:
        """Begin to close: the payee has the close delay to redeem, then :meth:`finish` gives the rest back."""
        return self._do("close", channel_id)

    # -- the payee ----------------------------------------------------------------------------------------------------

    def verify(self, voucher: CallVoucher) -> None:
        """See that a voucher would be paid now, without redeeming it.

        Raises:
            InputError: it was not signed by the payer, or is malformed.
            ChainError: it is not higher than what was redeemed, above the deposit, or the channel is closed.
        """
        channel, signature = bytes.fromhex(voucher.channel_id), bytes.fromhex(voucher.signature)
        payer = self._channels.call("getChannel", channel)["payer"]
        message = typed_data(CallVoucher, self._channels, self._chain.chain_id, channel, voucher.amount)
        # A payer that is a contract is asked by the chain (ERC-1271), in the trial.
        is_contract = self._chain.rpc("eth_getCode", payer, "latest") != "0x"
        if not is_contract and recover_typed_data(message, signature) != payer:
            raise InputError("the voucher was not signed by the channel's payer")
        self._channels.call("redeem", channel, voucher.amount, signature)

    def redeem(self, voucher: CallVoucher) -> ChannelState:
        """Redeem a voucher: an account can then :meth:`claim` it, an asset has it as revenue. Anyone may."""
        return self._do("redeem", voucher.channel_id, voucher.amount, bytes.fromhex(voucher.signature))

    # -- the end ------------------------------------------------------------------------------------------------------

    def finish(self, channel_id: str) -> ChannelState:
        """Give the rest back to the payer, once the channel expired or its close delay passed. Anyone may."""
        return self._do("finish", channel_id)

    def claim(self) -> Wei:
        """Take out what waits for the account, in wei."""
        return claim(self._chain, self._sender, self._wallet.address, self._channels)

    def _do(self, function: str, channel_id: str, *args: object) -> ChannelState:
        self._sender.send(self._channels, function, bytes.fromhex(channel_id), *args)
        return self.state(channel_id)

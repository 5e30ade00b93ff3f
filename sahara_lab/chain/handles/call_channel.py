"""Prepaid channels for paid calls.

Made from the ABI and NatSpec of CallChannel by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Channel
from sahara_lab.chain.orders import Call


class ChannelClosed(NamedTuple):
    """The channel is at its end; `rest` is the payer's again."""

    channel_id: bytes
    rest: int


class ChannelClosing(NamedTuple):
    """The payer wants the rest back; the payee can redeem until `closesAt` at least."""

    channel_id: bytes
    closes_at: int


class ChannelOpened(NamedTuple):
    """A payer opened a channel; one of `payee` and `asset` is nobody."""

    channel_id: bytes
    payer: str
    payee: str
    asset: int
    currency: str
    amount: int
    expires_at: int


class ChannelToppedUp(NamedTuple):
    """The deposit grew to `deposit`."""

    channel_id: bytes
    amount: int
    deposit: int


class Claimed(NamedTuple):
    """`account` took out all it had in that currency."""

    account: str
    currency: str
    receiver: str
    amount: int


class EIP712DomainChanged(NamedTuple):
    """``EIP712DomainChanged()``."""


class VoucherRedeemed(NamedTuple):
    """A voucher for `redeemed` in all gave `amount` more to the payee."""

    channel_id: bytes
    amount: int
    redeemed: int


class Eip712DomainResult(NamedTuple):
    """What ``eip712Domain()`` gives."""

    fields: bytes
    name: str
    version: str
    chain_id: int
    verifying_contract: str
    salt: bytes
    extensions: list[int]


class CallChannel(Handle):
    """Prepaid channels for paid calls."""

    CONTRACT = "CallChannel"

    def CLOSE_DELAY(self) -> View[int]:
        """Seconds between a payer's wish to close and the end."""
        return View(self, "CLOSE_DELAY()")

    def LEDGER(self) -> View[str]:
        """``LEDGER()``."""
        return View(self, "LEDGER()")

    def MAX_DURATION(self) -> View[int]:
        """The longest life of a channel."""
        return View(self, "MAX_DURATION()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def channel_id_of(self, payer: str, salt: bytes) -> View[bytes]:
        """The id of the channel that `payer` opens with `salt`."""
        return View(self, "channelIdOf(address,bytes32)", payer, salt)

    def claim(self, currency: str, receiver: str) -> Call:
        """Sends all that the caller has in `currency` to `receiver`."""
        return Call(self.contract, "claim", (currency, receiver))

    def claimable(self, account: str, currency: str) -> View[int]:
        """What `account` would get."""
        return View(self, "claimable(address,address)", account, currency)

    def close(self, channel_id: bytes) -> Call:
        """Begins to close the channel: the payee has the close delay to redeem what it holds. Only the payer."""
        return Call(self.contract, "close", (channel_id,))

    def eip712_domain(self) -> View[Eip712DomainResult]:
        """``eip712Domain()``."""
        return View(self, "eip712Domain()", result=Eip712DomainResult)

    def finish(self, channel_id: bytes) -> Call:
        """Gives the rest back to the payer once the channel has expired or its close delay has passed. Anyone
        may.
        """
        return Call(self.contract, "finish", (channel_id,))

    def get_channel(self, channel_id: bytes) -> View[Channel]:
        """Everything known of a channel; no payer for an unknown one."""
        return View(self, "getChannel(bytes32)", channel_id)

    def open(self, payee: str, asset: int, currency: str, amount: int, expires_at: int, salt: bytes) -> Call:
        """Opens a channel toward `payee` or `asset`, whichever is not nobody. Its id follows from the caller and
        `salt`, so that sending it twice opens it once.
        """
        return Call(self.contract, "open", (payee, asset, currency, amount, expires_at, salt))

    def redeem(self, channel_id: bytes, amount: int, signature: bytes) -> Call:
        """Redeems a voucher for `amount` in all. Anyone may hand it in."""
        return Call(self.contract, "redeem", (channel_id, amount, signature))

    def top_up(self, channel_id: bytes, amount: int) -> Call:
        """Adds to the deposit; only the payer."""
        return Call(self.contract, "topUp", (channel_id, amount))

    def voucher_digest(self, channel_id: bytes, amount: int) -> View[bytes]:
        """What the payer signs: EIP-712 `CallVoucher(bytes32 channelId,uint256 amount)`."""
        return View(self, "voucherDigest(bytes32,uint256)", channel_id, amount)

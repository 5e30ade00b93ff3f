"""What goes in and comes out of sending: a call, its receipt, and the order that it is in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sahara_lab.chain.client import Contract, Event, decode_log
from sahara_lab.chain.fees import MOST_RAISE, Fee
from sahara_lab.chain.journal import Entry
from sahara_lab.chain.rpc import Rpc, RpcError
from sahara_lab.chain.transaction import read
from sahara_lab.errors import SaharaError


@dataclass(frozen=True)
class Call:
    """One transaction to be: a contract's function with its arguments.

    Args:
        intent: a key of your own for what it is for: one key is one effect, for all time and in every process. Without
            it, a call that was cut off is the same one when it is repeated, and one that ended is another.
        value: wei of the chain's own coin to send along.
        gas: the limit, in units of gas; by default calls that look alike share one estimate.
    """

    contract: Contract
    function: str
    args: tuple[Any, ...] = ()
    intent: str | None = None
    value: int = 0
    gas: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A transaction that is in a block.

    ``resumed`` says that it was sent by an earlier attempt.
    """

    tx_hash: str
    block_number: int
    gas_used: int
    resumed: bool = False
    _logs: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    _contracts: dict[str, Contract] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Those of our contracts, decoded when first looked at."""
        return tuple(event for log in self._logs if (event := decode_log(self._contracts, log)))


@dataclass(frozen=True)
class Unfinished:
    """A transaction of before whose end nobody was told.

    ``fate`` is mined, pending, reverted, or lost when it had no effect and never will.
    """

    tx_hash: str
    what: str
    fate: str

    def __str__(self) -> str:
        said = {
            "mined": "arrived after all; do not send it again",
            "pending": "is on its way; it needs nothing from you",
            "reverted": "was refused by the contract; nothing was paid but gas",
            "lost": "never took effect; nothing was paid",
        }
        return f"{self.what} ({self.tx_hash[:12]}…), begun before, {said[self.fate]}"


@dataclass(eq=False)
class Order:
    """A transaction on its way; ``versions`` are the hashes it was signed under, all with the same nonce.

    It keeps its nonce until a transaction from elsewhere is seen to have used it: so at most one version counts.
    """

    what: str
    to: str
    data: str = "0x"
    value: int = 0
    gas: int | None = None
    purpose: str = ""
    lasts: bool = False
    nonce: int | None = None
    fee: Fee | None = None
    dearest: int = 0  # the most that one unit of gas may cost, after replacements
    versions: list[str] = field(default_factory=list)
    raw: str = ""  # the newest version
    block: int = 0  # the newest one when the nonce was not used yet
    seen: int = 0  # the newest block when it was last handed over
    tries: int = 0
    away: bool = False  # some node has, or may have, a version of it
    trouble: RpcError | None = None  # why the node did not take it when it was last handed over
    asked: bool = True  # by the present caller, who waits for it
    shared: bool = False  # its gas limit was estimated for another call of its shape
    resumed: bool = False
    told: bool = False  # that it is in a block
    outcome: Receipt | SaharaError | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Order:
        """The order that the journal's entries, versions of one transaction, tell of."""
        last = entries[-1]
        order = cls(last.what, "", purpose=last.intent, lasts=last.lasts, nonce=last.nonce, away=True, resumed=True)
        order.told = any(entry.told for entry in entries)
        order.versions = [entry.tx for entry in entries]
        order.raw, order.block, order.seen = last.raw, entries[0].block, last.block
        if last.raw:
            signed = read(last.raw)
            order.to, order.data, order.value, order.gas = (signed[name] for name in ("to", "data", "value", "gas"))
            order.fee = Fee(signed["maxFeePerGas"], signed["maxPriorityFeePerGas"])
            first = next(entry.raw for entry in entries if entry.raw)
            order.dearest = MOST_RAISE * int(read(first)["maxFeePerGas"])
        return order

    @property
    def shape(self) -> tuple[str, str, int, bool]:
        """Calls of one shape need about the same gas."""
        return self.to, self.data[:10], len(self.data), self.value > 0

    @property
    def place(self) -> int:
        """The nonce, once it has one."""
        return -1 if self.nonce is None else self.nonce

    @property
    def name(self) -> str:
        """What it is and under which hash, for people."""
        return f"{self.what} ({self.versions[-1][:12]}…)" if self.versions else self.what

    def call(self, sender: str) -> dict[str, Any]:
        """The same thing as a call that is only tried."""
        return {"from": sender, "to": self.to, "data": self.data, "value": hex(self.value)}

    def anew(self) -> Order:
        """The same order, to be asked for once more."""
        return Order(self.what, self.to, self.data, self.value, self.gas, self.purpose, self.lasts)

    def forget(self) -> None:
        """What was signed has no effect and never will."""
        self.nonce, self.fee, self.raw, self.versions = None, None, "", []
        self.resumed, self.away, self.trouble = False, False, None


def look_up(rpc: Rpc, groups: Sequence[Sequence[str]]) -> list[tuple[str, dict[str, Any] | None]]:
    """What became of transactions, each known by the hashes of its versions: a fate, and what the node has of it.

    Mined or reverted come with the receipt, pending with the transaction, lost with nothing: that this node does not
    know it is no proof that it has no effect.
    """
    hashes = [tx for group in groups for tx in group]
    receipts = dict(zip(hashes, rpc.batch([("eth_getTransactionReceipt", [tx]) for tx in hashes]), strict=True))
    open_ = [tx for group in groups if not any(receipts[tx] for tx in group) for tx in group]
    waiting = dict(zip(open_, rpc.batch([("eth_getTransactionByHash", [tx]) for tx in open_]), strict=True))
    found: list[tuple[str, dict[str, Any] | None]] = []
    for group in groups:
        receipt = next((receipts[tx] for tx in group if receipts[tx]), None)
        pending = next((waiting[tx] for tx in reversed(group) if waiting.get(tx)), None)
        if receipt:
            found.append(("mined" if receipt["status"] == "0x1" else "reverted", receipt))
        else:
            found.append(("pending", pending) if pending else ("lost", None))
    return found


def user_of_nonce(rpc: Rpc, address: str, nonce: int, since: int) -> str | None:
    """The hash of the transaction that used an account's nonce; None when the node cannot tell.

    The count of the account's transactions only grows, so that the block is found by halving.

    Args:
        since: number of a block in which the nonce was not used yet.
    """

    def used(block: int) -> bool:
        return int(rpc("eth_getTransactionCount", address, hex(block)), 16) > nonce

    try:
        high = int(rpc("eth_blockNumber"), 16)
        low = min(since, high)
        if not used(high):
            return None
        while low > 0 and used(low):  # blocks were replaced since
            low = max(0, low - 16)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if used(middle) else (middle, high)
        transactions = rpc("eth_getBlockByNumber", hex(high), True)["transactions"]
    except (RpcError, TypeError):  # it keeps no state of that block, or several nodes answer out of step
        return None
    own = [tx for tx in transactions if tx["from"].lower() == address.lower() and int(tx["nonce"], 16) == nonce]
    return str(own[0]["hash"]) if own else None

"""Who may call, and who pays: the gateway's rules, without HTTP and without Ray.

A call is admitted before the model is asked, and charged after it answered. Between the two its price is held back, so
that calls at the same time cannot spend the same voucher, nor a key more than its budget.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain
from sahara_lab.errors import AccessDenied, ChainError, FundsError, InputError, NotFound, SaharaError
from sahara_lab.rental.vouchers import CallVoucher
from sahara_lab.serving.ledger import Answered, Ledger
from sahara_lab.serving.payments import Digests, voucher_of
from sahara_lab.units import format_tokens

MARGIN = 20  # seconds before a channel's end in which no call is taken any more: vouchers must be redeemed by then
_FRESH = 5.0  # seconds that a channel's state is believed without asking the chain again
_MOST_ID = 128


class PaymentRequired(SaharaError):
    """The call has to be paid, or what was sent does not pay it."""

    code = "payment-required"

    def __init__(self, message: str, *, hint: str = "", needed: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.needed = needed
        """Wei that a voucher has to be for, where that is what is wrong."""


@dataclass(frozen=True)
class Model:
    """A served model as its callers see it. ``price`` in wei a call, ``asset`` its number in the registry."""

    name: str
    version: int
    asset: int
    price: int
    account: str


@dataclass(frozen=True)
class ChannelFacts:
    """A channel as the chain has it: addresses in lower case, wei, seconds of the chain's clock."""

    payer: str
    asset: int
    currency: str
    deposit: int
    redeemed: int
    closes_at: int
    closed: bool
    now: float


@dataclass(frozen=True)
class Ticket:
    """An admitted call. ``held`` wei are held back on ``channel`` until it is charged or let go.

    ``again``: a call with its id was admitted before, and is charged once, by that one.
    """

    caller: str
    key: str | None = None
    channel: str | None = None
    held: int = 0
    fingerprint: bytes | None = None
    again: bool = False


class Till:
    """Admits and charges calls of one account's models."""

    def __init__(self, ledger: Ledger, channels: ChannelSource, digests: Digests, token: str) -> None:
        self._ledger = ledger
        self._channels = channels
        self._digests = digests
        self._token = token.lower()
        self._held: Counter[str] = Counter()
        self._under_way: set[bytes] = set()
        self._lock = threading.Lock()

    def admit(self, model: Model, bearer: str, payment: str, request_id: str) -> Ticket:
        """Let a call in.

        Args:
            bearer: the API key, or empty.
            payment: value of the payment header, or empty.
            request_id: the caller's own id of the call; with the same one it is charged once. Needed to pay.

        Raises:
            AccessDenied: the key is not valid for the model.
            FundsError: its budget is used up, or the channel's deposit is.
            PaymentRequired: neither a key nor a voucher that is high enough.
            InputError: a header is malformed.
        """
        if len(request_id) > _MOST_ID or not request_id.isprintable():
            raise InputError(f"an id of a request is at most {_MOST_ID} printable characters")
        if bearer:
            return self._by_key(model, bearer, request_id)
        if payment and model.price:
            return self._by_voucher(model, voucher_of(payment), request_id)
        if model.price:
            raise PaymentRequired(f"a call of {model.name} costs {format_tokens(model.price)}")
        raise AccessDenied(f"{model.name} is called with a key", hint="Ask who serves it for one")

    def charge(self, model: Model, ticket: Ticket, remember: tuple[bytes, bytes] | None) -> int:
        """The call was answered: charge it once, and remember its answer under its fingerprint; returns the wei."""
        kept = (ticket.fingerprint, *remember) if ticket.fingerprint is not None and remember else None
        with self._settling(ticket):
            self._ledger.settle_call(
                model.name,
                ticket.caller,
                good=True,
                key=ticket.key,
                channel=ticket.channel,
                charged=ticket.held,
                remember=kept,
            )
        return ticket.held

    def failed(self, model: Model, ticket: Ticket) -> None:
        """The call was not answered: count it, charge nothing."""
        with self._settling(ticket):
            self._ledger.settle_call(model.name, ticket.caller, good=False)

    def answered(self, fingerprint: bytes) -> Answered | None:
        """What a call of this fingerprint was answered with, in the last day."""
        return self._ledger.answered(fingerprint)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _by_key(self, model: Model, bearer: str, request_id: str) -> Ticket:
        with self._lock:  # what was used is read here, so that it fits what is held back
            record = self._ledger.key(bearer)
            if record is None or record.model not in ("", model.name):
                raise AccessDenied(f"the key is not valid for {model.name}")
            fingerprint = _fingerprint(model, record.id, request_id)
            if self._begun(fingerprint):
                return Ticket(f"key {record.name}", fingerprint=fingerprint, again=True)
            if record.budget is not None and record.used + self._held[record.id] >= record.budget:
                raise FundsError(f"the key's budget of {record.budget} calls is used up", hint="Ask for another key")
            self._held[record.id] += 1
            self._begin(fingerprint)
        return Ticket(f"key {record.name}", key=record.id, fingerprint=fingerprint)

    def _by_voucher(self, model: Model, voucher: CallVoucher, request_id: str) -> Ticket:
        if not request_id:
            raise InputError("a paid call has an id, so that it is charged once", hint="Send Idempotency-Key")
        channel, amount = voucher.channel_id.removeprefix("0x"), voucher.amount
        facts = self._channels.facts(channel, at_least=amount)
        if facts.asset != model.asset or facts.currency != self._token:
            raise PaymentRequired(f"the channel does not pay {model.name}")
        if self._digests.signer(voucher) != facts.payer:
            raise PaymentRequired("the voucher was not signed by the channel's payer")
        if facts.closed or facts.closes_at - facts.now < MARGIN:
            raise PaymentRequired("the channel is closing", hint="Open another one")
        if amount > facts.deposit:
            raise FundsError(f"the deposit of {format_tokens(facts.deposit)} is used up", hint="Prepay more")
        caller = f"account {facts.payer}"
        fingerprint = _fingerprint(model, channel, request_id)
        with self._lock:
            if self._begun(fingerprint):
                return Ticket(caller, fingerprint=fingerprint, again=True)
            needed = max(self._ledger.owed(channel), facts.redeemed) + self._held[channel] + model.price
            if max(amount, self._ledger.highest(channel)) < needed:
                raise PaymentRequired(f"the voucher has to be for {needed} wei in all", needed=needed)
            self._ledger.take_voucher(channel, model.name, facts.payer, amount, voucher.signature, facts.redeemed)
            self._held[channel] += model.price
            self._begin(fingerprint)
        return Ticket(caller, channel=channel, held=model.price, fingerprint=fingerprint)

    def _begun(self, fingerprint: bytes | None) -> bool:
        return fingerprint is not None and (
            fingerprint in self._under_way or self._ledger.answered(fingerprint) is not None
        )

    def _begin(self, fingerprint: bytes | None) -> None:
        if fingerprint is not None:
            self._under_way.add(fingerprint)

    @contextmanager
    def _settling(self, ticket: Ticket) -> Iterator[None]:
        """What is held back becomes owed in one step, so that no call admitted meanwhile counts it twice."""
        with self._lock:
            try:
                yield
            finally:
                if ticket.key is not None:
                    self._held[ticket.key] -= 1
                if ticket.channel is not None:
                    self._held[ticket.channel] -= ticket.held
                if ticket.fingerprint is not None:
                    self._under_way.discard(ticket.fingerprint)


class ChannelSource:
    """What the chain says of channels, asked again when it may have changed."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._contract = chain.contract("CallChannel")
        self._kept: dict[str, tuple[float, ChannelFacts]] = {}

    def facts(self, channel: str, *, at_least: int = 0) -> ChannelFacts:
        """A channel; asked of the chain when it was not for some seconds, or when its deposit was below ``at_least``.

        Raises:
            NotFound: there is no such channel.
        """
        kept = self._kept.get(channel)
        if kept and time.monotonic() - kept[0] < _FRESH and kept[1].deposit >= at_least:
            return kept[1]
        found = self._contract.call("getChannel", bytes.fromhex(channel))
        if not int(found["payer"], 16):
            raise NotFound("there is no such channel")
        facts = ChannelFacts(
            payer=found["payer"].lower(),
            asset=found["asset"],
            currency=found["currency"].lower(),
            deposit=found["deposit"],
            redeemed=found["redeemed"],
            closes_at=found["closesAt"],
            closed=found["closed"],
            now=max(time.time(), self._chain.block("latest").timestamp),  # an idle chain's clock stands still
        )
        if len(self._kept) > 10_000:
            self._kept.clear()
        self._kept[channel] = (time.monotonic(), facts)
        return facts

    def forget(self, channel: str) -> None:
        """Ask the chain next time."""
        self._kept.pop(channel, None)


class Settler:
    """Redeems what was earned, many calls at a time.

    Args:
        redeem: sends one voucher to the chain.
        every: seconds after which even little is redeemed.
        enough: wei that are redeemed at once.
    """

    def __init__(
        self,
        ledger: Ledger,
        channels: ChannelSource,
        redeem: Callable[[CallVoucher], Any],
        *,
        every: float = 600.0,
        enough: int = 10**18,
        notice: float = 0.0,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._redeem = redeem
        self._every = every
        self._enough = enough
        self._notice = notice + 2 * MARGIN
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def settle(self, *, now: bool = False) -> int:
        """Redeem what is worth it, or all that was earned; returns the wei.

        What is left of a channel is redeemed at once when its payer begins to close it.

        Raises:
            SaharaError: a voucher could not be redeemed; the others were.
        """
        with self._lock:
            due = now or time.monotonic() - self._last >= self._every
            total, problem = 0, None
            for channel, (amount, signature) in self._ledger.earned().items():
                facts = self._channels.facts(channel)
                more = amount - facts.redeemed
                closing = facts.closes_at - facts.now <= self._notice
                if more <= 0 or facts.closed or not (due or closing or more >= self._enough):
                    continue
                try:
                    self._paid(CallVoucher(channel, amount, signature))
                    total += more
                except SaharaError as error:
                    problem = error
            if problem is not None:
                raise problem
            if due:
                self._last = time.monotonic()
            return total

    def _paid(self, voucher: CallVoucher) -> None:
        """Redeem one; what another program of the account redeemed at the same moment is redeemed, too."""
        try:
            self._redeem(voucher)
        except ChainError:
            self._channels.forget(voucher.channel_id)
            if self._channels.facts(voucher.channel_id).redeemed < voucher.amount:
                raise
        finally:
            self._channels.forget(voucher.channel_id)


def _fingerprint(model: Model, caller: str, request_id: str) -> bytes | None:
    if not request_id:
        return None
    return hashlib.sha256(f"{model.name}\0{caller}\0{request_id}".encode()).digest()

"""Many calls of one account on their way at once, in order.

A stretch of calls is tried, signed, and written down while the node still works on the one before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sahara_lab.chain.client import Chain, refused
from sahara_lab.chain.delivery import Delivery
from sahara_lab.chain.journal import Journal
from sahara_lab.chain.orders import Call, Order, look_up
from sahara_lab.chain.outbox import Outbox
from sahara_lab.chain.rpc import RpcError, result
from sahara_lab.chain.wallet import Wallet
from sahara_lab.errors import ChainError, InputError, SaharaError

GAS_MARGIN = 1.3
GAS_EXTRA = 20_000
FIRST_STRETCH, STRETCH = 50, 200  # calls prepared together: few at first, so that the node is soon at work
MOST_OPEN = 400  # transactions without a receipt, before the next stretch has to wait


class Pipeline:
    """One run: made under the account's lock, used once. Arguments as of :class:`Delivery`."""

    def __init__(
        self, chain: Chain, wallet: Wallet, journal: Journal, patience: float, outage: float, *, signs: bool = True
    ) -> None:
        self._rpc = chain.rpc
        self._journal = journal
        self._outbox = Outbox(chain, wallet, journal)
        self._delivery = Delivery(chain, self._outbox, journal, patience, outage, signs=signs)
        self._gas: dict[tuple[str, str, int, bool], int] = {}
        self._seen: dict[str, int] = {}
        self._begun: dict[tuple[str, int], Order] = {}  # by purpose and nonce: left behind by earlier runs

    def run(self, orders: Iterable[Order], *, told: bool = True, ever: bool = False) -> list[Order]:
        """Bring each order to its end, which it then holds.

        Args:
            told: the caller tells them at once; else the journal keeps them open until it does.
            ever: orders for a purpose that was served are the same ones, however long ago that was.

        Raises:
            NetworkError: the node went away or is another one; asking again finishes what was begun.
        """
        done: list[Order] = []
        with self._delivery as delivery:
            self._take_up()
            coming, size = iter(orders), FIRST_STRETCH
            while stretch := self._recognized(islice(coming, size), ever):
                done += stretch
                size = min(2 * size, STRETCH)
                fresh = [order for order in stretch if order.outcome is None and not order.versions]
                self._estimate(fresh)
                delivery.hand_over([order for order in fresh if order.outcome is None])
                delivery.wait_for_room(MOST_OPEN)
            delivery.wait(0)
        self._journal.end(delivery.ended, told=told)
        return done

    def finish(self) -> None:
        """Bring what earlier runs left to its end, as far as it comes within the patience; nothing is signed."""
        with self._delivery as delivery:
            self._take_up()
            delivery.wait(0, everything=True)

    def _take_up(self) -> None:
        """Hand over again what earlier runs left, before anything else: its nonces come first."""
        left = self._outbox.left_behind()
        if left:
            self._begun = {(order.purpose, order.place): order for order in left}
            self._delivery.watch(left)
            self._delivery.tend()

    # -- before the node has it ---------------------------------------------------------------------------------------

    def _recognized(self, orders: Iterable[Order], ever: bool) -> list[Order]:
        """Orders, each replaced by the one with which an earlier run has begun or done the same."""
        found = [self._counted(order) for order in orders]
        attempts = {
            n: self._journal.attempt(order.purpose, ever=ever) for n, order in enumerate(found) if not order.outcome
        }
        done = {n: entries for n, entries in attempts.items() if entries}
        fates = look_up(self._rpc, [[entry.tx for entry in entries] for entries in done.values()])
        for (n, entries), (_, known) in zip(done.items(), fates, strict=True):
            left = self._begun.get((entries[-1].intent, entries[-1].nonce))
            found[n] = begun = left or Order.of(entries)
            begun.asked = True
            if known and "status" in known:
                self._delivery.settle(begun, known)
            elif left is None:
                begun.outcome = ChainError(
                    f"{begun.name} was done before, but the node keeps no receipt of it", hint="It is not done again"
                )
        return found

    def _counted(self, order: Order) -> Order:
        """Equal calls in one run are meant to happen that often; a count tells them apart when the run is repeated."""
        count = self._seen[order.purpose] = self._seen.get(order.purpose, 0) + 1
        if count > 1 and order.lasts:
            order.outcome = InputError("an intent is given twice in one run", hint="One intent is one transaction")
        elif count > 1:
            order.purpose = f"{order.purpose} {count}"
        return order

    def _estimate(self, fresh: Sequence[Order]) -> None:
        """The gas of each new shape; a refusal costs nothing and says why."""
        unknown = {
            order.shape: order for order in reversed(fresh) if order.gas is None and order.shape not in self._gas
        }
        self._try(list(unknown.values()))
        for order in fresh:
            if order.gas is not None:
                continue
            if order.shape not in self._gas:
                error = self._try([order])
                if error and self._delivery.busy:  # it may depend on calls that are still on their way
                    self._delivery.wait(0)
                    error = self._try([order])
                if error:
                    order.outcome = error
                    continue
            order.gas, order.shared = self._gas[order.shape], True

    def _try(self, orders: Sequence[Order]) -> SaharaError | None:
        """Try calls without sending them; the last one's refusal is returned."""
        if not orders:
            return None
        calls = [order.call(self._outbox.address) for order in orders]
        answers = self._rpc.batch_raw(
            [(method, [call, "pending"]) for call in calls for method in ("eth_call", "eth_estimateGas")]
        )
        refusal: SaharaError | None = None
        for order, trial, estimate in zip(orders, answers[::2], answers[1::2], strict=True):
            try:
                result(trial)
                gas = int(int(result(estimate), 16) * GAS_MARGIN) + GAS_EXTRA
                self._gas[order.shape] = min(gas, self._outbox.terms.gas_limit)
            except RpcError as error:
                refusal = refused(error)
        return refusal


def orders_of(calls: Iterable[Call]) -> Iterator[Order]:
    """What calls ask for; one whose arguments do not fit has its end already."""
    for call in calls:
        order = Order(f"{call.contract.name}.{call.function}", call.contract.address, value=call.value, gas=call.gas)
        try:
            order.data = "0x" + call.contract.encode(call.function, *call.args).hex()
        except ChainError as error:
            order.outcome = error
        named(order, call.intent)
        yield order


def named(order: Order, intent: str | None) -> Order:
    """Give an order its purpose: the caller's key, or the very call."""
    if intent is None:
        order.purpose = hashlib.sha256(f"{order.to} {order.data} {order.value}".encode()).hexdigest()[:32]
    else:
        order.purpose, order.lasts = f"{order.to.lower()} {intent}", True
    return order

"""From the journal into a block: signed transactions are handed over, looked after, and brought to their end.

Handing the same bytes over again is always safe, since their nonce makes them count once. So whatever a node forgets,
loses with a block or never heard of is simply handed over again; only what pays too little is signed anew, under the
same nonce; and only what lost its nonce to a transaction from elsewhere, which is looked up, gets another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sahara_lab.chain.client import Chain, refused
from sahara_lab.chain.journal import Journal
from sahara_lab.chain.orders import Order, Receipt, look_up, user_of_nonce
from sahara_lab.chain.outbox import Outbox
from sahara_lab.chain.rpc import RpcError, result
from sahara_lab.chain.transaction import refusal
from sahara_lab.errors import ChainError, FundsError, NetworkError, SaharaError

LARGEST_POST = 500_000  # bytes of transactions in one request
MOST_AT_ONCE = 200  # transactions, or receipts, in one request
STUCK = 4.0  # seconds without a receipt until the node is asked what it knows
SLOW = 3  # blocks that may pass the next transaction by before it offers more
TRIES = 12  # times that one order is signed
_AGAIN = "Run: sahara-lab up, then do it again; what did arrive is recognized and not paid twice"

_Refusals = list[tuple[Order, RpcError]]


class Delivery:
    """Orders on their way, of one run.

    Args:
        patience: seconds to wait for the next receipt.
        outage: seconds without a node until the run is given up.
        signs: whether anything may be signed; else only what was signed before is handed over.
    """

    def __init__(
        self, chain: Chain, outbox: Outbox, journal: Journal, patience: float, outage: float, *, signs: bool
    ) -> None:
        self._chain = chain
        self._rpc = chain.rpc
        self._outbox = outbox
        self._journal = journal
        self._patience = patience
        self._outage = outage
        self._signs = signs
        self._contracts = {at.lower(): chain.contract(name) for name, at in chain.addresses.items()}
        self._open: list[Order] = []  # handed over, no receipt yet
        self._messenger = ThreadPoolExecutor(1)
        self._posted: tuple[list[Order], Future[_Refusals]] | None = None
        #: Hashes and fates to be written down when the caller is told.
        self.ended: list[tuple[str, str]] = []

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *failure: object) -> None:
        self._messenger.shutdown()

    def watch(self, orders: Sequence[Order]) -> None:
        """Look after orders of before, which the node may or may not have."""
        self._open += orders

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._posted or self._open)

    def hand_over(self, orders: Sequence[Order]) -> None:
        """Sign orders and send them off, as soon as what was sent off before is answered."""
        self._post(self._outbox.commit(orders))

    def wait_for_room(self, most: int) -> None:
        """Wait only when more than ``most`` orders are open; else take what receipts there are."""
        if len(self._open) > most:
            self.wait(most)
        elif self._open:
            self._gather()

    def wait(self, most: int, *, everything: bool = False) -> None:
        """Gather receipts until at most ``most`` orders are open that the caller asked for, or of all.

        Raises:
            NetworkError: the node went away; asking again finishes what was begun.
        """
        pause, moved = 0.002, time.monotonic()
        checked, silent_since = moved, None
        while self._posted or sum(order.asked or everything for order in self._open) > most:
            now = time.monotonic()
            try:
                self._join()
                if count := self._gather():
                    pause, moved, checked, silent_since = 0.003, now, now, None
                    if count >= MOST_AT_ONCE // 2:
                        continue
                elif now - moved > self._patience:
                    self._give_up()
                    return
                elif silent_since is not None or now - checked > min(STUCK, self._patience / 4):
                    self.tend()
                    checked = time.monotonic()
                silent_since = None
            except NetworkError as error:
                silent_since = silent_since or now
                if now - silent_since > self._outage and self._open:
                    raise _stopped(self._open[0]) from error
                pause = 0.1
            if self._open:
                time.sleep(pause)
            pause = min(pause * 1.2, 0.5)

    # -- handing over -------------------------------------------------------------------------------------------------

    def _join(self) -> None:
        """Wait until what was handed over is answered, and deal with what was refused."""
        while self._posted:
            (orders, future), self._posted = self._posted, None
            try:
                refusals = future.result()
            except NetworkError:
                self._open += orders  # the node may have them
                raise
            out = {id(order) for order, _ in refusals}
            for order in orders:
                if id(order) not in out:
                    order.away, order.trouble = True, None
                    self._open.append(order)
            try:
                self._deal_with(refusals)
            except NetworkError:
                known = {id(order) for order in self._open}
                self._open += [o for o, _ in refusals if o.outcome is None and id(o) not in known]
                raise

    def _post(self, orders: Sequence[Order]) -> None:
        self._join()
        if orders:
            for order in orders:
                order.seen = self._outbox.terms.head
            self._posted = list(orders), self._messenger.submit(self._push_through, orders)

    def _push_through(self, orders: Sequence[Order]) -> _Refusals:
        """Hand signed transactions over, through a restart of the node; those it refused come with its reason."""
        silent_since: float | None = None
        while True:
            try:
                return self._push(orders)
            except NetworkError as error:
                for order in orders:
                    order.away = True  # perhaps
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > self._outage:
                    raise _stopped(orders[0]) from error
                time.sleep(0.1)

    def _push(self, orders: Sequence[Order]) -> _Refusals:
        if len(orders) == 1:
            try:
                self._rpc("eth_sendRawTransaction", orders[0].raw)
            except RpcError as error:
                return [(orders[0], error)]
            return []
        refusals: _Refusals = []
        for part in _parts(orders):
            answers = self._rpc.batch_raw([("eth_sendRawTransaction", [order.raw]) for order in part])
            for order, answer in zip(part, answers, strict=True):
                try:
                    result(answer)
                except RpcError as error:
                    refusals.append((order, error))
        return refusals

    def _deal_with(self, refusals: _Refusals) -> None:
        if not refusals:
            return
        self._outbox.learn()
        fates = look_up(self._rpc, [order.versions for order, _ in refusals])
        again: list[Order] = []
        over: list[Order] = []
        for (order, error), (fate, _) in zip(refusals, fates, strict=True):
            kind = refusal(error.message)
            if fate != "lost" or kind in ("known", "full"):
                self._open.append(order)
            elif (kind == "occupied" and not order.away) or (kind == "old" and self._lost_its_nonce(order)):
                again += self._without_nonce(order)
            elif kind in ("cheap", "occupied") and self._raise_fee(order):
                again.append(order)
            elif order.away or kind == "old":  # what some node may have keeps its nonce
                order.trouble = error
                self._open.append(order)
            else:
                order.outcome = refused(error)
                over.append(order)
        if over:
            self._journal.end([(tx, "refused") for order in over for tx in order.versions])
        top = max((order.place for order in [*self._open, *again]), default=-1)
        self._outbox.release(order.place for order in over)
        self._commit_and_post([*self._fillers(order.place for order in over if order.place < top), *again])

    def _fillers(self, nonces: Iterable[int]) -> list[Order]:
        """Transactions that do nothing, in place of what never comes, so that those behind are not held up."""
        at, name = self._outbox.address, "nothing"
        return [
            Order(name, at, gas=21_000, purpose=f"{name}, as nonce {n}", nonce=n, asked=False, told=True)
            for n in nonces
        ]

    def _commit_and_post(self, orders: Sequence[Order], repeat: Sequence[Order] = ()) -> None:
        signed = self._outbox.commit(orders) if self._signs else []
        self._post(sorted([*repeat, *signed], key=lambda order: order.place))

    def _raise_fee(self, order: Order) -> bool:
        return self._signs and order.tries < TRIES and self._outbox.raise_fee(order)

    def _lost_its_nonce(self, order: Order) -> bool:
        """Whether a transaction from elsewhere is seen to have used it."""
        user = user_of_nonce(self._rpc, self._outbox.address, order.place, order.block)
        return user is not None and user not in order.versions

    def _without_nonce(self, order: Order) -> list[Order]:
        """What to sign anew when an order's nonce is gone: the order, if somebody waits for it."""
        waited_for = order.asked and self._signs
        self._journal.end([(tx, "taken") for tx in order.versions], told=waited_for)
        if waited_for:
            order.forget()
            return [order]
        order.outcome = ChainError(f"{order.name} lost its turn to another transaction", hint="Nothing was paid")
        return []

    # -- receipts -----------------------------------------------------------------------------------------------------

    def _gather(self) -> int:
        """Receipts of the open orders whose nonces are used; how many there were."""
        used = int(self._rpc("eth_getTransactionCount", self._outbox.address, "latest"), 16)
        ready = [order for order in self._open if order.place < used][:MOST_AT_ONCE]
        if not ready:
            return 0
        asked = [(order, tx) for order in ready for tx in order.versions]
        receipts = self._rpc.batch([("eth_getTransactionReceipt", [tx]) for _, tx in asked])
        again: list[Order] = []
        count = 0
        for (order, _), receipt in zip(asked, receipts, strict=True):
            if receipt is not None and order.outcome is None:
                count += 1
                again += self.settle(order, receipt)
        self._open = [order for order in self._open if order.outcome is None and order not in again]
        if again:
            self._commit_and_post(again)
        return count

    def settle(self, order: Order, receipt: dict[str, Any]) -> list[Order]:
        """End an order; it comes back when it has to be tried once more."""
        mined = receipt["status"] == "0x1"
        fates = dict.fromkeys(order.versions, "replaced" if mined else "reverted")
        fates[receipt["transactionHash"]] = "mined" if mined else "reverted"
        if not mined and order.shared and int(receipt["gasUsed"], 16) >= 0.98 * (order.gas or 0):
            self._journal.end([(tx, "reverted") for tx in order.versions])
            order.forget()
            order.gas, order.shared = min(2 * (order.gas or 0), self._outbox.terms.gas_limit), False
            return [order]
        order.outcome = self._receipt(order, receipt) if mined else self._reason(order, receipt)
        if order.asked:
            self.ended += fates.items()
        else:
            self._journal.end(fates.items(), told=order.told and mined)
        return []

    def _receipt(self, order: Order, receipt: dict[str, Any]) -> Receipt:
        return Receipt(
            tx_hash=receipt["transactionHash"],
            block_number=int(receipt["blockNumber"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            resumed=order.resumed,
            _logs=tuple(receipt["logs"]),
            _contracts=self._contracts,
        )

    def _reason(self, order: Order, receipt: dict[str, Any]) -> SaharaError:
        """Why a transaction failed that is in a block."""
        if order.gas and int(receipt["gasUsed"], 16) >= 0.98 * order.gas:
            return ChainError(f"{order.what} ran out of gas at {order.gas:,}", hint="Give it more: Call(..., gas=...)")
        try:
            self._rpc("eth_call", order.call(self._outbox.address), receipt["blockNumber"])
        except RpcError as error:
            return refused(error)
        return ChainError("the transaction was refused, though a trial passed", hint="Something changed; try again")

    # -- what takes too long ------------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Look after orders without a receipt: repeat what was forgotten, offer more where it is too little."""
        self._join()
        terms = self._outbox.learn()
        watched = {order.place for order in self._open}
        self._open += [order for order in self._outbox.left_behind() if order.place not in watched]
        self._open.sort(key=lambda order: order.place)
        again: list[Order] = []
        repeat: list[Order] = []
        fates = look_up(self._rpc, [order.versions for order in self._open])
        for order, (fate, found) in zip(self._open, fates, strict=True):
            if fate in ("mined", "reverted") and found:
                again += self.settle(order, found)
            elif order.place < terms.used:
                if fate == "lost" and (self._is_past_help(order) or self._lost_its_nonce(order)):
                    again += [] if order.outcome else self._without_nonce(order)
            elif self._offers_too_little(order) and self._raise_fee(order):
                again.append(order)
            elif fate == "lost" and not self._is_past_help(order):
                repeat.append(order)
        fillers = self._fillers(self._outbox.missing(max(watched, default=0)))
        moving = {id(order) for order in [*again, *repeat]}
        self._open = [order for order in self._open if order.outcome is None and id(order) not in moving]
        self._commit_and_post([*fillers, *again], repeat)
        self._join()

    def _offers_too_little(self, order: Order) -> bool:
        terms = self._outbox.terms
        if order.fee is None:
            return False
        passed_by = order.place == terms.used and terms.head - order.seen >= SLOW
        return order.fee.most < terms.fee.base or passed_by

    def _is_past_help(self, order: Order) -> bool:
        """Whether it is lost and its bytes were not kept."""
        if order.raw:
            return False
        self._journal.end([(tx, "lost") for tx in order.versions], told=False)
        order.outcome = ChainError(f"{order.name} never arrived", hint="Nothing was paid; try again")
        return True

    def _give_up(self) -> None:
        for order in self._open:
            trouble = refused(order.trouble) if order.trouble else None
            order.outcome = (FundsError if isinstance(trouble, FundsError) else ChainError)(
                f"{order.name} is not in a block after {self._patience:.0f} s" + (f": {trouble}" if trouble else ""),
                hint="Run: sahara-lab doctor, then do it again; it is not sent twice",
            )
        self._open = []


def _parts(orders: Sequence[Order]) -> list[list[Order]]:
    """Requests that every node takes: neither too many transactions in one nor too many bytes."""
    parts: list[list[Order]] = [[]]
    size = 0
    for order in orders:
        size += len(order.raw)
        if len(parts[-1]) == MOST_AT_ONCE or (parts[-1] and size > LARGEST_POST):
            parts.append([])
            size = len(order.raw)
        parts[-1].append(order)
    return parts


def _stopped(order: Order) -> NetworkError:
    return NetworkError(f"the network stopped while {order.name} was being sent", hint=_AGAIN)

"""Sending transactions: explained before they are signed, written down before they are sent.

Every kind of call is tried first, so that a refusal costs nothing and says why. Then the signed transaction goes to a
journal on disk, and only then the node gets it. After a crash or a lost connection whoever sends next for the account
finishes what the journal holds; asking again for the same thing returns what did arrive, and never sends it twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from sahara_lab.chain.client import Chain, Contract
from sahara_lab.chain.journal import Entry, Journal
from sahara_lab.chain.orders import Call, Order, Receipt, Unfinished
from sahara_lab.chain.pipeline import Pipeline, named, orders_of
from sahara_lab.chain.wallet import Wallet
from sahara_lab.errors import ChainError, SaharaError

PATIENCE = 60.0  # seconds to wait for a receipt
OUTAGE = 8.0  # seconds without a node: long enough for the embedded network to restart it
BRIEFLY = 2.0  # seconds that what was left behind may take before it is reported as still on its way

Confirmations = int | Literal["final"]


class Sender:
    """Sends transactions of one account; processes and threads take turns, so that nonces never clash."""

    def __init__(self, chain: Chain, wallet: Wallet, journal: Path) -> None:
        self._chain = chain
        self._wallet = wallet
        self._path = journal
        self._journal = Journal(journal)
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{journal}.lock", mode=0o600)

    def send(
        self,
        contract: Contract,
        function: str,
        *args: Any,
        intent: str | None = None,
        value: int = 0,
        confirmations: Confirmations = 1,
    ) -> Receipt:
        """Send one transaction and wait until it is in a block.

        Args:
            intent: a key of your own for what it is for: one key is one effect, for all time and in every process.
                Without it, a call that was cut off is the same one when it is repeated, and one that ended is another.
            value: wei of the chain's own coin to send along.
            confirmations: blocks to wait for, the transaction's own included, or "final" for the chain's finality.

        Raises:
            ChainError: the contract refuses; nothing was sent.
            LimitError: the wallet's limit for this session does not allow it; nothing was sent.
            NetworkError: the node went away; the journal knows how far the transaction came.
        """
        return self._one(orders_of([Call(contract, function, args, intent, value)]), confirmations)

    def pay(self, to: str, value: int, *, intent: str | None = None, confirmations: Confirmations = 1) -> Receipt:
        """Send wei of the chain's own coin to an address; otherwise as :meth:`send`."""
        return self._one([named(Order("payment", to, value=value), intent)], confirmations)

    def send_many(self, calls: Iterable[Call], *, confirmations: Confirmations = 1) -> list[Receipt | SaharaError]:
        """Send transactions one after the other without waiting for each; return the end of each, in order.

        They take effect in the order given, save those whose nonce another program used meanwhile, which go last. Like
        calls share one trial and one estimate of gas, so that some refusals come only with the block. A refusal is the
        end of that one call alone. When a run was cut off, the same run again finishes it: what did arrive is not sent
        a second time.

        Raises:
            NetworkError: the node went away, or serves another chain; the journal knows how far each one came.
        """
        return self._all(orders_of(calls), confirmations)

    def reconcile(self) -> list[Unfinished]:
        """Finish what was cut off before, and say what became of it: once, or as long as it is pending.

        What was signed is handed over again; nothing is signed. While another program sends for the account, it does
        this itself, and nothing is said here.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return []
        try:
            if self._journal.unfinished():
                self._pipeline(BRIEFLY, signs=False).finish()
            left = self._journal.unreported()
            self._journal.end([(e.tx, e.fate) for group in left for e in group if e.fate], told=False, reported=True)
            return [_unfinished(group) for group in left]
        finally:
            self._lock.release()

    def pending(self) -> list[Unfinished]:
        """Transactions whose end is not known, by the journal alone."""
        return [_unfinished(group) for group in Journal(self._path).unreported() if group[-1].fate is None]

    def _one(self, orders: Iterable[Order], confirmations: Confirmations) -> Receipt:
        [outcome] = self._all(orders, confirmations)
        if isinstance(outcome, SaharaError):
            raise outcome
        return outcome

    def _all(self, orders: Iterable[Order], confirmations: Confirmations) -> list[Receipt | SaharaError]:
        once = confirmations == 1
        with self._lock:
            done = self._pipeline(PATIENCE).run(orders, told=once)
        if not once:
            self._confirm([order for order in done if isinstance(order.outcome, Receipt)], confirmations)
        return [order.outcome or ChainError(f"{order.what} has no end") for order in done]

    def _pipeline(self, patience: float, *, signs: bool = True) -> Pipeline:
        return Pipeline(self._chain, self._wallet, self._journal, patience, OUTAGE, signs=signs)

    # -- until it cannot be undone ------------------------------------------------------------------------------------

    def _confirm(self, orders: list[Order], confirmations: Confirmations) -> None:
        """Wait until blocks are built upon orders that have a receipt.

        What a replaced block took with it is asked for again, by its purpose: it is the same transaction.
        """
        waiting = orders
        while waiting:
            self._wait_for_block(max(_receipt(order).block_number for order in waiting), confirmations)
            asked = [("eth_getTransactionReceipt", [_receipt(order).tx_hash]) for order in waiting]
            found = self._chain.rpc.batch(asked)
            waiting = [
                order
                for order, receipt in zip(waiting, found, strict=True)
                if receipt is None or int(receipt["blockNumber"], 16) != _receipt(order).block_number
            ]
            if waiting:
                with self._lock:
                    again = self._pipeline(PATIENCE).run([order.anew() for order in waiting], told=False, ever=True)
                for order, repeated in zip(waiting, again, strict=True):
                    order.outcome = repeated.outcome
                waiting = [order for order in waiting if isinstance(order.outcome, Receipt)]
        with self._lock:
            self._journal.end(
                [(order.outcome.tx_hash, "mined") for order in orders if isinstance(order.outcome, Receipt)]
            )

    def _wait_for_block(self, number: int, confirmations: Confirmations) -> None:
        """Wait until a block is confirmed as wished."""
        newest, moved, pause = -1, time.monotonic(), 0.01
        while True:
            head = self._chain.block().number
            reached = self._chain.block("finalized").number if confirmations == "final" else head - confirmations + 1
            if reached >= number:
                return
            if head != newest:
                newest, moved, pause = head, time.monotonic(), 0.01
            elif time.monotonic() - moved > PATIENCE:
                raise ChainError(
                    f"block {number} is not confirmed: the chain makes no blocks", hint="Run: sahara-lab doctor"
                )
            time.sleep(pause)
            pause = min(2 * pause, 0.5)


def _receipt(order: Order) -> Receipt:
    assert isinstance(order.outcome, Receipt)
    return order.outcome


def _unfinished(versions: Sequence[Entry]) -> Unfinished:
    """What is known of a transaction by its versions."""
    fates = {entry.fate: entry.tx for entry in versions}
    if None in fates:
        return Unfinished(versions[-1].tx, versions[-1].what, "pending")
    fate = next((fate for fate in ("mined", "reverted") if fate in fates), "lost")
    return Unfinished(fates.get(fate, versions[-1].tx), versions[-1].what, fate)

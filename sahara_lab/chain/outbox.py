"""The one place where an account's nonces are given out: signed, written down, and only then ready to leave."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain.client import Chain
from sahara_lab.chain.fees import MOST_RAISE, QUESTIONS, Fee, fee_of
from sahara_lab.chain.journal import Entry, Journal
from sahara_lab.chain.orders import Order
from sahara_lab.chain.rpc import result
from sahara_lab.chain.wallet import Wallet
from sahara_lab.errors import LimitError, NetworkError, WalletError

#: The chain id of development nodes, such as the one of the embedded network.
DEVELOPMENT_CHAIN = 31337


@dataclass(frozen=True)
class Terms:
    """The node's present view: ``used`` nonces are in blocks, those before ``free`` at least on their way."""

    used: int
    free: int
    head: int
    gas_limit: int
    fee: Fee


class Outbox:
    """Signs and journals the transactions of one account; used under the account's lock.

    Attributes:
        terms: as of the last :meth:`learn`.
    """

    def __init__(self, chain: Chain, wallet: Wallet, journal: Journal) -> None:
        self._chain = chain
        self._wallet = wallet
        self._journal = journal
        self.terms = self.learn()
        self._held = {entry.nonce for entry in journal.standing()}
        self._next = self.terms.free

    @property
    def address(self) -> str:
        return self._wallet.address

    def learn(self) -> Terms:
        """Ask the node how things are.

        Raises:
            NetworkError: it serves another chain; nothing may be signed for it.
            ChainError: gas costs more than anybody should pay.
        """
        chain_id, genesis, used, free, head, *fee = self._chain.rpc.batch_raw(
            [
                ("eth_chainId", []),
                ("eth_getBlockByNumber", ["0x0", False]),
                ("eth_getTransactionCount", [self.address, "latest"]),
                ("eth_getTransactionCount", [self.address, "pending"]),
                ("eth_getBlockByNumber", ["latest", False]),
                *QUESTIONS,
            ]
        )
        found = int(result(chain_id), 16)
        if found != self._chain.chain_id:
            raise NetworkError(
                f"the node serves chain {found}, not {self._chain.chain_id}", hint="Run: sahara-lab doctor"
            )
        self._journal.belongs_to(self._identity(result(genesis)))
        newest = result(head)
        self.terms = Terms(
            used=int(result(used), 16),
            free=int(result(free), 16),
            head=int(newest["number"], 16),
            gas_limit=int(newest["gasLimit"], 16),
            fee=fee_of(fee),
        )
        return self.terms

    def _identity(self, genesis: dict[str, Any] | None) -> str:
        """What tells this chain from one that was made anew under the same chain id.

        That is the first block, except where the chain is a development node's own: one that loads a saved state makes
        another first block each time. There it is the token that the network was founded with.
        """
        token = self._chain.addresses.get("SaharaToken")
        if self._chain.chain_id == DEVELOPMENT_CHAIN and token:
            return token
        return str((genesis or {}).get("hash"))

    def left_behind(self) -> list[Order]:
        """Transactions to be handed over again: of runs that were cut off, and those that the chain has forgotten.

        Blocks that are replaced may take transactions with them, and not every node keeps those.
        """
        attempts: dict[tuple[str, int], list[Entry]] = {}
        for entry in [*self._journal.unfinished(), *self._forgotten()]:
            attempts.setdefault((entry.intent, entry.nonce), []).append(entry)
        orders = [Order.of(entries) for entries in attempts.values()]
        for order in orders:
            order.asked = False
        return sorted(orders, key=lambda order: order.place)

    def _forgotten(self) -> list[Entry]:
        return [entry for entry in self._journal.standing() if entry.fate == "mined" and entry.nonce >= self.terms.used]

    def commit(self, orders: Sequence[Order]) -> list[Order]:
        """Sign orders and write them down, with one wait for the disk; those that may leave.

        The others have their end: the wallet refuses them.
        """
        signed = []
        for index, order in enumerate(orders):
            nonce, fee = self._free() if order.nonce is None else order.nonce, order.fee or self.terms.fee
            try:
                raw, tx_hash = self._wallet.sign_transaction(
                    {
                        "type": 2,
                        "chainId": self._chain.chain_id,
                        "nonce": nonce,
                        "to": order.to,
                        "data": order.data,
                        "value": order.value,
                        "gas": order.gas,
                        "maxFeePerGas": fee.most,
                        "maxPriorityFeePerGas": fee.tip,
                    }
                )
            except LimitError as error:
                order.outcome = error
                continue
            except WalletError as error:  # a wrong password would be asked for again with each of the others
                for left in orders[index:]:
                    left.outcome = left.outcome or error
                break
            self._held.add(nonce)
            if not order.versions:
                order.block, order.dearest = self.terms.head, MOST_RAISE * fee.most
            order.nonce, order.fee, order.raw = nonce, fee, "0x" + raw.hex()
            order.versions = [*(known for known in order.versions if known != tx_hash), tx_hash]
            order.tries += 1
            signed.append(order)
        now = int(time.time())
        self._journal.begin(
            [Entry(o.versions[-1], o.what, o.purpose, o.place, now, o.raw, o.block, o.lasts) for o in signed]
        )
        return signed

    def raise_fee(self, order: Order) -> bool:
        """Whether an order's fee could be raised without going beyond all bounds."""
        fee = (order.fee or self.terms.fee).raised(self.terms.fee)
        if order.raw == "" or fee.most > max(order.dearest, MOST_RAISE):
            return False
        order.fee = fee
        return True

    def release(self, nonces: Iterable[int]) -> None:
        """Give nonces back that nothing on its way uses."""
        for nonce in nonces:
            self._held.discard(nonce)
            self._next = min(self._next, nonce)

    def missing(self, top: int) -> list[int]:
        """Nonces before ``top`` that nothing on its way has: what is behind them waits for ever."""
        return [nonce for nonce in range(self.terms.free, top) if nonce not in self._held]

    def _free(self) -> int:
        """The lowest nonce that nothing has; it is taken only when something was signed with it."""
        self._next = max(self._next, self.terms.used)
        while self._next in self._held or self._next < self.terms.free:
            self._next += 1
        return self._next

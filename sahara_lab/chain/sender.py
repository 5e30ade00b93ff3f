"""Sending transactions: explained before they are signed, written down before they are sent.

Every transaction is tried as a call first, so that a refusal costs nothing and says why. Then one line with its hash
goes to a journal on disk, and only then the node gets it. After a crash or a lost connection the journal tells what
arrived; asking again for the same thing returns what did arrive, and never sends it a second time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from sahara_lab.chain.client import Chain, Contract, Event, decode_log, refused
from sahara_lab.chain.journal import Journal
from sahara_lab.chain.rpc import RpcError
from sahara_lab.chain.wallet import Wallet
from sahara_lab.errors import ChainError, NetworkError

GAS_MARGIN = 1.3
PATIENCE = 60.0  # seconds to wait for a receipt
OUTAGE = 8.0  # seconds without a node: long enough for the embedded network to restart it
_AGAIN = "Run: sahara-lab up, then do it again; what did arrive is recognized and not paid twice"


@dataclass(frozen=True)
class Receipt:
    """A transaction that is in a block; ``events`` are those of our contracts.

    ``resumed`` says that it was sent by an earlier attempt whose end nobody had seen.
    """

    tx_hash: str
    block_number: int
    gas_used: int
    events: tuple[Event, ...]
    resumed: bool = False


@dataclass(frozen=True)
class Unfinished:
    """A transaction of before whose fate was unknown: ``mined``, ``pending``, ``reverted`` or ``lost``."""

    tx_hash: str
    what: str
    fate: str


class Sender:
    """Sends transactions of one account; processes and threads take turns, so that nonces never clash."""

    def __init__(self, chain: Chain, wallet: Wallet, journal: Path) -> None:
        self._chain = chain
        self._wallet = wallet
        self._journal = Journal(journal)
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{journal}.lock", mode=0o600)

    def send(self, contract: Contract, function: str, *args: Any, intent: str | None = None, value: int = 0) -> Receipt:
        """Send one transaction and wait until it is in a block.

        Args:
            intent: names the purpose; by default the same call with the same arguments. When an earlier attempt with
                the same purpose was cut off, its outcome is returned instead of sending again.
            value: wei of the chain's own coin to send along.

        Raises:
            ChainError: the contract refuses; nothing was sent.
            NetworkError: the node went away; the journal knows how far the transaction came.
        """
        data = "0x" + contract.encode(function, *args).hex()
        call = {"from": self._wallet.address, "to": contract.address, "data": data, "value": hex(value)}
        purpose = intent or hashlib.sha256(f"{contract.address} {data} {value}".encode()).hexdigest()[:32]
        what = f"{contract.name}.{function}"
        with self._lock:
            arrived = self._resume(purpose, what)
            if arrived is not None:
                return replace(self._receipt(arrived), resumed=True)
            gas, fee, nonce, limit = self._prepare(call)
            raw, tx_hash = self._wallet.sign_transaction(
                {
                    "type": 2,
                    "chainId": self._chain.chain_id,
                    "nonce": nonce,
                    "to": contract.address,
                    "data": data,
                    "value": value,
                    "gas": min(int(gas * GAS_MARGIN) + 20_000, limit),
                    "maxFeePerGas": fee,
                    "maxPriorityFeePerGas": 0,
                }
            )
            self._journal.begin(tx_hash, what, purpose, nonce)
            receipt = self._deliver("0x" + raw.hex(), tx_hash, nonce, what)
            self._journal.end(tx_hash, "mined" if receipt["status"] == "0x1" else "reverted")
        if receipt["status"] != "0x1":
            self._explain_revert(call, receipt)
        return self._receipt(receipt)

    def reconcile(self) -> list[Unfinished]:
        """Find out what became of transactions whose end was never written; says it once for each."""
        with self._lock:
            found = []
            for entry in self._journal.unfinished():
                fate = self._fate(entry.tx)
                if fate != "pending":
                    self._journal.end(entry.tx, fate, told=False)
                found.append(Unfinished(entry.tx, entry.what, fate))
            return found

    # -- steps --------------------------------------------------------------------------------------------------------

    def _resume(self, purpose: str, what: str) -> dict[str, Any] | None:
        """The receipt of an earlier attempt for the same purpose that did arrive."""
        earlier = self._journal.unanswered(purpose)
        if earlier is None:
            return None
        fate = self._fate(earlier.tx)
        receipt = None
        if fate in ("pending", "mined"):
            receipt = self._await(earlier.tx, what)
            fate = "mined" if receipt["status"] == "0x1" else "reverted"
        self._journal.end(earlier.tx, fate)
        return receipt if fate == "mined" else None

    def _prepare(self, call: dict[str, Any]) -> tuple[int, int, int, int]:
        """Gas, fee, nonce and the block's gas limit; a refusal is explained here."""
        rpc = self._chain.rpc
        asked: list[tuple[str, list[Any]]] = [
            ("eth_call", [call, "pending"]),
            ("eth_estimateGas", [call, "pending"]),
            ("eth_getTransactionCount", [self._wallet.address, "pending"]),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_gasPrice", []),
        ]
        try:
            _, gas, nonce, block, price = rpc.batch(asked)
        except RpcError as error:
            raise refused(error) from error
        base = int(block.get("baseFeePerGas", "0x0"), 16)
        return int(gas, 16), max(2 * base, int(price, 16)), int(nonce, 16), int(block["gasLimit"], 16)

    def _deliver(self, raw: str, tx_hash: str, nonce: int, what: str) -> dict[str, Any]:
        """Hand a signed transaction over and wait for its receipt, through a restart of the node.

        The same bytes may be handed over again after a restart: their nonce makes them count once.
        """
        silent_since: float | None = None
        while True:
            try:
                if silent_since is None or self._is_missing(tx_hash, nonce):
                    self._hand_over(raw, tx_hash)
                return self._await(tx_hash, what)
            except NetworkError as error:
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > OUTAGE:
                    raise NetworkError(
                        f"the network stopped while {what} was being sent ({tx_hash[:12]}…)", hint=_AGAIN
                    ) from error
                time.sleep(0.1)

    def _hand_over(self, raw: str, tx_hash: str) -> None:
        try:
            self._chain.rpc("eth_sendRawTransaction", raw)
        except RpcError as error:
            if self._fate(tx_hash) == "lost":
                self._journal.end(tx_hash, "refused")
                raise refused(error) from error

    def _is_missing(self, tx_hash: str, nonce: int) -> bool:
        """Whether a node that came back has forgotten the transaction.

        Raises:
            ChainError: it has also forgotten earlier ones, so that this one can never count.
        """
        if self._fate(tx_hash) != "lost":
            return False
        if int(self._chain.rpc("eth_getTransactionCount", self._wallet.address, "latest"), 16) != nonce:
            self._journal.end(tx_hash, "lost")
            raise ChainError(
                "the network went back in time and lost the transaction", hint="Nothing was paid; try again"
            )
        return True

    def _await(self, tx_hash: str, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        pause = 0.005
        while time.monotonic() < deadline:
            receipt = self._chain.rpc("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return dict(receipt)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise ChainError(
            f"{what} ({tx_hash[:12]}…) is not in a block after {PATIENCE:.0f} s",
            hint="Run: sahara-lab doctor, then do it again; it is not sent twice",
        )

    def _fate(self, tx_hash: str) -> str:
        receipt = self._chain.rpc("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            return "mined" if receipt["status"] == "0x1" else "reverted"
        return "pending" if self._chain.rpc("eth_getTransactionByHash", tx_hash) else "lost"

    def _receipt(self, receipt: dict[str, Any]) -> Receipt:
        contracts = {address.lower(): self._chain.contract(name) for name, address in self._chain.addresses.items()}
        events = [event for log in receipt["logs"] if (event := decode_log(contracts, log))]
        return Receipt(
            tx_hash=receipt["transactionHash"],
            block_number=int(receipt["blockNumber"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            events=tuple(events),
        )

    def _explain_revert(self, call: dict[str, Any], receipt: dict[str, Any]) -> None:
        """Raise the reason of a transaction that passed its trial but not its block."""
        try:
            self._chain.rpc("eth_call", call, receipt["blockNumber"])
        except RpcError as error:
            raise refused(error) from error
        raise ChainError("the transaction was refused, though a trial passed", hint="Something changed; try again")

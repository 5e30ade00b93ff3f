"""Sending transactions: explained before they are signed, written down before they are sent.

Every transaction is tried as a call first, so that a refusal costs nothing and says why. Then one line with its hash
goes to a journal on disk, and only then the node gets it. After a crash, :meth:`Sender.reconcile` knows for each line
whether the chain has it; nothing is ever sent a second time.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from sahara_lab.chain.client import Chain, Contract, Event, decode_log, refused
from sahara_lab.chain.rpc import RpcError
from sahara_lab.chain.wallet import Wallet
from sahara_lab.errors import ChainError, NetworkError

GAS_MARGIN = 1.3
PATIENCE = 60.0  # seconds to wait for a receipt


@dataclass(frozen=True)
class Receipt:
    """A transaction that is in a block; ``events`` are those of our contracts."""

    tx_hash: str
    block_number: int
    gas_used: int
    events: tuple[Event, ...]


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
        self._journal = journal
        self._lock = FileLock(f"{journal}.lock")

    def send(self, contract: Contract, function: str, *args: Any, value: int = 0) -> Receipt:
        """Send one transaction and wait until it is in a block.

        Args:
            value: wei of the chain's own coin to send along.

        Raises:
            ChainError: the contract refuses; nothing was sent.
            NetworkError: the node went away; the journal knows how far the transaction came.
        """
        data = "0x" + contract.encode(function, *args).hex()
        call = {"from": self._wallet.address, "to": contract.address, "data": data, "value": hex(value)}
        with self._lock:
            gas, fee, nonce, block = self._prepare(call)
            raw, tx_hash = self._wallet.sign_transaction(
                {
                    "type": 2,
                    "chainId": self._chain.chain_id,
                    "nonce": nonce,
                    "to": contract.address,
                    "data": data,
                    "value": value,
                    "gas": min(int(gas * GAS_MARGIN) + 20_000, block),
                    "maxFeePerGas": fee,
                    "maxPriorityFeePerGas": 0,
                }
            )
            self._write({"tx": tx_hash, "what": f"{contract.name}.{function}", "nonce": nonce, "at": int(time.time())})
            try:
                self._chain.rpc("eth_sendRawTransaction", "0x" + raw.hex())
                receipt = self._wait(tx_hash)
            except RpcError as error:
                self._write({"tx": tx_hash, "fate": "refused"})
                raise refused(error) from error
            except NetworkError as error:
                raise NetworkError(
                    f"the network stopped while {contract.name}.{function} was being sent ({tx_hash[:12]}…)",
                    hint="Run: sahara-lab up, then do it again; what did arrive is recognized and not paid twice",
                ) from error
            self._write({"tx": tx_hash, "fate": "mined" if receipt["status"] == "0x1" else "reverted"})
        if receipt["status"] != "0x1":
            self._explain_revert(call, receipt)
        return self._receipt(receipt)

    def reconcile(self) -> list[Unfinished]:
        """Find out what became of transactions whose end was never written; says it once for each."""
        with self._lock:
            found = []
            for line in self._unfinished():
                fate = self._fate(line["tx"])
                if fate != "pending":
                    self._write({"tx": line["tx"], "fate": fate})
                found.append(Unfinished(line["tx"], line["what"], fate))
            return found

    # -- steps --------------------------------------------------------------------------------------------------------

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

    def _wait(self, tx_hash: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        pause = 0.005
        while time.monotonic() < deadline:
            receipt = self._chain.rpc("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return dict(receipt)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise NetworkError(
            f"transaction {tx_hash[:12]}… is not in a block after {PATIENCE:.0f} s", hint="Run: sahara-lab doctor"
        )

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

    # -- journal ------------------------------------------------------------------------------------------------------

    def _write(self, line: dict[str, Any]) -> None:
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _unfinished(self) -> list[dict[str, Any]]:
        """Lines without an end; a last line torn by a crash was never sent, since sending comes after it."""
        open_lines: dict[str, dict[str, Any]] = {}
        if not self._journal.exists():
            return []
        for text in self._journal.read_text().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if "fate" in line:
                open_lines.pop(line["tx"], None)
            else:
                open_lines[line["tx"]] = line
        return list(open_lines.values())

    def _fate(self, tx_hash: str) -> str:
        receipt = self._chain.rpc("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            return "mined" if receipt["status"] == "0x1" else "reverted"
        return "pending" if self._chain.rpc("eth_getTransactionByHash", tx_hash) else "lost"

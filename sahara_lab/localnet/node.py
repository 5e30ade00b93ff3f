"""The chain node under supervision: started on loopback, loaded from a snapshot, asked for its state."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from sahara_lab.chain import Rpc
from sahara_lab.chain.rpc import RpcError
from sahara_lab.errors import NetworkError
from sahara_lab.localnet.processes import clean_environment, die_with_parent, end_child
from sahara_lab.localnet.snapshot import Snapshot

CHAIN_ID = 31337
#: How many blocks the node's ``finalized`` lags behind the newest, with ``--slots-in-an-epoch 1``.
FINALITY = 2
_FLAGS = (
    "--quiet", "--host", "127.0.0.1", "--chain-id", str(CHAIN_ID), "--accounts", "0", "--prune-history", "16",
    "--gas-limit", "1000000000", "--base-fee", "0", "--no-request-size-limit", "--slots-in-an-epoch", "1",
)  # fmt: skip


def free_port(wanted: int = 0) -> int:
    """``wanted`` if it is free on loopback, else any port that is."""
    for port in (wanted, 0) if wanted else (0,):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise NetworkError("no port is free on this machine", hint="Close programs that listen on ports")


class Node:
    """One running anvil.

    Args:
        snapshot: the state to begin with. It is there before the node answers for the first time, so that nobody can
            see or use an empty chain in its place.
    """

    def __init__(self, program: Path, port: int, log: Path, snapshot: Snapshot | None = None) -> None:
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._state = _unpacked(snapshot, log.parent) if snapshot else None
        resuming = ["--no-mining", "--load-state", str(self._state)] if self._state else []
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [str(program), "--port", str(port), *_FLAGS, *resuming],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=clean_environment(),
                cwd=log.parent,
                preexec_fn=die_with_parent,
            )
        self.rpc = Rpc(self.url, timeout=60)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, patience: float = 30) -> None:
        """Wait for the first answer, then open the node for transactions.

        Raises:
            NetworkError: the node ended or stays silent, or cannot read the state.
        """
        deadline = time.monotonic() + patience
        try:
            while not self._answers():
                if not self.alive or time.monotonic() > deadline:
                    raise self._failure()
                time.sleep(0.02)
        finally:
            if self._state:
                self._state.unlink(missing_ok=True)
        if self._state:
            self._resume()

    def _answers(self) -> bool:
        try:
            return bool(self.rpc("eth_chainId"))
        except NetworkError:
            return False

    def _resume(self) -> None:
        """Keep the clock from running backwards, which the node alone would let happen, then let blocks be made."""
        last = int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        ahead = last - int(time.time())
        if ahead > 0:
            self.rpc("evm_increaseTime", ahead + 1)
        self.rpc("evm_setAutomine", True)
        # The node has no state of earlier blocks: without new ones nothing could be asked at ``finalized``.
        for _ in range(FINALITY):
            self.rpc("evm_mine")

    def _failure(self) -> NetworkError:
        if self._state:
            return NetworkError(
                f"the chain node ({self.program}) cannot read the saved chain",
                hint="Put the anvil that wrote it on the PATH, then run: sahara-lab up",
            )
        return NetworkError(f"the chain node ({self.program}) did not start", hint="Run: sahara-lab doctor")

    def snapshot(self) -> Snapshot:
        """The state now."""
        block = self.block_number()
        return Snapshot(block, bytes.fromhex(self.rpc("anvil_dumpState")[2:]))

    def block_number(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def finalize(self, head: int) -> None:
        """Mine the empty blocks after which every transaction up to ``head`` is final."""
        recent = [block for block in range(head, head - FINALITY, -1) if block > 0]
        counts = self.rpc.batch([("eth_getBlockTransactionCountByNumber", [hex(block)]) for block in recent])
        newest = next((block for block, count in zip(recent, counts, strict=True) if int(count or "0x0", 16)), None)
        if newest is not None:
            for _ in range(newest + FINALITY - head):
                self.rpc("evm_mine")

    def wake(self, head: int) -> int:
        """Have it mine what it leaves lying, given the newest block at the last look; the number of the newest block.

        When transactions arrive faster than it mines, it queues a block for each arrival with what was ready then. Most
        of that is mined before its turn comes: it goes on making empty blocks, hundreds a second, while what arrived
        last waits; and at times it does not notice that anything is ready (foundry-rs/foundry#10122).
        """
        found, size, pool = self.rpc.batch(
            [("eth_blockNumber", []), ("eth_getBlockTransactionCountByNumber", ["latest"]), ("txpool_status", [])]
        )
        number = int(found, 16)
        stalled = number == head or not int(size or "0x0", 16)
        if stalled and int(pool["pending"], 16) and self.rpc("anvil_getAutomine"):
            self.rpc("evm_mine")
        if number == head and int(pool["queued"], 16):
            self._requeue()
        return number

    def _requeue(self) -> None:
        """Hand over again what waits for a predecessor that is in a block already.

        A transaction that arrives while the one before it is being mined is at times put in the queue of those that
        come too early, and nothing takes it out again. What really comes too early stays.
        """
        for account, waiting in self.rpc("txpool_content")["queued"].items():
            order = sorted(waiting, key=int)
            if int(order[0]) != int(self.rpc("eth_getTransactionCount", account, "latest"), 16):
                continue
            raw = self.rpc.batch([("eth_getRawTransactionByHash", [waiting[nonce]["hash"]]) for nonce in order])
            self.rpc("anvil_removePoolTransactions", account)
            for transaction in raw:
                with contextlib.suppress(RpcError):  # its sender was faster
                    self.rpc("eth_sendRawTransaction", transaction)

    def stop(self) -> None:
        end_child(self._process, patience=10)


def _unpacked(snapshot: Snapshot, folder: Path) -> Path:
    """A snapshot as the file that the node reads; its RPC gives the same JSON compressed."""
    state = gzip.decompress(snapshot.state) if snapshot.state[:2] == b"\x1f\x8b" else snapshot.state
    handle, name = tempfile.mkstemp(dir=folder, prefix=".state-", suffix=".json")
    with os.fdopen(handle, "wb") as stream:
        stream.write(state)
    return Path(name)

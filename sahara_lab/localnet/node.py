"""The chain node under supervision: started on loopback, loaded from a snapshot, asked for its state."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from sahara_lab.chain import Rpc
from sahara_lab.chain.rpc import RpcError
from sahara_lab.errors import NetworkError
from sahara_lab.localnet.mining import Miner
from sahara_lab.localnet.processes import clean_environment, die_with_parent, end_child
from sahara_lab.localnet.snapshot import Snapshot

CHAIN_ID = 31337
#: How many blocks the node's ``finalized`` lags behind the newest, with ``--slots-in-an-epoch 1``.
FINALITY = 2
_FLAGS = (
    "--quiet", "--host", "127.0.0.1", "--chain-id", str(CHAIN_ID), "--accounts", "0", "--prune-history", "16",
    "--gas-limit", "1000000000", "--base-fee", "0", "--no-request-size-limit", "--slots-in-an-epoch", "1",
    "--no-mining",
)  # fmt: skip
#: The node's allocator gives memory back soon after a snapshot, which takes several times what the state does.
_MEMORY = {"_RJEM_MALLOC_CONF": "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:500"}
#: What the node remembers of a transaction's every inner call: most of its memory, and asked for by nobody.
_TRACES = re.compile(rb'"traces":\[.*?\],"exit":', re.DOTALL)
_TIMESTAMP = re.compile(rb'"timestamp":"(0x[0-9a-f]+)"')


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
        self._state: Path | None = None
        resuming: list[str] = []
        if snapshot:
            state = _unpacked(snapshot)
            self._state = _written(state, log.parent)
            # The node alone would let the clock run backwards to the machine's.
            resuming = ["--load-state", str(self._state), "--timestamp", str(max(int(time.time()), _clock(state) + 1))]
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [str(program), "--port", str(port), *_FLAGS, *resuming],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=clean_environment() | _MEMORY,
                cwd=log.parent,
                preexec_fn=die_with_parent,
            )
        self.rpc = Rpc(self.url, timeout=60)
        self._miner = Miner(self.url)

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
        if self._state:  # the node has none of earlier blocks: without new ones nothing could be asked at ``finalized``
            for _ in range(FINALITY):
                self.rpc("evm_mine")
        self._miner.start()

    def _answers(self) -> bool:
        try:
            return bool(self.rpc("eth_chainId"))
        except NetworkError:
            return False

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
        """Have it take up what it leaves lying, given the newest block at the last look; the newest block's number."""
        found, pool = self.rpc.batch([("eth_blockNumber", []), ("txpool_status", [])])
        number = int(found, 16)
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
        self._miner.stop()


def _unpacked(snapshot: Snapshot) -> bytes:
    """A snapshot as the JSON that the node reads, without traces; its RPC gives the same compressed."""
    state = gzip.decompress(snapshot.state) if snapshot.state[:2] == b"\x1f\x8b" else snapshot.state
    return _TRACES.sub(b'"traces":[],"exit":', state)


def _clock(state: bytes) -> int:
    """Unix seconds of the block that a state is of."""
    found = _TIMESTAMP.search(state, 0, 4096)
    return int(found[1], 16) if found else 0


def _written(state: bytes, folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".state-", suffix=".json")
    with os.fdopen(handle, "wb") as stream:
        stream.write(state)
    return Path(name)

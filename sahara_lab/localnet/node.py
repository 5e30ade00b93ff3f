"""The chain node under supervision: started on loopback, loaded from a snapshot, asked for its state."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from pathlib import Path

from sahara_lab.chain import Rpc
from sahara_lab.errors import ChainError, NetworkError
from sahara_lab.localnet.processes import clean_environment, die_with_parent, end_child
from sahara_lab.localnet.snapshot import Snapshot

CHAIN_ID = 31337
#: How many blocks the node's ``finalized`` lags behind the newest, with ``--slots-in-an-epoch 1``.
FINALITY = 2
_FLAGS = (
    "--quiet", "--host", "127.0.0.1", "--chain-id", str(CHAIN_ID), "--accounts", "0", "--prune-history", "256",
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
    """One running anvil."""

    def __init__(self, program: Path, port: int, log: Path) -> None:
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [str(program), "--port", str(port), *_FLAGS],
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
        """Wait for the first answer.

        Raises:
            NetworkError: the node ended or stays silent.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                self.rpc("eth_chainId")
                return
            except NetworkError:
                if not self.alive or time.monotonic() > deadline:
                    raise NetworkError(
                        f"the chain node ({self.program}) did not start", hint="Run: sahara-lab doctor"
                    ) from None
                time.sleep(0.02)

    def load(self, snapshot: Snapshot) -> None:
        """Take a snapshot's state; keeps the clock from running backwards, which the node alone would let happen.

        Raises:
            NetworkError: the node cannot read the state.
        """
        try:
            self.rpc("anvil_loadState", "0x" + snapshot.state.hex())
        except ChainError as error:
            raise NetworkError(
                f"the chain node ({self.program}) cannot read the saved chain ({error})",
                hint="Put the anvil that wrote it on the PATH, then run: sahara-lab up",
            ) from error
        last = int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        ahead = last - int(time.time())
        if ahead > 0:
            self.rpc("evm_increaseTime", ahead + 1)
        # The node has no state of earlier blocks: without new ones nothing could be asked at ``finalized``.
        for _ in range(FINALITY):
            self.rpc("evm_mine")

    def snapshot(self) -> Snapshot:
        """The state now."""
        block = self.block_number()
        return Snapshot(block, bytes.fromhex(self.rpc("anvil_dumpState")[2:]))

    def block_number(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def finalize(self, head: int) -> int:
        """Mine the empty blocks after which every transaction up to ``head`` is final; returns the new head."""
        recent = [block for block in range(head, head - FINALITY, -1) if block > 0]
        counts = self.rpc.batch([("eth_getBlockTransactionCountByNumber", [hex(block)]) for block in recent])
        newest = next((block for block, count in zip(recent, counts, strict=True) if int(count or "0x0", 16)), None)
        if newest is None:
            return head
        for _ in range(newest + FINALITY - head):
            self.rpc("evm_mine")
        return self.block_number()

    def stop(self) -> None:
        end_child(self._process, patience=10)

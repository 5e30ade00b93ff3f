"""The chain node under supervision: started on loopback, loaded from a snapshot, asked for its state."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from sahara_lab.chain import Rpc
from sahara_lab.errors import NetworkError
from sahara_lab.localnet.snapshot import Snapshot

CHAIN_ID = 31337
_FLAGS = (
    "--quiet", "--host", "127.0.0.1", "--chain-id", str(CHAIN_ID), "--accounts", "0", "--prune-history", "256",
    "--gas-limit", "1000000000", "--base-fee", "0", "--no-request-size-limit", "--slots-in-an-epoch", "1",
)  # fmt: skip
#: What a child process may inherit: no token, key or password of the process that happened to start the network.
_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "SAHARA_LAB_HOME",
)


def clean_environment() -> dict[str, str]:
    """The environment of the network's processes."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def free_port(wanted: int = 0) -> int:
    """``wanted`` if it is free on loopback, else any port that is."""
    for port in (wanted, 0) if wanted else (0,):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise NetworkError("no port is free on this machine", hint="Close programs that listen on ports")


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies (Linux; elsewhere the next start cleans up)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Node:
    """One running anvil."""

    def __init__(self, program: Path, port: int, log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [str(program), "--port", str(port), *_FLAGS],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=clean_environment(),
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
                    raise NetworkError("the chain node did not start", hint="Run: sahara-lab doctor") from None
                time.sleep(0.02)

    def load(self, snapshot: Snapshot) -> None:
        """Take a snapshot's state; keeps the clock from running backwards, which the node alone would let happen."""
        self.rpc("anvil_loadState", "0x" + snapshot.state.hex())
        last = int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        ahead = last - int(time.time())
        if ahead > 0:
            self.rpc("evm_increaseTime", ahead + 1)

    def snapshot(self) -> Snapshot:
        """The state now."""
        block = self.block_number()
        return Snapshot(block, bytes.fromhex(self.rpc("anvil_dumpState")[2:]))

    def block_number(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def finalize(self) -> None:
        """Mine the two empty blocks after which what was newest is final."""
        for _ in range(2):
            self.rpc("evm_mine")

    def has_transactions(self, block: int) -> bool:
        return int(self.rpc("eth_getBlockTransactionCountByNumber", hex(block)) or "0x0", 16) > 0

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

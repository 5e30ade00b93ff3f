"""The key servers under supervision: three processes, started before the chain is ready so that they wait for it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.licensing.serverkeys import ServerKeys
from sahara_lab.localnet.node import free_port
from sahara_lab.localnet.processes import Identity, clean_environment, die_with_parent, end_child, python_module

LONGEST_PAUSE = 10.0  # seconds between attempts to start a server that keeps ending


@dataclass
class ServerProcess:
    """One key server: its keys, its place and its process."""

    index: int
    state: Path
    logs: Path
    port: int
    keys: ServerKeys
    _process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    _started: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid_file(self) -> Path:
        return self.state / f"keyserver-{self.index}.pid.json"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; it waits for :meth:`configure`."""
        self.port = free_port(self.port)
        self._started = time.monotonic()
        with (self.logs / f"keyserver-{self.index}.log").open("ab") as log:
            self._process = subprocess.Popen(
                python_module("sahara_lab.localnet.keyserver"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=self.state,
                preexec_fn=die_with_parent,
                bufsize=0,
            )
        identity = Identity.of(self._process.pid)
        if identity:
            identity.save(self.pid_file)

    def configure(self, rpc_url: str, chain_id: int, addresses: dict[str, str]) -> None:
        """Tell the waiting process where the chain is."""
        assert self._process is not None
        assert self._process.stdin is not None
        settings: dict[str, Any] = {
            "folder": str(self.state),
            "index": self.index,
            "port": self.port,
            "rpc_url": rpc_url,
            "chain_id": chain_id,
            "addresses": addresses,
        }
        with contextlib.suppress(BrokenPipeError):  # it ended before it was told; the watch starts it again
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")

    def due(self) -> bool:
        """Whether a server that ended should be started again now; the pause grows while it keeps ending."""
        lived = time.monotonic() - self._started
        if lived > LONGEST_PAUSE:
            self.failures = 0
        if lived < min(0.2 * 2**self.failures, LONGEST_PAUSE):
            return False
        self.failures += 1
        return True

    def stop(self) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
            end_child(self._process)
            self._process = None
        self.pid_file.unlink(missing_ok=True)

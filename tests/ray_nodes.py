"""A Ray cluster with a token whose nodes are processes on this machine, each with a loopback address of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_ATTEMPTS = 3  # on a busy machine Ray's processes at times never find each other
_START_WITHIN = 75.0


class Nodes:
    """Nodes of one cluster; each ``ray start --block`` can be killed with all that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = os.urandom(16).hex()
        self.token_file = folder / "token"
        self.token_file.write_text(self.token)
        self.token_file.chmod(0o600)
        self.port, client = _free_ports(2)
        self.address = f"ray://127.0.0.2:{client}"
        self.head = ["--head", f"--port={self.port}", f"--ray-client-server-port={client}", "--include-dashboard=false"]
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Another node with one core and an address of its own; the first one is the head. Returns when it is up."""
        number = len(self.processes)
        first = [*self.head, f"--temp-dir={self.folder}"]
        which = first if number == 0 else [f"--address=127.0.0.2:{self.port}"]
        command = ["start", "--block", "--num-cpus=1", f"--node-ip-address=127.0.0.{2 + number}", *which]
        for _ in range(_ATTEMPTS):
            log = self.folder / f"node-{number}.log"
            node = self._launch([*command, "--object-store-memory=100000000"], log)
            deadline = time.monotonic() + _START_WITHIN
            while node.poll() is None and time.monotonic() < deadline:
                if "Ray runtime started" in log.read_text("utf-8"):
                    self.processes.append(node)
                    return
                time.sleep(0.05)
            self.kill(node)
        raise AssertionError(log.read_text("utf-8"))

    def _launch(self, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "150",
        }
        ray = Path(sys.executable).parent / "ray"
        with log.open("wb") as output:
            return subprocess.Popen(
                [ray, *arguments], env=environment, stdout=output, stderr=output, start_new_session=True
            )

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        """As if the power had gone: nothing on the node gets to say goodbye."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for part in [psutil.Process(node.pid), *psutil.Process(node.pid).children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    part.kill()
        node.wait()

    def owning(self, processes: list[int]) -> set[int]:
        """Numbers of the nodes that these processes run on."""
        found = set()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                parents = {parent.pid for parent in psutil.Process(process).parents()}
                found |= {number for number, node in enumerate(self.processes) if node.pid in parents}
        return found

    def traces(self, needle: bytes) -> list[str]:
        """Where bytes lie in Ray's object stores, and in files that Ray or a seat wrote on any node."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path != self.token_file]
        for home in Path(tempfile.gettempdir()).glob("sahara-*"):
            files += [path for path in home.rglob("*") if path.is_file()]
        found = []
        for path in files:
            with contextlib.suppress(OSError):  # gone meanwhile
                if needle in path.read_bytes():
                    found.append(str(path))
        for number, store in enumerate(self._object_stores()):
            if needle in store.read_bytes():
                found.append(f"object store {number}")
        return found

    def _object_stores(self) -> list[Path]:
        stores = []
        for node in self.processes:
            for part in psutil.Process(node.pid).children(recursive=True):
                if part.name() == "raylet":
                    descriptors = Path(f"/proc/{part.pid}/fd").iterdir()
                    stores += [link for link in descriptors if "/plasma" in str(link.readlink())]
        return stores

    def end(self) -> None:
        for node in self.processes:
            if node.poll() is None:
                self.kill(node)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.2", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports

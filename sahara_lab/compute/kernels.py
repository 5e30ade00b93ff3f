"""Notebook kernels on nodes of the cluster: the keeper's side, and the Ray actor that holds one kernel.

The keeper owns the actors, so none outlives it; a kernel whose server stopped asking after it is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sahara_lab.compute.record import write_private
from sahara_lab.errors import JobError

_FORGOTTEN_AFTER = 120.0
_START_WITHIN = 180.0
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSPHRASE|KEY|CREDENTIAL", re.IGNORECASE)


class KernelSeat:
    """The actor: one kernel process on its node."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="sahara-"))
        self._connection: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, argv: list[str], connection: dict[str, Any], environment: dict[str, str], cwd: str
    ) -> dict[str, Any]:
        """Start the kernel, at the ports of before if there was one; returns how to connect to it."""
        import ray

        self.end()
        file = self._home / "connection.json"
        if not self._connection:
            ip = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
            self._connection = {**connection, **_free_ports(ip), "ip": ip, "transport": "tcp"}
            write_private(file, json.dumps(self._connection).encode())
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        variables = {name: value for name, value in {**own, **environment}.items() if not _SECRET.search(name)}
        command = [sys.executable if part == "python" else part for part in argv]
        self._process = subprocess.Popen(
            [part.replace("{connection_file}", str(file)) for part in command],
            env=variables,
            cwd=cwd if Path(cwd).is_dir() else self._home,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_unblock,
        )
        return {**self._connection, "pid": self._process.pid}

    def poll(self) -> int | None:
        """None while the kernel runs, else its exit code."""
        return -1 if self._process is None else self._process.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and what it started."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def end(self) -> None:
        """End the kernel; its ports stay for the next."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def leave(self) -> None:
        """End the kernel and remove its files."""
        self.end()
        shutil.rmtree(self._home, ignore_errors=True)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _free_ports(ip: str) -> dict[str, int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in _PORTS]
        for probe in probes:
            probe.bind((ip, 0))
        return {name: int(probe.getsockname()[1]) for name, probe in zip(_PORTS, probes, strict=True)}


class Kernels:
    """The kernels that a keeper has on its Ray.

    Args:
        wait_for_ray: blocks until Ray is there; raises JobError when it will not be.
    """

    def __init__(self, wait_for_ray: Callable[[float], None]) -> None:
        self._wait_for_ray = wait_for_ray
        self._seats: dict[str, Any] = {}
        self._asked: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def any(self) -> bool:
        """Whether there is a kernel to stay for."""
        return bool(self._seats)

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one of the provisioner's requests: start, poll, signal, end.

        Raises:
            JobError: the node cannot be had.
        """
        name = str(request["kernel"])
        self._asked[name] = time.monotonic()
        if request["do"] == "start":
            self._wait_for_ray(_START_WITHIN)  # before Ray is imported: it reads its settings then
            return self._start(name, request)
        if name not in self._seats:
            return {"code": -1}
        import ray

        match request["do"]:
            case "poll":
                seat = self._seats[name]
                try:
                    return {"code": ray.get(seat.poll.remote(), timeout=10)}
                except Exception:
                    return {"code": -1}
            case "signal":
                with contextlib.suppress(Exception):
                    ray.get(self._seats[name].signal.remote(int(request["number"])), timeout=10)
                return {}
            case "end":
                self._end(name)
                return {}
        raise JobError(f"a kernel cannot '{request['do']}'")

    def _start(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        import ray

        with self._lock:
            if name not in self._seats:
                wanted = {"CPU": float(request["cpus"]), "GPU": float(request["gpus"])}
                has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
                for kind, amount in wanted.items():
                    if amount > has.get(kind, 0):
                        raise JobError(f"the cluster has {has.get(kind, 0):g} {kind}s, the kernel asks for {amount:g}")
                remote: Any = ray.remote(KernelSeat)
                self._seats[name] = remote.options(
                    num_cpus=wanted["CPU"], num_gpus=wanted["GPU"], max_concurrency=4
                ).remote()
        call = self._seats[name].start.remote(
            request["argv"], request["connection"], request["environment"], request["cwd"]
        )
        try:
            found: dict[str, Any] = ray.get(call, timeout=_START_WITHIN)
        except Exception as error:
            self._end(name)
            raise JobError(
                f"no node took the kernel ({type(error).__name__})", hint="See what runs there: %sahara jobs"
            ) from None
        return {"connection": found}

    def _end(self, name: str) -> None:
        import ray

        seat = self._seats.pop(name, None)
        self._asked.pop(name, None)
        if seat is not None:
            with contextlib.suppress(Exception):
                ray.get(seat.leave.remote(), timeout=10)
            with contextlib.suppress(Exception):
                ray.kill(seat)

    def end_forgotten(self) -> None:
        """End the kernels that nobody asked after for a while: their server has gone."""
        limit = time.monotonic() - _FORGOTTEN_AFTER
        for name in [name for name, moment in list(self._asked.items()) if moment < limit]:
            self._end(name)

    def end_all(self) -> None:
        """End every kernel."""
        for name in list(self._seats):
            self._end(name)


def new_key() -> str:
    """A key with which kernel and client sign their messages."""
    return secrets.token_hex(32)

"""The Ray actor on a node of a cluster: a seat with a zygote, a folder and a key of its own."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

from sahara_lab._version import __version__
from sahara_lab.compute.requirements import missing
from sahara_lab.compute.runner import Assignment
from sahara_lab.compute.sealing import new_key, public_part, unseal
from sahara_lab.compute.seat import Seat
from sahara_lab.compute.zygote import Zygote

PART = 16 << 20
_SIOCGIFADDR = 0x8915


class ClusterSeat(Seat):
    """Nothing is assumed to be shared with the machine that leads but the network.

    The run's folder is on this node and goes with the seat; what has to last is fetched from it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._home = Path(tempfile.mkdtemp(prefix="sahara-"))
        self._job = self._home
        self._key = new_key()
        self._zygote: Zygote | None = None

    def prepare(self, modules: list[str], lock: dict[str, str]) -> dict[str, Any]:
        """Make ready for one run: a fresh key, the libraries imported.

        Returns ``pid``, ``ip``, ``node`` (Ray's id), ``version`` of this package, ``missing`` (pins of ``lock`` that
        cannot be imported here) and ``key`` (what to seal the assignment to).
        """
        import ray

        self._key = new_key()
        lacking = missing(lock)
        if not lacking:
            self._warm(modules)
        return {
            "pid": os.getpid(),
            "ip": _node_ip(),
            "node": ray.get_runtime_context().get_node_id(),
            "version": __version__,
            "missing": lacking,
            "key": public_part(self._key),
        }

    def _warm(self, modules: list[str]) -> None:
        if self._zygote is None or not self._zygote.alive:
            self._zygote = Zygote(self._home / "zygote", modules)
        while self._zygote.alive and not self._zygote.ready:
            time.sleep(0.02)

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind((_node_ip(), 0))
            return int(probe.getsockname()[1])

    def begin(self, sealed: bytes) -> int:
        """Start the run that a sealed, pickled :class:`Assignment` tells of; returns its process id."""
        assignment: Assignment = pickle.loads(unseal(sealed, self._key))  # noqa: S301 - sealed to us by who leads
        assert self._zygote is not None
        self._job = self._home / assignment.job
        for part in ("checkpoints", "logs"):
            (self._job / part).mkdir(parents=True, exist_ok=True)
        for name, text in assignment.files.items():
            path = self._job / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assignment.folder, assignment.path = str(self._job), [str(self._job)]
        if not Path(assignment.cwd).is_dir():
            assignment.cwd = str(self._job)
        if assignment.resume is not None:
            assignment.resume = str(self._job / assignment.resume)
        interface = interface_of(_node_ip())
        if interface is not None:
            assignment.environment |= {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface}
        return self.start(self._zygote.address, assignment, assignment.setup)

    def put(self, job: str, name: str, offset: int, data: bytes) -> None:
        """Receive a part of a file of the run that comes next."""
        path = self._home / job / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)

    def get(self, name: str, offset: int) -> bytes:
        """A part of a file of the present run; empty at its end."""
        with (self._job / name).open("rb") as file:
            file.seek(offset)
            return file.read(PART)

    def leave(self) -> None:
        """End what runs, and remove what was written here."""
        self.end()
        if self._zygote is not None:
            self._zygote.end()
        shutil.rmtree(self._home, ignore_errors=True)


def interface_of(ip: str) -> str | None:
    """The network interface that has this IPv4 address, which the ranks are to talk over; None where unknown."""
    if ip.startswith("127."):
        return next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asker, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:  # an interface without an address, or a system that answers otherwise
                continue
            if socket.inet_ntoa(answer[20:24]) == ip:
                return name
    return None


def _node_ip() -> str:
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]

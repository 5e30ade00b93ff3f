"""Workers on the nodes of a Ray cluster: reaching it, taking seats on it, moving files to and from it.

This machine has to be a node of the cluster (``ray start --address=…``), for Ray's drivers talk to a Ray process of
their own machine. Nothing is assumed to be shared but the network: checkpoints and weights come back through the
seats, and a hook that may hold a secret goes to each seat sealed to a key that the seat made (HPKE, RFC 9180).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from sahara_lab.compute import checkpoints
from sahara_lab.compute.gang import Gang
from sahara_lab.compute.options import Options
from sahara_lab.compute.record import write_private
from sahara_lab.compute.requirements import Requirements, missing
from sahara_lab.compute.runner import Assignment
from sahara_lab.compute.seat import Seat
from sahara_lab.compute.zygote import Zygote
from sahara_lab.errors import JobError

_PART = 32 << 20
_SEAL_INFO = b"sahara-lab/compute/setup/v1"


def seal(plain: bytes, public: bytes) -> bytes:
    """Encrypt to the key of one seat."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    sealed: bytes = _suite().encrypt(plain, X25519PublicKey.from_public_bytes(public), info=_SEAL_INFO)
    return sealed


def _suite() -> Any:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class ClusterSeat(Seat):
    """A seat on a node of its own: it has its zygote, its folder and its key there."""

    def __init__(self) -> None:
        super().__init__()
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._key = X25519PrivateKey.generate()
        self._home = Path(tempfile.mkdtemp(prefix="sahara-"))
        self._zygote: Zygote | None = None
        self._job = self._home

    def prepare(self, modules: list[str], lock: dict[str, str]) -> dict[str, Any]:
        """Import the libraries; say where this is, what is lacking here, and the key to seal to."""
        import ray

        if self._zygote is None or not self._zygote.alive:
            self._zygote = Zygote(self._home / "zygote", modules)
        return {
            "pid": os.getpid(),
            "ip": str(ray.util.get_node_ip_address()),  # type: ignore[no-untyped-call]
            "missing": missing(lock),
            "key": self._key.public_key().public_bytes_raw(),
        }

    def start(self, zygote: str, assignment: Assignment, setup: bytes | None) -> int:
        assert self._zygote is not None
        self._job = self._home / assignment.job
        for part in ("checkpoints", "logs"):
            (self._job / part).mkdir(parents=True, exist_ok=True)
        for name, text in assignment.files.items():
            path = self._job / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assignment.folder = str(self._job)
        assignment.path = [str(self._job), *(entry for entry in assignment.path if Path(entry).exists())]
        if not Path(assignment.cwd).is_dir():
            assignment.cwd = str(self._job)
        if assignment.resume is not None:
            assignment.resume = str(self._job / "resume.ckpt")
        opened = None if setup is None else _suite().decrypt(setup, self._key, info=_SEAL_INFO)
        return super().start(self._zygote.address, assignment, opened)

    def put(self, job: str, name: str, offset: int, data: bytes) -> None:
        """Receive a part of a file of the job that comes next."""
        path = self._home / job / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)

    def get(self, name: str, offset: int) -> bytes:
        """A part of a file of the present job; empty at its end."""
        with (self._job / name).open("rb") as file:
            file.seek(offset)
            return file.read(_PART)

    def leave(self) -> None:
        """End what runs and remove what was written here."""
        self.end()
        if self._zygote is not None:
            self._zygote.end()
        shutil.rmtree(self._home, ignore_errors=True)


class ClusterGang(Gang):
    """The ``cluster`` backend: seats in a placement group, all or none; PyTorch's ranks spread over nodes."""

    def __init__(self) -> None:
        super().__init__()
        self._group: Any = None
        self._group_ready: Any = None
        self._places: list[dict[str, Any]] = []
        self._wanted: tuple[Options, list[str]] | None = None
        self._folder = Path()
        self._needs = Requirements()

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        import ray
        from ray.util.placement_group import placement_group

        self._needs = needs
        if self._group is not None and len(self._seats) == workers:
            self._wanted = (options, modules)
            self._waiting = [seat.prepare.remote(modules, self._needs.lock) for seat in self._seats]
            return
        self.dismiss()
        self._wanted = (options, modules)
        bundle = {"CPU": float(options.cpus or 1), **({"GPU": float(options.gpus)} if options.gpus else {})}
        has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        for kind, amount in bundle.items():
            if amount * workers > has.get(kind, 0):
                raise JobError(
                    f"the cluster has {has.get(kind, 0):g} {kind}s on {_nodes()}, "
                    f"the job asks for {amount * workers:g} ({workers} workers of {amount:g})",
                    hint="Give fewer --workers, or add nodes with: ray start --address=…",
                )
        self._group = placement_group([bundle] * workers, strategy="PACK")
        self._group_ready = self._group.ready()

    def ready(self) -> bool:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        assert self._wanted is not None
        options, modules = self._wanted
        if self._group_ready is not None:
            if not ray.wait([self._group_ready], timeout=0.1)[0]:
                return False
            self._group_ready = None
            remote: Any = ray.remote(ClusterSeat)
            for index in range(self._group.bundle_count):
                seat = remote.options(
                    num_cpus=options.cpus or 1,
                    num_gpus=options.gpus or 0,
                    max_concurrency=8,
                    scheduling_strategy=PlacementGroupSchedulingStrategy(self._group, index),
                ).remote()
                self._seats.append(seat)
                self._waiting.append(seat.prepare.remote(modules, self._needs.lock))
        if not self._waiting or len(ray.wait(self._waiting, num_returns=len(self._waiting), timeout=0.1)[1]):
            return not self._waiting
        self._places, self._waiting = ray.get(self._waiting), []
        self.actors = [place["pid"] for place in self._places]
        for place in self._places:
            if place["missing"]:
                raise JobError(
                    f"the cluster's node {place['ip']} lacks {', '.join(place['missing'])}, which the cell imports",
                    hint=f"Install it there: pip install {' '.join(place['missing'])}",
                )
        return True

    @property
    def shortage(self) -> str:  # type: ignore[override]
        import ray

        if self._group_ready is None or self._wanted is None:
            return ""
        available: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
        free = available.get("GPU" if self._wanted[0].gpus else "CPU", 0)
        kind = "GPUs" if self._wanted[0].gpus else "cores"
        return f"{free:g} {kind} of the cluster are free; the job starts when what else runs there ends"

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        self._folder = Path(assignments[0].folder)
        ips = {place["ip"] for place in self._places}
        for assignment in assignments:
            assignment.spread = True
            assignment.master = self._places[0]["ip"]
            assignment.files = self._needs.files
            names = [name for name in assignment.environment if name.startswith("SAHARA_LAB_")]
            assignment.environment = {name: assignment.environment[name] for name in names}
            if ips == {"127.0.0.1"}:
                assignment.environment["GLOO_SOCKET_IFNAME"] = "lo"
        if assignments[0].resume is not None:
            self._send(assignments[0].job, Path(assignments[0].resume))
        return super().start(zygote, assignments, setup)

    def _setup_for(self, rank: int, setup: bytes | None) -> bytes | None:
        return None if setup is None else seal(setup, self._places[rank]["key"])

    def _send(self, job: str, path: Path) -> None:
        import ray

        with path.open("rb") as file:
            offset = 0
            while part := file.read(_PART):
                ray.get([seat.put.remote(job, "resume.ckpt", offset, part) for seat in self._seats])
                offset += len(part)

    def _arrived(self, rank: int, seat: Any, message: dict[str, Any]) -> None:
        """Bring home what a message of the first rank speaks of."""
        if rank != 0:
            return
        with contextlib.suppress(FileNotFoundError):  # replaced by a later one meanwhile
            if message["kind"] == "checkpoint":
                path = self._folder / "checkpoints" / message["file"]
                self._fetch(seat, f"checkpoints/{message['file']}", path)
                checkpoints.keep(path, step=message["step"], epoch=message["epoch"])
            elif message["kind"] == "best":
                self._fetch(seat, "best.safetensors", self._folder / "best.safetensors")
            elif message["kind"] == "outcome" and "model" in message:
                self._fetch(seat, "model.safetensors", self._folder / "model.safetensors")

    @staticmethod
    def _fetch(seat: Any, name: str, path: Path) -> None:
        import ray

        temporary = path.with_name(f".{path.name}.part")
        write_private(temporary, b"")
        with temporary.open("wb") as file:
            while part := ray.get(seat.get.remote(name, file.tell())):
                file.write(part)
        temporary.replace(path)

    def dismiss(self) -> None:
        import ray
        from ray.util.placement_group import remove_placement_group

        with contextlib.suppress(Exception):
            ray.wait([seat.leave.remote() for seat in self._seats], num_returns=len(self._seats), timeout=6)
        super().dismiss()
        self._seats, self._waiting, self._places = [], [], []
        if self._group is not None:
            with contextlib.suppress(Exception):
                remove_placement_group(self._group)
            self._group = self._group_ready = None


def connect(address: str, why: list[str]) -> bool:
    """Make this process a driver of the cluster; on failure append the reason to ``why``. Takes up to half a minute."""
    import logging

    outcome: list[str] = []

    def init() -> None:
        import ray

        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, namespace="sahara")
        except BaseException as error:  # an address nobody answers at ends in SystemExit
            outcome.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")

    thread = threading.Thread(target=init, daemon=True)
    thread.start()
    thread.join(90)
    if thread.is_alive():
        outcome.append("no answer in 90 s")
    if outcome:
        why.append(
            f"the cluster at {address} did not let this machine in ({outcome[0].strip(': ')}). Its token may be "
            f"another one, its Ray another version, or this machine none of its nodes: ray start --address={address}"
        )
    return not outcome


def _nodes() -> str:
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    count = sum(1 for node in nodes if node["Alive"])
    return f"{count} node{'s' * (count != 1)}"

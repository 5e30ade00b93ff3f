"""The keeper's view of its workers on a Ray cluster: taking seats on nodes, moving files to and from them."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path
from typing import Any

from sahara_lab._version import __version__
from sahara_lab.compute import checkpoints
from sahara_lab.compute.cluster_seat import PART, ClusterSeat
from sahara_lab.compute.gang import Gang
from sahara_lab.compute.options import Options
from sahara_lab.compute.record import write_private
from sahara_lab.compute.requirements import Requirements
from sahara_lab.compute.runner import Assignment
from sahara_lab.compute.sealing import seal
from sahara_lab.errors import JobError

_RESUME = "resume.ckpt"


class ClusterGang(Gang):
    """The ``cluster`` backend: seats in a placement group, all or none; every rank a "node" of its own to PyTorch."""

    own_zygotes = True

    def __init__(self) -> None:
        super().__init__()
        self._group: Any = None
        self._group_ready: Any = None
        self._places: list[dict[str, Any]] = []
        self._wanted: tuple[Options, list[str], Requirements] | None = None
        self._folder = Path()

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        from ray.util.placement_group import placement_group

        self._wanted = (options, modules, needs)
        if self._group is not None and len(self._seats) == workers:
            self._waiting = [seat.prepare.remote(modules, needs.lock) for seat in self._seats]
            return
        room = self._room(options)
        if room < workers:
            raise JobError(
                f"the cluster has room for {room} worker{'s' * (room != 1)} of {_words(_bundle(options))} "
                f"({_census(_bundle(options), len(self._seats))}), the job asks for {workers}",
                hint=f"Give --workers {room}" if room else "Ask for less for each worker, or add nodes",
            )
        self.dismiss()
        self._group = placement_group([_bundle(options)] * workers, strategy="PACK")
        self._group_ready = self._group.ready()

    @staticmethod
    def _room(options: Options) -> int:
        """How many workers the cluster could seat if nothing else ran on it."""
        bundle = _bundle(options)
        return sum(int(min(node.get(kind, 0) // amount for kind, amount in bundle.items())) for node in _nodes())

    def ready(self) -> bool:
        import ray

        assert self._wanted is not None
        options, modules, needs = self._wanted
        if self._group_ready is not None:
            if not ray.wait([self._group_ready], timeout=0.1)[0]:
                return False
            self._group_ready = None
            self._sit_down(options)
            self._waiting = [seat.prepare.remote(modules, needs.lock) for seat in self._seats]
        if self._waiting:
            if len(ray.wait(self._waiting, num_returns=len(self._waiting), timeout=0.1)[0]) < len(self._waiting):
                return False
            self._places, self._waiting = self._introduced(), []
            self.actors = [place["pid"] for place in self._places]
        return True

    def _sit_down(self, options: Options) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        remote: Any = ray.remote(ClusterSeat)
        bundle = _bundle(options)
        self._seats = [
            remote.options(
                num_cpus=bundle["CPU"],
                num_gpus=bundle.get("GPU", 0),
                max_concurrency=8,
                scheduling_strategy=PlacementGroupSchedulingStrategy(self._group, index),
            ).remote()
            for index in range(self._group.bundle_count)
        ]

    def _introduced(self) -> list[dict[str, Any]]:
        """What the seats say of themselves.

        Raises:
            JobError: a node has not got what the job needs.
        """
        import ray

        try:
            places: list[dict[str, Any]] = ray.get(self._waiting)
        except ray.exceptions.RayActorError as error:
            if "No module named 'sahara_lab" in str(error):
                raise JobError(
                    "the cluster's nodes have no sahara_lab", hint=f"Run on each: pip install sahara-lab=={__version__}"
                ) from None
            raise
        for place in places:
            if place["version"] != __version__:
                raise JobError(
                    f"the cluster's node {place['ip']} has sahara-lab {place['version']}, this machine {__version__}",
                    hint=f"Run there: pip install sahara-lab=={__version__}",
                )
            if place["missing"]:
                names = " ".join(place["missing"])
                raise JobError(
                    f"the cluster's node {place['ip']} lacks {names.replace(' ', ', ')}, which the cell imports",
                    hint=f"Run there: pip install {names}",
                )
        return places

    @property
    def shortage(self) -> str:  # type: ignore[override]
        if self._group_ready is None or self._wanted is None:
            return ""
        return f"the job starts when others on the cluster have ended: {_census(_bundle(self._wanted[0]))}"

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        self._folder = Path(assignments[0].folder)
        if assignments[0].resume is not None:
            self._send(assignments[0].job, Path(assignments[0].resume))
        return super().start(zygote, assignments, setup)

    def _begin(self, seat: Any, zygote: str, assignment: Assignment, setup: bytes | None) -> Any:
        assert self._wanted is not None
        assignment.spread = True
        assignment.master = self._places[0]["ip"]
        assignment.files = self._wanted[2].files
        assignment.resume = _RESUME if assignment.resume is not None else None
        assignment.environment = {
            name: value for name, value in assignment.environment.items() if name.startswith("SAHARA_LAB_")
        }
        assignment.setup = setup
        sealed = seal(pickle.dumps(assignment), self._places[assignment.rank]["key"])
        assignment.setup = None
        return seat.begin.remote(sealed)

    def _send(self, job: str, path: Path) -> None:
        import ray

        with path.open("rb") as file:
            offset = 0
            while part := file.read(PART):
                ray.get([seat.put.remote(job, _RESUME, offset, part) for seat in self._seats])
                offset += len(part)

    def _arrived(self, rank: int, seat: Any, message: dict[str, Any]) -> None:
        """Bring home what a message speaks of before it is passed on."""
        kind = message["kind"]
        with contextlib.suppress(FileNotFoundError):  # replaced by a later one meanwhile
            if kind == "exit":
                self._fetch(seat, f"logs/rank-{rank}.log")
            elif rank == 0 and kind == "checkpoint":
                path = self._fetch(seat, f"checkpoints/{message['file']}")
                checkpoints.keep(path, step=message["step"], epoch=message["epoch"])
            elif rank == 0 and kind == "best":
                self._fetch(seat, "best.safetensors")
            elif rank == 0 and kind == "outcome" and "model" in message:
                self._fetch(seat, "model.safetensors")

    def _fetch(self, seat: Any, name: str) -> Path:
        import ray

        path = self._folder / name
        temporary = path.with_name(f".{path.name}.part")
        write_private(temporary, b"")
        with temporary.open("wb") as file:
            while part := ray.get(seat.get.remote(name, file.tell())):
                file.write(part)
        temporary.replace(path)
        return path

    def dismiss(self) -> None:
        import ray
        from ray.util.placement_group import remove_placement_group

        with contextlib.suppress(Exception):
            if self._seats:
                ray.wait([seat.leave.remote() for seat in self._seats], num_returns=len(self._seats), timeout=6)
        for seat in self._seats:
            with contextlib.suppress(Exception):
                ray.kill(seat)
        with contextlib.suppress(Exception):
            if self._group is not None:
                remove_placement_group(self._group)
        self._seats, self._active, self._waiting, self._places, self.actors = [], [], [], [], []
        self._group = self._group_ready = None


def _bundle(options: Options) -> dict[str, float]:
    return {"CPU": float(options.cpus or 1), **({"GPU": float(options.gpus)} if options.gpus else {})}


def _words(resources: dict[str, float]) -> str:
    return " and ".join(f"{amount:g} {kind}{'s' * (amount != 1)}" for kind, amount in resources.items())


def _nodes() -> list[dict[str, float]]:
    """What each node that is up has."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _census(bundle: dict[str, float], seats: int = 0) -> str:
    """What the cluster has and what of it is free, in words; seats that wait for a run count as free."""
    import ray

    nodes = _nodes()
    available: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    kinds = [kind for kind in ("CPU", "GPU") if any(node.get(kind) for node in nodes)]
    has = _words({kind: sum(node.get(kind, 0) for node in nodes) for kind in kinds}) or "nothing"
    free = _words({kind: available.get(kind, 0) + bundle.get(kind, 0) * seats for kind in kinds}) or "nothing"
    return f"{has} on {len(nodes)} node{'s' * (len(nodes) != 1)}, {free} free"

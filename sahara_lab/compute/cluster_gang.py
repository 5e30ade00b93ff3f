"""The keeper's view of its workers on a Ray cluster: taking seats on nodes, moving files to and from them."""

from __future__ import annotations

import contextlib
import pickle
import time
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
_SILENT_AFTER = 15.0
_SHUNNED_FOR = 60.0


class ClusterGang(Gang):
    """The ``cluster`` backend: every rank is a "node" of its own to PyTorch.

    Each seat books its place by a placement group of its own, so that it can be given back by itself. Seats that are
    lost are replaced where there is room; those that are left stay warm. Ray takes up to a quarter of a minute to see
    that a node has gone: a node whose seat fell silent gets no new ones meanwhile.
    """

    own_zygotes = True

    def __init__(self) -> None:
        super().__init__()
        self._groups: dict[int, Any] = {}  # by id() of the seat, as its place below
        self._pending: list[tuple[Any, Any]] = []
        self._places: dict[int, dict[str, Any]] = {}
        self._silent: dict[str, float] = {}
        self._wanted: tuple[int, Options, list[str], Requirements] | None = None
        self._folder = Path()

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        from ray.util.placement_group import placement_group

        self._wanted = (workers, options, modules, needs)
        self._drop_fallen()
        self._give_up_booking()
        bundle, nodes = _bundle(options), self._nodes()
        room = _seats(nodes, bundle)
        if room < workers:
            raise JobError(
                f"the cluster has room for {room} worker{'s' * (room != 1)} of {_words(bundle)} "
                f"({_census(nodes, bundle, len(self._seats))}), the job asks for {workers}",
                hint=f"Give --workers {room}" if room else "Ask for less for each worker, or add nodes",
            )
        lacking = workers - len(self._seats)
        if lacking <= 0:
            self._greet()
            return
        shunned = ", ".join(node for node in self._silent)
        labels = [{"ray.io/node-id": f"!in({shunned})"}] if shunned else None
        groups = [placement_group([bundle], bundle_label_selector=labels) for _ in range(lacking)]
        self._pending = [(group, group.ready()) for group in groups]

    def room(self, workers: int, options: Options) -> int:
        return min(workers, _seats(self._nodes(), _bundle(options)))

    def _nodes(self) -> list[dict[str, float]]:
        """What each node has that is up, as far as one can see."""
        import ray

        moment = time.monotonic()
        self._silent = {node: since for node, since in self._silent.items() if moment - since < _SHUNNED_FOR}
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        return [node["Resources"] for node in nodes if node["Alive"] and node["NodeID"] not in self._silent]

    def ready(self) -> bool:
        import ray

        if self._pending:
            booked = [ready for _, ready in self._pending]
            if ray.wait(booked, num_returns=len(booked), timeout=0.1)[1]:
                return False
            self._sit_down()
            self._greet()
        if self._waiting:
            if ray.wait(self._waiting, num_returns=len(self._waiting), timeout=0.1)[1]:
                return False
            self._introduce()
        return not self._waiting and not self._pending

    def _sit_down(self) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        assert self._wanted is not None
        remote: Any = ray.remote(ClusterSeat)
        bundle = _bundle(self._wanted[1])
        for group, _ in self._pending:
            seat = remote.options(
                num_cpus=bundle["CPU"],
                num_gpus=bundle.get("GPU", 0),
                max_concurrency=8,
                scheduling_strategy=PlacementGroupSchedulingStrategy(group, 0),
            ).remote()
            self._seats.append(seat)
            self._groups[id(seat)] = group
        self._pending = []

    def _greet(self) -> None:
        assert self._wanted is not None
        _, _, modules, needs = self._wanted
        self._waiting = [seat.prepare.remote(modules, needs.lock) for seat in self._seats]

    def _introduce(self) -> None:
        """Take down what the seats say of themselves; one that was lost since its last run is replaced.

        Raises:
            JobError: a node has not got what the job needs.
        """
        import ray

        assert self._wanted is not None
        answers, self._waiting = self._waiting, []
        for seat, answer in zip(self._seats, answers, strict=True):
            try:
                place: dict[str, Any] = ray.get(answer)
            except ray.exceptions.RayActorError as error:
                if id(seat) not in self._places:
                    raise _not_startable(error) from None
                self._lost(seat, error)
            else:
                _check(place)
                self._places[id(seat)] = place
        if self._fallen:
            self.want(*self._wanted)
        self.actors = [self._places[id(seat)]["pid"] for seat in self._seats if id(seat) in self._places]

    def _drain(self, seat: Any) -> list[dict[str, Any]]:
        import ray

        found: list[dict[str, Any]] = ray.get(seat.drain.remote(), timeout=_SILENT_AFTER)
        return found

    def _lost(self, seat: Any, error: Exception) -> None:
        import ray

        self._fallen.add(id(seat))
        if not isinstance(error, ray.exceptions.ActorDiedError):
            self._silent[self._places[id(seat)]["node"]] = time.monotonic()

    def _drop_fallen(self) -> None:
        import ray
        from ray.util.placement_group import remove_placement_group

        for seat in [seat for seat in self._seats if id(seat) in self._fallen]:
            with contextlib.suppress(Exception):
                ray.kill(seat)
            with contextlib.suppress(Exception):
                remove_placement_group(self._groups[id(seat)])
            self._groups.pop(id(seat), None)
            self._places.pop(id(seat), None)
            self._seats.remove(seat)
        self._fallen.clear()

    def _give_up_booking(self) -> None:
        """Of a job that was stopped while it waited."""
        from ray.util.placement_group import remove_placement_group

        for group, _ in self._pending:
            with contextlib.suppress(Exception):
                remove_placement_group(group)
        self._pending = []

    @property
    def shortage(self) -> str:  # type: ignore[override]
        if not self._pending or self._wanted is None:
            return ""
        return (
            f"the job starts when others on the cluster have ended: {_census(self._nodes(), _bundle(self._wanted[1]))}"
        )

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        self._folder = Path(assignments[0].folder)
        if assignments[0].resume is not None:
            self._send(assignments[0].job, Path(assignments[0].resume))
        return super().start(zygote, assignments, setup)

    def _begin(self, seat: Any, zygote: str, assignment: Assignment, setup: bytes | None) -> Any:
        assert self._wanted is not None
        assignment.spread = True
        assignment.master = self._places[id(self._active[0])]["ip"]
        assignment.files = self._wanted[3].files
        assignment.resume = _RESUME if assignment.resume is not None else None
        assignment.environment = {
            name: value for name, value in assignment.environment.items() if name.startswith("SAHARA_LAB_")
        }
        assignment.setup = setup
        sealed = seal(pickle.dumps(assignment), self._places[id(seat)]["key"])
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

        leaving = [seat.leave.remote() for seat in self._seats if id(seat) not in self._fallen]
        with contextlib.suppress(Exception):
            if leaving:
                ray.wait(leaving, num_returns=len(leaving), timeout=6)
        self._fallen.update(map(id, self._seats))
        self._drop_fallen()
        self._give_up_booking()
        self._active, self._waiting, self.actors = [], [], []


def _bundle(options: Options) -> dict[str, float]:
    return {"CPU": float(options.cpus or 1), **({"GPU": float(options.gpus)} if options.gpus else {})}


def _words(resources: dict[str, float]) -> str:
    return " and ".join(f"{amount:g} {kind}{'s' * (amount != 1)}" for kind, amount in resources.items())


def _seats(nodes: list[dict[str, float]], bundle: dict[str, float]) -> int:
    """How many workers nodes could seat if nothing else ran on them."""
    return sum(int(min(node.get(kind, 0) // amount for kind, amount in bundle.items())) for node in nodes)


def _census(nodes: list[dict[str, float]], bundle: dict[str, float], seats: int = 0) -> str:
    """What nodes have and what of it is free, in words; seats that wait for a run count as free."""
    import ray

    available: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    kinds = [kind for kind in ("CPU", "GPU") if any(node.get(kind) for node in nodes)]
    has = _words({kind: sum(node.get(kind, 0) for node in nodes) for kind in kinds}) or "nothing"
    free = _words({kind: available.get(kind, 0) + bundle.get(kind, 0) * seats for kind in kinds}) or "nothing"
    return f"{has} on {len(nodes)} node{'s' * (len(nodes) != 1)}, {free} free"


def _check(place: dict[str, Any]) -> None:
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


def _not_startable(error: Exception) -> JobError:
    if "No module named 'sahara_lab" in str(error):
        return JobError(
            "the cluster's nodes have no sahara_lab", hint=f"Run on each: pip install sahara-lab=={__version__}"
        )
    line = next((line for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
    return JobError(f"no worker started on the cluster ({line.strip()})", hint="See the logs of its nodes")

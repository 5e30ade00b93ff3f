"""The keeper's view of its workers: seats kept warm, one run at a time."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any

from sahara_lab.compute.backend import Message
from sahara_lab.compute.options import Options
from sahara_lab.compute.requirements import Requirements
from sahara_lab.compute.runner import Assignment


class Gang:
    """The ``gang`` backend: Ray actors on this machine that wait for runs.

    Raises Ray's own errors; the controller puts them in words.
    """

    def __init__(self) -> None:
        self._seats: list[Any] = []
        self._active: list[Any] = []
        self._waiting: list[Any] = []
        self._fallen: set[int] = set()  # by id(): seats that do not answer any more
        self.actors: list[int] = []
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.broken = False

    shortage = ""
    own_zygotes = False

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        """Have at least this many seats; returns before new ones are ready."""
        import ray

        from sahara_lab.compute.seat import Seat

        remote: Any = ray.remote(Seat)
        while len(self._seats) < workers:
            seat = remote.options(num_cpus=0, max_concurrency=8).remote()
            self._seats.append(seat)
            self._waiting.append(seat.pid.remote())

    def ready(self) -> bool:
        """Whether every seat is there; waits for a moment."""
        import ray

        if self._waiting:
            ready, self._waiting = ray.wait(self._waiting, num_returns=len(self._waiting), timeout=0.1)
            self.actors += ray.get(ready)
        return not self._waiting

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        """Start a run, one seat for each assignment; messages arrive in :attr:`messages` as ``(rank, message)``."""
        import ray

        self.messages = queue.SimpleQueue()
        self._active = self._seats[: len(assignments)]
        port = ray.get(self._active[0].free_port.remote())
        calls = []
        for seat, assignment in zip(self._active, assignments, strict=True):
            assignment.port = port
            calls.append(self._begin(seat, zygote, assignment, setup))
        processes: list[int] = ray.get(calls)
        for rank, seat in enumerate(self._active):
            threading.Thread(target=self._pump, args=(rank, seat, self.messages), daemon=True).start()
        return processes

    def _begin(self, seat: Any, zygote: str, assignment: Assignment, setup: bytes | None) -> Any:
        """Hand an assignment to a seat; returns Ray's promise of the process id."""
        return seat.start.remote(zygote, assignment, setup)

    def _arrived(self, rank: int, seat: Any, message: dict[str, Any]) -> None:
        """A message came in; called before it is passed on."""

    def _drain(self, seat: Any) -> list[dict[str, Any]]:
        import ray

        found: list[dict[str, Any]] = ray.get(seat.drain.remote())
        return found

    def _lost(self, seat: Any, error: Exception) -> None:
        """A seat does not answer any more."""
        self._fallen.add(id(seat))
        self.broken = True

    def room(self, workers: int, options: Options) -> int:
        """How many of these workers there is room for after some were lost."""
        return workers

    def _pump(self, rank: int, seat: Any, messages: queue.SimpleQueue[Message]) -> None:
        try:
            while True:
                for message in self._drain(seat):
                    self._arrived(rank, seat, message)
                    messages.put((rank, message))
                    if message["kind"] == "exit":
                        return
        except Exception as error:
            self._lost(seat, error)
            messages.put((rank, {"kind": "gone", "message": type(error).__name__}))

    def order(self, op: str, **fields: Any) -> list[dict[str, Any] | None]:
        """Give all ranks an order and return their answers."""
        import ray

        calls = [None if id(seat) in self._fallen else seat.order.remote(op, **fields) for seat in self._active]
        answers: list[dict[str, Any] | None] = []
        for call in calls:
            try:
                answers.append(None if call is None else ray.get(call, timeout=6))
            except Exception:
                answers.append(None)
        return answers

    def end(self) -> None:
        """Kill the run's processes; the seats stay."""
        import ray

        with contextlib.suppress(Exception):
            calls = [seat.end.remote() for seat in self._active if id(seat) not in self._fallen]
            if calls:
                ray.wait(calls, num_returns=len(calls), timeout=6)

    def dismiss(self) -> None:
        """Give the workers back."""
        import ray

        self.end()
        for seat in self._seats:
            with contextlib.suppress(Exception):
                ray.kill(seat)

"""The keeper's view of its workers: seats kept warm, one run at a time."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any

from sahara_lab.compute.runner import Assignment

Message = tuple[int, dict[str, Any]]


class Gang:
    """``workers`` Ray actors. Raises Ray's own errors; the controller puts them in words."""

    def __init__(self, workers: int) -> None:
        import ray

        from sahara_lab.compute.seat import Seat

        self._ray = ray
        remote: Any = ray.remote(Seat)
        self.seats: list[Any] = [remote.options(num_cpus=0, max_concurrency=8).remote() for _ in range(workers)]
        self._waiting = [seat.pid.remote() for seat in self.seats]
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.actors: list[int] = []
        self.broken = False

    @property
    def workers(self) -> int:
        return len(self.seats)

    def ready(self) -> bool:
        """Whether every seat is there; waits for a moment."""
        if self._waiting:
            ready, self._waiting = self._ray.wait(self._waiting, num_returns=len(self._waiting), timeout=0.1)
            self.actors += self._ray.get(ready)
        return not self._waiting

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        """Start the run on every seat; its messages arrive in :attr:`messages` as ``(rank, message)``."""
        self.messages = queue.SimpleQueue()
        port = self._ray.get(self.seats[0].free_port.remote())
        calls = []
        for seat, assignment in zip(self.seats, assignments, strict=True):
            assignment.port = port
            calls.append(seat.start.remote(zygote, assignment, setup))
        processes: list[int] = self._ray.get(calls)
        for rank, seat in enumerate(self.seats):
            threading.Thread(target=self._pump, args=(rank, seat, self.messages), daemon=True).start()
        return processes

    def _pump(self, rank: int, seat: Any, messages: queue.SimpleQueue[Message]) -> None:
        try:
            while True:
                for message in self._ray.get(seat.drain.remote()):
                    messages.put((rank, message))
                    if message["kind"] == "exit":
                        return
        except Exception as error:
            self.broken = True
            messages.put((rank, {"kind": "gone", "message": type(error).__name__}))

    def order(self, op: str, **fields: Any) -> list[dict[str, Any] | None]:
        """Give all ranks an order and return their answers."""
        answers: list[dict[str, Any] | None] = []
        for call in [seat.order.remote(op, **fields) for seat in self.seats]:
            try:
                answers.append(self._ray.get(call, timeout=6))
            except Exception:
                answers.append(None)
        return answers

    def end(self) -> None:
        """Kill the run's processes; the seats stay."""
        with contextlib.suppress(Exception):
            calls = [seat.end.remote() for seat in self.seats]
            self._ray.wait(calls, num_returns=len(calls), timeout=6)

    def dismiss(self) -> None:
        """Give the workers back."""
        self.end()
        for seat in self.seats:
            with contextlib.suppress(Exception):
                self._ray.kill(seat)

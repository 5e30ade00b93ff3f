"""Seats in the keeper's own process: the same fresh process for each rank, without Ray."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sahara_lab.compute.backend import Message
from sahara_lab.compute.options import Options
from sahara_lab.compute.requirements import Requirements
from sahara_lab.compute.runner import Assignment
from sahara_lab.compute.seat import Seat


class LocalGang:
    """The ``local`` backend: for machines where Ray is not wanted, and the quickest first start."""

    def __init__(self) -> None:
        self._seats: list[Seat] = []
        self._active: list[Seat] = []
        self.actors: list[int] = []
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.broken = False

    shortage = ""
    own_zygotes = False

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        self._seats += [Seat() for _ in range(workers - len(self._seats))]

    def room(self, workers: int, options: Options) -> int:
        return workers

    def ready(self) -> bool:
        return True

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        self.messages = queue.SimpleQueue()
        self._active = self._seats[: len(assignments)]
        port = self._active[0].free_port()
        processes = []
        for seat, assignment in zip(self._active, assignments, strict=True):
            assignment.port = port
            processes.append(seat.start(zygote, assignment, setup))
        for rank, seat in enumerate(self._active):
            threading.Thread(target=self._pump, args=(rank, seat, self.messages), daemon=True).start()
        return processes

    @staticmethod
    def _pump(rank: int, seat: Seat, messages: queue.SimpleQueue[Message]) -> None:
        while True:
            for message in seat.drain():
                messages.put((rank, message))
                if message["kind"] == "exit":
                    return

    def order(self, op: str, **fields: Any) -> list[dict[str, Any] | None]:
        with ThreadPoolExecutor(max(1, len(self._active))) as pool:
            return list(pool.map(lambda seat: seat.order(op, **fields), self._active))

    def end(self) -> None:
        for seat in self._active:
            seat.end()

    def dismiss(self) -> None:
        self.end()

"""The Ray actor: one seat of the gang, which has a fresh process forked for every run."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from typing import Any

from sahara_lab.compute.runner import Assignment
from sahara_lab.compute.zygote import Child

_GATHER = 0.02
Messages = queue.SimpleQueue[dict[str, Any]]


class Seat:
    """Starts a run's process on its machine, passes messages on, and notices its end."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._messages: Messages = queue.SimpleQueue()
        self._replies: dict[int, Messages] = {}
        self._next_order = 0

    def pid(self) -> int:
        """This actor's process; answers as soon as the seat is there."""
        return os.getpid()

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def start(self, zygote: str, assignment: Assignment, setup: bytes | None) -> int:
        """Fork the process of a run and return its id."""
        self.end()
        self._messages = queue.SimpleQueue()
        child = self._child = Child(zygote)
        assignment.setup = setup
        child.connection.send(assignment)
        assignment.setup = None
        codes: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        threading.Thread(target=self._bury, args=(child, codes), daemon=True).start()
        threading.Thread(target=self._listen, args=(child, self._messages, codes), daemon=True).start()
        return child.pid

    def _bury(self, child: Child, codes: queue.SimpleQueue[int | None]) -> None:
        """Once the run has ended, end what it left behind: a data loader would hold its connection open."""
        code = child.join()
        child.kill()
        codes.put(code)

    def _listen(self, child: Child, messages: Messages, codes: queue.SimpleQueue[int | None]) -> None:
        while True:
            try:
                message = child.connection.recv()
            except (EOFError, OSError):
                break
            if message["kind"] == "reply":
                waiting = self._replies.get(message["id"])
                if waiting is not None:
                    waiting.put(message)
            else:
                messages.put(message)
        messages.put({"kind": "exit", "code": codes.get()})

    def drain(self) -> list[dict[str, Any]]:
        """Messages of the run, waiting for the first; the last one ever is ``exit``."""
        try:
            found = [self._messages.get(timeout=1.0)]
        except queue.Empty:
            return []
        with contextlib.suppress(queue.Empty):
            while found[-1]["kind"] != "exit":
                found.append(self._messages.get(timeout=_GATHER))
        return found

    def order(self, op: str, **fields: Any) -> dict[str, Any] | None:
        """Pass an order to the run's process and return its answer, or None when it does not answer."""
        if self._child is None:
            return None
        self._next_order += 1
        number = self._next_order
        reply: Messages = queue.SimpleQueue()
        self._replies[number] = reply
        try:
            self._child.connection.send({"op": op, "id": number, **fields})
            return reply.get(timeout=5.0)
        except (OSError, queue.Empty):
            return None
        finally:
            self._replies.pop(number, None)

    def end(self) -> None:
        """Kill the run's process and whatever it started."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

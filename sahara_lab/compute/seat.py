"""The Ray actor: one seat of the gang, which forks a fresh process for every run."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import signal
import socket
import sys
import threading
from multiprocessing import forkserver
from typing import Any

from sahara_lab.compute import preload
from sahara_lab.compute.runner import Assignment, main

_GATHER = 0.02


def _nothing() -> None:
    """The body of the process that proves a fork server warm."""


class Seat:
    """Holds a fork server that has imported torch once; runs come and go as its children."""

    def __init__(self, modules: list[str]) -> None:
        running = sys.modules["__main__"]
        for attribute in ("__file__", "__spec__"):  # else each child would import Ray's worker script again
            with contextlib.suppress(AttributeError):
                delattr(running, attribute)
        running.__spec__ = None
        os.environ[preload.VARIABLE] = json.dumps([*preload.ALWAYS, *modules])
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["sahara_lab.compute.preload"])
        forkserver.ensure_running()
        self._process: Any = None
        self._connection: Any = None
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._replies: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._next_order = 0

    def warm(self) -> int:
        """Return (this actor's process id) once the fork server has everything imported."""
        process = self._context.Process(target=_nothing)
        process.start()
        process.join()
        return os.getpid()

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def start(self, assignment: Assignment, setup: bytes | None) -> int:
        """Fork the process of a run and return its id."""
        self.end()
        assignment.setup = setup
        self._messages = queue.SimpleQueue()
        self._connection, theirs = self._context.Pipe(duplex=True)
        self._process = self._context.Process(target=main, args=(theirs, assignment), daemon=False)
        self._process.start()
        assignment.setup = None
        theirs.close()
        threading.Thread(
            target=self._listen, args=(self._process, self._connection, self._messages), daemon=True
        ).start()
        return int(self._process.pid)

    def _listen(self, process: Any, connection: Any, messages: queue.SimpleQueue[dict[str, Any]]) -> None:
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                break
            if message["kind"] == "reply":
                waiting = self._replies.get(message["id"])
                if waiting is not None:
                    waiting.put(message)
            else:
                messages.put(message)
        process.join()
        messages.put({"kind": "exit", "code": process.exitcode})

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
        self._next_order += 1
        number = self._next_order
        reply: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._replies[number] = reply
        try:
            self._connection.send({"op": op, "id": number, **fields})
            return reply.get(timeout=5.0)
        except (OSError, queue.Empty, AttributeError):
            return None
        finally:
            self._replies.pop(number, None)

    def end(self) -> None:
        """Kill the run's process and whatever it started."""
        process, self._process = self._process, None
        if process is None or process.pid is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            if process.exitcode is None:
                os.kill(process.pid, signal.SIGKILL)
        process.join(5)

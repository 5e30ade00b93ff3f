"""One process for each machine that imports torch once; every run is a fork of it.

Workers on the same machine share it: a run starts in milliseconds, and the memory of the libraries
is there once. It never touches a GPU (a forked CUDA context is unusable) and runs no threads of
its own, so that a fork is a clean process.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sahara_lab.compute import preload

_ANSWER = struct.Struct("!q")
_PING, _FORK, _BYE = b"P", b"F", b"B"


class Zygote:
    """The starting side's view of a zygote process."""

    def __init__(self, address: Path, modules: list[str]) -> None:
        self.address = str(address)
        self.modules = frozenset(modules)
        self._question: socket.socket | None = None
        self._ready = False
        variables = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        variables[preload.VARIABLE] = json.dumps(sorted(self.modules))
        variables.setdefault("OPENBLAS_NUM_THREADS", "1")  # its thread pool would not survive the fork
        variables["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # asking whether there is a GPU must not start CUDA here
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sahara_lab.compute.zygote", self.address],
            stdin=subprocess.PIPE,  # closed by our end, however it comes: then the zygote ends too
            env=variables,
        )

    @property
    def ready(self) -> bool:
        """Whether everything is imported; never waits."""
        if not self._ready:
            try:
                if self._question is None:
                    self._question = _connect(self.address, 0)
                    self._question.sendall(_PING)
                if select.select([self._question], [], [], 0)[0]:
                    self._ready = _read(self._question) > 0
                    self._question.close()
            except (OSError, EOFError):
                self._question = None
        return self._ready and self.alive

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """End the zygote and every run that it forked."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(_BYE)
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()


class Child:
    """A forked run as its seat holds it: its process id, its connection, its end."""

    def __init__(self, address: str) -> None:
        ours, theirs = socket.socketpair()
        self._line = _connect(address, 60.0)
        with theirs:
            socket.send_fds(self._line, [_FORK], [theirs.fileno()])
        self.pid = _read(self._line)
        self._ended = False
        self.connection: Connection[Any, Any] = Connection(ours.detach())

    def join(self) -> int | None:
        """Wait for the process to end and return its exit code (negative: the signal that killed it)."""
        try:
            code = _read(self._line)
        except (OSError, EOFError):
            return None
        self._ended = True
        return code

    def kill(self) -> None:
        """Kill the process and whatever it started."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self._ended:  # it may not have its group yet; once ended, its number may be another's
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


def _connect(address: str, timeout: float) -> socket.socket:
    deadline = time.monotonic() + timeout
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(address)
        except OSError:
            line.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return line


def _read(line: socket.socket) -> int:
    data = b""
    while len(data) < _ANSWER.size:
        part = line.recv(_ANSWER.size - len(data))
        if not part:
            raise EOFError
        data += part
    return int(_ANSWER.unpack(data)[0])


class _Server:
    """The zygote itself: forks on request, tells each asker when its child ended."""

    def __init__(self, address: str) -> None:
        self._keeper, self._home = os.getppid(), Path(address).parent
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen(64)  # who connects now waits until the imports are done
        self._waiting: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._bell, self._ring = socket.socketpair()

    def serve(self) -> None:
        import gc

        preload.preload()
        gc.collect()
        gc.freeze()  # keeps the collector from copying the shared pages in every child
        self._bell.setblocking(False)
        self._ring.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._ring.fileno(), warn_on_full_buffer=False)
        for source in (self._listener, self._bell, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    self._end()
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._bell:
                    with contextlib.suppress(BlockingIOError):
                        self._bell.recv(4096)
                    self._reap()
                elif isinstance(key.fileobj, socket.socket):
                    self._abandoned(key.fileobj)

    def _accept(self) -> None:
        line, _ = self._listener.accept()
        with contextlib.suppress(OSError):
            order, descriptors = _receive(line)
            if order == _FORK and descriptors:
                self._fork(line, descriptors[0])
                return
            line.sendall(_ANSWER.pack(os.getpid()))
        line.close()

    def _fork(self, line: socket.socket, descriptor: int) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._become(descriptor)
            finally:
                os._exit(70)
        os.close(descriptor)
        self._waiting[pid] = line
        self._selector.register(line, selectors.EVENT_READ)
        line.sendall(_ANSWER.pack(pid))

    def _become(self, descriptor: int) -> None:
        from sahara_lab.compute.runner import main

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for line in (self._listener, self._bell, self._ring, *self._waiting.values()):
            line.close()
        connection: Connection[Any, Any] = Connection(descriptor)
        main(connection, connection.recv())

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            line = self._waiting.pop(pid, None)
            if line is not None:
                with contextlib.suppress(KeyError):  # its seat had gone before
                    self._selector.unregister(line)
                with contextlib.suppress(OSError):
                    line.sendall(_ANSWER.pack(os.waitstatus_to_exitcode(status)))
                line.close()

    def _abandoned(self, line: socket.socket) -> None:
        """The seat that asked for this child has died: nobody would ever read its results."""
        with contextlib.suppress(StopIteration, OSError):
            pid = next(pid for pid, other in self._waiting.items() if other is line)
            os.killpg(pid, signal.SIGKILL)
        self._selector.unregister(line)

    def _end(self) -> None:
        """The keeper said goodbye, or was killed: then nobody else would end what it started, Ray's agents included."""
        for pid in self._waiting:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        if os.read(sys.stdin.fileno(), 1) != _BYE and os.getpgid(0) == self._keeper:
            shutil.rmtree(self._home, ignore_errors=True)
            os.killpg(self._keeper, signal.SIGKILL)
        os._exit(0)


def _receive(line: socket.socket) -> tuple[bytes, list[int]]:
    message, ancillary, _, _ = line.recvmsg(1, socket.CMSG_SPACE(struct.calcsize("i")))
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return message, list(found)


if __name__ == "__main__":
    _Server(sys.argv[1]).serve()

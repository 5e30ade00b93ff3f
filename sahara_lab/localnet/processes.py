"""The processes of the embedded network: how they are started, told apart and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import site
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: What a child process may inherit: no token, key or password of the process that happened to start the network.
_INHERITED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "VIRTUAL_ENV", "PYTHONPATH", "SAHARA_LAB_HOME",
    "XDG_CACHE_HOME", "XDG_DATA_HOME", "COVERAGE_PROCESS_START",
)  # fmt: skip


def clean_environment() -> dict[str, str]:
    """The environment of the network's processes."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    if root not in (*site.getsitepackages(), site.getusersitepackages()):  # run from a source tree
        kept["PYTHONPATH"] = os.pathsep.join(part for part in (root, kept.get("PYTHONPATH")) if part)
    return kept


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module. ``-P``: files in the current folder never stand in for modules."""
    return [sys.executable, "-P", "-m", module, *arguments]


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies (Linux; elsewhere the next start cleans up)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@dataclass(frozen=True)
class Identity:
    """A process, told apart from a later one that got the same number by its time of birth."""

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The identity of a running process."""
        import psutil

        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else cls(pid, process.create_time())
        except psutil.Error:
            return None

    @classmethod
    def load(cls, path: Path) -> Identity | None:
        """The process that a file names, if it still runs."""
        kept = read_json(path)
        try:
            named = cls(int(kept["pid"]), float(kept["born"]))
        except (KeyError, TypeError, ValueError):
            return None
        return named if named.alive else None

    def save(self, path: Path) -> None:
        write_json(path, asdict(self))

    @property
    def alive(self) -> bool:
        found = Identity.of(self.pid)
        return found is not None and abs(found.born - self.born) < 1

    def end(self, patience: float = 30.0) -> None:
        """Ask the process to end; after ``patience`` seconds, end it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        if not self._gone_within(patience):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._gone_within(5)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def end_child(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a child of this process and wait for it."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file that only this user can read, complete or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "w") as stream:
        json.dump(value, stream)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty when it is missing or damaged, since everything kept so can be made again."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}

"""Finding the keeper of a jobs folder, or starting it. The client's side; light to import."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sahara_lab._version import __version__
from sahara_lab.compute.clusters import Cluster
from sahara_lab.compute.door import Visitor
from sahara_lab.compute.record import JobFolder
from sahara_lab.errors import JobError

_START_WITHIN = 30.0
_PRIVATE = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "SAHARA_LAB_PASSWORD", "RAY_AUTH_TOKEN")


def environment() -> dict[str, str]:
    """This process's environment without the secrets that workers have no business with."""
    return {name: value for name, value in os.environ.items() if name not in _PRIVATE and not name.startswith("JPY_")}


class Link:
    """One process's connection to the keeper of ``jobs_dir``; reconnects, and starts a keeper when there is none."""

    def __init__(self, jobs_dir: Path, cluster: Cluster | None = None) -> None:
        self.jobs_dir = jobs_dir
        self.cluster = cluster
        # Another Python environment gets a keeper of its own: its workers import other packages. So does each cluster.
        key = f"{sys.prefix}|{sys.version}|{__version__}" + (f"|{cluster.address}" if cluster else "")
        identity = hashlib.sha256(key.encode()).hexdigest()[:8]
        self.cluster_file = jobs_dir / f".keeper-{identity}.json"
        self._visitor: Visitor | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    def ask(self, op: str, blobs: list[bytes] | None = None, *, start: bool = True, **fields: Any) -> dict[str, Any]:
        """Send a request to the keeper, starting it if need be.

        Raises:
            JobError: the keeper refused or does not start.
            ConnectionError: there is none, and ``start`` is false.
        """
        with self._lock:
            if self._visitor is not None:
                try:
                    return self._visitor.ask(op, blobs, **fields)
                except ConnectionError:
                    self._visitor = None
            self._visitor = self._started() if start else _visit(self.cluster_file)
            if self._visitor is None:
                raise ConnectionError("no job service is running")
            try:
                return self._visitor.ask(op, blobs, **fields)
            except ConnectionError as error:
                self._visitor = None
                raise JobError("the job service ended while it was asked", hint="Run the cell again") from error
            except JobError:
                raise
            except BaseException:
                self._visitor = None
                raise

    def close(self) -> None:
        with self._lock:
            if self._visitor is not None:
                self._visitor.close()
                self._visitor = None

    def shutdown(self) -> None:
        """End the keeper and wait until it has gone."""
        try:
            self.ask("shutdown", start=False)
        except ConnectionError:
            return
        finally:
            self.close()
        deadline = time.monotonic() + 20
        while self.cluster_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(20)
            self._child = None

    def _started(self) -> Visitor:
        from filelock import FileLock, Timeout

        self.jobs_dir.mkdir(parents=True, exist_ok=True)
        self.jobs_dir.chmod(0o700)
        try:
            with FileLock(str(self.cluster_file) + ".lock", timeout=_START_WITHIN):
                return _visit(self.cluster_file) or self._start()
        except Timeout as error:
            raise JobError(
                "another process has been starting the job service for too long", hint="Run: sahara-lab doctor"
            ) from error

    def _start(self) -> Visitor:
        _clear_remains(self.cluster_file)
        log = self.cluster_file.with_suffix(".log")
        root = str(Path(__file__).parents[2])
        variables = environment()
        command = [sys.executable, "-m", "sahara_lab.compute.keeper", str(self.jobs_dir), str(self.cluster_file)]
        if self.cluster is not None:
            variables |= self.cluster.environment()
            command.append(self.cluster.address)
        if "site-packages" not in root:  # running from a source tree: the workers must find it too
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, [variables.get("PYTHONPATH", ""), root]))
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.jobs_dir,
                env=variables,
            )
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline:
            visitor = _visit(self.cluster_file)
            if visitor is not None:
                return visitor
            if self._child.poll() is not None:
                break
            time.sleep(0.02)
        with contextlib.suppress(OSError):
            self._child.terminate()
        raise JobError(f"the job service did not start; its log is {log}", hint="Run: sahara-lab doctor")


def alive(record: dict[str, Any], folder: JobFolder) -> bool:
    """Whether somebody still works on a job whose record says it is not finished."""
    keeper = record.get("keeper")
    if keeper is None:  # not handed over yet: the process that made it still holds it
        try:
            os.kill(int(record["client"]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    cluster_file = folder.path.parent / str(keeper["file"])
    try:
        if json.loads(cluster_file.read_text("utf-8"))["pid"] != keeper["pid"]:
            return False
    except (OSError, ValueError, KeyError):
        return False
    visitor = _visit(cluster_file)
    if visitor is None:
        return False
    visitor.close()
    return True


def _visit(cluster_file: Path) -> Visitor | None:
    try:
        description = json.loads(cluster_file.read_text("utf-8"))
        visitor = Visitor(description["address"], bytes.fromhex(description["secret"]))
    except (OSError, ValueError, KeyError, EOFError):
        return None
    try:
        visitor.ask("hello")
    except (ConnectionError, JobError):
        return None
    return visitor


def _clear_remains(cluster_file: Path) -> None:
    """Remove what a killed keeper left behind: its file and its private folder of sockets."""
    import shutil

    with contextlib.suppress(OSError, ValueError, KeyError):
        home = Path(json.loads(cluster_file.read_text("utf-8"))["home"])
        cluster_file.unlink()
        if home.name.startswith("sahara-"):
            shutil.rmtree(home, ignore_errors=True)

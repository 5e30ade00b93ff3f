"""The keeper's own life: it outlives notebooks, and never outlives its use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute
from sahara_lab.compute.keeper import IDLE_VARIABLE

pytestmark = pytest.mark.ray


def test_job_outlives_its_notebook_and_is_lost_only_with_its_keeper(
    tmp_path: Path, cells: SimpleNamespace, until: Callable[..., Any]
) -> None:
    program = (
        "import sys; from pathlib import Path; from sahara_lab.compute import Compute;"
        f"print(Compute(Path({str(tmp_path)!r})).run_cell({cells.data + cells.model + cells.endless!r}, {{}}).id)"
    )
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    job = Compute(tmp_path).job(started.stdout.strip())
    until(lambda: (job.record().get("step") or 0) > 5)
    assert job.status == "running"
    (cluster_file,) = tmp_path.glob(".keeper-*.json")
    description = json.loads(cluster_file.read_text())
    assert cluster_file.stat().st_mode & 0o077 == 0
    processes = _family(description["pid"])
    assert len(processes) > 6

    os.kill(description["pid"], signal.SIGKILL)
    until(lambda: job.status == "lost", within=10)
    assert job.error is not None
    assert "checkpoint is kept" in job.error
    until(lambda: not any(_running(pid) for pid in processes), within=20)


def test_keeper_leaves_with_all_its_processes_when_the_last_client_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> None:
    monkeypatch.setenv(IDLE_VARIABLE, "1")
    compute = Compute(tmp_path)
    compute.warm(2)
    status = until(lambda: (found := compute.status()) and found["workers"] == 2 and found)
    processes = _family(status["pid"])
    time.sleep(2.5)  # longer than the idle time: being connected must count
    assert compute.status() is not None
    compute._link.close()
    (cluster_file,) = tmp_path.glob(".keeper-*.json")
    until(lambda: not cluster_file.exists(), within=20)
    until(lambda: not any(_running(pid) for pid in processes), within=20)
    assert not Path(status["home"]).exists()


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    family, fresh = [], [pid]
    while fresh:
        family += fresh
        fresh = [child for parent in fresh for child in children.get(parent, [])]
    return family


def _running(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be reaped."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")

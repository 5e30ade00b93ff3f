"""The keeper's own life: it outlives notebooks, and never outlives its use."""

from __future__ import annotations

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
from sahara_lab.errors import JobError

pytestmark = pytest.mark.ray


def test_job_outlives_its_notebook_and_the_keeper_leaves_after_the_last_client(
    tmp_path: Path, cells: SimpleNamespace, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IDLE_VARIABLE, "1")
    program = (
        "import sys; from pathlib import Path; from sahara_lab.compute import Compute;"
        f"print(Compute(Path({str(tmp_path)!r})).run_cell({cells.data + cells.model + cells.endless!r}, {{}}).id)"
    )
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    compute = Compute(tmp_path)
    job = compute.job(started.stdout.strip())
    until(lambda: (job.record().get("step") or 0) > 5 or job.finished)  # longer than the idle time: a job must count
    assert (job.status, job.error) == ("running", None)
    (cluster_file,) = tmp_path.glob(".keeper-*.json")
    assert cluster_file.stat().st_mode & 0o077 == 0
    status = compute.status()
    assert status is not None
    processes = _family(status["pid"])
    assert len(processes) > 6

    job.stop()
    assert job.wait(timeout=60).status == "stopped"
    time.sleep(2.5)
    assert compute.status() is not None  # being connected counts as well
    compute._link().close()
    until(lambda: not cluster_file.exists())
    until(lambda: not any(_running(pid) for pid in processes))
    assert not Path(status["home"]).exists()


def test_job_is_lost_with_its_keeper_and_no_process_stays_behind(
    compute: Compute, cells: SimpleNamespace, until: Callable[..., Any]
) -> None:
    job = compute.run_cell(cells.data + cells.model + cells.endless, {})
    until(lambda: job.record().get("checkpoint_step") or job.finished)
    status = compute.status()
    assert status is not None
    processes = _family(status["pid"])
    os.kill(status["pid"], signal.SIGKILL)
    until(lambda: job.status == "lost")
    assert job.error is not None
    assert "checkpoint is kept" in job.error
    with pytest.raises(JobError, match="was lost"):
        job.result()
    until(lambda: not any(_running(pid) for pid in processes))
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

"""Jobs are shown from their folders: no network, no kernel and no Ray needed to look at them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.compute.record import JobFolder
from sahara_lab.profile import HOME_VARIABLE, Profile


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty jobs folder of this test alone."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    profile = Profile("local")
    return profile.private(profile.jobs)


def write(folder: Path, id: str, status: str, **fields: Any) -> JobFolder:
    """A job's folder as the keeper leaves it."""
    job = JobFolder(folder / id)
    record = {
        "id": id,
        "name": "digit-net",
        "status": status,
        "message": "",
        "created": "2026-11-23T01:42:00.000Z",
        "created_at": time.time() - 60,
        "workers": 2,
        "inputs": ["alice/digits@1"],
        "captured": [],
        "metrics": {},
        "error": None,
        "client": 0,
        "keeper": None,
        **fields,
    }
    job.create(record, "print('hello')")
    return job


def test_jobs_come_newest_first_and_done_ones_can_be_published(ask: Any, jobs: Path) -> None:
    write(
        jobs, "train-20261122-000000-aaaa", "failed", error={"message": "ValueError in line 3", "traceback": "line 3"}
    )
    done = write(jobs, "train-20261123-000000-bbbb", "done", metrics={"val_acc": 0.97}, seconds=12.5)
    done.weights.write_bytes(b"weights")
    newest, oldest = ask("jobs").json["jobs"]
    assert (newest["id"], newest["publishable"], newest["metrics"]) == (done.id, True, {"val_acc": 0.97})
    assert newest["seconds"] == 12.5
    assert (oldest["status"], oldest["error"], oldest["publishable"]) == ("failed", "ValueError in line 3", False)
    assert ask(f"jobs/{oldest['id']}").json["traceback"] == "line 3"


def test_an_open_job_brings_a_curve_of_each_metric(ask: Any, jobs: Path) -> None:
    job = write(jobs, "train-20261123-000000-cccc", "done", metrics={"train_loss": 0.1})
    for step in range(5):
        job.append({"kind": "metrics", "step": step, "epoch": 0, "values": {"train_loss": 1 / (step + 1)}})
    history = ask(f"jobs/{job.id}").json["history"]
    assert [point[0] for point in history["train_loss"]] == [0, 1, 2, 3, 4]
    assert history["train_loss"][-1][1] == pytest.approx(0.2)


def test_a_job_whose_keeper_died_is_shown_as_lost(ask: Any, jobs: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    job = write(jobs, "train-20261123-000000-dddd", "running", client=gone.pid)
    assert ask(f"jobs/{job.id}").json["status"] == "lost"


def test_stopping_a_finished_job_changes_nothing(ask: Any, jobs: Path) -> None:
    job = write(jobs, "train-20261123-000000-eeee", "done")
    answer = ask(f"jobs/{job.id}/stop", body={})
    assert (answer.status, answer.json["status"]) == (200, "done")

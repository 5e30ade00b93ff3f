from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.compute import Compute, Job
from sahara_lab.compute.record import JobFolder, new_job_id
from sahara_lab.errors import JobError, NotFound


def test_job_ids_are_short_and_sort_by_time() -> None:
    first = new_job_id()
    assert len(first) <= 28
    assert first.startswith("train-")


def test_events_are_read_from_a_cursor_and_half_a_line_is_left_for_later(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create({"id": "job"}, "pass")
    folder.append({"kind": "log", "text": "one"})
    events, cursor = folder.events()
    assert [item["text"] for item in events] == ["one"]
    with folder.events_file.open("a") as file:
        file.write('{"kind": "log", "te')
    assert folder.events(cursor) == ([], cursor)
    with folder.events_file.open("a") as file:
        file.write('xt": "two"}\n')
    assert [item["text"] for item in folder.events(cursor)[0]] == ["two"]


def test_only_the_owner_may_read_a_job(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.create({"id": "job"}, "pass")
    assert folder.path.stat().st_mode & 0o077 == 0
    for file in (folder.record_file, folder.events_file, folder.cell_file):
        assert file.stat().st_mode & 0o077 == 0


def test_asking_for_a_job_that_does_not_exist_says_where_to_look(tmp_path: Path) -> None:
    for name in ("train-x", "../secrets", "", "."):
        with pytest.raises(NotFound, match="%sahara jobs"):
            Compute(tmp_path).job(name)


def test_impossible_options_are_refused_before_anything_starts(tmp_path: Path) -> None:
    compute = Compute(tmp_path / "jobs")
    with pytest.raises(JobError, match="0 workers"):
        compute.run_cell("x = 1", {}, workers=0)
    with pytest.raises(JobError, match="the cell is empty"):
        compute.run_cell("  \n", {})
    with pytest.raises(NotFound):
        compute.run_cell("x = 1", {}, resume="train-none")
    assert not (tmp_path / "jobs").exists()


def test_interrupt_before_the_cell_is_handed_over_leaves_a_stopped_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = Compute(tmp_path)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compute._link(), "_started", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute.run_cell("x = 1", {})
    (job,) = compute.jobs()
    assert job.status == "stopped"
    assert job.record()["message"] == "interrupted before it started"


def test_job_whose_notebook_died_before_handing_it_over_is_lost(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    folder = JobFolder(tmp_path / "train-1")
    record = {"id": "train-1", "status": "starting", "keeper": None, "client": int(ended.stdout), "workers": 2}
    folder.create({**record, "name": None, "inputs": []}, "pass")
    job = Compute(tmp_path).job("train-1")
    assert job.status == "lost"
    assert job.error == "the job service that ran it is gone"


def test_importing_compute_loads_neither_ray_nor_torch() -> None:
    program = (
        "import sys, sahara_lab.compute as c; c.Compute; print(sorted({'ray','torch','numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_lightning_gets_no_callback_outside_of_a_worker() -> None:
    program = (
        "import sys; from sahara_lab.compute.lightning import callbacks, callbacks_of_lightning as other;"
        "assert callbacks() == [] == other(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ})


def test_interrupt_while_watching_stops_the_job_and_no_event_is_told_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = JobFolder(tmp_path / "train-1")
    record = {"id": "train-1", "status": "running", "keeper": None, "client": os.getpid(), "workers": 2}
    folder.create({**record, "name": None, "inputs": []}, "pass")
    for number in range(3):
        folder.append({"kind": "log", "stream": "stdout", "text": str(number)})
    job = Compute(tmp_path).job("train-1")
    told: list[str] = []

    def on_event(event: dict[str, Any]) -> None:
        told.append(event["text"])
        if event["text"] == "1":
            raise KeyboardInterrupt

    def stop(self: Job, *, force: bool = False) -> None:
        folder.write({**folder.read(), "status": "stopped"})

    monkeypatch.setattr(Job, "stop", stop)
    stopping: list[bool] = []
    job.watch(on_event, lambda: stopping.append(True))
    assert told == ["0", "1", "2"]
    assert stopping == [True]
    assert job.status == "stopped"

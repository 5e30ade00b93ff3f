"""Resumed runs lose no batch and repeat none; damaged checkpoints are passed over; killed workers come back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute, Job
from sahara_lab.errors import JobError

WITHIN = 240.0
SAMPLES, BATCH = 96, 4
SEEN = """
import os, time
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

class Numbers(Dataset):
    def __len__(self):
        return 96
    def __getitem__(self, index):
        return torch.tensor(float(index))

class Stream(IterableDataset):
    def __iter__(self):
        return iter(torch.arange(96.0))

class Seen(pl.LightningModule):
    def __init__(self, path, pause=0.05):
        super().__init__()
        self.path, self.pause = path, pause
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, index):
        time.sleep(self.pause)
        with open(f"{self.path}-{self.global_rank}", "a") as file:
            file.write(f"{self.current_epoch} {' '.join(str(int(number)) for number in batch)}\\n")
        return self.layer(batch[:, None] / 96).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
"""
LOADERS = {
    "shuffled": "DataLoader(Numbers(), batch_size=4, shuffle=True)",
    "prefetched": "DataLoader(Numbers(), batch_size=4, shuffle=True, num_workers=2)",
    "own generator": "DataLoader(Numbers(), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(7))",
    "weighted": "DataLoader(Numbers(), batch_size=4, sampler=torch.utils.data.SubsetRandomSampler(range(96)))",
    "stream": "DataLoader(Stream(), batch_size=4)",
}


def seen(path: Path, workers: int) -> dict[int, Counter[int]]:
    """How often each sample was trained on, by epoch."""
    found: dict[int, Counter[int]] = {}
    for rank in range(workers):
        for line in Path(f"{path}-{rank}").read_text().splitlines():
            epoch, *samples = map(int, line.split())
            found.setdefault(epoch, Counter()).update(samples)
    return found


def at_step(job: Job, step: int) -> bool:
    return any(event.get("step", 0) >= step for event in job.events()[0]) or job.finished


@pytest.mark.parametrize(
    ("loader", "workers", "trainer"),
    [
        ("shuffled", 1, ""),
        ("shuffled", 2, ""),
        ("prefetched", 2, ""),
        ("own generator", 1, ""),
        ("weighted", 2, ""),
        ("stream", 1, ""),
        ("shuffled", 1, "accumulate_grad_batches=5"),
    ],
)
def test_stop_in_mid_epoch_and_resume_train_on_every_sample_once_an_epoch(
    local: Compute, tmp_path: Path, until: Callable[..., Any], loader: str, workers: int, trainer: str
) -> None:
    path, pause = tmp_path / "seen", 0.05 * workers
    cell = f"{SEEN}\npl.Trainer(max_epochs=5, {trainer}).fit(Seen({str(path)!r}, {pause}), {LOADERS[loader]})"
    steps = SAMPLES // BATCH // workers // (5 if trainer else 1)
    first = local.run_cell(cell, {}, workers=workers)
    until(lambda: at_step(first, steps + steps // 3))  # somewhere in the second epoch
    first.stop()
    assert first.wait(timeout=WITHIN).status == "stopped", first.error
    assert first.record()["epoch"] < 4
    again = local.run_cell(cell, {}, workers=workers, resume=first.id).wait(timeout=WITHIN)
    assert again.error is None
    assert seen(path, workers) == {epoch: Counter(range(SAMPLES)) for epoch in range(5)}


def test_resumed_run_ends_with_the_weights_of_a_run_that_was_never_stopped(
    local: Compute, tmp_path: Path, until: Callable[..., Any]
) -> None:
    from safetensors.torch import load_file

    def cell(name: str) -> str:
        return f"{SEEN}\npl.Trainer(max_epochs=3).fit(Seen({str(tmp_path / name)!r}), {LOADERS['shuffled']})"

    whole = local.run_cell(cell("whole"), {}, seed=5).wait(timeout=WITHIN)
    first = local.run_cell(cell("parts"), {}, seed=5)
    until(lambda: at_step(first, 15))
    first.stop()
    first.wait(timeout=WITHIN)
    again = local.run_cell(cell("parts"), {}, resume=first.id).wait(timeout=WITHIN)
    assert whole.weights is not None
    assert again.weights is not None
    one, other = load_file(whole.weights), load_file(again.weights)
    assert all(bool((one[name] == other[name]).all()) for name in one)
    with pytest.raises(JobError, match="a resumed run keeps its order"):
        local.run_cell(cell("parts"), {}, resume=first.id, seed=6)


@pytest.mark.parametrize("at", [23, 24, 25])
def test_run_that_ended_by_max_steps_goes_on_where_it_was(local: Compute, tmp_path: Path, at: int) -> None:
    path = tmp_path / "seen"
    cell = "{}\npl.Trainer(max_steps={}).fit(Seen({!r}, 0), {})"
    first = local.run_cell(cell.format(SEEN, at, str(path), LOADERS["shuffled"]), {}, workers=1).wait(timeout=WITHIN)
    again = local.run_cell(cell.format(SEEN, 72, str(path), LOADERS["shuffled"]), {}, workers=1, resume=first.id).wait(
        timeout=WITHIN
    )
    assert again.error is None
    assert seen(path, 1) == {epoch: Counter(range(SAMPLES)) for epoch in range(3)}


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_resume_with_another_number_of_workers_covers_the_rest_of_the_epoch(
    local: Compute, tmp_path: Path, until: Callable[..., Any], before: int, after: int
) -> None:
    path = tmp_path / "seen"
    cell = f"{SEEN}\npl.Trainer(max_epochs=2).fit(Seen({str(path)!r}, 0.2), {LOADERS['shuffled']})"
    first = local.run_cell(cell, {}, workers=before)
    until(lambda: at_step(first, 4))
    first.stop()
    first.wait(timeout=WITHIN)
    again = local.run_cell(cell, {}, workers=after, resume=first.id).wait(timeout=WITHIN)
    assert again.error is None
    found, whole = seen(path, 2), Counter(range(SAMPLES))
    assert found[1] == whole
    assert not whole - found[0]
    # One worker may have stopped after a number of batches that two cannot share: then one batch comes again.
    assert (found[0] - whole).total() in ((0,) if after == 1 else (0, BATCH))


def test_truncated_checkpoint_is_noticed_and_the_one_before_is_used(local: Compute, tmp_path: Path) -> None:
    cell = f"{SEEN}\npl.Trainer(max_epochs=2).fit(Seen({str(tmp_path / 'seen')!r}, 0.04), {LOADERS['shuffled']})"
    job = local.run_cell(cell, {}, workers=1, segments=1).wait(timeout=WITHIN)  # which has every epoch leave one
    entries = json.loads((job.folder / "checkpoints" / "checkpoints.json").read_text())
    assert [entry["step"] for entry in entries] == [48, 24]
    newest = job.folder / "checkpoints" / entries[0]["file"]
    newest.write_bytes(newest.read_bytes()[:-1000] + bytes(1000))  # the same size, other content
    again = local.run_cell(cell, {}, workers=1, resume=job.id).wait(timeout=WITHIN)
    assert again.error is None
    assert len([event for event in again.events()[0] if event["kind"] == "progress"])
    assert seen(tmp_path / "seen", 1)[1] == Counter(dict.fromkeys(range(SAMPLES), 2))
    older = job.folder / "checkpoints" / entries[1]["file"]
    os.truncate(older, 100)
    with pytest.raises(JobError, match="no checkpoint that is not damaged"):
        local.run_cell(cell, {}, workers=1, resume=job.id)


@pytest.mark.ray
@pytest.mark.parametrize("backend", ["local", "gang"])
def test_killed_worker_is_replaced_and_training_goes_on_from_the_last_checkpoint(
    compute: Compute, tmp_path: Path, until: Callable[..., Any], backend: str
) -> None:
    path = tmp_path / "seen"
    cell = f"{SEEN}\npl.Trainer(max_epochs=60).fit(Seen({str(path)!r}, 0.02), {LOADERS['shuffled']})"
    job = compute.run_cell(cell, {}, backend=backend)
    until(lambda: job.record().get("checkpoint_step") or job.finished)
    until(lambda: at_step(job, job.record()["checkpoint_step"] + 20))
    os.kill(job.record()["processes"][1], signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: job.finished or job.record().get("restarts", [{}])[-1].get("seconds"))
    print(f"{backend}: killed worker to first resumed step {time.monotonic() - killed:.1f} s")
    job.stop()
    assert job.wait(timeout=WITHIN).status == "stopped", job.error
    (restart,) = job.record()["restarts"]
    assert "worker 2 of 2 was killed (signal 9)" in restart["why"]
    assert any("going on from step" in event.get("message", "") for event in job.events()[0])


def test_job_whose_workers_keep_dying_is_lost_with_its_checkpoint(
    local: Compute, until: Callable[..., Any], cells: SimpleNamespace
) -> None:
    cell = (
        cells.data
        + cells.model
        + "\nimport os\nclass Dies(Digits):\n    def on_train_batch_end(self, *_):\n"
        + (
            "        if self.global_step % 50 == 49 and self.global_rank == 1:\n            os.kill(os.getpid(), 9)\n"
            "pl.Trainer(max_epochs=9).fit(Dies(), training)"
        )
    )
    job = local.run_cell(cell, {}, restarts=1).wait(timeout=WITHIN)
    assert job.status == "lost"
    assert len(job.record()["restarts"]) == 1
    assert job.error is not None
    assert f"--resume {job.id}" in job.error


def test_job_goes_on_when_the_machine_that_watches_was_asleep(
    local: Compute, until: Callable[..., Any], cells: SimpleNamespace
) -> None:
    job = local.run_cell(cells.data + cells.model + cells.endless, {}, workers=1)
    until(lambda: at_step(job, 1))
    status = local.status()
    assert status is not None
    os.kill(status["pid"], signal.SIGSTOP)
    time.sleep(8)  # longer than any answer to an order is waited for
    os.kill(status["pid"], signal.SIGCONT)
    step = max(event.get("step", 0) for event in job.events()[0])
    until(lambda: at_step(job, step + 100))
    job.stop()
    assert job.wait(timeout=WITHIN).status == "stopped", job.error
    assert "restarts" not in job.record()

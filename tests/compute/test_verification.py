"""A segment of a run is computed again: honest ones agree to the last bit, altered ones are caught and named."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sahara_lab.compute import Compute, Job
from sahara_lab.compute.checkpoints import file_hash
from sahara_lab.compute.record import JobFolder
from sahara_lab.compute.verification import Edge, Tolerance, choose, edges, segments_of
from sahara_lab.compute.verification.comparing import compare
from sahara_lab.compute.verification.segments import edges_of_runs, thinned
from sahara_lab.errors import IntegrityError, JobError

WITHIN = 240.0
CELL = """
import random, time
import numpy as np, pytorch_lightning as pl, torch
from torch.utils.data import DataLoader, TensorDataset

class Noisy(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Dropout(0.3), torch.nn.Linear(32, 1))
    def training_step(self, batch, index):
        time.sleep(PAUSE)
        noise = random.random() + float(np.random.rand())
        loss = (self.net(batch[0]) - noise * batch[1]).square().mean()
        self.log("loss", loss)
        return loss
    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), 1e-2)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]

inputs = torch.randn(128, 8)
data = DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=8, shuffle=True)
pl.Trainer(TRAINER).fit(Noisy(), data)
"""


def cell(trainer: str = "max_epochs=4", pause: float = 0.05) -> str:
    return CELL.replace("TRAINER", trainer).replace("PAUSE", str(pause))


@pytest.fixture(scope="module")
def trained(local: Compute) -> Job:
    """One worker, four epochs of 16 steps, whose data, dropout and noise are all random."""
    job = local.run_cell(cell(), {}, workers=1, segments=8).wait(timeout=WITHIN)
    assert job.status == "done", job.error
    return job


@pytest.fixture
def altered(trained: Job) -> Any:
    """Lets a test alter the job's files, and puts back what was there."""
    kept = {path: path.read_bytes() for path in trained.folder.rglob("*") if path.is_file()}
    yield trained
    for path, content in kept.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def rewrite(job: Job, edge: Edge, change: Callable[[dict[str, Any]], None]) -> None:
    """What a provider that lies does: another checkpoint, with a manifest that names it."""
    path = job.folder / "segments" / edge.file
    content = torch.load(path, weights_only=False)
    change(content)
    path.unlink()
    torch.save(content, path)
    resign(job, edge, replace(edge, sha256=file_hash(path), size=path.stat().st_size))


def resign(job: Job, edge: Edge, lie: Edge) -> None:
    folder = JobFolder(job.folder)
    manifest = json.loads(folder.manifest.read_text())
    manifest["segments"] = [vars(lie) if one["file"] == edge.file else one for one in manifest["segments"]]
    folder.manifest.write_text(json.dumps(manifest))
    folder.write({**folder.read(), "manifest_sha256": file_hash(folder.manifest)})


def test_every_segment_is_the_same_to_the_last_bit(local: Compute, trained: Job) -> None:
    kept = edges(trained.folder)
    assert kept[0].step == 16
    assert kept[-1].step == 64
    before = {job.id for job in local.jobs()}
    for number in range(1, len(kept) + 1):
        verdict = local.verify(trained, segment=number)
        assert (verdict.outcome, verdict.exact, verdict.attestation) == ("same", True, "recomputed"), str(verdict)
    last = f"segment {len(kept)} of {len(kept)} (step {kept[-2].step} to 64)"
    assert str(verdict) == f"job {trained.id}: {last} recomputed: the same to the last bit"
    assert {job.id for job in local.jobs()} == before


def test_a_run_that_was_ended_before_its_time_is_caught(local: Compute, altered: Job) -> None:
    """Whoever stops after half of the epochs has honest checkpoints, of a run that is not the one asked for."""
    folder, half = JobFolder(altered.folder), edges(altered.folder)[1]
    manifest = json.loads(folder.manifest.read_text())
    manifest["segments"] = manifest["segments"][:2]
    folder.manifest.write_text(json.dumps(manifest))
    folder.write({**folder.read(), "manifest_sha256": file_hash(folder.manifest)})
    content = torch.load(altered.folder / "segments" / half.file, weights_only=False)
    save_file(content["state_dict"], folder.weights)
    for seed in ("a", "b", "c"):  # whichever is drawn: an early end has the last segment looked at
        verdict = local.verify(altered, seed=seed)
        assert (verdict.outcome, verdict.segment) == ("different", 2)
        assert f"which was at step {half.step + 1} where the manifest says {half.step}" in str(verdict)


def test_early_stopping_of_the_cells_own_is_no_early_end(local: Compute) -> None:
    stopping = "callbacks=[pl.callbacks.EarlyStopping('loss', patience=1, min_delta=1e9)], max_epochs=9"
    job = local.run_cell(cell(stopping), {}, workers=1, segments=8).wait(timeout=WITHIN)
    assert (job.status, job.record()["step"]) == ("done", 32)
    for seed in ("a", "b", "c"):
        verdict = local.verify(job, seed=seed)
        assert verdict.outcome == "same", str(verdict)


@pytest.mark.parametrize("pause", [0.05, 0.15])  # the longer run is saved in the middle of an epoch, too
def test_a_schedule_that_waits_for_a_plateau_is_the_same_too(local: Compute, pause: float) -> None:
    schedule = """{"optimizer": optimizer, "lr_scheduler": {"monitor": "loss", "scheduler":
            torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=1e9)}}"""
    plain = "[optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]"
    job = local.run_cell(cell(pause=pause).replace(plain, schedule), {}, workers=1, segments=8).wait(timeout=WITHIN)
    assert job.status == "done", job.error
    kept = edges(job.folder)
    assert pause < 0.1 or any(edge.where == "batch" for edge in kept), kept
    for number in range(2, len(kept) + 1):
        verdict = local.verify(job, segment=number)
        assert verdict.outcome == "same", str(verdict)


def test_two_workers_are_the_same_to_the_last_bit_too(local: Compute) -> None:
    job = local.run_cell(cell(pause=0.1), {}, workers=2, segments=8).wait(timeout=WITHIN)
    assert job.status == "done", job.error
    assert local.verify(job, segment=2).outcome == "same"


def test_a_segment_that_ends_in_mid_epoch_can_be_computed_again(local: Compute) -> None:
    job = local.run_cell(cell("max_steps=24"), {}, workers=1, segments=4).wait(timeout=WITHIN)
    assert [(edge.step, edge.where) for edge in edges(job.folder)] == [(16, "epoch"), (24, "batch")]
    assert local.verify(job, segment=2).outcome == "same"


def test_a_run_that_was_interrupted_is_verified_over_both_parts(local: Compute, until: Callable[..., Any]) -> None:
    first = local.run_cell(cell("max_epochs=5", 0.08), {}, workers=1, segments=8)
    until(lambda: first.record().get("step", 0) >= 24 or first.finished)
    first.stop()
    assert first.wait(timeout=WITHIN).status == "stopped"
    again = local.run_cell(cell("max_epochs=5", 0.08), {}, workers=1, segments=8, resume=first.id).wait(timeout=WITHIN)
    assert again.status == "done", again.error
    assert local.verify(first, segment=2).outcome == "same"  # up to where it was stopped
    assert local.verify(again, segment=1).outcome == "same"  # from its own first checkpoint on
    kept = [edge.step for _, edge in edges_of_runs([first.folder, again.folder])]
    assert kept == sorted(set(kept))
    assert {kept[0], kept[-1]} == {16, 80}


def test_weights_altered_at_an_edge_are_caught_and_named(local: Compute, altered: Job) -> None:
    def move(content: dict[str, Any]) -> None:
        content["state_dict"]["net.0.weight"][0, 0] += 1e-7

    kept = edges(altered.folder)
    rewrite(altered, kept[1], move)
    verdict = local.verify(altered, segment=2)
    assert verdict.outcome == "different"
    assert not verdict.ok
    assert verdict.attestation == "none"
    assert f"(step {kept[0].step} to {kept[1].step}) is WRONG: state_dict.net.0.weight is off by" in str(verdict)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda it: it["optimizer_states"][0]["state"][0]["exp_avg"].mul_(2), "optimizer_states.0.state.0.exp_avg"),
        (lambda it: it["lr_schedulers"][0].update(last_epoch=9), "lr_schedulers.0.last_epoch"),
        (lambda it: it.update(global_step=63), "global_step"),
        (lambda it: it["state_dict"].pop("net.2.bias"), "state_dict"),
    ],
)
def test_whatever_decides_how_training_goes_on_is_compared(
    local: Compute, altered: Job, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    rewrite(altered, edges(altered.folder)[1], change)
    verdict = local.verify(altered, segment=2)
    assert verdict.outcome == "different"
    assert verdict.difference.where.partition(",")[0] == named


def test_other_weights_than_the_last_checkpoints_have_the_last_segment_looked_at(local: Compute, altered: Job) -> None:
    assert altered.weights is not None
    save_file({name: 1.01 * value for name, value in load_file(str(altered.weights)).items()}, str(altered.weights))
    for seed in ("a", "b"):
        verdict = local.verify(altered, seed=seed)
        assert (verdict.segment, verdict.outcome) == (verdict.of, "different")
        assert verdict.difference.where.startswith("weights.net.")


def test_a_truncated_checkpoint_and_an_altered_manifest_are_refused(local: Compute, altered: Job) -> None:
    edge = edges(altered.folder)[1]
    path = altered.folder / "segments" / edge.file
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-100])
    with pytest.raises(
        IntegrityError, match=f"of step {edge.step} has {len(content) - 100} of its {len(content)} bytes"
    ):
        local.verify(altered, segment=2)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=f"of step {edge.step} is not the one that the manifest names"):
        local.verify(altered, segment=3)
    assert altered.manifest is not None
    altered.manifest.write_text(altered.manifest.read_text().replace('"step":64', '"step":65'))
    with pytest.raises(IntegrityError, match="is not the one that was written when it ended"):
        local.verify(altered)


def test_elsewhere_than_on_the_same_hardware_a_tolerance_decides(local: Compute, altered: Job) -> None:
    def elsewhere() -> None:
        folder = JobFolder(altered.folder)
        manifest = json.loads(folder.manifest.read_text())
        manifest["pins"]["device"] = "another processor"
        folder.manifest.write_text(json.dumps(manifest))
        folder.write({**folder.read(), "manifest_sha256": file_hash(folder.manifest)})

    edge = edges(altered.folder)[1]
    rewrite(altered, edge, lambda it: it["state_dict"]["net.0.weight"].add_(1e-7))
    elsewhere()
    verdict = local.verify(altered, segment=2)
    assert (verdict.outcome, verdict.exact, verdict.ok) == ("within", False, True)
    assert "(another device): state_dict.net.0.weight is off by" in str(verdict)
    assert local.verify(altered, segment=2, tolerance=Tolerance(0, 1e-9)).outcome == "different"
    wide = local.verify(altered, segment=2, tolerance=Tolerance(1, 1))
    assert (wide.outcome, wide.attestation) == ("undecided", "none")
    assert "the tolerance is as wide as all that was learned" in str(wide)


def test_the_seed_chooses_the_segment_and_is_told(local: Compute, trained: Job) -> None:
    verdict = local.verify(trained)
    found = segments_of(edges(trained.folder))
    assert choose(found, trained.id, verdict.seed).number == verdict.segment
    assert {choose(found, trained.id, str(seed)).number for seed in range(99)} == {one.number for one in found}
    assert len({choose(found, f"job-{n}", "one seed").number for n in range(99)}) == len(found)
    uneven = segments_of(replace(found[0].end, step=step) for step in (90, 91, 92, 93))
    assert [choose(uneven, "job", str(n)).number for n in range(200)].count(1) > 180  # by steps, not by segments


def test_jobs_without_segments_and_segments_that_are_not_there_are_named(local: Compute, trained: Job) -> None:
    with pytest.raises(JobError, match="has no segment 9"):
        local.verify(trained, segment=9)
    plain = local.run_cell(cell("max_epochs=1", 0), {}, workers=1).wait(timeout=WITHIN)
    with pytest.raises(JobError, match="kept no checkpoints to verify between"):
        local.verify(plain)
    with pytest.raises(JobError, match="0 segments are not possible"):
        local.run_cell(cell(), {}, segments=0)


def test_edges_that_are_kept_stay_spread_over_the_run() -> None:
    kept: list[Edge] = []
    for step in range(1, 101):
        kept = thinned([*kept, Edge(f"{step}", "0" * 64, 1, step, 0, "batch")], 8)
    spans = [
        after - before for before, after in zip([0, *(e.step for e in kept)], (e.step for e in kept), strict=False)
    ]
    assert kept[-1].step == 100
    assert len(kept) == 8
    assert max(spans) <= 4 * 100 // 8


def test_differences_are_found_in_anything_nested() -> None:
    value = {"a": [torch.ones(2), 1, "x"], "b": (1.0, None)}
    assert compare(value, {"a": [torch.ones(2), 1, "x"], "b": (1.0, None)}, Tolerance()).same
    for other, where in (
        ({"a": [torch.tensor([1.0, float("nan")]), 1, "x"], "b": (1.0, None)}, "a.0"),
        ({"a": [torch.ones(3), 1, "x"], "b": (1.0, None)}, "a.0"),
        ({"a": [torch.ones(2).double(), 1, "x"], "b": (1.0, None)}, "a.0"),
        ({"a": [torch.ones(2), 2, "x"], "b": (1.0, None)}, "a.1"),
        ({"a": [torch.ones(2), 1, "x"], "b": (1.0, 0)}, "b.1"),
        ({"a": [torch.ones(2), 1], "b": (1.0, None)}, "a"),
    ):
        found = compare(other, value, Tolerance(1, 1))
        assert (found.within, found.where) == (False, where)


def test_random_numbers_go_on_as_they_would_have(tmp_path: Path) -> None:
    import numpy as np

    from sahara_lab.compute.verification import randomness

    def draw() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    kept = randomness.state()
    first = draw()
    draw()
    randomness.restore(kept)
    assert draw() == first

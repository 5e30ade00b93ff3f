"""Cells on two real workers. They share one Ray (see conftest) and run one after another."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute, Job, progress_html, progress_of
from sahara_lab.errors import JobError

pytestmark = pytest.mark.ray
WITHIN = 240.0


def has_trained(job: Job, steps: int = 20) -> bool:
    return (job.record().get("step") or 0) >= steps or job.finished


def test_cell_trains_on_two_workers_and_its_results_come_back(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = (
        cells.data
        + cells.model
        + """
model = Digits(width=96)
trainer = pl.Trainer(max_epochs=epochs)
trainer.fit(model, training, held_out)
score = trainer.validate(model, held_out, verbose=False)[0]
ranks = torch.distributed.get_world_size()
print("trained on", ranks, "ranks")
"""
    )
    job = compute.run_cell(cell, {"epochs": 6, "unused": object()}, name="digits", inputs=["alice/digits"])
    seen: list[dict[str, Any]] = []
    job.wait(seen.append, timeout=WITHIN)

    assert (job.status, job.error) == ("done", None)
    assert job.metrics["val_acc"] > 0.85
    assert job.values["ranks"] == 2
    assert job.values["score"]["val_acc"] == pytest.approx(job.metrics["val_acc"])
    assert [entry["val_acc"] for entry in job.history if "val_acc" in entry][-1] == job.metrics["val_acc"]
    assert [(item["name"], item["type"]) for item in job.captured] == [("epochs", "int")]
    assert [event["text"] for event in seen if event["kind"] == "log"] == ["trained on 2 ranks"]
    assert {event["kind"] for event in seen} >= {"status", "progress", "metrics", "checkpoint", "log"}
    assert job.inputs == ["alice/digits"]
    assert job.checkpoint is not None
    assert compute.job("digits").id == job.id
    assert "val_acc" in progress_html(progress_of(job.events()[0], job.record()))

    variables = notebook(cells.data)
    assert set(job.bring_back(variables)) == {"model", "ranks", "score"}
    model = variables["model"]
    assert model.hparams["width"] == 96
    images, labels = variables["images"][1400:], variables["labels"][1400:]
    accuracy = float((model(images).argmax(1) == labels).float().mean())
    assert accuracy == pytest.approx(job.metrics["val_acc"], abs=0.02)


def test_run_manifest_holds_hashes_of_code_and_outputs_and_is_canonical(compute: Compute) -> None:
    import hashlib

    from sahara_lab.signing import canonical_json

    job = compute.job("digits")
    assert job.manifest is not None
    assert job.weights is not None
    content = job.manifest.read_bytes()
    manifest = json.loads(content)
    assert canonical_json(manifest) == content
    assert manifest["inputs"] == ["alice/digits"]
    assert manifest["code"]["sha256"] == hashlib.sha256(job.source.encode()).hexdigest()
    assert manifest["outputs"]["model.safetensors"]["sha256"] == hashlib.sha256(job.weights.read_bytes()).hexdigest()
    assert manifest["parameters"]["hyperparameters"] == {"width": 96}
    assert manifest["environment"]["torch"]
    assert job.record()["manifest_sha256"] == hashlib.sha256(content).hexdigest()


def test_model_of_an_earlier_cell_gets_its_weights_in_place(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    variables = notebook(cells.data, cells.model, "model = Digits()")
    model, before = variables["model"], variables["model"].net[0].weight.clone()
    job = compute.run_cell("pl.Trainer(max_epochs=1).fit(model, training)", variables).wait(timeout=WITHIN)
    assert job.error is None
    assert {item["name"] for item in job.captured} == {"model", "pl", "training"}
    assert job.bring_back(variables) == ["model"]
    assert variables["model"] is model
    assert not (model.net[0].weight == before).all()


def test_every_run_is_a_fresh_process_in_the_callers_folder(
    compute: Compute, notebook: Callable[..., dict[str, Any]], elsewhere: Path, cells: SimpleNamespace
) -> None:
    (elsewhere / "width.txt").write_text("24")
    (elsewhere / "helper_of_cell.py").write_text("def double(n):\n    return 2 * n\n")
    variables = notebook(cells.data, cells.model)
    cell = """
import os, sys
leftover = getattr(sys, "sahara_leftover", "none")
sys.sahara_leftover = "here"
from helper_of_cell import double
width = double(int(open("width.txt").read()))
process = os.getpid()
pl.Trainer(max_steps=2).fit(Digits(width), training)
"""
    jobs = [compute.run_cell(cell, variables, cwd=elsewhere, workers=1) for _ in range(2)]
    for job in jobs:
        assert job.wait(timeout=WITHIN).error is None
        assert job.values["leftover"] == "none"
        assert job.values["width"] == 48
    assert jobs[0].values["process"] != jobs[1].values["process"]
    assert {path.name for path in elsewhere.iterdir()} <= {"__pycache__", "helper_of_cell.py", "width.txt"}


def test_cell_that_never_calls_fit_is_told_so(compute: Compute) -> None:
    job = compute.run_cell("x = 1 + 1", {}).wait(timeout=WITHIN)
    assert job.status == "failed"
    with pytest.raises(JobError, match=r"never called Trainer\.fit") as caught:
        job.result()
    assert "\n" not in str(caught.value)


def test_model_that_raises_on_step_three_fails_with_the_cells_line(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = """
class Broken(Digits):
    def training_step(self, batch, index):
        if self.global_step == 3:
            raise ValueError("labels out of range")
        return super().training_step(batch, index)

pl.Trainer(max_epochs=2).fit(Broken(), training)
"""
    job = compute.run_cell(cell, notebook(cells.data, cells.model)).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert job.error == (
        'ValueError: labels out of range (line 5 of the cell: raise ValueError("labels out of range"))'
    )
    assert job.record()["error"]["line"] == 5
    assert job.traceback is not None
    assert "site-packages" not in job.traceback


def test_error_in_an_earlier_cell_quotes_that_cell_and_keeps_the_checkpoint(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    late = """
class Late(Digits):
    def on_train_epoch_start(self):
        if self.current_epoch == 1:
            self.missing_layer
"""
    variables = notebook(cells.data, cells.model, late)
    job = compute.run_cell("pl.Trainer(max_epochs=2).fit(Late(), training)", variables).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert job.error is not None
    assert "self.missing_layer" in job.error
    assert job.checkpoint is not None


def test_stop_ends_all_ranks_at_one_step_and_resume_goes_on_from_there(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace, until: Callable[..., Any]
) -> None:
    variables = notebook(cells.data, cells.model)
    job = compute.run_cell(cells.endless, variables)
    until(lambda: has_trained(job))
    asked = time.monotonic()
    job.stop()
    job.wait(timeout=WITHIN)
    assert time.monotonic() - asked < 20
    assert (job.status, job.error) == ("stopped", None)
    stopped_at = job.record()["checkpoint_step"]
    assert f"stopped at step {stopped_at}" in job.record()["message"]
    assert job.checkpoint is not None
    assert job.weights is not None

    cell = f"""
class Resumed(Digits):
    def on_train_start(self):
        self.began_at = self.global_step
model = Resumed()
pl.Trainer(max_steps={stopped_at + 4}).fit(model, training)
began_at = model.began_at
"""
    again = compute.run_cell(cell, variables, resume=job.id).wait(timeout=WITHIN)
    assert again.error is None
    assert again.values["began_at"] == stopped_at
    assert again.record()["step"] == stopped_at + 4


def test_job_can_be_stopped_while_it_waits_and_before_it_learns(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace, until: Callable[..., Any]
) -> None:
    slow = compute.run_cell("import time\ntime.sleep(600)", {})
    waiting = compute.run_cell(cells.endless, notebook(cells.data, cells.model))
    until(lambda: waiting.record()["message"].startswith("waiting for another job"))
    waiting.stop()
    until(lambda: slow.record()["message"] == "running the cell")
    slow.stop()
    for job in (slow, waiting):
        assert job.wait(timeout=WITHIN).status == "stopped"
        assert job.checkpoint is None
        assert job.error is None


@pytest.mark.parametrize("victim", ["process", "actor"])
def test_killed_worker_is_noticed_and_the_next_cell_runs(
    compute: Compute,
    notebook: Callable[..., dict[str, Any]],
    victim: str,
    cells: SimpleNamespace,
    until: Callable[..., Any],
) -> None:
    variables = notebook(cells.data, cells.model)
    cell = cells.endless if victim == "process" else f"class Parent: pass\n{cells.endless}"
    job = compute.run_cell(cell, variables, restarts=0)
    until(lambda: has_trained(job))
    process = job.record()["processes"][1]
    actors = [int(pid) for pid in _actors(compute)]
    os.kill(process if victim == "process" else actors[1], signal.SIGKILL)
    killed = time.monotonic()
    job.wait(timeout=WITHIN)
    assert time.monotonic() - killed < 6
    assert job.status == "lost"
    assert job.error is not None
    assert job.error.startswith("worker ")
    assert f"--resume {job.id}" in job.error
    until(lambda: not any(_exists(pid) for pid in [process]))
    after = compute.run_cell("pl.Trainer(max_steps=1).fit(Digits(), training)", variables).wait(timeout=WITHIN)
    assert after.error is None


def _actors(compute: Compute) -> list[str]:
    status = compute.status()
    assert status is not None
    return [str(pid) for pid in status["actors"]]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_secret_of_the_setup_hook_reaches_the_workers_and_no_file(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    secret = "s3cr3t-" + os.urandom(12).hex()

    def setup() -> None:
        import builtins

        builtins.sahara_session = secret  # type: ignore[attr-defined]

    def collect() -> dict[str, Any]:
        import builtins

        return {"length": len(builtins.sahara_session)}  # type: ignore[attr-defined]

    job = compute.run_cell(
        "assert len(sahara_session) > 8\npl.Trainer(max_steps=1).fit(Digits(), training)",
        notebook(cells.data, cells.model),
        setup=setup,
        collect=collect,
    ).wait(timeout=WITHIN)
    assert job.error is None
    assert job.collected == [{"length": len(secret)}] * 2
    assert secret not in json.dumps(job.record()) + repr(job)
    status = compute.status()
    assert status is not None
    folders = [compute.jobs_dir, Path(status["home"])]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any("session" in str(path) for path in files)
    for path in files:
        assert secret.encode() not in path.read_bytes(), path


def test_trainer_that_asks_for_other_devices_is_told_what_to_do(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    job = compute.run_cell("pl.Trainer(devices=1).fit(Digits(), training)", notebook(cells.data, cells.model)).wait(
        timeout=WITHIN
    )
    assert job.status == "failed"
    assert job.error is not None
    assert "Leave `devices`" in job.error


def test_train_takes_a_model_and_data_without_a_cell(
    compute: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    variables = notebook(cells.data, cells.model)
    job = compute.train(
        variables["Digits"](), (variables["training"], variables["held_out"]), {"max_epochs": 1}, workers=2
    )
    metrics = job.result(timeout=WITHIN)
    assert math.isfinite(metrics["val_acc"])
    fresh = job.load_into(variables["Digits"]())
    assert type(fresh).__name__ == "Digits"
    with pytest.raises(JobError, match="do not fit this Digits"):
        job.load_into(variables["Digits"](width=8))

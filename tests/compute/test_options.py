"""Options of a job: what they fill in, what they refuse, and what a cell that says otherwise is told."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute, Options
from sahara_lab.errors import JobError

WITHIN = 240.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workers": 0}, "0 workers are not possible. Give --workers between 1 and 64"),
        ({"workers": 4, "gpus": 2}, "Give --workers 8 --gpus 1"),
        ({"gpus": 1, "accelerator": "cpu"}, "does not train on the CPU"),
        ({"strategy": "ring"}, "'ring' is no strategy. Give --strategy one of: auto, ddp, fsdp"),
        ({"precision": "8"}, "'8' is no precision"),
        ({"epochs": 0}, "0 epochs are not possible"),
        ({"cpus": -1}, "Give --cpus a positive number"),
        ({"seed": -1}, "-1 is no seed"),
        ({"restarts": -1}, "-1 restarts are not possible"),
        ({"backend": "cloud"}, "'cloud' is no backend. Give --backend one of: gang, local"),
        ({"nodes": 2}, "training has no option 'nodes'"),
    ],
)
def test_option_that_is_not_possible_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(JobError) as caught:
        Options.of(given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_fill_in_what_the_trainer_leaves_out(
    local: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = "trainer = pl.Trainer()\ntrainer.fit(Digits(), training)\nprecision = trainer.precision"
    variables = notebook(cells.data, cells.model)
    job = local.run_cell(cell, variables, epochs=2, precision="bf16", workers=1, seed=3).wait(timeout=WITHIN)
    assert job.error is None
    assert job.record()["trainer"]["max_epochs"] == 2
    assert job.values["precision"] == "bf16-mixed"
    again = local.run_cell(cell, variables, epochs=2, precision="bf16", workers=1, seed=3).wait(timeout=WITHIN)
    assert again.weights is not None
    assert job.weights is not None
    assert again.weights.read_bytes() == job.weights.read_bytes()


def test_option_that_contradicts_the_cell_fails_before_the_first_step(
    local: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = "pl.Trainer(max_epochs=2).fit(Digits(), training)"
    job = local.run_cell(cell, notebook(cells.data, cells.model), epochs=3, workers=1).wait(timeout=WITHIN)
    assert job.error == ("the option --epochs says 3, the cell's Trainer has max_epochs=2: leave one of the two out")
    assert job.record().get("step") is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gpus": 1}, "the job asks for 1 GPU, this machine has 0. Leave out --gpus"),
        ({"strategy": "fsdp"}, "fsdp shards a model over GPUs"),
    ],
)
def test_what_this_machine_lacks_is_said(
    local: Compute,
    notebook: Callable[..., dict[str, Any]],
    cells: SimpleNamespace,
    options: dict[str, Any],
    said: str,
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    cell = "pl.Trainer(max_epochs=1).fit(Digits(), training)"
    job = local.run_cell(cell, notebook(cells.data, cells.model), workers=1, **options).wait(timeout=WITHIN)
    assert said in (job.error or "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise MemoryError('no room')", "Take a smaller batch or model"),
        ("import no_such_package_here", "Install it in the Python environment of the workers"),
    ],
)
def test_failure_says_what_to_do(local: Compute, line: str, said: str) -> None:
    job = local.run_cell(line, {}, workers=1).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert said in (job.error or "")
    assert "line 1 of the cell" in (job.error or "")


def test_model_that_turns_into_nan_fails_and_keeps_the_checkpoint_of_before(
    local: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = """
import time
class Explodes(Digits):
    def training_step(self, batch, index):
        loss = super().training_step(batch, index)
        return loss * float("nan") if self.current_epoch == 2 else loss
    def on_train_epoch_end(self):
        time.sleep(5.1)  # so that the first epoch leaves a checkpoint
pl.Trainer(max_epochs=3).fit(Explodes(), training)
"""
    job = local.run_cell(cell, notebook(cells.data, cells.model), workers=1).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert "is not a finite number any more at step" in (job.error or "")
    assert 0 < job.record()["checkpoint_step"] <= 88
    assert job.checkpoint is not None


def test_weights_of_the_best_epoch_are_kept_beside_the_last(
    local: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    from safetensors.torch import load_file

    cell = """
class Measured(Digits):
    def validation_step(self, batch, index):
        self.log("val_loss", {0: 3.0, 1: 1.0, 2: 2.0}[self.current_epoch] + 0.0 * self(batch[0]).mean())
pl.Trainer(max_epochs=3).fit(Measured(), training, held_out)
"""
    job = local.run_cell(cell, notebook(cells.data, cells.model), workers=1).wait(timeout=WITHIN)
    assert job.error is None
    assert job.record()["best"]["epoch"] == 1
    assert job.best is not None
    assert job.weights is not None
    best, last = load_file(job.best), load_file(job.weights)
    assert set(best) == set(last)
    assert any(not bool((best[name] == last[name]).all()) for name in best)

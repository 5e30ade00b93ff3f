"""``%%sahara train`` in a real kernel: progress in one place, stopping, failing, quiet runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.network, pytest.mark.ray]

NET = """
import time
import torch, pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset

class Net(pl.LightningModule):
    def __init__(self, fail_at=None):
        super().__init__()
        self.layer, self.fail_at = torch.nn.Linear(2, 1), fail_at
    def training_step(self, batch, index):
        if index == self.fail_at:
            raise ValueError("no water at step 3")
        time.sleep(0.02)
        loss = self.layer(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

data = DataLoader(TensorDataset(torch.randn(64, 2)), batch_size=4)
%load_ext sahara_lab
"""


class Kernel:
    """A kernel, and what its cells put out."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(
        self, cell: str, on_output: Callable[[str], None] | None = None
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        outputs: list[dict[str, Any]] = []

        def keep(message: dict[str, Any]) -> None:
            outputs.append(message)
            if on_output is not None:
                on_output(str(message["content"]))

        reply = self.client.execute_interactive(cell, output_hook=keep, timeout=180)
        return outputs, reply["content"]


@pytest.fixture(scope="module")
def kernel(network: object) -> Iterator[Kernel]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    started = Kernel(manager, client)
    started.run(NET)
    yield started
    started.run("import sahara_lab; sahara_lab.connect().compute.shutdown()")
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def text(outputs: list[dict[str, Any]]) -> str:
    return "".join(str(message["content"].get("text", "")) for message in outputs)


def test_progress_is_one_display_that_changes_in_place(kernel: Kernel) -> None:
    outputs, reply = kernel.run(
        "%%sahara train --workers 1 --name line --as line\npl.Trainer(max_epochs=4).fit(Net(), data)"
    )
    assert reply["status"] == "ok", reply
    kinds = [message["msg_type"] for message in outputs]
    assert kinds.count("display_data") == 1
    assert "update_display_data" in kinds
    last = [message for message in outputs if message["msg_type"] == "update_display_data"][-1]["content"]["data"]
    assert "done" in last["text/plain"]
    assert "train_loss" in last["text/html"]
    assert "done" in text(kernel.run("print(line.status)")[0])


def test_the_first_interrupt_stops_with_a_checkpoint(kernel: Kernel) -> None:
    pressed = threading.Event()

    def press(content: str) -> None:
        if re.search(r"step [1-9]", content) and not pressed.is_set():
            pressed.set()
            kernel.manager.interrupt_kernel()

    outputs, _ = kernel.run("%%sahara train --workers 1\npl.Trainer(max_epochs=500).fit(Net(), data)", press)
    assert "a checkpoint is kept" in text(outputs)
    assert "stopped True" in text(kernel.run("print(job.status, job.checkpoint.exists())")[0])


def test_a_model_that_raises_is_one_line_with_its_reason(kernel: Kernel) -> None:
    outputs, reply = kernel.run("%%sahara train --workers 1\npl.Trainer(max_epochs=1).fit(Net(fail_at=3), data)")
    assert reply["status"] == "error"
    assert reply["ename"] == "JobError"
    assert "no water at step 3" in reply["evalue"]
    error = next(message["content"] for message in outputs if message["msg_type"] == "error")
    assert len(error["traceback"]) == 1


def test_a_detached_job_can_be_attached_to(kernel: Kernel) -> None:
    outputs, _ = kernel.run("%%sahara train --workers 1 --detach --as far\npl.Trainer(max_epochs=2).fit(Net(), data)")
    follow = re.search(r"%sahara attach (\S+)", text(outputs))
    assert follow is not None
    kernel.run(f"%sahara attach {follow[1]} --as near")
    assert f"done {follow[1]}" in text(kernel.run("print(near.status, near.id)")[0])


def test_where_nobody_watches_progress_is_a_line_a_change(kernel: Kernel) -> None:
    kernel.run("import os; os.environ['SAHARA_NONINTERACTIVE'] = '1'")
    outputs, _ = kernel.run("%%sahara train --workers 1 --name quiet\npl.Trainer(max_epochs=4).fit(Net(), data)")
    kernel.run("del os.environ['SAHARA_NONINTERACTIVE']")
    assert "display_data" not in [message["msg_type"] for message in outputs]
    lines = [line for line in text(outputs).splitlines() if line.startswith("quiet")]
    assert 2 <= len(lines) <= 6
    assert "done" in lines[-1]


def test_options_on_the_first_line_fill_what_the_trainer_leaves_out(kernel: Kernel) -> None:
    line = "%%sahara train --workers 1 --epochs 2 --precision bf16 --seed 1 --backend local --as short\n"
    _, reply = kernel.run(line + "pl.Trainer().fit(Net(), data)")
    assert reply["status"] == "ok", reply
    told = text(kernel.run("print(short.record()['trainer'], len(short.history))")[0])
    assert "'max_epochs': 2" in told
    assert "bf16-mixed" in told
    _, reply = kernel.run("%%sahara train --workers 1 --strategy ring\npl.Trainer().fit(Net(), data)")
    assert "Give --strategy one of: auto, ddp, fsdp" in reply["evalue"]


def test_a_quote_says_what_a_run_takes_and_runs_nothing(kernel: Kernel) -> None:
    outputs, reply = kernel.run(
        "%%sahara train --workers 1 --backend local --quote\npl.Trainer(max_epochs=50).fit(Net(), data)"
    )
    assert reply["status"] == "ok", reply
    shown = next(message["content"]["data"]["text/plain"] for message in outputs if "data" in message["content"])
    assert "1 worker on this machine" in shown
    assert "800 steps" in shown
    assert "Result will owe" in shown


def test_a_segment_of_a_finished_job_is_verified_by_a_magic(kernel: Kernel) -> None:
    kernel.run(
        "%%sahara train --workers 1 --backend local --segments 4 --name kept\npl.Trainer(max_epochs=2).fit(Net(), data)"
    )
    outputs, reply = kernel.run("%sahara verify-job kept --segment 2")
    assert reply["status"] == "ok", reply
    assert "(step 16 to 32) recomputed: the same to the last bit" in str(outputs)
    _, reply = kernel.run("%sahara verify-job kept --segment 9")
    assert "has no segment 9" in str(reply)

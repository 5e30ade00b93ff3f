"""From a killed worker, and from a killed node, to the first resumed step, on a Ray cluster of three nodes.

Run with ``python -m benchmarks.cluster_recovery``. The nodes are processes on this machine, one core each; "left" is
one worker where there were two. Prints seconds from the kill to the first step after it. Aim: under 10.
"""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from sahara_lab.compute import Compute, Job
from tests.ray_nodes import Nodes
from tests.waiting import until

RUNS = 3
CELL = """
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())

data = TensorDataset(torch.randn(4096, 64), torch.randint(10, (4096,)))
pl.Trainer(max_epochs=100_000).fit(Net(), DataLoader(data, batch_size=32, shuffle=True))
"""


def _running(compute: Compute) -> Job:
    job = compute.run_cell(CELL, {}, restarts=99)
    until(lambda: job.record().get("checkpoint_step") or job.finished, patience=240)
    return job


def _resumed_after(job: Job, restarts: int, killed: float) -> float:
    """Seconds from the kill to the first step of that restart."""

    def resumed() -> bool:
        made = job.record().get("restarts", [])
        return job.finished or (len(made) >= restarts and "seconds" in made[restarts - 1])

    until(resumed, patience=120)
    assert not job.finished, job.error
    restart = job.record()["restarts"][restarts - 1]
    return float(restart["lost_at"]) + float(restart["seconds"]) - killed


def main() -> None:
    """Measure on a fresh cluster and print."""
    with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as folder:
        nodes = Nodes(Path(folder))
        compute = Compute(Path(folder) / "jobs")
        try:
            for _ in range(3):
                nodes.start()
            compute.use_cluster(nodes.address, nodes.token_file)
            job = _running(compute)
            times = []
            for run in range(1, RUNS + 1):
                killed = time.time()
                os.kill(job.record()["processes"][1], signal.SIGKILL)
                times.append(_resumed_after(job, run, killed))
            _say("killed process of a worker", times)
            times = []
            for run in range(RUNS + 1, 2 * RUNS + 1):
                seat = psutil.Process(job.record()["processes"][1]).parent().parent()
                assert "ClusterSeat" in " ".join(seat.cmdline()), seat.cmdline()
                killed = time.time()
                seat.kill()
                times.append(_resumed_after(job, run, killed))
            _say("killed worker with its actor, replaced", times)
            for number, what in ((1, "a third one takes its place"), (2, "one worker is left")):
                victim = max(nodes.owning(job.record()["processes"]))
                killed = time.time()
                nodes.kill(nodes.processes[victim])
                _say(f"killed node, {what}", [_resumed_after(job, 2 * RUNS + number, killed)])
            job.stop(force=True)
        finally:
            compute.shutdown()
            nodes.end()


def _say(what: str, times: list[float]) -> None:
    shown = ", ".join(f"{value:.1f}" for value in times)
    print(f"{what:<50} to first resumed step: {statistics.median(times):5.1f} s ({shown})", flush=True)


if __name__ == "__main__":
    main()

"""How long ``%sahara jobs`` takes with a thousand jobs in the history, against listing the folders alone.

Prints milliseconds and a ratio. The jobs are real folders with the records and 200 events that a training leaves.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sahara_lab.compute import Compute
from sahara_lab.compute.record import JobFolder
from sahara_lab.magics.tables import Jobs

JOBS, EVENTS, ROUNDS = 1000, 200, 7


def fill(jobs_dir: Path) -> None:
    for number in range(JOBS):
        folder = JobFolder(jobs_dir / f"train-20260101-{number:06d}-abcd")
        record = {
            "id": folder.id, "name": f"net-{number}", "status": "done", "created": "2026-01-01T00:00:00.000Z",
            "created_at": 0.0, "workers": 2, "options": {}, "inputs": ["alice/digits@1"], "collected": [],
            "metrics": {"train_loss": 0.1, "val_acc": 0.9}, "error": None, "message": "",
        }  # fmt: skip
        folder.create(record, "pl.Trainer().fit(Net(), data)\n")
        line = '{"time": 0.0, "kind": "metrics", "step": 1, "epoch": 0, "values": {"train_loss": 0.5}}\n'
        folder.events_file.write_text(line * EVENTS)


def median_ms(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        jobs_dir = Path(home) / "jobs"
        jobs_dir.mkdir()
        fill(jobs_dir)
        compute = Compute(jobs_dir)
        table = median_ms(lambda: Jobs(compute.jobs())._repr_mimebundle_())
        listing = median_ms(lambda: [entry.stat() for entry in os.scandir(jobs_dir)])
    print(f"%sahara jobs with {JOBS} jobs: {table:.0f} ms; listing their folders: {listing:.0f} ms; "
          f"ratio {table / listing:.1f}; goal: under 200 ms")  # fmt: skip


if __name__ == "__main__":
    main()

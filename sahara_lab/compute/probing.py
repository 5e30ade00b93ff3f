"""A short run of a cell, to say how long the whole of it would take."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

from sahara_lab.compute.job import Job
from sahara_lab.compute.record import FINAL


@dataclass(frozen=True)
class Probe:
    """What a short run showed. Times in seconds; ``seconds`` is None where the number of steps is not known."""

    first_step: float
    steps_per_second: float
    total_steps: int | None

    @property
    def seconds(self) -> float | None:
        """From running the cell to the end of its training, as far as it can be told from its first steps."""
        return None if self.total_steps is None else self.first_step + self.total_steps / self.steps_per_second

    def __str__(self) -> str:
        speed = f"{self.steps_per_second:.3g} steps/s"
        if self.seconds is None:
            return f"of unknown length, at {speed}"
        return f"about {self.seconds:.0f} s ({self.total_steps:,} steps at {speed})"


def probe(job: Job, timeout: float) -> Probe:
    """Watch a job until its speed is known, then end it and remove every trace of it.

    Raises:
        JobError: the cell fails.
        TimeoutError: no step was made in ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    try:
        while True:
            record = job.record()
            speed = record.get("steps_per_second")
            if speed or (record["status"] in FINAL):
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the cell made no step in {timeout:g} s")
            time.sleep(0.05)
        job.raise_for_status()
        first = float(record.get("first_step_seconds") or 0.0)
        if not speed:  # it ended before its speed was known: then its length is
            steps = max(1, int(record.get("step") or 1))
            speed = steps / max(0.001, float(record["seconds"]) - first)
        return Probe(first, float(speed), record.get("total_steps"))
    finally:
        job.stop(force=True)
        job.wait(timeout=60)
        shutil.rmtree(job.folder, ignore_errors=True)

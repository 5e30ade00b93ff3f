"""Compute: runs training cells as jobs, finds the jobs of before."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sahara_lab.compute import preload
from sahara_lab.compute.capturing import capture
from sahara_lab.compute.job import Job, Meter
from sahara_lab.compute.link import Link, environment
from sahara_lab.compute.record import JobFolder, new_job_id, now
from sahara_lab.errors import JobError, NotFound

MOST_WORKERS = 64
_TRAIN = """\
import pytorch_lightning as pl

trainer = pl.Trainer(**trainer_kwargs)
trainer.fit(model, *data) if isinstance(data, tuple) else trainer.fit(model, data)
"""


class Compute:
    """Training on this machine's workers.

    Args:
        jobs_dir: where each job has its folder; also names the keeper that serves it.
        meter: told what jobs use while they are watched.
        backend: ``gang`` (warm Ray actors) or ``local`` (processes without Ray).
    """

    def __init__(self, jobs_dir: Path, meter: Meter | None = None, *, backend: str = "gang") -> None:
        self.jobs_dir = Path(jobs_dir)
        self._backend = backend
        self._meter = meter
        self._link = Link(self.jobs_dir)

    def run_cell(
        self,
        source: str,
        namespace: Mapping[str, Any],
        *,
        workers: int = 2,
        name: str | None = None,
        inputs: Sequence[str] = (),
        setup: Callable[[], None] | None = None,
        collect: Callable[[], dict[str, Any]] | None = None,
        resume: str | None = None,
        cwd: Path | str | None = None,
    ) -> Job:
        """Start a cell of ordinary Lightning code on the workers and return its job at once.

        Args:
            source: the cell, without its magic line.
            namespace: the notebook's variables; those the cell reads travel along.
            workers: processes that train together.
            name: a title for people.
            inputs: assets the run reads, for its record.
            setup: called in each worker before the cell. May hold a secret: it is never written down.
            collect: called in each worker after the cell; its JSON result goes into the record.
            resume: id of a job whose checkpoint the first ``fit`` goes on from.
            cwd: the workers' folder, by default the caller's.

        Raises:
            JobError: the cell is not Python, a variable cannot travel, or the workers cannot start.
        """
        created_at = time.time()
        if not 1 <= workers <= MOST_WORKERS:
            raise JobError(f"{workers} workers are not possible", hint=f"Give --workers between 1 and {MOST_WORKERS}")
        if not source.strip():
            raise JobError("the cell is empty", hint="Write the training code below the first line")
        checkpoint = self._checkpoint_of(resume)
        captured = capture(source, namespace)
        blobs = [captured.blob, _pickled("collect", collect), _pickled("setup", setup)]
        blobs.append(json.dumps(environment()).encode())
        folder = JobFolder(self.jobs_dir / new_job_id())
        folder.create(
            {
                "v": 1,
                "id": folder.id,
                "name": name,
                "status": "starting",
                "message": "",
                "created": now(),
                "created_at": created_at,
                "workers": workers,
                "inputs": list(inputs),
                "captured": [{"name": item.name, "type": item.type, "size": item.size} for item in captured.names],
                "cwd": str(cwd or Path.cwd()),
                "resume": resume,
                "metrics": {},
                "error": None,
                "client": os.getpid(),
                "keeper": None,
            },
            source,
        )
        folder.append({"kind": "status", "status": "starting", "message": "handing the cell over"})
        try:
            self._link.ask(
                "submit",
                blobs,
                job=folder.id,
                sources=dict(captured.sources),
                path=[str(Path(entry).absolute()) if entry else str(Path.cwd()) for entry in sys.path],
                modules=preload.modules_of(sys.modules),
                backend=self._backend,
                resume=str(checkpoint) if checkpoint else None,
            )
        except BaseException as error:
            self._give_up(folder, error)
            raise
        return Job(folder, self._link, self._meter)

    def train(self, model: Any, data: Any, trainer_kwargs: Mapping[str, Any] | None = None, **options: Any) -> Job:
        """Train ``model`` (a LightningModule) on ``data`` as a job; for code that is not a cell.

        Args:
            data: a DataLoader, a LightningDataModule, or a tuple of training and validation loaders.
            trainer_kwargs: passed to ``pl.Trainer``.
            options: those of :meth:`run_cell`.
        """
        values = {"model": model, "data": data, "trainer_kwargs": dict(trainer_kwargs or {})}
        return self.run_cell(_TRAIN, values, **options)

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        found = sorted(self.jobs_dir.glob("*/record.json"), reverse=True)
        return [Job(JobFolder(path.parent), self._link, self._meter) for path in found]

    def job(self, id: str) -> Job:
        """The job with this id, or the newest with this name; works from any process, also after a restart.

        Raises:
            NotFound: there is none.
        """
        if id and "/" not in id and not id.startswith("."):
            folder = JobFolder(self.jobs_dir / id)
            if folder.record_file.exists():
                return Job(folder, self._link, self._meter)
            for job in self.jobs():
                if job.name == id:
                    return job
        raise NotFound(f"there is no job '{id}'", hint="Run: %sahara jobs")

    def warm(self, workers: int = 2) -> None:
        """Start the workers now, so that the first cell finds them ready; returns at once."""
        self._link.ask("warm", workers=workers, modules=preload.modules_of(sys.modules), backend=self._backend)

    def status(self) -> dict[str, Any] | None:
        """What the keeper does (its process, jobs, warm workers), or None when there is none."""
        try:
            return self._link.ask("hello", start=False)
        except ConnectionError:
            return None

    def shutdown(self) -> None:
        """Stop running jobs and give Ray and the workers back."""
        self._link.shutdown()

    def _checkpoint_of(self, resume: str | None) -> Path | None:
        if resume is None:
            return None
        checkpoint = self.job(resume).checkpoint
        if checkpoint is None:
            raise JobError(f"job {resume} left no checkpoint to go on from", hint="Run the cell without --resume")
        return checkpoint

    def _give_up(self, folder: JobFolder, error: BaseException) -> None:
        """The cell was never handed over, because of an error or of Ctrl-C: say so in its record."""
        with contextlib.suppress(Exception):  # the interrupt may have come after the keeper had taken it
            if self._link.ask("stop", start=False, job=folder.id, force=True)["known"]:
                return
        record = folder.read()
        interrupted = isinstance(error, KeyboardInterrupt)
        record.update(status="stopped" if interrupted else "failed", finished=now())
        record["message"] = "interrupted before it started" if interrupted else str(error)
        if not interrupted:
            record["error"] = {"message": str(error), "type": type(error).__name__, "line": None, "traceback": None}
        folder.write(record)
        folder.append({"kind": "status", "status": record["status"], "message": record["message"]})


def _pickled(what: str, hook: Callable[..., Any] | None) -> bytes:
    if hook is None:
        return b""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(hook))
    except Exception as error:
        # The cause is left out on purpose: its text may quote what the hook holds.
        raise JobError(f"the {what} hook cannot be sent to the workers ({type(error).__name__})") from None

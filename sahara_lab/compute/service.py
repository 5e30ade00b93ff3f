"""Compute: runs training cells as jobs, finds the jobs of before."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.compute import preload
from sahara_lab.compute.capturing import capture
from sahara_lab.compute.checkpoints import LIST, newest_sound
from sahara_lab.compute.clusters import HERE, Cluster, Clusters, canonical
from sahara_lab.compute.job import Job, Meter
from sahara_lab.compute.link import Link, environment
from sahara_lab.compute.options import Options
from sahara_lab.compute.probing import Probe, probe
from sahara_lab.compute.record import JobFolder, new_job_id, now
from sahara_lab.compute.requirements import Requirements, requirements
from sahara_lab.compute.verification.replay import keep_names
from sahara_lab.errors import JobError, NotFound

if TYPE_CHECKING:
    from sahara_lab.compute.verification import Verdict

_TRAIN = """\
import pytorch_lightning as pl

trainer = pl.Trainer(**trainer_kwargs)
trainer.fit(model, *data) if isinstance(data, tuple) else trainer.fit(model, data)
"""


class Compute:
    """Training on this machine's workers, or on those of a Ray cluster of one's own.

    Args:
        jobs_dir: where each job has its folder; also names the keeper that serves it.
        meter: told what jobs use while they are watched.
        defaults: options that every job has unless it says otherwise, such as ``backend="local"``.
    """

    def __init__(self, jobs_dir: Path, meter: Meter | None = None, **defaults: Any) -> None:
        self.jobs_dir = Path(jobs_dir)
        self._defaults = defaults
        self._meter = meter
        self._clusters = Clusters(self.jobs_dir)
        self._links: dict[str | None, Link] = {}

    def run_cell(
        self,
        source: str,
        namespace: Mapping[str, Any],
        *,
        name: str | None = None,
        inputs: Sequence[str] = (),
        setup: Callable[[], None] | None = None,
        collect: Callable[[], dict[str, Any]] | None = None,
        resume: str | Path | None = None,
        cwd: Path | str | None = None,
        **options: Any,
    ) -> Job:
        """Start a cell of ordinary Lightning code on the workers and return its job at once.

        Args:
            source: the cell, without its magic line.
            namespace: the notebook's variables; those the cell reads travel along.
            name: a title for people.
            inputs: assets the run reads, for its record.
            setup: called in each worker before the cell. May hold a secret: it is never written down.
            collect: called in each worker after the cell; its JSON result goes into the record.
            resume: id of a job whose checkpoint the first ``fit`` goes on from, or a checkpoint of this machine's own.
            cwd: the workers' folder, by default the caller's.
            options: those of :class:`~sahara_lab.compute.options.Options` (``workers``, ``precision``, …).

        Raises:
            JobError: an option is not possible, the cell is not Python, a variable cannot travel, or the workers
                cannot start.
        """
        created_at = time.time()
        checkpoint = resume if isinstance(resume, Path) else self._checkpoint_of(resume)
        if isinstance(resume, str):
            options = _with_seed_of(self.job(resume), options)
        chosen = self.options(options)
        if chosen.segments is not None and chosen.seed is None and resume is None:
            chosen = replace(chosen, seed=secrets.randbits(32))  # else nobody could compute it again
        if not source.strip():
            raise JobError("the cell is empty", hint="Write the training code below the first line")
        captured = capture(source, namespace)
        blobs = [captured.blob, _pickled("collect", collect), _pickled("setup", setup)]
        blobs.append(json.dumps(environment()).encode())
        needs = Requirements()
        if chosen.cluster is not None:
            self._clusters.find(chosen.cluster).check()
            needs = requirements([source, *captured.sources.values()], Path(cwd or Path.cwd()))
        link = self._link(chosen.cluster)
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
                "workers": chosen.workers,
                "options": chosen.as_json(),
                "inputs": list(inputs),
                "lock": sorted(needs.lock.values()),
                "captured": [{"name": item.name, "type": item.type, "size": item.size} for item in captured.names],
                "cwd": str(cwd or Path.cwd()),
                "resume": str(resume) if resume is not None else None,
                "metrics": {},
                "error": None,
                "client": os.getpid(),
                "keeper": None,
            },
            source,
        )
        if chosen.segments is not None:
            keep_names(folder, captured)
        folder.append({"kind": "status", "status": "starting", "message": "handing the cell over"})
        try:
            link.ask(
                "submit",
                blobs,
                job=folder.id,
                sources=dict(captured.sources),
                path=[str(Path(entry).absolute()) if entry else str(Path.cwd()) for entry in sys.path],
                modules=preload.modules_of(sys.modules),
                resume=str(checkpoint) if checkpoint else None,
                needs={"lock": needs.lock, "files": needs.files},
            )
        except BaseException as error:
            self._give_up(folder, link, error)
            raise
        return self._job(folder)

    def train(self, model: Any, data: Any, trainer_kwargs: Mapping[str, Any] | None = None, **options: Any) -> Job:
        """Train ``model`` (a LightningModule) on ``data`` as a job; for code that is not a cell.

        Args:
            data: a DataLoader, a LightningDataModule, or a tuple of training and validation loaders.
            trainer_kwargs: passed to ``pl.Trainer``.
            options: those of :meth:`run_cell`.
        """
        values = {"model": model, "data": data, "trainer_kwargs": dict(trainer_kwargs or {})}
        return self.run_cell(_TRAIN, values, **options)

    def probe(self, source: str, namespace: Mapping[str, Any], *, timeout: float = 120.0, **given: Any) -> Probe:
        """Run the first steps of a cell to see how fast it is, and leave nothing behind.

        Args:
            timeout: seconds to wait for the first steps, the start of the workers included.
            given: what :meth:`run_cell` takes.
        """
        return probe(self.run_cell(source, namespace, **{**given, "restarts": 0}), timeout)

    def verify(self, job: Job, **given: Any) -> Verdict:
        """Compute a segment of a job that was trained with ``segments`` again, and compare.

        Args:
            given: what :func:`sahara_lab.compute.verification.verify` takes: ``segment``, ``seed``, ``tolerance``.
        """
        from sahara_lab.compute.verification import verify

        return verify(self, job, **given)

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        if not self.jobs_dir.exists():
            return []
        found = sorted((path for path in self.jobs_dir.iterdir() if path.name[0] != "."), reverse=True)
        return [self._job(JobFolder(path)) for path in found if (path / "record.json").exists()]

    def job(self, id: str) -> Job:
        """The job with this id, or the newest with this name; works from any process, also after a restart.

        Raises:
            NotFound: there is none.
        """
        if id and "/" not in id and not id.startswith("."):
            folder = JobFolder(self.jobs_dir / id)
            if folder.record_file.exists():
                return self._job(folder)
            for job in self.jobs():
                if job.name == id:
                    return job
        raise NotFound(f"there is no job '{id}'", hint="Run: %sahara jobs")

    def warm(self, workers: int = 2, **options: Any) -> None:
        """Start the workers now, so that the first cell finds them ready; returns at once."""
        chosen = self.options({"workers": workers, **options})
        link = self._link(chosen.cluster)
        link.ask("warm", options=chosen.as_json(), modules=preload.modules_of(sys.modules))

    # The cluster to train on

    def use_cluster(self, address: str | None, token_file: Path | str | None = None) -> None:
        """Train on a Ray cluster of one's own from now on, in every session of this profile; None: on this machine.

        The cluster is started with Ray's token authentication, its head with a Ray Client server, its nodes with the
        same Python, Ray and sahara-lab as here. Whoever has its token can run code on its nodes and, through what
        they answer, on this machine: use one cluster for each lease, never one shared with strangers.

        Args:
            address: ``ray://HOST:PORT``; the port may be left out when it is 10001.
            token_file: the file with the cluster's token, which only its owner may read. Where Ray itself looks for
                a token when left out. The path is kept, the token is not.

        Raises:
            JobError: it is no address, nobody answers there, or there is no such token.
        """
        if address is None:
            self._clusters.choose(None)
            return
        file = Path(token_file).expanduser().absolute() if token_file is not None else None
        cluster = Cluster(canonical(address), file)
        cluster.check()
        self._clusters.choose(cluster)
        self._links.pop(cluster.address, None)

    @property
    def cluster(self) -> str | None:
        """Address of the cluster that cells train on when nothing else is said; None: this machine."""
        return self._clusters.chosen

    def options(self, given: Mapping[str, Any]) -> Options:
        """Checked options of a job that is given these: what is left out comes from the defaults and the profile.

        Raises:
            JobError: one of them is not possible.
        """
        said = {name: value for name, value in {**self._defaults, **given}.items() if value is not None}
        if said.get("cluster") == HERE:
            del said["cluster"]
        elif "cluster" not in said and "backend" not in said:
            said["cluster"] = self.cluster
        return Options.of(said)

    def status(self) -> dict[str, Any] | None:
        """What the keeper in use does (its process, jobs, warm workers), or None when there is none."""
        try:
            return self._link(self.options({}).cluster).ask("hello", start=False)
        except ConnectionError:
            return None

    def shutdown(self) -> None:
        """Stop running jobs and give Ray and the workers back."""
        for address in {None, self.options({}).cluster, *self._links}:
            self._link(address).shutdown()

    def _checkpoint_of(self, resume: str | None) -> Path | None:
        if resume is None:
            return None
        job = self.job(resume)
        found = newest_sound(job.folder / "checkpoints")
        if found is None:
            damaged = " that is not damaged" if (job.folder / "checkpoints" / LIST).exists() else ""
            raise JobError(
                f"job {resume} left no checkpoint{damaged} to go on from", hint="Run the cell without --resume"
            )
        return found[0]

    def _link(self, cluster: str | None = None) -> Link:
        """The way to the keeper of a cluster's workers, or of this machine's."""
        if cluster not in self._links:
            self._links[cluster] = Link(self.jobs_dir, self._clusters.find(cluster) if cluster else None)
        return self._links[cluster]

    def _job(self, folder: JobFolder) -> Job:
        return Job(folder, self._link, self._meter)

    def _give_up(self, folder: JobFolder, link: Link, error: BaseException) -> None:
        """The cell was never handed over, because of an error or of Ctrl-C: say so in its record."""
        with contextlib.suppress(Exception):  # the interrupt may have come after the keeper had taken it
            if link.ask("stop", start=False, job=folder.id, force=True)["known"]:
                return
        record = folder.read()
        interrupted = isinstance(error, KeyboardInterrupt)
        record.update(status="stopped" if interrupted else "failed", finished=now())
        record["message"] = "interrupted before it started" if interrupted else str(error)
        if not interrupted:
            record["error"] = {"message": str(error), "type": type(error).__name__, "line": None, "traceback": None}
        folder.write(record)
        folder.append({"kind": "status", "status": record["status"], "message": record["message"]})


def _with_seed_of(job: Job, options: dict[str, Any]) -> dict[str, Any]:
    """The seed of the job that is resumed: with another one, its interrupted epoch could not be completed."""
    seed = job.record().get("options", {}).get("seed")
    if options.get("seed") not in (None, seed):
        raise JobError(
            f"job {job.id} ran with {f'seed {seed}' if seed is not None else 'no seed'}: a resumed run keeps its order",
            hint="Leave out --seed",
        )
    return {**options, "seed": seed}


def _pickled(what: str, hook: Callable[..., Any] | None) -> bytes:
    if hook is None:
        return b""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(hook))
    except Exception as error:
        # The cause is left out on purpose: its text may quote what the hook holds.
        raise JobError(f"the {what} hook cannot be sent to the workers ({type(error).__name__})") from None

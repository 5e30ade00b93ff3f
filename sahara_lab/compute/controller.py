"""Owns the jobs of a lease: their status, event log, stop and results. Runs in the keeper."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sahara_lab.compute import checkpoints, outcome, verdict
from sahara_lab.compute.agreement import agree
from sahara_lab.compute.backend import Backend
from sahara_lab.compute.cluster_gang import ClusterGang
from sahara_lab.compute.gang import Gang
from sahara_lab.compute.local import LocalGang
from sahara_lab.compute.nursery import Nursery
from sahara_lab.compute.options import Options
from sahara_lab.compute.record import FINAL, JobFolder, now
from sahara_lab.compute.requirements import Requirements
from sahara_lab.compute.runner import Assignment
from sahara_lab.errors import JobError

_GRACE = 0.5
_STOP_WITHIN = 300.0
_STOP_OUTSIDE_FIT_WITHIN = 10.0
_SAVE_LOOK_EVERY = 5.0
_RECORD_EVERY = 1.0
_START_WITHIN = 180.0


class Cancelled(Exception):
    """The job was stopped while its workers were starting."""


class Ending:
    """How the processes of a run ended, by rank."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.outcomes: dict[int, dict[str, Any]] = {}
        self.exits: dict[int, dict[str, Any]] = {}

    @property
    def results(self) -> list[dict[str, Any]]:
        return [self.outcomes.get(rank, {}) for rank in range(self.workers)]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [result for result in self.results if result.get("outcome") == "failed"]

    @property
    def lost(self) -> str | None:
        """What became of a worker that died without a word, if that is why the run ended."""
        missing = [rank for rank in range(self.workers) if rank not in self.outcomes]
        if not missing or verdict.own_fault(self.failures):
            return None
        first = min(missing, key=lambda rank: float(self.exits[rank]["when"]))
        return verdict.lost(first, self.workers, self.exits[first])


class Run:
    """One submitted job on its way through the controller."""

    def __init__(self, folder: JobFolder, request: dict[str, Any], blobs: list[bytes]) -> None:
        self.folder = folder
        self.record = folder.read()
        self.request = request
        self.namespace, self.collect = blobs[0], blobs[1] or None
        self.setup: bytearray | None = bytearray(blobs[2]) if blobs[2] else None
        self.environment: dict[str, str] = json.loads(blobs[3])
        self.options = Options.of(self.record["options"])
        self.needs = Requirements(**request["needs"])
        self.resume: str | None = request["resume"]
        self.restarts = 0
        self.progressed = False
        self.stop = threading.Event()
        self.force = threading.Event()
        self.imported: list[str] = []
        self._written = 0.0

    def status(self, status: str, message: str = "", **fields: Any) -> None:
        self.record.update(status=status, message=message, **fields)
        self.folder.append({"kind": "status", "status": status, "message": message})
        self.write()

    def write(self) -> None:
        self.folder.write(self.record)
        self._written = time.monotonic()

    def write_soon(self) -> None:
        if time.monotonic() - self._written >= _RECORD_EVERY:
            self.write()

    def wipe(self) -> None:
        """Forget what may be secret."""
        if self.setup is not None:
            self.setup[:] = bytes(len(self.setup))
            self.setup = None
        self.environment = {}
        self.namespace = b""


class Controller:
    """Runs submitted jobs one after another on a gang that stays warm between them."""

    def __init__(self, jobs_dir: Path, cluster_file: str, home: Path) -> None:
        self._cluster_file = cluster_file
        self._nursery = Nursery(home)
        self._jobs_dir = jobs_dir
        self._runs: dict[str, Run] = {}
        self._queue: queue.SimpleQueue[Run | Options] = queue.SimpleQueue()
        self._gang: Backend | None = None
        self._gang_options = Options()
        self.ray_ready = threading.Event()
        self.ray_wanted = threading.Event()
        self.broken = ""
        self.last_busy = time.monotonic()
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    # What the keeper tells us

    def ray_came(self) -> None:
        self.ray_ready.set()

    def ray_failed(self, why: str) -> None:
        self.broken = why
        self.ray_ready.set()

    # What clients ask

    @property
    def busy(self) -> bool:
        return bool(self._runs) or not self._queue.empty()

    def submit(self, request: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        run = Run(JobFolder(self._jobs_dir / str(request["job"])), request, blobs)
        run.record["keeper"] = {"pid": os.getpid(), "file": self._cluster_file}
        run.write()
        if self.busy:
            run.status("starting", f"waiting for another job to finish{self._left()}")
        self._runs[run.folder.id] = run
        if run.options.backend != "local":
            self.ray_wanted.set()
        if len(self._runs) == 1 and run.options.cluster is None:
            self._nursery.need(request["modules"])  # imports while Ray still starts
        self._queue.put(run)
        return {"job": run.folder.id}

    def _left(self) -> str:
        """How long the jobs before still take, where that is known."""
        left = 0.0
        for run in list(self._runs.values()):
            total, step, speed = (run.record.get(name) for name in ("total_steps", "step", "steps_per_second"))
            if not total or not speed:
                return ""
            left += max(0, total - (step or 0)) / speed
        return f", in about {left:.0f} s" if left else ""

    def warm(self, options: Options, modules: list[str]) -> dict[str, Any]:
        if options.backend != "local":
            self.ray_wanted.set()
        if not self._runs and options.cluster is None:
            self._nursery.need(modules)
        self._queue.put(options)
        return {}

    def stop(self, job: str, force: bool) -> dict[str, Any]:
        run = self._runs.get(job)
        if run is None:
            return {"known": False}
        if force:
            run.force.set()
        run.stop.set()
        return {"known": True}

    def stop_all(self) -> None:
        for run in list(self._runs.values()):
            run.force.set()
            run.stop.set()
        deadline = time.monotonic() + 5
        while self._runs and time.monotonic() < deadline:
            time.sleep(0.05)
        self._nursery.end()

    def status(self) -> dict[str, Any]:
        return {
            "jobs": list(self._runs),
            "workers": len(self._gang.actors) if self._gang is not None else 0,
            "actors": self._gang.actors if self._gang is not None else [],
            "ray": self.ray_ready.is_set() and not self.broken,
        }

    # The one thread that runs jobs

    def _work(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=1.0)
            except queue.Empty:
                self._nursery.settle()
                continue
            if isinstance(item, Options):
                with contextlib.suppress(Exception):
                    self._workers(item, [], lambda: False)
                continue
            self._nursery.settle()
            try:
                self._run(item)
            except Cancelled:
                self._finish(item, "stopped", "stopped before training began")
            except JobError as error:
                if self._gang is not None and not self._gang.own_zygotes:  # seats on a cluster are as good as before
                    self._discard_gang()
                self._fail(item, "failed", f"{error}{verdict.kept(item.record)}")
            except Exception as error:
                self._discard_gang()
                self._fail(item, "lost", f"the workers could not run the job: {type(error).__name__}: {error}")
            finally:
                item.wipe()
                self._runs.pop(item.folder.id, None)
                self.last_busy = time.monotonic()
                if item.options.cluster is None:
                    self._nursery.learn([*item.request["modules"], *item.imported])

    def _run(self, run: Run) -> None:
        """Run a job to its end; when a worker dies on the way, go on from the last sound checkpoint."""
        while True:
            ending = self._attempt(run)
            why = ending.lost
            if why is None or run.stop.is_set() or not run.progressed or run.restarts >= run.options.restarts:
                self._conclude(run, ending)
                return
            run.restarts += 1
            self._resume_from_own(run, why)

    def _resume_from_own(self, run: Run, why: str) -> None:
        found = checkpoints.newest_sound(run.folder.checkpoints)
        if found is not None:
            path, entry = found
            run.resume, where = str(path), f"going on from step {entry['step']}"
        else:
            run.resume, where = run.request["resume"], "beginning again"
        restarts = [*run.record.get("restarts", []), {"at": now(), "why": why, "lost_at": time.time()}]
        run.status("starting", f"{why}; {where}", restarts=restarts)

    def _attempt(self, run: Run) -> Ending:
        options, cluster = run.options, run.options.cluster
        if run.restarts and self._gang is not None and not self._gang.broken:
            options = replace(options, workers=max(1, self._gang.room(options.workers, options)))
        workers = options.workers
        if run.options.backend != "local" and not self.ray_ready.is_set():
            run.status("starting", f"joining {cluster}" if cluster else "starting Ray and the workers")
        elif self._gang is None or not (cluster or self._nursery.ready):
            run.status("starting", f"warming {workers} worker{'s' * (workers > 1)}")
        gang = self._workers(options, run.request["modules"], run.stop.is_set, run)
        run.record["processes"] = gang.start(
            "" if gang.own_zygotes else self._nursery.address,
            [self._assignment(run, rank, workers) for rank in range(workers)],
            bytes(run.setup) if run.setup is not None else None,
        )
        run.progressed = False
        fewer = f" on {workers} of {run.options.workers} workers" if workers < run.options.workers else ""
        run.status("starting", f"running the cell{fewer}", started=run.record.get("started") or now())
        return self._follow(run, gang, workers)

    def _workers(
        self, options: Options, modules: list[str], cancelled: Callable[[], bool], run: Run | None = None
    ) -> Backend:
        """Workers for these options with their libraries imported; waits for Ray, the seats and the zygote."""
        deadline = time.monotonic() + _START_WITHIN

        def wait_for(condition: Callable[[], bool], what: str) -> None:
            while not condition():
                if cancelled():
                    raise Cancelled
                shortage = self._gang.shortage if self._gang is not None else ""
                if run is not None and shortage and shortage != run.record["message"]:
                    run.status("starting", shortage)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{what} after {_START_WITHIN:.0f} s{': ' * bool(shortage)}{shortage}")
                time.sleep(0.02)

        if options.backend != "local":
            wait_for(lambda: self.ray_ready.wait(0.1), "Ray has not started")
            if self.broken:
                raise JobError(self.broken)
        if self._gang is not None and (self._gang.broken or not _fits(self._gang_options, options)):
            self._discard_gang()
        if self._gang is None:
            self._gang, self._gang_options = _KINDS[options.backend](), options
        gang = self._gang
        gang.want(options.workers, options, modules, run.needs if run is not None else Requirements())
        wait_for(gang.ready, "the workers have not started")
        if not gang.own_zygotes:
            if self._nursery.failed:
                self._nursery.need([])
            wait_for(lambda: self._nursery.ready, "the workers' libraries are not imported")
        if cancelled():
            raise Cancelled
        return gang

    def _assignment(self, run: Run, rank: int, workers: int) -> Assignment:
        return Assignment(
            job=run.folder.id,
            rank=rank,
            workers=workers,
            port=0,
            folder=str(run.folder.path),
            cwd=run.record["cwd"],
            source=run.folder.cell_file.read_text("utf-8"),
            sources=run.request["sources"],
            path=run.request["path"],
            resume=run.resume,
            options=run.options,
            environment=run.environment,
            namespace=run.namespace,
            setup=None,
            collect=run.collect,
        )

    def _discard_gang(self) -> None:
        if self._gang is not None:
            self._gang.dismiss()
            self._gang = None

    def _follow(self, run: Run, gang: Backend, workers: int) -> Ending:
        ending = Ending(workers)
        talker: threading.Thread | None = None
        stopping = False
        stop_deadline = kill_at = math.inf
        look_at = time.monotonic() + _SAVE_LOOK_EVERY
        while len(ending.exits) < workers:
            with contextlib.suppress(queue.Empty):
                rank, message = gang.messages.get(timeout=0.05)
                kind = message["kind"]
                if kind == "outcome":
                    ending.outcomes[rank] = message
                    run.imported = message.get("imported", run.imported)
                    if message["outcome"] == "failed":
                        kill_at = min(kill_at, time.monotonic() + _GRACE)
                elif kind in ("exit", "gone"):
                    ending.exits[rank] = {**message, "when": time.time()}
                    if rank not in ending.outcomes:
                        kill_at = min(kill_at, time.monotonic() + _GRACE)
                else:
                    self._note(run, rank, message)
            talking = talker is not None and talker.is_alive()
            if run.stop.is_set() and not stopping and not talking:
                stopping = True
                run.status("stopping", "stopping all workers at the same step")
                talker = threading.Thread(target=self._agree_to_stop, args=(run, gang), daemon=True)
                talker.start()
                stop_deadline = time.monotonic() + _STOP_WITHIN
            elif not stopping and not talking and time.monotonic() > look_at:
                look_at = time.monotonic() + _SAVE_LOOK_EVERY
                talker = threading.Thread(target=self._agree_to_save, args=(gang,), daemon=True)
                talker.start()
            if run.force.is_set() or time.monotonic() > min(stop_deadline, kill_at):
                gang.end()
                kill_at = stop_deadline = math.inf
                if run.force.is_set():
                    run.force.clear()
        return ending

    def _note(self, run: Run, rank: int, message: dict[str, Any]) -> None:
        kind, record = message["kind"], run.record
        if kind == "cell":
            return
        if kind == "fit":
            if record["status"] == "starting":
                run.status("running", "")
            record["total_steps"] = message["total_steps"]
            return
        if kind in ("progress", "metrics"):
            record.update(step=message["step"], epoch=message["epoch"])
            run.progressed = True
            record["metrics"] = {**record.get("metrics", {}), **message["values"]}
            if kind == "progress":
                record["steps_per_second"] = message["steps_per_second"]
                if "first_step_seconds" not in record and message["step"]:
                    record["first_step_seconds"] = round(time.time() - record["created_at"], 3)
                if record.get("restarts") and "seconds" not in record["restarts"][-1]:
                    record["restarts"][-1]["seconds"] = round(time.time() - record["restarts"][-1]["lost_at"], 3)
        elif kind == "checkpoint":
            record["checkpoint_step"] = message["step"]
        elif kind == "best":
            record["best"] = {name: message[name] for name in ("metric", "value", "step", "epoch")}
        run.folder.append(message)
        run.write_soon()

    def _agree_to_stop(self, run: Run, gang: Backend) -> None:
        outside_until = time.monotonic() + _STOP_OUTSIDE_FIT_WITHIN
        while not run.force.is_set():
            agreed = agree(gang.order, "stop")
            if agreed is not False:
                return  # settled, or a process is ending by itself
            answers = [answer for answer in gang.order("where") if answer]
            if answers and not all(answer["fitting"] for answer in answers):
                if max(answer["batches"] for answer in answers) == 0 or time.monotonic() > outside_until:
                    run.force.set()  # nothing learned yet, or learned and saved
                    return
                time.sleep(0.1)

    @staticmethod
    def _agree_to_save(gang: Backend) -> None:
        answers = gang.order("where")
        if all(answer is not None and answer["fitting"] for answer in answers) and answers[0] and answers[0]["due"]:
            agree(gang.order, "save")

    def _conclude(self, run: Run, ending: Ending) -> None:
        record, results, failures = run.record, ending.results, ending.failures
        record["collected"] = [result["collected"] for result in results if "collected" in result]
        for key in ("values", "model", "trainer", "step", "epoch", "pins"):
            if key in results[0]:
                record[key] = results[0][key]
        if run.stop.is_set() and (failures or len(ending.outcomes) < ending.workers):
            self._finish(run, "stopped", verdict.stopped(record))
        elif ending.lost is not None:
            self._fail(run, "lost", ending.lost + verdict.kept(record))
        elif failures:
            self._fail(run, "failed", *verdict.failure(verdict.own_fault(failures) or failures[0], ending.workers))
        elif any(result["outcome"] == "no-fit" for result in results):
            watched = all(result.get("watched", True) for result in results)
            self._fail(run, "failed", verdict.NO_FIT if watched else verdict.NOT_INSTALLED)
        else:
            stopped = any(result["outcome"] == "stopped" for result in results)
            self._finish(run, "stopped" if stopped else "done", verdict.stopped(record) if stopped else "")

    def _fail(self, run: Run, status: str, message: str, error: dict[str, Any] | None = None) -> None:
        run.record["error"] = {"line": None, "traceback": None, "type": None, **(error or {}), "message": message}
        self._finish(run, status, message)

    def _finish(self, run: Run, status: str, message: str) -> None:
        assert status in FINAL
        record, folder = run.record, run.folder
        for unfinished in folder.path.glob("*.safetensors.next"):
            unfinished.unlink()
        record.update(
            finished=now(),
            seconds=round(time.time() - record["created_at"], 3),
            versions=outcome.versions(),
            checkpoint=f"checkpoints/{folder.checkpoint.name}" if folder.checkpoint is not None else None,
            weights="model.safetensors" if folder.weights.exists() else None,
        )
        record.pop("processes", None)
        record["manifest_sha256"] = outcome.write_manifest(folder, {**record, "status": status})
        run.status(status, message)


_KINDS: dict[str, Callable[[], Backend]] = {"gang": Gang, "local": LocalGang, "cluster": ClusterGang}


def _fits(had: Options, wanted: Options) -> bool:
    """Whether workers made for one job can serve another."""
    return (had.backend, had.cpus, had.gpus) == (wanted.backend, wanted.cpus, wanted.gpus)


def request_error(request: dict[str, Any]) -> JobError:
    return JobError(f"the job service does not know '{request.get('op')}'", hint="Run: sahara-lab doctor")

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
from pathlib import Path
from typing import Any

from sahara_lab.compute import outcome
from sahara_lab.compute.gang import Gang
from sahara_lab.compute.local import LocalGang
from sahara_lab.compute.nursery import Nursery
from sahara_lab.compute.record import FINAL, JobFolder, now
from sahara_lab.compute.runner import Assignment
from sahara_lab.errors import JobError

_GRACE = 0.5
_STOP_WITHIN = 300.0
_STOP_OUTSIDE_FIT_WITHIN = 10.0
_RECORD_EVERY = 1.0
_START_WITHIN = 180.0


_NO_FIT = (
    "the cell ended without training anything: it never called Trainer.fit. "
    "End it with pl.Trainer(...).fit(model, data)"
)
_NOT_INSTALLED = (
    "Lightning does not know Sahara Lab: the installed package lacks its entry points. Run: pip install sahara-lab"
)


class Cancelled(Exception):
    """The job was stopped while its workers were starting."""


class Run:
    """One submitted job on its way through the controller."""

    def __init__(self, folder: JobFolder, request: dict[str, Any], blobs: list[bytes]) -> None:
        self.folder = folder
        self.record = folder.read()
        self.request = request
        self.namespace, self.collect = blobs[0], blobs[1] or None
        self.setup: bytearray | None = bytearray(blobs[2]) if blobs[2] else None
        self.environment: dict[str, str] = json.loads(blobs[3])
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


class Controller:
    """Runs submitted jobs one after another on a gang that stays warm between them."""

    def __init__(self, jobs_dir: Path, cluster_file: str, home: Path) -> None:
        self._cluster_file = cluster_file
        self._nursery = Nursery(home)
        self._jobs_dir = jobs_dir
        self._runs: dict[str, Run] = {}
        self._queue: queue.SimpleQueue[Run | int] = queue.SimpleQueue()
        self._gang: Gang | LocalGang | None = None
        self._ready = threading.Event()
        self.ray_wanted = threading.Event()
        self.broken = ""
        self.last_busy = time.monotonic()
        threading.Thread(target=self._work, name="jobs", daemon=True).start()

    # What the keeper tells us

    def cluster_ready(self) -> None:
        self._ready.set()

    def cluster_failed(self, why: str) -> None:
        self.broken = why
        self._ready.set()

    # What clients ask

    @property
    def busy(self) -> bool:
        return bool(self._runs) or not self._queue.empty()

    def submit(self, request: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        run = Run(JobFolder(self._jobs_dir / str(request["job"])), request, blobs)
        run.record["keeper"] = {"pid": os.getpid(), "file": self._cluster_file}
        run.write()
        if self.busy:
            run.status("starting", "waiting for another job to finish")
        self._runs[run.folder.id] = run
        if request["backend"] != "local":
            self.ray_wanted.set()
        if len(self._runs) == 1:
            self._nursery.need(request["modules"])  # imports while Ray still starts
        self._queue.put(run)
        return {"job": run.folder.id}

    def warm(self, workers: int, modules: list[str], backend: str) -> dict[str, Any]:
        if backend != "local":
            self.ray_wanted.set()
        if not self._runs:
            self._nursery.need(modules)
        if backend != "local":
            self._queue.put(workers)
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
            "ray": self._ready.is_set() and not self.broken,
        }

    # The one thread that runs jobs

    def _work(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=1.0)
            except queue.Empty:
                self._nursery.settle()
                continue
            if isinstance(item, int):
                with contextlib.suppress(Exception):
                    self._workers(item, "gang", lambda: False)
                continue
            self._nursery.settle()
            try:
                self._run(item)
            except Cancelled:
                self._finish(item, "stopped", "stopped before training began")
            except Exception as error:
                self._discard_gang()
                self._fail(item, "lost", f"the workers could not run the job: {type(error).__name__}: {error}")
            finally:
                item.wipe()
                self._runs.pop(item.folder.id, None)
                self.last_busy = time.monotonic()
                self._nursery.learn([*item.request["modules"], *item.imported])

    def _run(self, run: Run) -> None:
        workers = int(run.record["workers"])
        backend = str(run.request["backend"])
        if backend != "local" and not self._ready.is_set():
            run.status("starting", "starting Ray and the workers")
        elif self._gang is None or len(self._gang.actors) < workers or not self._nursery.ready:
            run.status("starting", f"warming {workers} worker{'s' * (workers > 1)}")
        gang = self._workers(workers, backend, run.stop.is_set)
        processes = gang.start(
            self._nursery.address,
            [self._assignment(run, rank, workers) for rank in range(workers)],
            bytes(run.setup) if run.setup is not None else None,
        )
        run.namespace = b""
        run.wipe()
        run.record["processes"] = processes
        run.status("starting", "running the cell", started=now())
        self._follow(run, gang, workers)

    def _workers(self, workers: int, backend: str, cancelled: Callable[[], bool]) -> Gang | LocalGang:
        """A gang of this size with its libraries imported; waits for Ray, the seats and the zygote."""
        deadline = time.monotonic() + _START_WITHIN

        def wait_for(condition: Callable[[], bool], what: str) -> None:
            while not condition():
                if cancelled():
                    raise Cancelled
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{what} after {_START_WITHIN:.0f} s")
                time.sleep(0.02)

        kind = LocalGang if backend == "local" else Gang
        if kind is Gang:
            wait_for(lambda: self._ready.wait(0.1), "Ray has not started")
            if self.broken:
                raise RuntimeError(self.broken)
        if self._gang is not None and (self._gang.broken or not isinstance(self._gang, kind)):
            self._discard_gang()
        gang = self._gang = self._gang or kind()
        gang.want(workers)
        wait_for(gang.ready, "the workers have not started")
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
            resume=run.request["resume"],
            environment=run.environment,
            namespace=run.namespace,
            setup=None,
            collect=run.collect,
        )

    def _discard_gang(self) -> None:
        if self._gang is not None:
            self._gang.dismiss()
            self._gang = None

    def _follow(self, run: Run, gang: Gang | LocalGang, workers: int) -> None:
        outcomes: dict[int, dict[str, Any]] = {}
        ended: dict[int, dict[str, Any]] = {}
        stopper: threading.Thread | None = None
        stop_deadline = kill_at = math.inf
        while len(ended) < workers:
            with contextlib.suppress(queue.Empty):
                rank, message = gang.messages.get(timeout=0.05)
                kind = message["kind"]
                if kind == "outcome":
                    outcomes[rank] = message
                    run.imported = message.get("imported", run.imported)
                    if message["outcome"] == "failed":
                        kill_at = min(kill_at, time.monotonic() + _GRACE)
                elif kind in ("exit", "gone"):
                    ended[rank] = message
                    if rank not in outcomes:
                        kill_at = min(kill_at, time.monotonic() + _GRACE)
                else:
                    self._note(run, rank, message)
            if run.stop.is_set() and stopper is None:
                run.status("stopping", "stopping all workers at the same step")
                stopper = threading.Thread(target=self._agree, args=(run, gang), daemon=True)
                stopper.start()
                stop_deadline = time.monotonic() + _STOP_WITHIN
            if run.force.is_set() or time.monotonic() > min(stop_deadline, kill_at):
                gang.end()
                kill_at = stop_deadline = math.inf
                if run.force.is_set():
                    run.force.clear()
        self._conclude(run, workers, outcomes, ended)

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
            record["metrics"] = {**record.get("metrics", {}), **message["values"]}
            if kind == "progress":
                record["steps_per_second"] = message["steps_per_second"]
                if "first_step_seconds" not in record and message["step"]:
                    record["first_step_seconds"] = round(time.time() - record["created_at"], 3)
        elif kind == "checkpoint":
            record["checkpoint_step"] = message["step"]
        run.folder.append(message)
        run.write_soon()

    def _agree(self, run: Run, gang: Gang | LocalGang) -> None:
        """Have every rank stop after the same batch: a lone rank would leave the others in a collective for ever."""
        outside_until = time.monotonic() + _STOP_OUTSIDE_FIT_WITHIN
        while not run.force.is_set():
            first = gang.order("where")
            time.sleep(0.3)
            second = gang.order("where")
            if any(answer is None for answer in (*first, *second)):
                return  # a process is ending by itself
            before = [answer["batches"] for answer in first if answer]
            after = [answer["batches"] for answer in second if answer]
            if not all(answer["fitting"] for answer in second if answer):
                if max(after) == 0 or time.monotonic() > outside_until:
                    run.force.set()  # nothing learned yet, or learned and saved
                    return
                time.sleep(0.2)
                continue
            at = max(after) + max(2, 2 * (max(after) - max(before)))
            seen = gang.order("stop", at=at)
            if all(answer is not None and answer["batches"] < at for answer in seen):
                return

    def _conclude(
        self, run: Run, workers: int, outcomes: dict[int, dict[str, Any]], ended: dict[int, dict[str, Any]]
    ) -> None:
        record = run.record
        results = [outcomes.get(rank, {}) for rank in range(workers)]
        record["collected"] = [result["collected"] for result in results if "collected" in result]
        for key in ("values", "model", "trainer", "step", "epoch"):
            if key in results[0]:
                record[key] = results[0][key]
        failures = [result for result in results if result.get("outcome") == "failed"]
        missing = [rank for rank in range(workers) if rank not in outcomes]
        if run.stop.is_set() and (missing or failures):
            self._finish(run, "stopped", _where(run, "stopped"))
        elif missing and not _own_fault(failures):
            self._fail(run, "lost", _lost(missing[0], workers, ended[missing[0]], run))
        elif failures:
            self._fail(run, "failed", *_failure(_own_fault(failures) or failures[0], workers))
        elif any(result["outcome"] == "no-fit" for result in results):
            watched = all(result.get("watched", True) for result in results)
            self._fail(run, "failed", _NO_FIT if watched else _NOT_INSTALLED)
        else:
            stopped = any(result["outcome"] == "stopped" for result in results)
            self._finish(run, "stopped" if stopped else "done", _where(run, "stopped") if stopped else "")

    def _fail(self, run: Run, status: str, message: str, error: dict[str, Any] | None = None) -> None:
        run.record["error"] = {"line": None, "traceback": None, "type": None, **(error or {}), "message": message}
        self._finish(run, status, message)

    def _finish(self, run: Run, status: str, message: str) -> None:
        assert status in FINAL
        record, folder = run.record, run.folder
        if (folder.path / "model.safetensors.next").exists():
            (folder.path / "model.safetensors.next").unlink()
        record.update(
            finished=now(),
            seconds=round(time.time() - record["created_at"], 3),
            versions=outcome.versions(),
            checkpoint="checkpoints/last.ckpt" if folder.checkpoint.exists() else None,
            weights="model.safetensors" if folder.weights.exists() else None,
        )
        record.pop("processes", None)
        record["manifest_sha256"] = outcome.write_manifest(folder, {**record, "status": status})
        run.status(status, message)


def _own_fault(failures: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The earliest failure that is not just a rank noticing that another one has gone."""
    own = [failure for failure in failures if not _is_echo(failure)]
    return min(own, key=lambda failure: float(failure["when"]), default=None)


def _is_echo(failure: dict[str, Any]) -> bool:
    text = str(failure["message"]).lower()
    return failure["type"] in ("RuntimeError", "DistBackendError", "DistNetworkError") and any(
        sign in text for sign in ("gloo", "nccl", "connection closed by peer", "connection reset", "broken pipe")
    )


def _failure(failure: dict[str, Any], workers: int) -> tuple[str, dict[str, Any]]:
    message = f"{failure['type']}: {failure['message'].splitlines()[0]}"
    if failure["line"] is not None:
        place = "the cell" if failure["in_cell"] else "an earlier cell or your own file"
        message += f" (line {failure['line']} of {place}: {failure['text']})"
    if "devices=" in failure["message"] and "world size" in failure["message"]:
        message = (
            f"the cell's Trainer asks for a number of devices that is not the {workers} workers it runs on. "
            "Leave `devices` and `num_nodes` out of Trainer(...), or give --workers the same number"
        )
    return message, {
        "type": failure["type"],
        "line": failure["line"] if failure["in_cell"] else None,
        "traceback": failure["traceback"],
    }


def _lost(rank: int, workers: int, end: dict[str, Any], run: Run) -> str:
    code = end.get("code")
    if end["kind"] == "gone":
        how = "and its Ray actor died"
    elif isinstance(code, int) and code < 0:
        how = f"was killed (signal {-code})" + (", often the system out of memory" if code == -9 else "")
    else:
        how = f"ended by itself with code {code}"
    return f"worker {rank + 1} of {workers} {how}".replace("workers and", "workers") + _kept(run)


def _kept(run: Run) -> str:
    step = run.record.get("checkpoint_step")
    return (
        ""
        if step is None
        else f". A checkpoint of step {step} is kept: run the cell again with --resume {run.folder.id}"
    )


def _where(run: Run, word: str) -> str:
    step = run.record.get("checkpoint_step")
    return f"{word} at step {step}, checkpoint kept" if step is not None else f"{word} before a checkpoint was made"


def request_error(request: dict[str, Any]) -> JobError:
    return JobError(f"the job service does not know '{request.get('op')}'", hint="Run: sahara-lab doctor")

"""One job on a provider's machine: its processes, its meter, its vouchers, and the journal that survives a crash.

Whatever is about to be done is in the journal (``state.json``, synced) before it is done, and everything that is done
on chain can be done twice. So a provider that comes back reads where it was, looks at the chain, and goes on.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sahara_lab.compute.record import FINAL
from sahara_lab.compute.verification import Edge
from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.rental import sandbox
from sahara_lab.rental.gate import MOST_RESULTS, RESULT_NAME
from sahara_lab.rental.journal import read_state, write_state
from sahara_lab.rental.sandbox import Isolation
from sahara_lab.rental.vouchers import UsageVoucher
from sahara_lab.rental.workplace import CHECKPOINT, MODEL, OUT, segment_file

STARTING_FREE = 30.0  # seconds in which the job's libraries are imported, at most, and nothing is billed
ENDING_FREE = 60.0  # seconds in which results are written, at most; what is not done by then is lost
MOST_LINE = 1 << 20
MOST_EVENTS = 20_000
PAGE = 200
CHUNK = 1 << 20
MOST_RESULT = 8 << 30

#: Where the owner of data that must not leave has decided; but for the first, nothing is left to be had.
GATES_PASSED = ("released", "refused", "withheld")
#: taken, then accepted on chain, running, waiting for the renter's keys, ended, submitted, closed.
PHASES = ("taken", "accepting", "running", "waiting", "ended", "submitted", "closed")


class Tenancy:
    """A job as its provider holds it. Methods may be called from several threads."""

    def __init__(self, folder: Path, isolation: Isolation, *, unsafe: bool, clock: Callable[[], float]) -> None:
        self.folder = folder
        self._isolation = isolation
        self._unsafe = unsafe
        self._clock = clock
        self._lock = threading.RLock()
        self.state: dict[str, Any] = read_state(folder / "state.json")
        self.events: list[dict[str, Any]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._billed_from: float | None = None
        self._billed_until = math.inf
        self._started = 0.0
        self.touched = clock()
        self._restore_events()

    # -- what is known ------------------------------------------------------------------------------------------------

    @property
    def id(self) -> int:
        return int(self.folder.name, 16)

    @property
    def phase(self) -> str:
        return str(self.state["phase"])

    @property
    def workers(self) -> int:
        return int(self.state["workers"])

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def package_file(self) -> Path:
        return self.folder / "package"

    @property
    def results(self) -> Path:
        """What the job left, out of its reach."""
        return self.folder / "results"

    @property
    def on_site(self) -> list[str]:
        """Inputs whose data must not leave, as ``owner/name@version``."""
        return list(self.state.get("on_site", []))

    @property
    def released(self) -> bool:
        """Whether the licensee may have what the job left: results, record and manifest."""
        gate = self.state.get("gate")
        return self.phase in ("submitted", "closed") and (not self.on_site or gate in GATES_PASSED)

    @property
    def voucher(self) -> UsageVoucher | None:
        """The highest that the renter signed."""
        kept = self.state.get("voucher")
        return UsageVoucher.from_json(kept) if kept else None

    @property
    def acknowledged(self) -> int:
        """Resource seconds that the renter signed for."""
        voucher = self.voucher
        return voucher.resource_seconds if voucher else 0

    def used(self) -> int:
        """Resource seconds so far, over all runs; never more than the budget pays for."""
        with self._lock:
            since = self._now_billed()
            return min(int(self.state["used"]) + math.ceil(since * self.workers), int(self.state["most"]))

    def _now_billed(self) -> float:
        if self._process is None:
            return 0.0
        begin = self._started + STARTING_FREE if self._billed_from is None else self._billed_from
        return max(0.0, min(self._clock(), self._billed_until) - begin)

    @property
    def overdue(self) -> bool:
        """Whether the job said that it is done, and goes on for longer than writing results takes."""
        return self._process is not None and self._clock() - self._billed_until > ENDING_FREE

    def write(self, **changes: Any) -> None:
        """Change the journal; it is on disk when this returns."""
        with self._lock:
            self.state.update(changes)
            write_state(self.folder / "state.json", self.state)

    # -- the run ------------------------------------------------------------------------------------------------------

    def start(self, description: dict[str, Any], inputs: list[tuple[Path, str]]) -> None:
        """Start the job's processes; ``description`` holds keys, and goes nowhere but into their standard input.

        Raises:
            JobError: there is no wall, and the operator did not ask to go on without.
        """
        with self._lock:
            work = self.folder / "work"
            work.mkdir(exist_ok=True)
            process = sandbox.start(self._isolation, "sahara_lab.rental.workplace", work, inputs, unsafe=self._unsafe)
            self._process, self._billed_from, self._started = process, None, self._clock()
            self._billed_until = math.inf
            self.write(phase="running", problem="", stopping=False)
            order = {**description, "folder": sandbox.inside(self._isolation, work)}
        threading.Thread(target=self._feed, args=(process, order), daemon=True).start()
        threading.Thread(target=self._listen, args=(process,), name=f"job {self.id:#x}"[:15], daemon=True).start()

    def stop(self, why: str) -> None:
        """Ask the job to stop at an agreed step and keep its results."""
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or self.state.get("stopping"):
                return
            self.write(stopping=True, problem=why)
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(b'{"op": "stop"}\n')
            process.stdin.flush()

    def kill(self, why: str) -> None:
        """End the job's processes at once."""
        with self._lock:
            if self._process is not None:
                self.write(problem=why)
                sandbox.end(self._process)

    def overuse(self, memory: int, disk: int) -> str:
        """How the job exceeds what it may use, in words, or nothing. Sizes in bytes."""
        process = self._process
        if process is None:
            return ""
        has, fills = sandbox.usage(process, self.folder)
        if has > memory:
            return f"the job used {has >> 20} MiB of memory; it may use {memory >> 20}"
        if fills > disk:
            return f"the job wrote {fills >> 20} MiB to disk; it may write {disk >> 20}"
        return ""

    @staticmethod
    def _feed(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Read what the job says, as a stranger's: lines of bounded length, JSON, of kinds that are known."""
        assert process.stdout is not None
        said: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            while line := process.stdout.readline(MOST_LINE):
                with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                    message = json.loads(line)
                    if message["kind"] == "event":
                        self._event(dict(message["event"]))
                    elif message["kind"] == "end":
                        said = {"record": dict(message["record"]), "segments": list(message.get("segments", []))}
                        break
        with self._lock:
            used = self.used()
            sandbox.end(process)
            self._process = None
            self.touched = self._clock()
            if self.phase == "running":
                self._conclude(said, used)

    def _conclude(self, said: dict[str, Any], used: int) -> None:
        """The job's processes are gone: keep what they left."""
        record = said.get("record")
        fault = record is None and not self.state.get("problem")
        if record is None:
            why = self.state.get("problem") or "the job's processes were gone before they had said how it went"
            record = {"status": "failed", "error": {"message": why, "type": "Ended"}}
        outputs, unfit = ({}, "") if fault and self.on_site else self._take_results()
        segments = self._take_segments(said.get("segments", [])) if self.state.get("segments") else []
        self.write(
            phase="ended", used=used, record=record, outputs=outputs, unfit=unfit, ended_at=time.time(), fault=fault,
            edges=segments,
        )  # fmt: skip

    def _take_segments(self, said: list[Any]) -> list[dict[str, Any]]:
        """Copy the checkpoints between which the run can be verified out of the job's reach, as many as were agreed."""
        found = []
        for one in said[: int(self.state["segments"])]:
            with contextlib.suppress(OSError, IntegrityError, InputError):
                edge = Edge.of(one)
                name = segment_file(edge.step)
                found.append(asdict(replace(edge, file=name, **_take(self.folder / "work", name, self.results / name))))
        return found

    def _take_results(self) -> tuple[dict[str, Any], str]:
        """Copy what the job left out of its reach; with data that must not leave, one odd file spoils all of it."""
        self.results.mkdir(mode=0o700, exist_ok=True)
        work, outputs = self.folder / "work", {}
        if not self.on_site:
            for name in (MODEL, CHECKPOINT):
                with contextlib.suppress(OSError, IntegrityError):
                    outputs[name] = _take(work, name, self.results / name)
            return outputs, ""
        try:
            for name in _left(work):
                if RESULT_NAME.fullmatch(name) is None:
                    raise IntegrityError(f"{name[:80]!r} is not of a type that may leave")
                outputs[name] = _take(work, name, self.results / name)
        except (OSError, IntegrityError) as error:
            return {}, str(error)
        return outputs, ""

    def _event(self, event: dict[str, Any]) -> None:
        if event.get("message") == "running the cell" and self._billed_from is None:
            self._billed_from = min(self._clock(), self._started + STARTING_FREE)
        if event.get("kind") == "status" and event.get("status") in FINAL:
            self._billed_until = min(self._billed_until, self._clock())
        with self._lock:
            if len(self.events) >= MOST_EVENTS:
                return
            self.events.append(event)
            with (self.folder / "events.jsonl").open("a") as file:
                file.write(json.dumps(event) + "\n")

    def _restore_events(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in (self.folder / "events.jsonl").read_text().splitlines():
                self.events.append(json.loads(line))

    # -- what the renter gets -----------------------------------------------------------------------------------------

    def chunk(self, name: str, offset: int) -> dict[str, Any]:
        """A part of a result.

        Raises:
            InputError: there is no such result.
        """
        outputs = {**self.state.get("outputs", {}), **{one["file"]: one for one in self.state.get("edges", [])}}
        if name not in outputs or not 0 <= offset <= outputs[name]["size"]:
            raise InputError(f"the job has no result {name[:40]!r}")
        with (self.results / name).open("rb") as file:
            file.seek(offset)
            return {"data": base64.b64encode(file.read(CHUNK)).decode(), "size": outputs[name]["size"]}


def _open_out(work: Path) -> int:
    """The folder in which a stranger's code leaves results, unless it is a link."""
    folder = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return os.open(OUT, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def _left(work: Path) -> list[str]:
    """Names of all that a stranger's code left.

    Raises:
        IntegrityError: more than may leave.
    """
    results = _open_out(work)
    try:
        with os.scandir(results) as entries:
            names = [entry.name for entry in islice(entries, MOST_RESULTS + 1)]
    finally:
        os.close(results)
    if len(names) > MOST_RESULTS:
        raise IntegrityError(f"there are more than {MOST_RESULTS} files")
    return sorted(names)


def _take(work: Path, name: str, target: Path) -> dict[str, Any]:
    """Copy a file that a stranger's code left, unless it is a link, a device, or too large; returns hash and size."""
    results = _open_out(work)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=results)
    finally:
        os.close(results)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_RESULT:
            raise IntegrityError(f"{name} is no result")
        hasher, size = hashlib.sha256(), 0
        with target.open("wb") as out:
            while part := file.read(CHUNK):
                size += len(part)
                if size > MOST_RESULT:
                    raise IntegrityError(f"{name} is no result")
                hasher.update(part)
                out.write(part)
            out.flush()
            os.fsync(out.fileno())
    return {"sha256": hasher.hexdigest(), "size": size}

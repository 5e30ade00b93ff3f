"""Where a rented job runs, behind the wall: ``python -m sahara_lab.rental.workplace``.

Reads one line of JSON that describes the job, then orders, from standard input; writes events as lines of JSON to
standard output. What it unpickles is the renter's, in a place where the renter's code runs anyway; what it writes is
JSON and safetensors, and read by the other side as a stranger's. When its input ends, so does the job.
"""

from __future__ import annotations

import base64
import contextlib
import json
import linecache
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from sahara_lab.compute import Job

_LOOK = 0.1
_END_WITHIN = 20.0
OUT = "out"
MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
_RECORD = (
    "status", "message", "metrics", "values", "model", "trainer", "step", "epoch", "versions", "collected", "error",
    "created", "finished", "seconds", "steps_per_second", "pins", "total_steps",
)  # fmt: skip


def main() -> None:
    """Run the job that standard input describes."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    line = sys.stdin.readline()
    if not line:
        return
    order = json.loads(line)
    os.environ["OMP_NUM_THREADS"] = str(int(order["threads"]))  # another number of threads gives other last bits
    from sahara_lab.compute import Compute

    compute = Compute(Path(order["folder"]) / "jobs", backend="local")
    try:
        _follow(_begin(compute, order), out, Path(order["folder"]) / OUT)
    except Exception as error:  # whatever it is, the other side has to hear of it
        _tell(out, "end", record={"status": "failed", "error": {"message": str(error), "type": type(error).__name__}})
    guard = threading.Timer(_END_WITHIN, os._exit, [0])
    guard.daemon = True
    guard.start()
    compute.shutdown()


def _begin(compute: Any, order: dict[str, Any]) -> Job:
    import cloudpickle

    from sahara_lab.rental.reading import GivenKeys
    from sahara_lab.rental.training import collect_accessed

    for name, text in order["sources"].items():
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    resume: str | Path | None = next((job.id for job in compute.jobs() if job.checkpoint is not None), None)
    if order.get("begin"):
        resume = Path(order["folder"]) / order["begin"]
    (Path(order["folder"]) / OUT).mkdir(exist_ok=True)
    started: Job = compute.run_cell(
        order["source"],
        cloudpickle.loads(base64.b64decode(order.pop("names"))),
        workers=order["workers"],
        inputs=[f"{one['name']}@{one['version']}" for one in order["refs"]],
        setup=GivenKeys(order["account"], order["refs"], order.pop("keys")),
        collect=collect_accessed,
        resume=resume,
        cwd=order["folder"],
        **{name: order.get(name) for name in ("seed", "segments", "until")},
    )
    threading.Thread(target=_obey, args=(started, compute), daemon=True).start()
    return started


def _obey(job: Job, compute: Any) -> None:
    for line in sys.stdin:
        with contextlib.suppress(Exception):  # an order that makes no sense is none
            if json.loads(line)["op"] == "stop":
                job.stop()
    compute.shutdown()
    os._exit(1)


def _follow(job: Job, out: TextIO, results: Path) -> None:
    from sahara_lab.compute.record import FINAL

    cursor, ended = 0, False
    while not ended:
        ended = job.record()["status"] in FINAL
        events, cursor = job.events(cursor)
        for event in events:
            _tell(out, "event", event=event)
        if not ended:
            time.sleep(_LOOK)
    record = job.record()
    if job.weights is not None:
        (results / MODEL).unlink(missing_ok=True)
        os.link(job.weights, results / MODEL)
    kept = {name: record[name] for name in _RECORD if record.get(name) is not None}
    checkpoint = _export_checkpoint(job.checkpoint, results / CHECKPOINT)
    _tell(out, "end", record=kept, checkpoint=checkpoint, segments=_export_edges(job, results))


def _export_edges(job: Job, results: Path) -> list[dict[str, Any]]:
    """Write the checkpoints between which the run can be verified without pickle, those of before a crash included."""
    from sahara_lab.compute.verification.segments import edges_of_runs
    from sahara_lab.errors import IntegrityError

    found: list[dict[str, Any]] = []
    for path, edge in edges_of_runs(sorted(job.folder.parent.glob("[!.]*"))):
        name = segment_file(edge.step)
        try:
            if _export_checkpoint(edge.check(path), results / name) == "":
                found.append({**asdict(edge), "file": name})
        except IntegrityError:
            continue
    return found


def segment_file(step: int) -> str:
    """What the checkpoint of a step is called among the results."""
    return f"segment-{step:012d}.safetensors"


def _export_checkpoint(checkpoint: Path | None, path: Path) -> str:
    """Write a checkpoint without pickle; returns why not, or nothing."""
    if checkpoint is None:
        return "none was made"
    import torch

    from sahara_lab.errors import SaharaError
    from sahara_lab.rental.portable import write_portable

    try:
        write_portable(torch.load(checkpoint, map_location="cpu", weights_only=False), path)
    except (SaharaError, OSError, ValueError, RuntimeError) as error:
        return str(error)
    return ""


def _tell(out: TextIO, kind: str, **fields: Any) -> None:
    out.write(json.dumps({"kind": kind, **fields}) + "\n")


if __name__ == "__main__":
    main()

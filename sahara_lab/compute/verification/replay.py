"""Computing a segment of a job of this machine's own workers again, there or on other hardware."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.compute.checkpoints import newest_sound
from sahara_lab.compute.record import JobFolder, write_private
from sahara_lab.compute.verification.judging import Ended, ends_early, judge
from sahara_lab.compute.verification.segments import FOLDER, Edge, Segment, pick, segments_of
from sahara_lab.compute.verification.verdict import Tolerance, Verdict
from sahara_lab.errors import IntegrityError, JobError

if TYPE_CHECKING:
    from sahara_lab.compute.capturing import Captured
    from sahara_lab.compute.job import Job
    from sahara_lab.compute.service import Compute

_NAMES, _SOURCES = "names.pickle", "sources.json"
_NOT_AGAIN = ("segments", "restarts")  # options that make no difference to what is computed


def keep_names(folder: JobFolder, captured: Captured) -> None:
    """Keep what travelled from the notebook, which a segment needs to be computed again. Readable by its owner only."""
    write_private(folder.path / _NAMES, captured.blob)
    write_private(folder.path / _SOURCES, json.dumps(dict(captured.sources)).encode())


def verify(
    compute: Compute,
    job: Job,
    *,
    segment: int | None = None,
    seed: str | None = None,
    tolerance: Tolerance | None = None,
    setup: Callable[[], None] | None = None,
) -> Verdict:
    """Compute one segment of a finished job again and compare it with the checkpoints that the job kept.

    Args:
        segment: its number, from 1; left to ``seed`` when left out.
        seed: chooses the segment; random, and part of the verdict, when left out.
        tolerance: where the last bits need not agree.
        setup: called before the cell, as for ``run_cell``.

    Raises:
        JobError: the job kept no segments, or computing one again did not come to its end.
        IntegrityError: the manifest or a checkpoint is not what was kept.
    """
    manifest = sound_manifest(job)
    kept = (Edge.of(one) for one in manifest.get("segments", []))
    found = segments_of(kept, whole=job.record().get("resume") is None)
    drawn = secrets.token_hex(8) if seed is None and segment is None else seed or ""
    chosen = pick(found, segment, job.id, drawn)
    if segment is None and found and not _weights_are_last(job, found[-1].end):
        chosen = found[-1]
    folder = job.folder / FOLDER
    end = chosen.end.check(folder / chosen.end.file)
    begin = chosen.begin.check(folder / chosen.begin.file) if chosen.begin else None
    claimed = Ended(load(end), manifest.get("pins") or {}, job.weights)
    started = load(begin) if begin else None
    again = _run(compute, job, chosen, begin, setup)
    try:
        result = ended(again, chosen)
        verdict = judge(job.id, chosen, started, claimed, result, tolerance or Tolerance(), drawn)
    finally:
        shutil.rmtree(again.folder, ignore_errors=True)
    if segment is None and not chosen.last and verdict.ok and job.status == "done" and ends_early(found[-1], result):
        return verify(compute, job, segment=len(found), tolerance=tolerance, setup=setup)
    return verdict


def sound_manifest(job: Job) -> dict[str, Any]:
    """A job's manifest, if it is the one that its record names.

    Raises:
        JobError: it has none.
        IntegrityError: it was altered.
    """
    path = job.manifest
    if path is None:
        raise JobError(f"job {job.id} has no manifest ({job.status})", hint="Verify it once it has ended")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != job.record().get("manifest_sha256"):
        raise IntegrityError(f"the manifest of job {job.id} is not the one that was written when it ended")
    found: dict[str, Any] = json.loads(content)
    return found


def ended(job: Job, segment: Segment) -> Ended:
    """How a run that was to end where a segment does has ended.

    Raises:
        JobError: it failed.
    """
    newest = newest_sound(job.folder / "checkpoints")
    record = job.record()
    if record["status"] not in ("done", "stopped"):
        raise JobError(f"computing {segment} again did not come to its end: {record.get('message')}"[:300])
    checkpoint = load(newest[0]) if newest else {}
    return Ended(checkpoint, record.get("pins") or {}, job.weights, record.get("step"), record.get("total_steps"))


def load(path: Path) -> dict[str, Any]:
    """A checkpoint that this machine itself has made."""
    import torch

    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return found


def _run(compute: Compute, job: Job, segment: Segment, begin: Path | None, setup: Callable[[], None] | None) -> Job:
    import cloudpickle

    record = job.record()
    options = {name: value for name, value in record["options"].items() if name not in _NOT_AGAIN}
    names = cloudpickle.loads((job.folder / _NAMES).read_bytes())
    return compute.run_cell(
        job.source, names, inputs=job.inputs, setup=setup, resume=begin, cwd=record["cwd"],
        until=segment.until(record["status"]), restarts=0, **options,
    ).wait()  # fmt: skip


def _weights_are_last(job: Job, last: Edge) -> bool:
    """Whether the weights that were delivered are those of the last checkpoint; else the last segment is looked at."""
    from safetensors.torch import load_file

    if job.weights is None:
        return True
    return same_weights(load(last.check(job.folder / FOLDER / last.file)), load_file(str(job.weights)))


def same_weights(checkpoint: dict[str, Any], weights: dict[str, Any]) -> bool:
    """Whether delivered weights are a checkpoint's; tied ones are delivered once."""
    import torch

    state = checkpoint["state_dict"]
    return all(name in state and torch.equal(state[name], tensor) for name, tensor in weights.items())

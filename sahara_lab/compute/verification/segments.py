"""The checkpoints between which a run can be computed again: kept beside the two that a resumed run needs.

An *edge* is such a checkpoint; the run from one edge (or from its beginning) to the next is a *segment*. When there are
more edges than were asked for, the one that leaves the shortest segment behind is given up, so that those that
are left stay spread over the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sahara_lab.compute.checkpoints import file_hash
from sahara_lab.compute.record import write_private
from sahara_lab.errors import InputError, IntegrityError, JobError

FOLDER = "segments"
_LIST = "segments.json"
WHERE = ("batch", "epoch", "end")


@dataclass(frozen=True)
class Edge:
    """A kept checkpoint. ``where`` it was made: after a batch, at the end of an epoch, or at the end of the run.

    Attributes:
        exact: a run that goes on from here repeats the last bits. Not so in mid-epoch where data loaders have processes
            of their own, whose random numbers are not kept.
    """

    file: str
    sha256: str
    size: int
    step: int
    epoch: int
    where: str
    exact: bool = True

    def check(self, path: Path) -> Path:
        """The file, if it is what was kept.

        Raises:
            IntegrityError: it is missing, truncated or altered.
        """
        has = path.stat().st_size if path.exists() else 0
        if has != self.size:
            raise IntegrityError(f"the checkpoint of step {self.step} has {has} of its {self.size} bytes")
        if file_hash(path) != self.sha256:
            raise IntegrityError(f"the checkpoint of step {self.step} is not the one that the manifest names")
        return path

    @classmethod
    def of(cls, found: Any) -> Edge:
        """An edge from its JSON.

        Raises:
            InputError: it is malformed.
        """
        try:
            edge = cls(
                file=str(found["file"]), sha256=str(found["sha256"]), size=int(found["size"]), step=int(found["step"]),
                epoch=int(found["epoch"]), where=str(found["where"]), exact=found["exact"] is True,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("a checkpoint in the manifest is malformed") from error
        if edge.where not in WHERE or edge.step < 1 or edge.size < 1 or len(edge.sha256) != 64:
            raise InputError("a checkpoint in the manifest is malformed")
        return edge


@dataclass(frozen=True)
class Segment:
    """A stretch of a run. ``number`` counts from 1; ``begin`` is None where it begins with the run."""

    number: int
    of: int
    begin: Edge | None
    end: Edge

    @property
    def last(self) -> bool:
        return self.number == self.of

    def until(self, status: str) -> str:
        """Where computing it again ends, as ``Options.until`` has it.

        Args:
            status: of the whole run; one that was ``done`` ends by itself after its last segment.
        """
        return f"{self.end.step} {self.end.where}" + (" last" if self.last and status == "done" else "")

    def __str__(self) -> str:
        begin = self.begin.step if self.begin else 0
        return f"segment {self.number} of {self.of} (step {begin} to {self.end.step})"


def keep(checkpoint: Path, job_folder: Path, most: int, *, step: int, epoch: int, where: str, exact: bool) -> None:
    """Keep a complete checkpoint as an edge, under a name of its own (the same bytes on disk)."""
    folder = job_folder / FOLDER
    folder.mkdir(exist_ok=True)
    os.link(checkpoint, folder / checkpoint.name)
    made = Edge(checkpoint.name, file_hash(checkpoint), checkpoint.stat().st_size, step, epoch, where, exact)
    kept = [edge for edge in edges(job_folder) if edge.step < step]
    kept = thinned([*kept, made], most)
    write_private(folder / _LIST, json.dumps([asdict(edge) for edge in kept]).encode())
    names = {edge.file for edge in kept}
    for path in folder.glob("*.ckpt"):
        if path.name not in names:
            path.unlink()


def thinned(kept: list[Edge], most: int) -> list[Edge]:
    """At most so many edges, the newest among them."""
    while len(kept) > most:
        steps = [0, *(edge.step for edge in kept)]
        spans = [steps[n + 2] - steps[n] for n in range(len(kept) - 1)]
        del kept[min(range(len(spans)), key=spans.__getitem__)]
    return kept


def edges(job_folder: Path) -> list[Edge]:
    """The edges of a job, oldest first; empty where it keeps none."""
    try:
        found = json.loads((job_folder / FOLDER / _LIST).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [Edge.of(one) for one in found]


def edges_of_runs(job_folders: Iterable[Path]) -> list[tuple[Path, Edge]]:
    """The edges of a run that went on, after a crash, as one job after the other; with where each lies."""
    found: list[tuple[Path, Edge]] = []
    for folder in job_folders:
        for edge in edges(folder):
            found = [one for one in found if one[1].step < edge.step]
            found.append((folder / FOLDER / edge.file, edge))
    return found


def forget(job_folder: Path) -> None:
    """Keep no edges: the job is not one run that could be computed again in parts."""
    shutil.rmtree(job_folder / FOLDER, ignore_errors=True)


def segments_of(found: Iterable[Edge], *, whole: bool = True) -> list[Segment]:
    """The segments between edges.

    Args:
        whole: the run began anew, so that its beginning is one, too; else it went on from another job's checkpoint.

    Raises:
        InputError: the edges are not in the order of the run.
    """
    ends = list(found)
    steps = [edge.step for edge in ends]
    if steps != sorted(set(steps)):
        raise InputError("the checkpoints in the manifest are not in the order of the run")
    if not whole:
        return [Segment(n, len(ends) - 1, ends[n - 1], ends[n]) for n in range(1, len(ends))]
    return [Segment(n + 1, len(ends), ends[n - 1] if n else None, end) for n, end in enumerate(ends)]


def pick(found: list[Segment], number: int | None, job: str, seed: str) -> Segment:
    """The segment with a number, or the one that a seed chooses.

    Raises:
        JobError: there is no such segment, or none at all.
    """
    if not found:
        raise JobError(f"job {job} kept no checkpoints to verify between", hint="Train with --segments 8")
    if number is None:
        return choose(found, job, seed)
    if not 1 <= number <= len(found):
        raise JobError(f"job {job} has no segment {number}", hint=f"It has {len(found)}, counted from 1")
    return found[number - 1]


def choose(found: list[Segment], job: str, seed: str) -> Segment:
    """The segment with the step that a seed chooses: by SHA-256, so that whoever has the seed can see that nobody did.

    Each step is as likely as any other, so that nobody gains by cutting a run into segments of his choosing.
    """
    digest = hashlib.sha256(f"sahara-segment/v1\0{job}\0{seed}".encode()).digest()
    first = found[0].begin.step if found[0].begin else 0
    step = first + 1 + int.from_bytes(digest, "big") % (found[-1].end.step - first)
    return next(segment for segment in found if step <= segment.end.step)

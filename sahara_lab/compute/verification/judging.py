"""The verdict on a segment: what was claimed of it against what computing it again gave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.compute.verification.comparing import comparable, compare
from sahara_lab.compute.verification.pins import unlike
from sahara_lab.compute.verification.segments import Segment
from sahara_lab.compute.verification.verdict import (
    DIFFERENT,
    SAME,
    UNDECIDED,
    WITHIN,
    Difference,
    Tolerance,
    Verdict,
)


@dataclass(frozen=True)
class Ended:
    """How a segment ended.

    Attributes:
        checkpoint: the content of its last checkpoint; empty where none was made.
        pins: those of its run.
        weights: the file with the run's weights.
        steps: how many the run had made when it ended.
        total: how many it would make, where that is known.
    """

    checkpoint: Mapping[str, Any]
    pins: dict[str, Any]
    weights: Path | None = None
    steps: int | None = None
    total: int | None = None

    def compared(self, last: bool) -> dict[str, Any]:
        """What is compared; the weights that were delivered, too, where the segment is the last."""
        found = comparable(self.checkpoint)
        if last and self.weights is not None:
            from safetensors.torch import load_file

            found["weights"] = load_file(str(self.weights))
        return found


def judge(
    job: str,
    segment: Segment,
    begin: Mapping[str, Any] | None,
    claimed: Ended,
    found: Ended,
    tolerance: Tolerance,
    seed: str = "",
) -> Verdict:
    """Compare what was claimed of a segment with what was found.

    Args:
        begin: the checkpoint that the segment went on from, as it was claimed; None where it begins with the run.
    """
    why = unlike(claimed.pins, found.pins)
    if not why and segment.begin is not None and not segment.begin.exact:
        why = "data loaders with processes of their own, in mid-epoch"
    wanted = claimed.compared(segment.last)
    difference = _false_step(segment, begin, claimed) or _other_length(segment, found)
    difference = difference or compare(wanted, found.compared(segment.last), tolerance)
    if difference.same:
        outcome = SAME
    elif not why or not difference.within:
        outcome = DIFFERENT
    elif begin is not None and _told_nothing(begin, found, tolerance):
        outcome = UNDECIDED
        why += ", and the tolerance is as wide as all that was learned in the segment"
    else:
        outcome = WITHIN
    return Verdict(
        job=job,
        segment=segment.number,
        of=segment.of,
        begin=segment.begin.step if segment.begin else 0,
        end=segment.end.step,
        outcome=outcome,
        difference=difference,
        tolerance=tolerance,
        exact=not why,
        why=why,
        seed=seed,
    )


def _false_step(segment: Segment, begin: Mapping[str, Any] | None, claimed: Ended) -> Difference | None:
    """A checkpoint of another step than the manifest says would make the segment shorter than it claims to be."""
    pairs = [(segment.end.step, claimed.checkpoint)]
    if segment.begin is not None and begin is not None:
        pairs.append((segment.begin.step, begin))
    for step, checkpoint in pairs:
        if checkpoint.get("global_step") != step:
            where = f"global_step, which the manifest says is {step},"
            return Difference(math.inf, math.inf, where, same=False, within=False)
    return None


def _other_length(segment: Segment, found: Ended) -> Difference | None:
    """A run that goes on after what was said to be its last step, or that never gets to a step."""
    if found.steps in (None, segment.end.step) and found.checkpoint:
        return None
    where = f"the length of the run, which was at step {found.steps} where the manifest says {segment.end.step},"
    return Difference(math.inf, math.inf, where, same=False, within=False)


def ends_early(last: Segment, found: Ended) -> bool:
    """Whether a run may have been ended before its time, so that its last segment has to be looked at, too."""
    return found.total != last.end.step


def _told_nothing(begin: Mapping[str, Any], found: Ended, tolerance: Tolerance) -> bool:
    """Whether weights that did not move at all would have passed, too."""
    return compare(begin["state_dict"], found.checkpoint["state_dict"], tolerance).within

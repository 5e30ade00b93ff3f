"""Computing one segment of a rented job again: its two checkpoints are fetched, and nothing in them is trusted.

What a provider hands out is safetensors with the hashes that it signed. The checkpoint to go on from is made of plain
values, here; the code that goes on from it is the renter's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sahara_lab.compute.record import JobFolder
from sahara_lab.compute.verification import Edge, Segment, Tolerance, Verdict, segments_of
from sahara_lab.compute.verification.judging import Ended, ends_early, judge
from sahara_lab.compute.verification.replay import same_weights
from sahara_lab.compute.verification.segments import pick
from sahara_lab.errors import IntegrityError
from sahara_lab.rental.delivery import MOST_RESULT
from sahara_lab.rental.gateway import Gateway
from sahara_lab.rental.portable import read_portable, require_safetensors
from sahara_lab.rental.recompute import rerun
from sahara_lab.rental.workplace import CHECKPOINT, MODEL, segment_file


class Sample:
    """A segment of a rented job to be looked at.

    Args:
        manifest: the one that the provider signed and submitted.
        number: which segment, from 1; ``seed`` chooses it when None.
    """

    def __init__(
        self, folder: JobFolder, manifest: dict[str, Any], gateway: Gateway, number: int | None, seed: str
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._gateway = gateway
        self._seed = seed
        found = segments_of(Edge.of(one) for one in manifest.get("segments") or [])
        self._segment = pick(found, number, str(manifest["job"]), seed)
        self._last = found[-1]
        self._drawn = number is None and manifest["status"] == "done"
        if number is None and not self._delivered_the_last(self._last.end):
            self._segment = self._last

    def judge(
        self,
        content: dict[str, Any],
        refs: Sequence[dict[str, Any]],
        keys: list[dict[str, Any]],
        account: str,
        tolerance: Tolerance | None = None,
    ) -> Verdict:
        """Compute the segment again with the package's content, and compare.

        Args:
            tolerance: another than the one that the package stated.

        Raises:
            JobError: it did not come to its end here.
            IntegrityError, InputError: what the provider hands out is not what it signed.
        """
        verdict, found = self._judge(self._segment, content, refs, keys, account, tolerance)
        if self._drawn and not self._segment.last and verdict.ok and ends_early(self._last, found):
            return self._judge(self._last, content, refs, keys, account, tolerance)[0]
        return verdict

    def _judge(
        self,
        segment: Segment,
        content: dict[str, Any],
        refs: Sequence[dict[str, Any]],
        keys: list[dict[str, Any]],
        account: str,
        tolerance: Tolerance | None,
    ) -> tuple[Verdict, Ended]:
        import torch

        begin = self._checkpoint(segment.begin) if segment.begin else None
        claimed = Ended(self._checkpoint(segment.end), self._manifest.get("pins") or {}, self._weights())

        def write_begin(path: Path) -> None:
            torch.save(begin, path)

        with rerun(
            content,
            refs,
            keys,
            account,
            begin=write_begin if begin is not None else None,
            until=segment.until(str(self._manifest["status"])),
        ) as (out, record):
            checkpoint = read_portable(out / CHECKPOINT) if (out / CHECKPOINT).exists() else {}
            pins, steps = record.get("pins") or {}, record.get("step")
            found = Ended(checkpoint, pins, out / MODEL, steps, record.get("total_steps"))
            allowed = tolerance or Tolerance.of(content.get("tolerance") or Tolerance().as_json())
            return judge(self._folder.id, segment, begin, claimed, found, allowed, self._seed), found

    def _weights(self) -> Path | None:
        path = self._folder.path / MODEL
        return path if path.exists() else None

    def _delivered_the_last(self, last: Edge) -> bool:
        """Whether the weights that were delivered are the last checkpoint's; else it is the last segment to look at."""
        from safetensors.torch import load_file

        weights = self._weights()
        return weights is None or same_weights(self._checkpoint(last), load_file(str(weights)))

    def _checkpoint(self, edge: Edge) -> dict[str, Any]:
        """What a provider handed out as a checkpoint, as plain values and tensors.

        Raises:
            IntegrityError, InputError: it is not what was signed.
            NetworkError: the provider does not answer.
        """
        if edge.size > MOST_RESULT or edge.file != segment_file(edge.step):
            raise IntegrityError("the run manifest names a checkpoint that no job has")
        with tempfile.TemporaryDirectory(prefix="sahara-segment-") as folder:
            path = Path(folder) / edge.file
            self._gateway.file(edge.file, edge.size, path)
            edge.check(path)
            require_safetensors(path)
            found = read_portable(path)
        if not isinstance(found, dict):
            raise IntegrityError(f"the checkpoint of step {edge.step} is no checkpoint")
        return found

"""Running a rented job again, to see whether the provider did: same code, data, threads and seed give the same bits.

On CPUs of one kind a seeded run with a pinned number of threads gives the same weights to the last bit; on a GPU, or
without a seed, a difference proves nothing. So what this finds is evidence for a judge, not a judgment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.errors import JobError
from sahara_lab.rental import sandbox
from sahara_lab.rental.sandbox import UNSAFE, Isolation
from sahara_lab.rental.workplace import MODEL, OUT

_BEGIN = "begin.ckpt"


@dataclass(frozen=True)
class Recomputed:
    """What running a job again has shown. Hashes are SHA-256 of the weights' file, in hex.

    ``attestation`` is "recomputed" when the bits are the same, else "none".
    """

    job: str
    claimed: str
    found: str

    @property
    def same(self) -> bool:
        return self.claimed == self.found

    @property
    def ok(self) -> bool:
        return self.same

    @property
    def attestation(self) -> str:
        return "recomputed" if self.same else "none"

    def __str__(self) -> str:
        if self.same:
            return f"job {self.job}: recomputed, the same weights to the last bit"
        return f"job {self.job}: running it again gave other weights ({self.found[:12]}…, not {self.claimed[:12]}…)"


def run_again(content: dict[str, Any], refs: Sequence[dict[str, Any]], keys: list[dict[str, Any]], account: str) -> str:
    """Run a package's content on this machine and return the SHA-256 of its weights.

    Raises:
        JobError: it did not come to its end.
    """
    with rerun(content, refs, keys, account) as (out, _):
        return hashlib.sha256((out / MODEL).read_bytes()).hexdigest()


@contextlib.contextmanager
def rerun(
    content: dict[str, Any],
    refs: Sequence[dict[str, Any]],
    keys: list[dict[str, Any]],
    account: str,
    *,
    begin: Callable[[Path], None] | None = None,
    until: str | None = None,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Run a package's content on this machine, or a part of it; gives the folder with its results, and its record.

    The code is the caller's own, so there is no wall; it has the environment of a rented job, and nothing else.

    Args:
        begin: writes the checkpoint to go on from to where it is told.
        until: where to end, as ``Options.until`` has it.

    Raises:
        JobError: it did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="sahara-recompute-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        order = {name: content.get(name) for name in ("source", "sources", "names", "workers", "threads", "seed")}
        order |= {"refs": list(refs), "keys": keys, "account": account, "folder": str(work), "until": until}
        if begin is not None:
            begin(work / _BEGIN)
            order["begin"] = _BEGIN
        process = sandbox.start(Isolation(UNSAFE, "own code"), "sahara_lab.rental.workplace", work, [], unsafe=True)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            record: dict[str, Any] = {}
            for line in process.stdout:
                message = json.loads(line)
                if message["kind"] == "end":
                    record = message["record"]
                    break
        finally:
            with contextlib.suppress(OSError):
                sandbox.end(process)
        if record.get("status") not in ("done", "stopped") or not (work / OUT / MODEL).exists():
            raise JobError(f"running the job again did not come to its end: {record.get('message') or record}"[:300])
        yield work / OUT, record

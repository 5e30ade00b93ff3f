"""Running a rented job again, to see whether the provider did: same code, data, threads and seed give the same bits.

On CPUs of one kind a seeded run with a pinned number of threads gives the same weights to the last bit; on a GPU, or
without a seed, a difference proves nothing. So what this finds is evidence for a judge, not a judgment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.errors import JobError
from sahara_lab.rental import sandbox
from sahara_lab.rental.sandbox import UNSAFE, Isolation
from sahara_lab.rental.workplace import MODEL, OUT


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
    def attestation(self) -> str:
        return "recomputed" if self.same else "none"

    def __str__(self) -> str:
        if self.same:
            return f"job {self.job}: recomputed, the same weights to the last bit"
        return f"job {self.job}: running it again gave other weights ({self.found[:12]}…, not {self.claimed[:12]}…)"


def run_again(content: dict[str, Any], refs: Sequence[dict[str, Any]], keys: list[dict[str, Any]], account: str) -> str:
    """Run a package's content on this machine and return the SHA-256 of its weights.

    The code is the caller's own, so there is no wall; it has the environment of a rented job, and nothing else.

    Raises:
        JobError: it did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="sahara-recompute-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        process = sandbox.start(Isolation(UNSAFE, "own code"), "sahara_lab.rental.workplace", work, [], unsafe=True)
        try:
            wanted = ("source", "sources", "names", "workers", "threads")
            order = {name: content[name] for name in wanted}
            order |= {"refs": list(refs), "keys": keys, "account": account, "folder": str(work)}
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
        if record.get("status") != "done" or not (work / OUT / MODEL).exists():
            raise JobError(f"running the job again did not come to its end: {record.get('message') or record}"[:300])
        return hashlib.sha256((work / OUT / MODEL).read_bytes()).hexdigest()

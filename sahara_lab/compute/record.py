"""A job's folder on disk: the record, the event log, and where its results lie.

Any process may read a folder at any time. While a job runs only its keeper writes there.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sahara_lab.compute.checkpoints import newest

Event = dict[str, Any]
Record = dict[str, Any]

FINAL: Final = frozenset({"done", "stopped", "failed", "lost"})
STATUSES: Final = ("starting", "running", "stopping", "stopped", "done", "failed", "lost")
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_job_id(kind: str = "train") -> str:
    """A short id that sorts by time: ``train-20261123-0142-k3f9``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{kind}-{stamp}-" + "".join(secrets.choice(_ALPHABET) for _ in range(4))


def now() -> str:
    """The present moment as ISO 8601 text in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that a reader sees the old or the new one; only the owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


class JobFolder:
    """One job's files. Layout: record.json, events.jsonl, cell.py, checkpoints/, model.safetensors,
    best.safetensors, manifest.json, logs/.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def record_file(self) -> Path:
        return self.path / "record.json"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def cell_file(self) -> Path:
        return self.path / "cell.py"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def checkpoint(self) -> Path | None:
        """The newest checkpoint that is there in its full size."""
        return newest(self.checkpoints)

    @property
    def best(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def weights(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def create(self, record: Record, source: str) -> None:
        """Make the folder with its first record."""
        self.path.mkdir(parents=True, exist_ok=False)
        self.path.chmod(0o700)
        self.checkpoints.mkdir()
        self.logs.mkdir()
        self.events_file.touch(mode=0o600)
        write_private(self.cell_file, source.encode("utf-8"))
        self.write(record)

    def read(self) -> Record:
        record: Record = json.loads(self.record_file.read_text("utf-8"))
        return record

    def write(self, record: Record) -> None:
        write_private(self.record_file, json.dumps(record, indent=1, allow_nan=False).encode("utf-8"))

    def append(self, event: Event) -> None:
        """Add one event. A line is written in one call, so readers never see half of it with a newline."""
        line = json.dumps({"time": round(time.time(), 3), **event}, allow_nan=False) + "\n"
        with self.events_file.open("ab", buffering=0) as file:
            file.write(line.encode("utf-8"))

    def events(self, cursor: int = 0) -> tuple[list[Event], int]:
        """Events after ``cursor`` (a byte offset) and the cursor to ask with next time."""
        try:
            with self.events_file.open("rb") as file:
                file.seek(cursor)
                data = file.read()
        except FileNotFoundError:
            return [], cursor
        end = data.rfind(b"\n") + 1
        return [json.loads(line) for line in data[:end].splitlines()], cursor + end

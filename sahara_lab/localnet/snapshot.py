"""Snapshots of the chain's state: written in one step, two generations, each with its own checksum.

The node's own periodic dump is not atomic, so its state is asked for by RPC and written here.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Snapshot:
    """The state at a block; ``state`` is the node's own compressed dump."""

    block: int
    state: bytes


class Snapshots:
    """The snapshots in a folder: the newest and the one before it."""

    def __init__(self, folder: Path) -> None:
        self._newest = folder / "chain.snapshot"
        self._previous = folder / "chain.snapshot.previous"
        self._head = folder / "head.json"

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot; the newest one becomes the previous one."""
        header = {"v": 1, "block": snapshot.block, "sha256": hashlib.sha256(snapshot.state).hexdigest()}
        handle, name = tempfile.mkstemp(dir=self._newest.parent, prefix=".snapshot-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(json.dumps(header).encode() + b"\n" + snapshot.state)
                stream.flush()
                os.fsync(stream.fileno())
            if self._newest.exists():
                self._keep_as_previous()
            Path(name).replace(self._newest)
            _settle(self._newest.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _keep_as_previous(self) -> None:
        """A second name for the newest one, so that there is a newest one at every moment."""
        second = self._previous.with_name(".snapshot-previous")
        second.unlink(missing_ok=True)
        try:
            os.link(self._newest, second)
        except OSError:  # a file system without hard links
            self._newest.replace(self._previous)
        else:
            second.replace(self._previous)

    def load(self) -> Snapshot | None:
        """The newest sound snapshot; a damaged one is set aside as ``.bad``."""
        for path in (self._newest, self._previous):
            if not path.exists():
                continue
            try:
                return _read(path)
            except (ValueError, KeyError, TypeError, OSError):
                path.replace(path.with_name(f"{path.name}.bad"))
        return None

    def record_head(self, block: int) -> None:
        """Remember the newest block seen, so that after a crash one can say what was lost."""
        handle, name = tempfile.mkstemp(dir=self._head.parent, prefix=".head-")
        with os.fdopen(handle, "w") as stream:
            json.dump({"block": block}, stream)
        Path(name).replace(self._head)

    def head(self) -> int | None:
        """The newest block that was seen before, if known."""
        try:
            return int(json.loads(self._head.read_text())["block"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _settle(folder: Path) -> None:
    """Make renames in a folder survive a power cut (fsync of the directory, POSIX)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> Snapshot:
    first, separator, state = path.read_bytes().partition(b"\n")
    header = json.loads(first)
    if not separator or header["v"] != 1 or hashlib.sha256(state).hexdigest() != header["sha256"]:
        raise ValueError("the snapshot is damaged")
    return Snapshot(int(header["block"]), state)

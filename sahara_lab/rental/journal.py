"""Journals of jobs: one JSON file each that is on disk, whole, before what it says is done."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from sahara_lab.errors import IntegrityError, SaharaError, storing


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replace a journal; it is on disk when this returns, and readable by this user only.

    Raises:
        StorageError: the disk is full or cannot be written to.
    """
    with storing("the job's journal cannot be written"):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".state-")
        with os.fdopen(handle, "w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_state(path: Path) -> dict[str, Any]:
    """A journal's content.

    Raises:
        IntegrityError: it is missing or damaged.
    """
    try:
        state = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"the journal {path} cannot be read", hint="Look at the job in the escrow") from error
    if not isinstance(state, dict):
        raise IntegrityError(f"the journal {path} cannot be read", hint="Look at the job in the escrow")
    return state


def waits_for(state: dict[str, Any]) -> str:
    """What a job on data that must not leave waits for its owner to look at: "code", "results", or nothing."""
    if not state.get("on_site"):
        return ""
    waiting = {"taken": "code", "ended": "results" if state.get("gate") == "waiting" else ""}
    return waiting.get(str(state.get("phase")), "")


class Waiting:
    """What of the machines of a profile waits for its owners' word, told for little: nothing is opened for it."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._read: dict[Path, tuple[int, str]] = {}

    def now(self) -> frozenset[tuple[str, str]]:
        """Jobs, by their journals, and what each waits for."""
        read: dict[Path, tuple[int, str]] = {}
        for path in self._profile.glob("provider-*/jobs/*/state.json"):
            try:
                written = path.stat().st_mtime_ns
                known = self._read.get(path)
                read[path] = known if known and known[0] == written else (written, waits_for(read_state(path)))
            except (OSError, SaharaError):
                continue  # it went away, or is damaged
        self._read = read
        return frozenset((str(path), what) for path, (_, what) in read.items() if what)

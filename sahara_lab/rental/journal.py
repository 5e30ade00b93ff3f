"""A journal of one job: one JSON file that is on disk, whole, before what it says is done."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from sahara_lab.errors import IntegrityError, storing


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

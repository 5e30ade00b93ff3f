"""Which assets this process opened: a training job's parents, without anyone having to name them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_VARIABLE = "SAHARA_LAB_LINEAGE"
_accessed: set[str] = set()


def record_access(name: str) -> None:
    """Note that ``owner/name@version`` was opened here."""
    if name in _accessed:
        return
    _accessed.add(name)
    if journal := os.environ.get(_VARIABLE):
        # Short lines in append mode are written in one piece, so processes do not mix theirs.
        with Path(journal).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}\n")


def track_access() -> None:
    """From now on count what child processes open too (data loader workers); call it before they start."""
    if _VARIABLE not in os.environ:
        handle, name = tempfile.mkstemp(prefix="sahara-lineage-")
        os.close(handle)
        os.environ[_VARIABLE] = name


def accessed() -> set[str]:
    """Every ``owner/name@version`` that this process opened, and its children since :func:`track_access`."""
    found = set(_accessed)
    journal = os.environ.get(_VARIABLE)
    if journal and Path(journal).exists():
        found.update(Path(journal).read_text(encoding="utf-8").split())
    return found


def forget_access() -> None:
    """Start counting anew: a warm worker does so before each job."""
    _accessed.clear()
    if journal := os.environ.pop(_VARIABLE, None):
        Path(journal).unlink(missing_ok=True)

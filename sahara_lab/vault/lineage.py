"""Which assets this process opened, and for what: parents of what is made here, without anyone having to name them."""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

_VARIABLE = "SAHARA_LAB_LINEAGE"
_accessed: set[tuple[str, str]] = set()


def record_access(name: str, use: str = "read") -> None:
    """Note that ``owner/name@version`` was opened here, and for which use."""
    if (name, use) in _accessed:
        return
    _accessed.add((name, use))
    if journal := os.environ.get(_VARIABLE):
        # Short lines in append mode are written in one piece, so processes do not mix theirs.
        with Path(journal).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}\t{use}\n")


def track_access() -> None:
    """From now on count what child processes open too (data loader workers); call it before they start."""
    if _VARIABLE not in os.environ:
        handle, name = tempfile.mkstemp(prefix="sahara-lineage-")
        os.close(handle)
        os.environ[_VARIABLE] = name
        atexit.register(_remove, name, os.getpid())


def _remove(journal: str, owner: int) -> None:
    """Take the journal away when the process that made it ends, and not when a fork of it does."""
    if os.getpid() == owner:
        Path(journal).unlink(missing_ok=True)


def accessed_for() -> dict[str, set[str]]:
    """Every ``owner/name@version`` that this process opened, and its children since :func:`track_access`, with the uses
    it was opened for.
    """
    found: dict[str, set[str]] = {}
    for name, use in _accessed:
        found.setdefault(name, set()).add(use)
    journal = os.environ.get(_VARIABLE)
    if journal and Path(journal).exists():
        for line in Path(journal).read_text(encoding="utf-8").splitlines():
            name, _, use = line.partition("\t")
            found.setdefault(name, set()).add(use)
    return found


def accessed() -> set[str]:
    """The names of :func:`accessed_for`."""
    return set(accessed_for())


def forget_access() -> None:
    """Start counting anew: a warm worker does so before each job."""
    _accessed.clear()
    if journal := os.environ.pop(_VARIABLE, None):
        Path(journal).unlink(missing_ok=True)

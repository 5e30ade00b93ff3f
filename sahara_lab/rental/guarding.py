"""What must not leave with results of jobs on an asset, as its owner wrote it down: canary rows and a size."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.errors import IntegrityError
from sahara_lab.rental.gate import MOST_BYTES, check_canary
from sahara_lab.rental.journal import write_state

GUARDS = "guards"


@dataclass(frozen=True)
class Guard:
    """The owner's rules for one asset. ``most`` in bytes, of all results of a job together."""

    canaries: tuple[tuple[Any, ...], ...] = ()
    most: int = MOST_BYTES

    def __str__(self) -> str:
        return f"{len(self.canaries)} canary rows, at most {self.most:,} bytes of results"


def write_guard(folder: Path, asset: int, canaries: Sequence[Sequence[Any]], most: int) -> Guard:
    """Write the rules of an asset down, for this user only.

    Raises:
        InputError: a row is too common to be looked for.
    """
    rows = [tuple(_plain(value) for value in row) for row in canaries]
    guard = Guard(tuple(tuple(check_canary(row)) for row in rows), most)
    (folder / GUARDS).mkdir(mode=0o700, exist_ok=True)
    write_state(folder / GUARDS / f"{asset}.json", {"canaries": [list(row) for row in guard.canaries], "most": most})
    return guard


def read_guard(folder: Path, asset: int) -> Guard:
    """The rules of an asset, the usual ones where none were written down.

    Raises:
        IntegrityError: they are damaged; nothing is released then.
    """
    path = folder / GUARDS / f"{asset}.json"
    if not path.exists():
        return Guard()
    try:
        found = json.loads(path.read_text("utf-8"))
        return Guard(tuple(tuple(row) for row in found["canaries"]), int(found["most"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"the rules in {path} are damaged", hint="Write them again: lab.machine.guard") from error


def read_rows(path: Path) -> list[list[Any]]:
    """Rows of a CSV file (RFC 4180) without a header; what can be read as a number is one."""
    with path.open(newline="", encoding="utf-8") as file:
        return [[_number(value) for value in row] for row in csv.reader(file) if row]


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _plain(value: Any) -> Any:
    """Numbers of NumPy and pandas as Python's, which JSON knows."""
    return value.item() if hasattr(value, "item") else value

"""The journal of transactions: what was about to be sent, and what became of it.

One JSON object per line, only ever appended. A transaction's first line is on disk before the node sees the
transaction; a second line says its fate, and whether the one who asked for it was told.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

#: Beyond this size finished transactions are dropped from the file.
LARGEST = 1 << 18
#: For how long an unanswered request is the same one when it is repeated, in seconds.
MEMORY = 3_600


@dataclass(frozen=True)
class Entry:
    """One transaction; ``fate`` is mined, reverted, refused or lost once it is known."""

    tx: str
    what: str
    intent: str
    nonce: int
    at: int
    fate: str | None = None
    told: bool = False


class Journal:
    """The transactions of one account on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, tx: str, what: str, intent: str, nonce: int) -> None:
        """Write a transaction down; it is on disk when this returns."""
        if self._path.exists() and self._path.stat().st_size > LARGEST:
            self._shorten()
        self._append({"tx": tx, "what": what, "intent": intent, "nonce": nonce, "at": int(time.time())})

    def end(self, tx: str, fate: str, *, told: bool = True) -> None:
        """Write a transaction's fate down."""
        self._append({"tx": tx, "fate": fate, "told": told})

    def unfinished(self) -> list[Entry]:
        """Transactions whose fate is not known."""
        return [entry for entry in self._entries() if entry.fate is None]

    def unanswered(self, intent: str) -> Entry | None:
        """The newest transaction for the same purpose whose sender never learned its fate."""
        oldest = int(time.time()) - MEMORY
        entries = [entry for entry in self._entries() if entry.intent == intent and entry.at >= oldest]
        return entries[-1] if entries and not entries[-1].told else None

    def _entries(self) -> list[Entry]:
        entries: dict[str, Entry] = {}
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return []
        for text in lines:
            try:
                line = json.loads(text)
                if "what" in line:
                    entries[line["tx"]] = Entry(**line)
                elif line["tx"] in entries:
                    entries[line["tx"]] = replace(entries[line["tx"]], fate=line["fate"], told=line["told"])
            except (ValueError, KeyError, TypeError):
                continue  # torn by a crash: what it was about was never sent, since sending comes after it
        return list(entries.values())

    def _append(self, line: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            torn = bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
            stream.write(b"\n" * torn + json.dumps(line).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _shorten(self) -> None:
        recent = int(time.time()) - MEMORY
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".journal-")
        with os.fdopen(handle, "w") as stream:
            for entry in self._entries():
                if entry.fate is not None and (entry.told or entry.at < recent):
                    continue
                line = {"tx": entry.tx, "what": entry.what, "intent": entry.intent}
                stream.write(json.dumps({**line, "nonce": entry.nonce, "at": entry.at}) + "\n")
                if entry.fate is not None:
                    stream.write(json.dumps({"tx": entry.tx, "fate": entry.fate, "told": entry.told}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(self._path)

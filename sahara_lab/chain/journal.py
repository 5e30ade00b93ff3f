"""The journal of transactions: what was signed, what for, and what became of it.

One JSON object per line, only ever appended. A transaction's first line, with its signed bytes, is on disk before the
node sees the transaction, so that whoever comes after a crash can finish it: the same bytes count once, however often
they are handed over. A second line says its fate, and whether the one who asked for it was told.

Whoever writes holds the account's lock (:class:`sahara_lab.chain.sender.Sender`).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from sahara_lab.errors import storing

#: Beyond this size, in bytes, finished transactions are dropped from the file.
LARGEST = 1 << 20
#: The bytes of this many of an account's newest transactions are kept, to be sent again after a reorganization.
RECENT = 256
#: For how long a call without a key of its own is the same one when it is repeated, in seconds.
MEMORY = 3_600
#: Fates of transactions that had no effect and never will, so that their purpose is open again.
VOID = frozenset({"refused", "taken", "lost", "reverted"})


@dataclass(frozen=True)
class Entry:
    """One signed transaction.

    ``block`` was the newest one when it was signed. ``lasts``: its purpose was named and is served once for all time.
    ``fate`` is mined, reverted, replaced (by another version with the same purpose), refused (by the node), taken (its
    nonce was used by a transaction from elsewhere) or lost (forgotten by the chain), once it is known. ``told``: the
    program that asked for it learned that; ``reported``: somebody did.
    """

    tx: str
    what: str
    intent: str
    nonce: int
    at: int
    raw: str = ""
    block: int = 0
    lasts: bool = False
    fate: str | None = None
    told: bool = False
    reported: bool = False


class Journal:
    """The transactions of one account on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None  # kept open, so that its number cannot become another file's
        self._read = 0  # how far it was read
        self._entries: dict[str, Entry] = {}
        self._intents: dict[str, list[str]] = {}
        self._open: set[str] = set()
        self._genesis: str | None = None
        self._kept = 0  # size after it was last shortened

    def begin(self, entries: Sequence[Entry]) -> None:
        """Write transactions down; they are on disk when this returns."""
        self._refresh()
        if self._read > max(LARGEST, 2 * self._kept):
            self._shorten()
        self._append([_beginning(entry) for entry in entries], sync=True)

    def end(self, fates: Iterable[tuple[str, str]], *, told: bool = True, reported: bool = False) -> None:
        """Write down the fate of transactions.

        It may get lost when the machine, not only the program, stops; then it is found out once more.
        """
        ends = {"told": told, "reported": told or reported}
        self._append([{"tx": tx, "fate": fate, **ends} for tx, fate in fates])

    def unfinished(self) -> list[Entry]:
        """Transactions whose fate is not known, the oldest first."""
        self._refresh()
        return [entry for tx, entry in self._entries.items() if tx in self._open]

    def unreported(self) -> list[list[Entry]]:
        """Transactions that nobody learned the end of, each with its versions."""
        self._refresh()
        found: dict[tuple[str, int], list[Entry]] = {}
        for entry in self._entries.values():
            found.setdefault((entry.intent, entry.nonce), []).append(entry)
        return [versions for versions in found.values() if not any(entry.reported for entry in versions)]

    def attempt(self, intent: str, *, ever: bool = False) -> list[Entry]:
        """The transactions, all with one nonce, that serve a purpose already; none when it is to be served anew.

        As of the last look at the file, for those who hold the lock and ask about many.

        Args:
            ever: a purpose that was served stays served, whether it was named or not.
        """
        if self._file is None:
            self._refresh()
        found = [self._entries[tx] for tx in self._intents.get(intent, ())]
        found = [entry for entry in found if entry.fate not in VOID]
        found = [entry for entry in found if entry.nonce == found[-1].nonce]
        mined = next((entry for entry in found if entry.fate == "mined"), None)
        if mined and not (mined.lasts or ever) and (mined.told or time.time() - mined.at > MEMORY):
            return []
        return found

    def standing(self) -> list[Entry]:
        """Recent transactions that have, or may come to have, an effect: their nonces are not free."""
        self._refresh()
        return [entry for entry in self._entries.values() if entry.raw and entry.fate not in VOID]

    def belongs_to(self, genesis: str) -> None:
        """See that this is the journal of the chain with that first block; one of another chain is set aside."""
        self._refresh()
        if self._genesis != genesis:
            if self._genesis is not None:
                self._path.replace(self._path.with_suffix(".old"))
            self._append([{"genesis": genesis}])

    # -- the file -----------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Read what others wrote since."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._forget()
            return
        if self._file is None or os.fstat(self._file.fileno()).st_ino != found.st_ino or found.st_size < self._read:
            self._forget()
            self._file = self._path.open("rb", buffering=0)
        text = os.pread(self._file.fileno(), found.st_size - self._read, self._read)
        whole = text[: text.rfind(b"\n") + 1]  # the rest was torn by a crash
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                self._take(orjson.loads(line))
            except (ValueError, KeyError, TypeError):
                continue  # torn by a crash: what it was about was never sent, since sending comes after it

    def _forget(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._read, self._genesis = None, 0, None
        self._entries, self._intents, self._open = {}, {}, set()

    def _take(self, line: dict[str, Any]) -> None:
        if "genesis" in line:
            self._genesis = str(line["genesis"])
        elif "what" in line:
            entry = Entry(**line)
            if entry.tx not in self._entries:
                self._intents.setdefault(entry.intent, []).append(entry.tx)
            self._entries[entry.tx] = entry
            self._open.add(entry.tx)
        elif line["tx"] in self._entries:
            ends = {"told": line["told"], "reported": line.get("reported", line["told"])}
            self._entries[line["tx"]] = replace(self._entries[line["tx"]], fate=line["fate"], **ends)
            self._open.discard(line["tx"])

    def _append(self, lines: Sequence[dict[str, Any]], *, sync: bool = False) -> None:
        if not lines:
            return
        with storing("the journal of transactions cannot be written"):
            self._write(lines, sync)

    def _write(self, lines: Sequence[dict[str, Any]], sync: bool) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            torn = bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
            text = b"\n" * torn + b"".join(orjson.dumps(line) + b"\n" for line in lines)
            stream.write(text)
            stream.flush()
            if sync:
                os.fsync(descriptor)
            if self._file and os.path.sameopenfile(self._file.fileno(), descriptor) and self._read == size:
                self._read += len(text)  # no need to read one's own lines again
                for line in lines:
                    self._take(line)

    def _shorten(self) -> None:
        """Write the file anew without what nobody will ask for."""
        recent = max((entry.nonce for entry in self._entries.values()), default=0) - RECENT
        oldest = time.time() - MEMORY
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".journal-")
        with os.fdopen(handle, "wb") as stream:
            if self._genesis:
                stream.write(orjson.dumps({"genesis": self._genesis}) + b"\n")
            for entry in self._entries.values():
                if entry.fate is not None and entry.nonce <= recent:
                    if not (entry.fate == "mined" and (entry.lasts or (not entry.told and entry.at >= oldest))):
                        continue
                    entry = replace(entry, raw="")
                stream.write(orjson.dumps(_beginning(entry)) + b"\n")
                if entry.fate is not None:
                    end = {"tx": entry.tx, "fate": entry.fate, "told": entry.told, "reported": entry.reported}
                    stream.write(orjson.dumps(end) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(self._path)
        self._refresh()
        self._kept = self._read


def _beginning(entry: Entry) -> dict[str, Any]:
    line = {"tx": entry.tx, "what": entry.what, "intent": entry.intent, "nonce": entry.nonce, "at": entry.at}
    return {**line, "raw": entry.raw, "block": entry.block, "lasts": entry.lasts}

"""A key server's log of releases: an append-only file that is an RFC 6962 tree, so that anyone can prove a release."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from sahara_lab.errors import NotFound
from sahara_lab.signing import canonical_json
from sahara_lab.vault.merkle import MerkleTree, leaf_hash


class ReceiptLog:
    """One line of canonical JSON per receipt; a leaf of the tree is the line without its end.

    A line cut off by a crash is dropped at the next start: no share was handed out for it, because a share goes out
    only after its receipt is on disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._tree = MerkleTree()
        self._offsets: list[int] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._end = self._load()

    def _load(self) -> int:
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            self._offsets.append(end)
            self._tree.append(leaf_hash(line[:-1]))
            end += len(line)
        self._file.truncate(end)
        return end

    def __len__(self) -> int:
        return len(self._tree)

    def append(self, make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """Write the receipt that ``make`` returns for the next index; it is on disk when this returns."""
        with self._lock:
            receipt = make(len(self._tree))
            line = canonical_json(receipt)
            self._file.write(line + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._offsets.append(self._end)
            self._end += len(line) + 1
            self._tree.append(leaf_hash(line))
            return receipt

    def head(self) -> dict[str, Any]:
        """Size and root of the log."""
        with self._lock:
            return {"size": len(self._tree), "root": self._tree.root().hex()}

    def get(self, index: int) -> dict[str, Any]:
        """A receipt with its audit path to the present root.

        Raises:
            NotFound: there is none of that number.
        """
        with self._lock:
            if not 0 <= index < len(self._tree):
                raise NotFound(f"there is no receipt {index}")
            with self._path.open("rb") as stream:
                stream.seek(self._offsets[index])
                line = stream.readline()
            return {
                **orjson.loads(line),
                "index": index,
                "size": len(self._tree),
                "root": self._tree.root().hex(),
                "proof": [step.hex() for step in self._tree.proof(index)],
            }

    def recent(self, count: int) -> list[dict[str, Any]]:
        """The last receipts, oldest first."""
        first = max(0, len(self) - count)
        return [self.get(index) for index in range(first, len(self))]

    def close(self) -> None:
        self._file.close()

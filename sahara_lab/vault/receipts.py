"""A key server's log of releases: an append-only file that is an RFC 6962 tree, so that anyone can prove a release."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from sahara_lab.errors import InputError, IntegrityError, NotFound, StorageError, storing
from sahara_lab.signing import canonical_json, recover_typed_data
from sahara_lab.vault.merkle import MerkleTree, leaf_hash
from sahara_lab.vault.typed import bytes_of, typed

#: What a receipt's line in the log, and so its leaf, is made of; answers carry other things beside these.
LINE_FIELDS = ("receipt", "signature", "nonce", "expires", "threshold", "until")


def receipt_leaf(line: dict[str, Any]) -> bytes:
    """The leaf hash of a receipt, from the fields of its line."""
    return leaf_hash(canonical_json({name: line[name] for name in LINE_FIELDS if name in line}))


def verify_receipt(receipt: dict[str, Any], signature: str, *, account: str, chain_id: int, registry: str) -> bool:
    """Whether a receipt is signed by the key server with this account."""
    return verify_signed("ReleaseReceipt", receipt, signature, account=account, chain_id=chain_id, registry=registry)


def verify_signed(
    kind: str, message: dict[str, Any], signature: str, *, account: str, chain_id: int, registry: str
) -> bool:
    """Whether a message of a key server ("ReleaseReceipt", "LogHead") is signed by this account."""
    try:
        data = typed(kind, message, chain_id, registry)
        return recover_typed_data(data, bytes_of(signature, "signature")).lower() == account.lower()
    except InputError:
        return False


class ReceiptLog:
    """One line of canonical JSON per receipt; a leaf of the tree is the line without its end.

    A last line that a crash cut off or left as garbage is dropped at the next start: no share was handed out for it,
    because a share goes out only after its receipt is on disk. One process writes a log at a time.

    Raises:
        StorageError: another process has the log open.
        IntegrityError: a line other than the last is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._tree = MerkleTree()
        self._offsets: list[int] = []
        self._by_leaf: dict[bytes, int] = {}
        self._by_asset: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        self._file = self._open()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StorageError(
                f"another process writes the receipt log {path}", hint="One key server has one log; stop the other one"
            ) from None
        if fresh:
            self._sync_folder()
        self._end = self._load()

    def _open(self) -> BinaryIO:
        """The file; only this user reads it, for it says who reads what."""
        return os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "a+b")

    def _sync_folder(self) -> None:
        handle = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _load(self) -> int:
        self._file.seek(0)
        end = 0
        torn = False
        for line in self._file:
            if torn:
                raise IntegrityError(
                    f"receipt {len(self._tree)} in {self._path} is damaged", hint="Restore the log from a backup"
                )
            entry = _parsed(line)
            if entry is None:
                torn = True  # fine when it is the last line
                continue
            self._enter(line[:-1], entry, end)
            end += len(line)
        self._file.truncate(end)
        return end

    def _enter(self, line: bytes, entry: dict[str, Any], offset: int) -> None:
        leaf = leaf_hash(line)
        index = self._tree.append(leaf)
        self._offsets.append(offset)
        self._by_leaf[leaf] = index
        with contextlib.suppress(KeyError, TypeError, ValueError):  # a line need not be a release
            receipt = entry["receipt"]
            self._by_asset[int(receipt["asset"])].append((index, receipt["account"].lower()))

    def __len__(self) -> int:
        return len(self._tree)

    def append(self, make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """Write the receipt that ``make`` returns for the next index; it is on disk when this returns.

        Raises:
            StorageError: it could not be written; the log is as it was.
        """
        with self._lock:
            receipt = make(len(self._tree))
            line = canonical_json(receipt)
            with storing("the receipt could not be written"):
                try:
                    self._file.write(line + b"\n")
                    self._file.flush()
                    os.fsync(self._file.fileno())
                except OSError:
                    self._cut_back()
                    raise
            self._enter(line, receipt, self._end)
            self._end += len(line) + 1
            return receipt

    def _cut_back(self) -> None:
        """Take back a line that a full disk may have left in part, and what is still buffered of it."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = self._open()
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file.truncate(self._end)

    def head(self) -> dict[str, Any]:
        """Size and root of the log."""
        with self._lock:
            return {"size": len(self._tree), "root": self._tree.root().hex()}

    def root(self, size: int) -> bytes:
        """Root over the first ``size`` receipts."""
        with self._lock:
            return self._tree.root(size)

    def get(self, index: int, size: int | None = None) -> dict[str, Any]:
        """A receipt with its audit path to the root over ``size`` receipts, all when none is given.

        Raises:
            NotFound: there is none of that number.
        """
        with self._lock:
            end = len(self._tree) if size is None else size
            if not 0 <= index < end <= len(self._tree):
                raise NotFound(f"there is no receipt {index}")
            proof = self._tree.proof(index, end)
            root = self._tree.root(end)
        with self._path.open("rb") as stream:
            stream.seek(self._offsets[index])
            line = stream.readline()
        return {
            **orjson.loads(line),
            "index": index,
            "size": end,
            "root": root.hex(),
            "proof": [step.hex() for step in proof],
        }

    def of_asset(self, asset: int, account: str | None, first: int, count: int) -> list[int]:
        """Numbers of an asset's receipts from ``first`` on, at most ``count``; of one account when it is given."""
        with self._lock:
            known = self._by_asset.get(asset, [])
            start = bisect_left(known, (first, ""))
            wanted = (known[at][0] for at in range(start, len(known)) if account in (None, known[at][1]))
            return list(islice(wanted, count))

    def inclusion(self, leaf: bytes, size: int) -> tuple[int, list[bytes]]:
        """Number and audit path of a leaf among the first ``size`` receipts.

        Raises:
            NotFound: it is not among them.
        """
        with self._lock:
            index = self._by_leaf.get(leaf)
            if index is None or not index < size <= len(self._tree):
                raise NotFound("no such receipt among these")
            return index, self._tree.proof(index, size)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Proof that the first ``first`` receipts are a prefix of the first ``second``.

        Raises:
            NotFound: the log is not that long.
        """
        with self._lock:
            try:
                return self._tree.consistency(first, second)
            except IndexError:
                raise NotFound("the log never had these sizes") from None

    def recent(self, count: int) -> list[dict[str, Any]]:
        """The last receipts, oldest first."""
        first = max(0, len(self) - count)
        return [self.get(index) for index in range(first, len(self))]

    def close(self) -> None:
        self._file.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A whole line as an object; None when it was cut off or is garbage."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = orjson.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None

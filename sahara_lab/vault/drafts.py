"""Drafts: files written to ``vault://`` before they are published.

A draft lies encrypted on this machine. Its key is sealed to the account, so only its wallet reads it. Files are
encrypted as they are written; publishing makes a new version of what the draft changes.
"""

from __future__ import annotations

import base64
import io
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.cobblestone import Cobblestone256Encryptor
from filelock import FileLock

from sahara_lab.errors import IntegrityError, NotFound, WalletError
from sahara_lab.signing import canonical_json
from sahara_lab.vault.cobblestone import (
    CHUNK,
    HEADER_SIZE,
    KEY_SIZE,
    SEALED_CHUNK,
    draft_context,
    object_context,
    seal,
    sealed_size,
    unseal,
)
from sahara_lab.vault.manifest import ID_SIZE, ObjectEntry
from sahara_lab.vault.opened import Entry
from sahara_lab.vault.reader import BUFFER, ObjectReader
from sahara_lab.vault.sealing import open_sealed, public_bytes, seal_to
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.typed import bytes_of

_INFO = b"sahara-vault/v1/draft-key\0"


@dataclass(frozen=True)
class DraftFile:
    """A file of a draft; ``object`` is None where the draft removes what was published."""

    size: int = 0
    modified: int = 0
    object: bytes | None = None
    key: bytes = field(default=b"", repr=False)


Index = dict[str, DraftFile]


class Draft:
    """The unpublished changes of one asset of this account.

    Args:
        folder: where the draft lies; need not exist.
        encryption_key: seed of the account's encryption key.

    Raises:
        WalletError: the account's encryption key is not at hand in this process.
    """

    def __init__(self, folder: Path, encryption_key: Any) -> None:
        if not isinstance(encryption_key, bytes):
            raise WalletError(
                "drafts need the account's own wallet", hint="Write them where the wallet is, not in a worker"
            )
        self.folder = folder
        self._seed = encryption_key
        self._secret: tuple[bytes, bytes] | None = None

    @property
    def exists(self) -> bool:
        return (self.folder / "draft.json").exists()

    # -- reading ------------------------------------------------------------------------------------------------------

    def index(self) -> Index:
        """All files, by path; empty when nothing was written yet."""
        if not self.exists:
            return {}
        identifier, key = self._keys()
        try:
            sealed = (self.folder / "index").read_bytes()
        except FileNotFoundError:
            return {}
        document = orjson.loads(unseal(key, draft_context(identifier), sealed, "the draft's index"))
        return {
            path: DraftFile(e["size"], e["modified"], bytes_of(e["object"], "id"), bytes_of(e["key"], "key"))
            if e
            else DraftFile()
            for path, e in document["files"].items()
        }

    def open(self, path: str) -> io.BufferedReader:
        """Open a file of the draft for reading.

        Raises:
            NotFound: the draft has no such file.
        """
        entry = self.index().get(path)
        if entry is None or entry.object is None:
            raise NotFound(f"there is no {path!r} in the draft")
        return self.reader(path, entry)

    def reader(self, path: str, entry: DraftFile) -> io.BufferedReader:
        """A file of which :meth:`index` said where it lies."""
        if entry.object is None:
            raise NotFound(f"{path!r} was removed in the draft")
        identifier, _ = self._keys()
        stored = ObjectEntry(entry.object, sealed_size(entry.size), b"")
        context = object_context(identifier, entry.object)
        raw = ObjectReader(Storage(str(self.folder)), stored, entry.size, entry.key, context, "aead", f"draft {path}")
        return io.BufferedReader(raw, BUFFER)

    # -- writing ------------------------------------------------------------------------------------------------------

    def create(self, path: str, *, autocommit: bool = True) -> DraftWriter:
        """A stream that encrypts what is written to it; the file is in the draft once it is closed."""
        identifier, _ = self._keys()
        return DraftWriter(self, path, identifier, autocommit)

    def put(self, path: str, entry: DraftFile | None) -> None:
        """Set or, with None, remove a file's entry."""
        with self.changing() as index:
            index.pop(path, None)
            if entry is not None:
                index[path] = entry

    def add(self, writers: Iterable[DraftWriter]) -> None:
        """Make files part of the draft, all at once. The writers are closed and had no ``autocommit``."""
        files = {writer.name: writer.entry for writer in writers}
        Storage(str(self.folder)).sync(_object_path(entry) for entry in files.values())
        with self.changing() as index:
            index.update(files)

    def take_back(self, writers: Iterable[DraftWriter]) -> None:
        """Undo :meth:`add` for those files that nobody wrote again since."""
        with self.changing() as index:
            for writer in writers:
                if index.get(writer.name) == writer.entry:
                    del index[writer.name]

    def forget(self, published: Index) -> int:
        """Drop the changes that are published by now; those made since stay, and their number is returned."""
        with self.changing() as index:
            for path, entry in published.items():
                if index.get(path) == entry:
                    del index[path]
            return len(index)

    @contextmanager
    def changing(self) -> Iterator[Index]:
        """The index, locked, to be written back at the end of the block; objects left without a name go."""
        identifier, key = self._keys()
        with FileLock(str(self.folder / "lock"), timeout=30):
            index = self.index()
            before = {entry.object for entry in index.values() if entry.object}
            yield index
            document = {
                "v": 1,
                "files": {
                    path: {
                        "size": entry.size,
                        "modified": entry.modified,
                        "object": entry.object.hex(),
                        "key": entry.key.hex(),
                    }
                    if entry.object
                    else None
                    for path, entry in index.items()
                },
            }
            sealed = seal(key, draft_context(identifier), canonical_json(document))
            Storage(str(self.folder)).write("index", sealed)
            for unused in before - {entry.object for entry in index.values()}:
                if unused is not None:
                    (self.folder / ObjectEntry(unused, 0, b"").path).unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget the draft."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._secret = None

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _keys(self) -> tuple[bytes, bytes]:
        """Id and key of the draft; made at the first write."""
        if self._secret is None or not self.exists:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(str(self.folder / "lock"), timeout=30):
                self._secret = self._read_keys() if self.exists else self._make_keys()
        return self._secret

    def _make_keys(self) -> tuple[bytes, bytes]:
        identifier, key = secrets.token_bytes(32), secrets.token_bytes(KEY_SIZE)
        sealed = seal_to(public_bytes(self._seed), _INFO + identifier, key)
        document = {"v": 1, "draft": identifier.hex(), "key": base64.b64encode(sealed).decode()}
        Storage(str(self.folder)).write("draft.json", canonical_json(document))
        return identifier, key

    def _read_keys(self) -> tuple[bytes, bytes]:
        try:
            document = orjson.loads((self.folder / "draft.json").read_bytes())
            identifier = bytes_of(document["draft"], "draft")
            return identifier, open_sealed(self._seed, _INFO + identifier, base64.b64decode(document["key"]))
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the draft in {self.folder} is damaged", hint="Remove that folder and write again"
            ) from error


def _object_path(entry: DraftFile) -> str:
    return ObjectEntry(entry.object or b"", 0, b"").path


def is_below(path: str, folder: str) -> bool:
    """Whether a path lies somewhere in a folder; ``""`` is the top."""
    return not folder or path.startswith(f"{folder}/")


def overlay(published: dict[str, Entry], changes: Index, folder: str) -> tuple[dict[str, Entry], set[str]]:
    """A folder's children with a draft's changes over them, and those subfolders that lost something."""
    listed, thinned = dict(published), set()
    for path, change in changes.items():
        if not is_below(path, folder):
            continue
        name, deeper, _ = path[len(folder) :].lstrip("/").partition("/")
        if change.object is None and deeper:
            thinned.add(name)
        elif change.object is None:
            listed.pop(name, None)
        elif deeper:
            listed[name] = Entry(name, "directory", 0)
        else:
            listed[name] = Entry(name, "file", change.size, change.modified)
    return listed, {name for name in thinned if name in listed and listed[name].kind == "directory"}


class DraftWriter(io.RawIOBase):
    """A file being written. Other readers see it once it is closed (in a transaction: once that ends)."""

    def __init__(self, draft: Draft, path: str, dataset: bytes, autocommit: bool) -> None:
        super().__init__()
        self.name = path
        self.mode = "wb"
        self._draft = draft
        self._autocommit = autocommit
        self._object, self._key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        self._encryptor = Cobblestone256Encryptor(self._key, object_context(dataset, self._object))
        self._file = draft.folder / ObjectEntry(self._object, 0, b"").path
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._file.open("xb")
        self._size = 0
        self._modified = 0
        self.asset = ""

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        with memoryview(data) as whole, whole.cast("B") as view:
            for at in range(0, len(view), 64 * CHUNK):
                piece = view[at : at + 64 * CHUNK]
                out = bytearray(HEADER_SIZE + (len(piece) // CHUNK + 2) * SEALED_CHUNK)
                self._stream.write(memoryview(out)[: self._encryptor.update_into(piece, out)])
            self._size += len(view)
            return len(view)

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._modified = int(time.time())
        with self._stream:
            self._stream.write(self._encryptor.finalize())
        if self._autocommit:
            self.commit()

    @property
    def entry(self) -> DraftFile:
        """The file as the draft's index names it, once it is closed."""
        return DraftFile(self._size, self._modified, self._object, self._key)

    def commit(self) -> None:
        """Make the file part of the draft; fsspec calls this at the end of a transaction."""
        self._draft.add([self])

    def discard(self) -> None:
        """Drop the file, finished or not; fsspec calls this when a transaction is abandoned."""
        self._autocommit = False
        with suppress(OSError):  # the disk may be full
            self.close()
        self._file.unlink(missing_ok=True)

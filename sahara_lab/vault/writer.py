"""Writing a vault: a folder becomes encrypted objects, directory nodes and a manifest, all of it or nothing.

Local vaults are built beside their place and moved there in one step. On other stores the manifest comes last, and
what an interruption leaves is objects that no manifest names.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.cobblestone import Cobblestone256Encryptor

from sahara_lab.errors import InputError, IntegrityError, storing
from sahara_lab.signing import Signer, canonical_json
from sahara_lab.vault.cobblestone import CHUNK, HEADER_SIZE, KEY_SIZE, SEALED_CHUNK, object_context
from sahara_lab.vault.grants import grants_path, make_grant
from sahara_lab.vault.manifest import (
    FIRST_LEAF,
    ID_SIZE,
    LEAF,
    Manifest,
    NodeEntry,
    ObjectEntry,
    load_manifest,
    manifest_path,
    scope,
    vault_root,
)
from sahara_lab.vault.merkle import LeafHasher, root_of
from sahara_lab.vault.nodes import Children, FileChild, FolderChild, Grant, seal_node
from sahara_lab.vault.opened import Vault
from sahara_lab.vault.source import PackSource, SourceFile, gather
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.unchanged import Unchanged
from sahara_lab.vault.values import Packed, ReleaseClass, VaultRef
from sahara_lab.vault.wrapping import make_release

BLOCK = 64 * CHUNK

Progress = Callable[[int, int], None]


def pack(
    source: PackSource,
    storage_url: str,
    *,
    creator: str,
    name: str,
    owner: Signer,
    owner_key: bytes,
    release: Sequence[ReleaseClass],
    chain_id: int,
    registry: str,
    dataset_id: bytes | None = None,
    epoch: int = 1,
    previous: VaultRef | None = None,
    base: Vault | None = None,
    storage_options: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Packed:
    """Encrypt a folder into a new vault. Memory use does not depend on the size of the files.

    Args:
        source: a folder, or a mapping from paths to bytes, files or functions that open a file.
        storage_url: fsspec URL of a folder that is empty or does not exist; with ``base``, the one that it lies in.
        creator: address that registers the asset.
        name: the asset's own name, without owner.
        owner: signs the owner's own grant.
        owner_key: public encryption key that the owner's grant is sealed to.
        release: access classes whose key servers release the key of the whole vault.
        dataset_id: 32 bytes; random for a new asset.
        epoch: key epoch; with ``base``, one that no other version in the same folder has.
        previous: the version before this one, whose dataset id is kept.
        base: the version before this one, opened by its owner. Files that have not changed keep their objects and
            keys there, and only what changed is written.
        progress: called with bytes done and bytes in total.

    Raises:
        InputError: nothing to pack, or something that must not be; nothing has been written then.
        StorageError: it could not be written; what had been is removed.
    """
    files = gather(source)
    count = len(files)
    storage = Storage(storage_url, storage_options)
    before = load_manifest(Storage(previous.location, storage_options), previous) if previous else None
    if base is not None:
        before, previous = base.manifest, base.ref
        if base.storage.url != storage.url:
            raise InputError("a version that keeps files of another lies in the same folder")
    dataset = dataset_id or (before.dataset if before else secrets.token_bytes(32))
    if len(dataset) != 32:
        raise InputError("a dataset id has 32 bytes")
    with storing(f"{name} could not be written to {storage.url}"), _Staging(storage, beside=base is not None) as staged:
        writer = _Writer(staged, dataset, files, progress, Unchanged(base) if base else None)
        root_node, root_key = writer.write_all()
        bound = scope(chain_id, registry, creator, name, dataset, epoch)
        manifest = Manifest(
            chain_id=chain_id,
            registry=registry.lower(),
            creator=creator.lower(),
            name=name,
            dataset=dataset,
            epoch=epoch,
            previous=previous.manifest_hash if previous else None,
            root=vault_root(list(writer.objects.values())),
            root_node=root_node,
            objects=writer.objects,
            nodes={entry.id: entry for entry in writer.nodes},
            release=tuple(make_release(bound, wanted, Grant("", root_node, root_key)) for wanted in release),
        )
        own = make_grant(manifest, Grant("", root_node, root_key), owner.address, owner_key, owner)
        staged.write(grants_path(manifest, owner.address), canonical_json({"v": 1, "grants": [own]}))
        encoded = manifest.encode()
        manifest_hash = hashlib.sha256(encoded).digest()
        staged.finish(manifest_path(manifest_hash), encoded)
    return Packed(manifest.root, manifest_hash, storage.url, dataset, epoch, writer.done, count, writer.kept)


class _Staging:
    """Where a vault is built; it appears in its place when the block ends well, and not at all otherwise.

    Args:
        beside: add to what lies in the folder; nothing there is changed, and the manifest comes last.
    """

    def __init__(self, storage: Storage, *, beside: bool) -> None:
        self._final = storage
        self._temporary: Path | None = None
        self._written: list[str] = []
        if storage.local is None or beside:
            self._storage = storage.not_durable()
            return
        target = storage.local
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError(f"{str(target)!r} is not empty", hint="Give each version of a vault a folder of its own")
        self._temporary = target.with_name(f".{target.name}.partial-{secrets.token_hex(6)}")
        self._storage = Storage(str(self._temporary), durable=False)

    def __enter__(self) -> _Staging:
        return self

    def write(self, path: str, data: bytes) -> None:
        self._note(path)
        self._storage.write(path, data)

    def create(self, path: str) -> Any:
        self._note(path)
        return self._storage.create(path)

    def _note(self, path: str) -> None:
        if self._temporary is None:  # else it is the whole folder
            self._written.append(path)

    def finish(self, path: str, data: bytes) -> None:
        """Write the manifest, once everything it names is on disk."""
        self._storage.sync(self._written or (file.path for file in self._storage.everything()))
        self.write(path, data)
        self._storage.sync([path])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._temporary is not None and self._final.local is not None:
                self._final.local.parent.mkdir(parents=True, exist_ok=True)
                os.rename(self._temporary, self._final.local)  # noqa: PTH104 - replaces an empty folder, Path.rename too
                self._sync(self._final.local.parent)
        finally:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)
            elif kind is not None:
                for path in self._written:
                    self._storage.remove(path)

    @staticmethod
    def _sync(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Writer:
    """Encrypts files into objects, and folders into nodes from the leaves up."""

    def __init__(
        self,
        staged: _Staging,
        dataset: bytes,
        files: list[SourceFile],
        progress: Progress | None,
        unchanged: Unchanged | None,
    ) -> None:
        self._staged = staged
        self._dataset = dataset
        self._files = files
        self._progress = progress
        self._total = sum(file.size for file in files)
        self._buffers = Buffers()
        self._unchanged = unchanged
        self.done = 0
        self.kept = 0
        self.objects: dict[bytes, ObjectEntry] = {}
        self.nodes: list[NodeEntry] = []

    def write_all(self) -> tuple[bytes, bytes]:
        """Write every file and folder; returns the root node's id and key."""
        return self._write_folder(self._each_file(), 0)

    def _each_file(self) -> Iterator[SourceFile]:
        """Files in order, forgotten as they are written: there may be hundreds of thousands."""
        self._files.reverse()
        while self._files:
            yield self._files.pop()

    def _write_folder(self, files: Iterable[SourceFile], depth: int) -> tuple[bytes, bytes]:
        children: Children = {}
        for name, below in groupby(files, lambda file: file.parts[depth]):
            first = next(below)
            if len(first.parts) == depth + 1:
                children[name] = self._write_file(first)
            else:
                children[name] = FolderChild(*self._write_folder(chain((first,), below), depth + 1))  # noqa: B031 - the rest
        identifier, key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        sealed, entry = seal_node(self._dataset, identifier, key, children)
        self._staged.write(entry.path, sealed)
        self.nodes.append(entry)
        return identifier, key

    def _write_file(self, file: SourceFile) -> FileChild:
        if self._unchanged is not None and (found := self._unchanged.find(file)):
            child, entry = found
            self.kept += 1
            self.objects[entry.id] = entry
            self._advance(child.size)
            return replace(child, modified=file.modified or child.modified)
        identifier, key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        entry = ObjectEntry(identifier, 0, b"")
        context = object_context(self._dataset, identifier)
        with file.open() as plain, self._staged.create(entry.path) as sealed:
            size, written, leaves = encrypt_stream(plain, sealed, key, context, self._advance, self._buffers)
        entry = ObjectEntry(identifier, written, root_of(leaves))
        if len(leaves) > 1:
            self._staged.write(entry.hashes_path, b"".join(leaves))
        self.objects[identifier] = entry
        return FileChild(size, identifier, key, file.modified or int(time.time()))

    def _advance(self, count: int) -> None:
        self.done += count
        if self._progress is not None:
            self._progress(self.done, max(self._total, self.done))


class Buffers:
    """Memory that encrypting works in. Kept for many small files: new pages for each would cost more than they do."""

    def __init__(self) -> None:
        self.plain = memoryview(bytearray(BLOCK))
        self.sealed = memoryview(bytearray(HEADER_SIZE + (BLOCK // CHUNK + 2) * SEALED_CHUNK))


def encrypt_stream(
    plain: BinaryIO,
    sealed: BinaryIO,
    key: bytes,
    context: bytes,
    advance: Callable[[int], None] | None = None,
    buffers: Buffers | None = None,
) -> tuple[int, int, list[bytes]]:
    """Encrypt a stream into one object; returns plaintext size, ciphertext size and leaf hashes.

    Each key encrypts one object, once: writing again means a new object with a new key.
    """
    encryptor = Cobblestone256Encryptor(key, context)
    hasher = LeafHasher(FIRST_LEAF, LEAF)
    buffers = buffers or Buffers()
    out, block = buffers.sealed, buffers.plain
    size = written = 0
    while count := _fill(plain, block):
        produced = encryptor.update_into(block[:count], out)
        sealed.write(out[:produced])
        hasher.update(out[:produced])
        size += count
        written += produced
        if advance is not None:
            advance(count)
    rest = encryptor.finalize()
    sealed.write(rest)
    hasher.update(memoryview(rest))
    return size, written + len(rest), hasher.finish()


def _fill(stream: BinaryIO, block: memoryview) -> int:
    """Read until the block is full or the stream ends; bytes read."""
    readinto = stream.readinto if isinstance(stream, io.BufferedReader) else None
    done = 0
    while done < len(block):
        if readinto is not None:
            count = readinto(block[done:]) or 0
        else:
            piece = stream.read(len(block) - done)
            count = len(piece)
            if count > len(block) - done:
                raise IntegrityError("the source returned more bytes than asked")
            block[done : done + count] = piece
        if not count:
            break
        done += count
    return done

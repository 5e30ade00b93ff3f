"""Strict revocation: every file of a version encrypted again under new keys, as a version of its own.

An interruption loses nothing: each finished file is noted in a journal, its key sealed to the owner, and running again
goes on after the last one. Until the chain anchors the new manifest, readers see the old version, of which nothing is
changed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from sahara_lab.errors import IntegrityError, StorageError, storing
from sahara_lab.signing import Signer, canonical_json
from sahara_lab.vault.cobblestone import KEY_SIZE, object_context
from sahara_lab.vault.manifest import ID_SIZE, Manifest, NodeEntry, ObjectEntry, manifest_path, vault_root
from sahara_lab.vault.merkle import root_of
from sahara_lab.vault.nodes import Children, FileChild, FolderChild, Grant, seal_node
from sahara_lab.vault.opened import Parts, Vault
from sahara_lab.vault.rotation import Grantee, regrant
from sahara_lab.vault.sealing import open_sealed, seal_to
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.values import Packed, ReleaseClass
from sahara_lab.vault.wrapping import make_release
from sahara_lab.vault.writer import Buffers, encrypt_stream

_INFO = b"sahara-vault/v1/reencryption\0"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Done:
    """A file that was encrypted again."""

    parts: Parts
    child: FileChild
    entry: ObjectEntry


class Journal:
    """What an attempt has finished, one line a file: readable by the owner only, because it holds keys.

    Args:
        source: the manifest hash of the version that is read; a journal of another version is begun anew.
    """

    def __init__(self, path: Path, source: bytes, owner_key: bytes, secret: Any) -> None:
        self._path = path
        self._public = owner_key
        self._secret = secret
        self._info = _INFO + source
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "a+b")
        self.location = ""

    def begin(self, location: str) -> list[_Done]:
        """What is finished already; ``location`` is where to write when nothing is, else :attr:`location` tells."""
        lines = list(self._lines())
        if lines:
            self.location = lines[0]["location"]
        else:
            self._file.truncate(0)
            self.location = location
            self._write({"location": location})
        return [_done(line) for line in lines[1:]]

    def _lines(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        end = 0
        for line in self._file:
            try:
                opened = orjson.loads(open_sealed(self._secret, self._info, bytes.fromhex(line.decode().strip())))
            except (IntegrityError, ValueError):
                break  # cut off by a crash, or of another version
            if not line.endswith(b"\n"):
                break
            end += len(line)
            yield opened
        self._file.truncate(end)

    def add(self, done: _Done) -> None:
        """Note a file whose object is on disk."""
        child, entry = done.child, done.entry
        self._write(
            {
                "path": "/".join(done.parts),
                "object": entry.id.hex(),
                "key": child.key.hex(),
                "size": child.size,
                "modified": child.modified,
                "sealed": entry.size,
                "root": entry.root.hex(),
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(seal_to(self._public, self._info, canonical_json(line)).hex().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def remove(self) -> None:
        """The new version is anchored: nothing to go on with."""
        self.close()
        self._path.unlink(missing_ok=True)


def _done(line: dict[str, Any]) -> _Done:
    identifier = bytes.fromhex(line["object"])
    child = FileChild(line["size"], identifier, bytes.fromhex(line["key"]), line["modified"])
    return _Done(
        tuple(line["path"].split("/")), child, ObjectEntry(identifier, line["sealed"], bytes.fromhex(line["root"]))
    )


def reencrypt(
    vault: Vault,
    journal: Journal,
    location: str,
    *,
    epoch: int,
    owner: Signer,
    owner_key: bytes,
    release: Sequence[ReleaseClass],
    grants: Sequence[Grantee] = (),
    progress: Progress | None = None,
) -> Packed:
    """Write a version's files again under new keys, into a folder of their own.

    Args:
        vault: opened by its owner.
        location: fsspec URL for the new version; a journal that was begun before names its own.
        release: access classes; their paths must exist.
        grants: what stays shared directly.
        progress: called with bytes done and bytes in total, what was done before included.

    Raises:
        AccessDenied: the vault's keys are not this account's.
        IntegrityError: a stored file is not what was published.
        StorageError: it could not be written; running again goes on where this ended.
    """
    with storing(f"{vault.ref} could not be encrypted again"):
        finished = {done.parts: done for done in journal.begin(location)}
        storage = Storage(journal.location)
        rewriting = _Rewriting(vault, storage, journal, finished, progress)
        root = rewriting.folder(())
        before = vault.manifest
        draft = Manifest(
            chain_id=before.chain_id,
            registry=before.registry,
            creator=before.creator,
            name=before.name,
            dataset=before.dataset,
            epoch=epoch,
            previous=vault.ref.manifest_hash,
            root=vault_root(rewriting.objects),
            root_node=root.node,
            objects={entry.id: entry for entry in rewriting.objects},
            nodes={entry.id: entry for entry in rewriting.nodes},
            release=(),
        )
        made = tuple(make_release(draft.scope(), wanted, rewriting.grant(wanted.path)) for wanted in release)
        manifest = Manifest(**{**vars(draft), "release": made})
        regrant(storage, manifest, rewriting, owner, owner_key, grants)
        encoded = manifest.encode()
        digest = hashlib.sha256(encoded).digest()
        storage.write(manifest_path(digest), encoded)
    return Packed(manifest.root, digest, storage.url, manifest.dataset, epoch, rewriting.done, len(rewriting.objects))


class _Rewriting:
    """Goes through a version from the root; files that are finished already are not read."""

    def __init__(
        self,
        vault: Vault,
        storage: Storage,
        journal: Journal,
        finished: dict[Parts, _Done],
        progress: Progress | None,
    ) -> None:
        self._vault = vault
        self._storage = storage
        self._journal = journal
        self._finished = finished
        self._progress = progress
        self._buffers = Buffers()
        self._made: dict[Parts, FileChild | FolderChild] = {}
        self._total = sum(c.size for _, c in vault.everything() if isinstance(c, FileChild)) if progress else 0
        self.done = 0
        self.objects: list[ObjectEntry] = []
        self.nodes: list[NodeEntry] = []

    def folder(self, parts: Parts) -> FolderChild:
        children: Children = {}
        for name, child in self._vault.children(parts).items():
            below = (*parts, name)
            children[name] = self.folder(below) if isinstance(child, FolderChild) else self._file(below, child)
            self._made[below] = children[name]
        made = FolderChild(secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE))
        sealed, entry = seal_node(self._vault.manifest.dataset, made.node, made.key, children)
        self._storage.write(entry.path, sealed)
        self.nodes.append(entry)
        self._made[parts] = made
        return made

    def grant(self, path: str) -> Grant:
        parts = tuple(path.split("/")) if path else ()
        return Grant.of(path, self._made[parts])  # of what is shared in the version that is read, so it is there

    def _file(self, parts: Parts, child: FileChild) -> FileChild:
        known = self._finished.get(parts)
        if known is None or not self._storage.exists(known.entry.path):
            known = self._encrypt(parts, child)
            self._journal.add(known)
        else:
            self._advance(child.size)
        self.objects.append(known.entry)
        return known.child

    def _encrypt(self, parts: Parts, child: FileChild) -> _Done:
        identifier, key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        entry = ObjectEntry(identifier, 0, b"")
        context = object_context(self._vault.manifest.dataset, identifier)
        with self._vault.raw("/".join(parts)) as plain, self._storage.create(entry.path) as sealed:
            stream: BinaryIO = plain  # type: ignore[assignment]
            size, written, leaves = encrypt_stream(stream, sealed, key, context, self._advance, self._buffers)
        if size != child.size:
            raise StorageError(f"{'/'.join(parts)} has {size} bytes, {child.size} were published")
        entry = ObjectEntry(identifier, written, root_of(leaves))
        if len(leaves) > 1:
            self._storage.write(entry.hashes_path, b"".join(leaves))
        return _Done(parts, FileChild(size, identifier, key, child.modified), entry)

    def _advance(self, count: int) -> None:
        self.done += count
        if self._progress is not None:
            self._progress(self.done, self._total)

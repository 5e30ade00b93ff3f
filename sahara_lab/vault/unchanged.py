"""Finding files that have not changed since the version before, so that they keep their object.

A file is the same when encrypting it as before gives the leaf hashes that the chain anchors. No other digest of it is
kept, and nothing but its object's header and leaf hashes is read from storage.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sahara_lab.errors import IntegrityError, NotFound
from sahara_lab.vault.cobblestone import CHUNK, HEADER_SIZE, SEALED_CHUNK, chunk_count, object_context, object_keys
from sahara_lab.vault.manifest import LEAF_CHUNKS, ObjectEntry
from sahara_lab.vault.nodes import FileChild, FolderChild
from sahara_lab.vault.opened import Parts, Vault
from sahara_lab.vault.reader import leaf_hashes
from sahara_lab.vault.source import SourceFile

CANDIDATES = 4  # files of the same size that are looked at when a path is not where it was


class Unchanged:
    """The files of a version, to be found again by their bytes.

    Args:
        vault: opened by its owner.

    Raises:
        AccessDenied: its keys are not this account's.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._by_path: dict[Parts, FileChild] = {}
        self._by_size: dict[int, list[FileChild]] = defaultdict(list)
        self._add(())

    def _add(self, parts: Parts) -> None:
        for name, child in self._vault.children(parts).items():
            if isinstance(child, FolderChild):
                self._add((*parts, name))
            else:
                self._by_path[(*parts, name)] = child
                self._by_size[child.size].append(child)

    def find(self, file: SourceFile) -> tuple[FileChild, ObjectEntry] | None:
        """What the file was before, at its path or, moved, among those of its size; None when it is another."""
        there = self._by_path.get(file.parts)
        moved = [child for child in self._by_size.get(file.size, ()) if child is not there][:CANDIDATES]
        for child in ([there] if there and there.size == file.size else []) + moved:
            entry = self._vault.manifest.object(child.object)
            try:
                if self._same(file, child, entry):
                    return child, entry
            except (IntegrityError, NotFound):
                continue  # what is damaged in storage is written again
        return None

    def _same(self, file: SourceFile, child: FileChild, entry: ObjectEntry) -> bool:
        storage = self._vault.storage
        leaves = leaf_hashes(storage, entry)
        storage.source(entry.path, entry.size).close()  # it must be there, whole
        header = storage.read(entry.path, 0, HEADER_SIZE)
        context = object_context(self._vault.manifest.dataset, child.object)
        with file.open() as plain:
            return reproduces(plain, child.size, header, child.key, context, leaves)


def reproduces(plain: BinaryIO, size: int, header: bytes, key: bytes, context: bytes, leaves: list[bytes]) -> bool:
    """Whether a stream, encrypted under an object's header and key, is that object; reads no further than it matches.

    The ciphertext made here is hashed and dropped. It must not leave this function: two contents under one key and
    nonce would give the key's protection away.

    Raises:
        IntegrityError: the header is not of this key.
    """
    secret, base = object_keys(key, context, header)
    encrypt = AESGCM(secret).encrypt_into
    block, sealed = bytearray(LEAF_CHUNKS * CHUNK), bytearray(LEAF_CHUNKS * SEALED_CHUNK)
    out, chunks = memoryview(sealed), chunk_count(size)
    for leaf, expected in enumerate(leaves):
        count = _fill(plain, block)
        first = leaf * LEAF_CHUNKS
        if count != min(len(block), size - first * CHUNK):
            return False
        digest = hashlib.sha256(b"\0" + (b"" if leaf else header))
        content, at = memoryview(block)[:count], 0
        for chunk in range(first, min(first + LEAF_CHUNKS, chunks)):
            piece = content[at * CHUNK : (at + 1) * CHUNK]
            encrypt((base ^ chunk).to_bytes(12, "big"), piece, None, out[at * SEALED_CHUNK :][: len(piece) + 16])
            at += 1
        digest.update(out[: count + 16 * at])
        if digest.digest() != expected:
            return False
    return not plain.read(1)


def _fill(stream: BinaryIO, block: bytearray) -> int:
    done, view = 0, memoryview(block)
    while done < len(block):
        piece = stream.read(len(block) - done)
        if not piece:
            break
        view[done : done + len(piece)] = piece
        done += len(piece)
    return done

"""Reading one object anywhere: a raw stream that decrypts straight into the caller's memory."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import InputError, IntegrityError, NotFound
from sahara_lab.vault.cobblestone import (
    CHUNK,
    SEALED_CHUNK,
    ChunkCipher,
    chunk_count,
    chunk_offset,
    sealed_size,
)
from sahara_lab.vault.manifest import LEAF_CHUNKS, ObjectEntry
from sahara_lab.vault.merkle import leaf_hash, root_of
from sahara_lab.vault.objects import Source, Span
from sahara_lab.vault.storage import Storage

if TYPE_CHECKING:
    from sahara_lab.vault.diskcache import DiskCache

VERIFY_MODES = ("aead", "anchored")
BUFFER = 4096  # small reads are served from decrypted chunks, so a larger buffer would only copy more
_CACHED_CHUNKS = 4


class ObjectReader(io.RawIOBase):
    """A file in a vault. Wrap it in ``io.BufferedReader``.

    Args:
        storage: where the vault lies.
        entry: the object, from the anchored manifest.
        size: plaintext size, from the authenticated folder; never from the object's length.
        key: the object's key.
        context: what the object is bound to.
        verify: ``aead`` trusts whoever holds the keys and stops everybody else; ``anchored`` also compares each
            64 KiB leaf read with the root on chain, which stops other readers who can write to storage.
        name: shown in errors.
        cache: keeps ciphertext of remote stores on this machine.
    """

    def __init__(
        self,
        storage: Storage,
        entry: ObjectEntry,
        size: int,
        key: bytes,
        context: bytes,
        verify: str,
        name: str,
        cache: DiskCache | None = None,
    ) -> None:
        super().__init__()
        if verify not in VERIFY_MODES:
            raise InputError(f"there is no verify mode {verify!r}", hint='Use "aead" or "anchored"')
        self.name = name
        self.size = size
        self.mode = "rb"
        self._position = 0
        self._cache: OrderedDict[int, bytearray] = OrderedDict()
        self._cipher: ChunkCipher | None = None
        self._secret = (key, context)
        self._anchored = verify == "anchored"
        self._leaves: list[bytes] | None = None
        self._entry = entry
        self._chunks = chunk_count(size)
        self._storage = storage
        if entry.size != sealed_size(size):
            raise IntegrityError(f"{name}: the folder and the manifest disagree about its length")
        self._source: Source = storage.source(entry.path, entry.size, cache)

    # -- io.RawIOBase -------------------------------------------------------------------------------------------------

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(22, "negative position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as whole, whole.cast("B") as out:
            count = min(len(out), max(0, self.size - self._position))
            if count:
                self.read_at(self._position, out[:count])
                self._position += count
            return count

    def readall(self) -> bytes:
        count = max(0, self.size - self._position)
        # The bytes object is filled in place: BytesIO hands it over without a copy.
        content = io.BytesIO(bytes(count))
        with content.getbuffer() as out:
            if count:
                self.read_at(self._position, out)
        self._position += count
        return content.getvalue()

    def read_ranges(self, ranges: Sequence[Span]) -> list[bytes]:
        """Several ranges of the file, each clipped to it, with few requests to storage."""
        found = []
        for batch in _batches(ranges, self._source.block):
            if len(batch) > 1:
                with self._named():
                    self._source.prepare([self._needed(a // CHUNK, (b - 1) // CHUNK) for a, b in batch if a < b])
            for start, stop in batch:
                content = io.BytesIO(bytes(max(0, stop - start)))
                if start < stop:
                    with content.getbuffer() as out:
                        self.read_at(start, out)
                found.append(content.getvalue())
        return found

    def close(self) -> None:
        if not self.closed:
            source = getattr(self, "_source", None)
            if source is not None:
                source.close()
            self._cache.clear()
            super().close()

    # -- decryption ---------------------------------------------------------------------------------------------------

    def read_at(self, position: int, out: memoryview) -> None:
        """Fill ``out`` with the bytes from ``position`` on; the caller has clipped it to the file.

        Raises:
            IntegrityError: stored bytes are not what the owner wrote; ``out`` holds none of them.
        """
        if self.closed:
            raise ValueError("I/O operation on closed file")
        try:
            self._fill(position, out)
        except BaseException as error:
            self._again(position, out, error)

    def _again(self, position: int, out: memoryview, error: BaseException) -> None:
        """Read once more where copies on this machine may be to blame; else raise, and leave nothing behind."""
        try:
            with self._named():
                if not (isinstance(error, IntegrityError) and self._doubt()):
                    raise error
                self._fill(position, out)
        except BaseException:
            self._doubt()
            out[:] = bytes(len(out))
            raise

    def _doubt(self) -> bool:
        """Forget what this machine keeps of the object; whether reading again may help."""
        self._cache.clear()
        self._cipher = None
        return self._source.doubt()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of storage, with the file's name before them."""
        try:
            yield
        except IntegrityError as error:
            raise IntegrityError(f"{self.name}: {error.message}", hint=error.hint) from error
        except NotFound:
            raise IntegrityError(f"{self.name}: object {self._entry.id.hex()} is missing from storage") from None

    def _fill(self, position: int, out: memoryview) -> None:
        done, total = 0, len(out)
        while done < total:
            first = (position + done) // CHUNK
            stop = min(position + total, (first + self._source.block // SEALED_CHUNK) * CHUNK)
            self._fill_block(position + done, out[done : stop - position])
            done = stop - position

    def _fill_block(self, position: int, out: memoryview) -> None:
        """Fill from at most one block of the source, which a remote store gives in one request."""
        done, total = 0, len(out)
        if self._source.remote:
            self._prepare(position // CHUNK, (position + total - 1) // CHUNK)
        while done < total:
            at, wanted = position + done, total - done
            chunk, skip = divmod(at, CHUNK)
            to_the_end = at + wanted == self.size
            whole = 0 if skip else (-(-wanted // CHUNK) if to_the_end else wanted // CHUNK)
            if whole:
                end = min(self.size, (chunk + whole) * CHUNK)
                self._decrypt(chunk, whole, out[done : done + end - at])
                done += end - at
            else:
                plain = memoryview(self._chunk(chunk))[skip : skip + wanted]
                out[done : done + len(plain)] = plain
                done += len(plain)

    def _prepare(self, first: int, last: int) -> None:
        """Ask for all the ciphertext that some chunks need, unless they are all at hand."""
        if not all(chunk in self._cache for chunk in range(first, last + 1)):
            self._source.prepare([self._needed(first, last)])

    def _needed(self, first: int, last: int) -> Span:
        """The ciphertext to fetch for some chunks: whole leaves where these are compared."""
        if self._anchored:
            first, last = first // LEAF_CHUNKS * LEAF_CHUNKS, (last // LEAF_CHUNKS + 1) * LEAF_CHUNKS - 1
        return self._span(first, last + 1 - first)

    def _span(self, first: int, count: int) -> Span:
        """Where some chunks lie in the ciphertext."""
        start = chunk_offset(first)
        return start, min(self._entry.size, start + count * SEALED_CHUNK)

    def _chunk(self, chunk: int) -> bytearray:
        """One decrypted chunk, from memory if it was read lately."""
        plain = self._cache.get(chunk)
        if plain is None:
            plain = bytearray(min(CHUNK, self.size - chunk * CHUNK))
            self._decrypt(chunk, 1, memoryview(plain))
            self._cache[chunk] = plain
            if len(self._cache) > _CACHED_CHUNKS:
                self._cache.popitem(last=False)
        return plain

    def _decrypt(self, first: int, count: int, out: memoryview) -> None:
        count = min(count, self._chunks - first)
        if self._cipher is None:
            self._cipher = ChunkCipher(*self._secret, self._source.header())
        if self._anchored:
            sealed = self._verified(first, count)
        else:
            start, stop = self._span(first, count)
            sealed = self._source.read(start, stop - start)
        self._cipher.decrypt(first, sealed, out)

    def _verified(self, first: int, count: int) -> memoryview:
        """Ciphertext of chunks whose leaves match the anchored root; the header belongs to the first leaf."""
        first_leaf, last_leaf = first // LEAF_CHUNKS, (first + count - 1) // LEAF_CHUNKS
        start = chunk_offset(first_leaf * LEAF_CHUNKS) if first_leaf else 0
        stop = min(self._entry.size, chunk_offset((last_leaf + 1) * LEAF_CHUNKS))
        hashes = self._leaf_hashes()
        data = self._source.read(start, stop - start)
        at = 0
        for leaf in range(first_leaf, last_leaf + 1):
            end = min(stop, chunk_offset((leaf + 1) * LEAF_CHUNKS)) - start
            if leaf_hash(data[at:end]) != hashes[leaf]:
                raise IntegrityError(
                    f"leaf {leaf} is not the one anchored on chain: another key holder may have altered it"
                )
            at = end
        return data[chunk_offset(first) - start : self._span(first, count)[1] - start]

    def _leaf_hashes(self) -> list[bytes]:
        if self._leaves is None:
            self._leaves = leaf_hashes(self._storage, self._entry)
        return self._leaves


def _batches(ranges: Sequence[Span], most: int) -> Iterator[list[Span]]:
    """Runs of ranges that together hold about ``most`` bytes, so that memory stays bounded."""
    batch: list[Span] = []
    held = 0
    for start, stop in ranges:
        held += stop - start
        if batch and held > most:
            yield batch
            batch, held = [], stop - start
        batch.append((start, stop))
    if batch:
        yield batch


def leaf_hashes(storage: Storage, entry: ObjectEntry) -> list[bytes]:
    """An object's leaf hashes, checked against its anchored root.

    Raises:
        IntegrityError: the stored list is not the published one.
    """
    if entry.leaves == 1:
        return [entry.root]
    stored = storage.read(entry.hashes_path)
    leaves = [stored[at : at + 32] for at in range(0, len(stored), 32)]
    if len(leaves) != entry.leaves or root_of(leaves) != entry.root:
        raise IntegrityError("the list of its leaf hashes does not match the root anchored on chain")
    return leaves

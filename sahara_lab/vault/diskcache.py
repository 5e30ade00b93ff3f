"""Ciphertext of remote vaults, kept on this machine's disk up to a size: the blocks that were used last.

What lies here lies in the store as well, and opens nothing. Objects never change, so a block is right for ever or
damaged; then its tag fails, the object's blocks are dropped, and the store is asked.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from sahara_lab.errors import InputError
from sahara_lab.profile import data_home
from sahara_lab.vault.cobblestone import HEADER_SIZE, SEALED_CHUNK
from sahara_lab.vault.objects import Span, merged

BLOCK = 16 * SEALED_CHUNK  # 256 KiB of content
LEAST = 64 * BLOCK  # a cache of fewer bytes than this would only be in the way

Fetch = Callable[[list[Span]], list[bytes]]


@dataclass(frozen=True)
class CacheUse:
    """The cache on this machine: where it lies, the bytes it may hold (0: there is none) and those that it holds."""

    folder: Path
    limit: int
    used: int

    def __str__(self) -> str:
        if not self.limit:
            return "Nothing is cached on disk."
        return f"{self.used:,} of {self.limit:,} bytes of ciphertext are cached in {self.folder}."


def cache_folder() -> Path:
    """Where this user's cache lies."""
    return data_home() / "cache" / "blocks"


def configured_cache() -> DiskCache | None:
    """The cache of this user, if there is to be one."""
    try:
        limit = int((cache_folder().parent / "limit").read_text())
    except (OSError, ValueError):
        return None
    return DiskCache(cache_folder(), limit) if limit else None


def configure_cache(limit: int) -> None:
    """Cache at most so many bytes from now on; 0 removes the cache.

    Raises:
        InputError: too little to be of use.
    """
    if limit and limit < LEAST:
        raise InputError(f"a cache of {limit:,} bytes is of no use", hint=f"Give it at least {LEAST:,} bytes, or 0")
    folder = cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder.parent / "limit").write_text(f"{limit}\n")
    if limit:
        DiskCache(folder, limit).shrink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def cache_usage() -> CacheUse:
    """What the cache of this user holds."""
    cache = configured_cache()
    return CacheUse(cache_folder(), cache.limit if cache else 0, cache.size() if cache else 0)


class DiskCache:
    """Blocks of objects in a folder that processes share.

    Args:
        folder: need not exist.
        limit: bytes that it holds at most; each process that writes may exceed it by a sixteenth for a moment.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._unswept = 0

    def read(self, name: str, size: int, spans: Sequence[Span], fetch: Fetch) -> list[bytes]:
        """Parts of an object; ``fetch`` is asked once, for all the blocks that are not here.

        Args:
            name: the object's address, which no other object ever has.
            size: bytes of the whole object.

        Returns:
            The parts; shorter than asked where the store holds less than it should.
        """
        wanted = sorted({block for start, stop in spans for block in _blocks(start, stop)})
        found = {block: data for block in wanted if (data := self._load(name, block, size)) is not None}
        missing = merged([_extent(block, size) for block in wanted if block not in found], gap=BLOCK)
        for (start, stop), data in zip(missing, fetch(missing) if missing else [], strict=True):
            for block in _blocks(start, stop):
                first, last = _extent(block, size)
                found[block] = data[first - start : last - start]
                if len(found[block]) == last - first:
                    self._store(name, block, found[block])
        return [_joined(found, start, stop, size) for start, stop in spans]

    def drop(self, name: str) -> bool:
        """Forget an object; whether any of it was here."""
        paths = list(self._place(name).parent.glob(f"{self._place(name).name}-*"))
        for path in paths:
            path.unlink(missing_ok=True)
        return bool(paths)

    def size(self) -> int:
        """Bytes that are held."""
        return sum(size for _, size, _ in self._held())

    def shrink(self) -> None:
        """Remove the blocks that were used longest ago until there is room again."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._unswept = 0
        with suppress(Timeout, OSError), FileLock(str(self.folder / "lock"), timeout=0):
            held = sorted(self._held())
            surplus = sum(size for _, size, _ in held) - self.limit * 7 // 8
            for _, size, path in held:
                if surplus <= 0:
                    break
                path.unlink(missing_ok=True)
                surplus -= size

    def _held(self) -> list[tuple[float, int, Path]]:
        """Blocks as (time of last use, bytes, path)."""
        held = []
        for path in self.folder.glob("??/*-*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                held.append((status.st_mtime, status.st_size, path))
        return held

    def _place(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self.folder / digest[:2] / digest[2:42]

    def _block(self, name: str, block: int) -> Path:
        place = self._place(name)
        return place.with_name(f"{place.name}-{block}")

    def _load(self, name: str, block: int, size: int) -> bytes | None:
        path = self._block(name, block)
        start, stop = _extent(block, size)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data if len(data) == stop - start else None

    def _store(self, name: str, block: int, data: bytes) -> None:
        """Keep a block; a full disk only means that it is not kept."""
        path = self._block(name, block)
        temporary = path.with_name(f"{secrets.token_hex(8)}-unfinished")  # swept with the others after a crash
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                temporary.write_bytes(data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        self._unswept += len(data)
        if self._unswept > self.limit // 16:
            self.shrink()


def _blocks(start: int, stop: int) -> range:
    """The blocks that hold some bytes; the first block begins with the header."""
    return range(max(0, start - HEADER_SIZE) // BLOCK, max(0, stop - 1 - HEADER_SIZE) // BLOCK + 1)


def _extent(block: int, size: int) -> Span:
    return HEADER_SIZE + block * BLOCK if block else 0, min(size, HEADER_SIZE + (block + 1) * BLOCK)


def _joined(found: dict[int, bytes], start: int, stop: int, size: int) -> bytes:
    """Bytes ``start`` to ``stop``, out of the blocks that hold them; ends where a block is too short."""
    parts = []
    for block in _blocks(start, stop):
        first, last = _extent(block, size)
        parts.append(found[block][max(0, start - first) : stop - first])
        if len(found[block]) < last - first:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)

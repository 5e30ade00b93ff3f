"""An object's ciphertext, read anywhere: from a local file, or from any fsspec file system in few requests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sahara_lab.errors import IntegrityError
from sahara_lab.vault.cobblestone import HEADER_SIZE, SEALED_CHUNK

if TYPE_CHECKING:
    from sahara_lab.vault.diskcache import DiskCache
    from sahara_lab.vault.storage import Storage

LOCAL_BLOCK = 64 * SEALED_CHUNK  # bytes asked of the kernel at once: 1 MiB of content
REMOTE_BLOCK = 4096 * SEALED_CHUNK  # the most that one request to a remote store asks for
READ_AHEAD = 256 * SEALED_CHUNK  # how far sequential reading of a remote object runs ahead at most

GAP = 1 << 16  # bytes that are cheaper to fetch than to skip with another request

Span = tuple[int, int]


class Source(Protocol):
    """An object's ciphertext, read anywhere."""

    block: int
    remote: bool

    def read(self, offset: int, length: int) -> memoryview:
        """Exactly these bytes; valid until the next call. ``IntegrityError`` when the object is shorter."""

    def prepare(self, spans: Sequence[Span]) -> None:
        """Fetch what the next reads will want, all at once; does nothing where reads cost nothing."""

    def header(self) -> bytes:
        """The object's first 56 bytes."""

    def doubt(self) -> bool:
        """What was read is not right: forget copies kept on this machine. False when there were none to blame."""

    def close(self) -> None: ...


class LocalSource:
    """A local file, read with ``preadv`` into one reused buffer: safe in forked children, no file position."""

    block = LOCAL_BLOCK
    remote = False

    def __init__(self, path: Path, size: int) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            raise IntegrityError(f"object {path.name} is missing from storage") from None
        self._name = path.name
        self._buffer = bytearray()
        actual = os.fstat(self._file).st_size
        if actual != size:
            self.close()
            raise IntegrityError(f"object {self._name} has {actual} bytes in storage, {size} were published")

    def read(self, offset: int, length: int) -> memoryview:
        if len(self._buffer) < length:
            self._buffer = bytearray(max(length, SEALED_CHUNK))
        view = memoryview(self._buffer)[:length]
        done = 0
        while done < length:
            count = os.preadv(self._file, [view[done:]], offset + done)
            if not count:
                raise IntegrityError(f"object {self._name} ends at byte {offset + done}: it was truncated")
            done += count
        return view

    def prepare(self, spans: Sequence[Span]) -> None:
        """The kernel reads ahead by itself."""

    def header(self) -> bytes:
        return os.pread(self._file, HEADER_SIZE, 0)

    def doubt(self) -> bool:
        return False

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()


class RemoteSource:
    """An object on any fsspec file system: one request for each read, running ahead of sequential readers.

    The header comes with the first read: in the same request when that starts near it, beside it otherwise.

    Args:
        cache: where ciphertext is kept on this machine.
    """

    block = REMOTE_BLOCK
    remote = True

    def __init__(self, storage: Storage, path: str, size: int, cache: DiskCache | None = None) -> None:
        self._storage = storage
        self._cache = cache
        self._name = f"{storage.url}/{path}"
        self._path = path
        self._size = size
        self._windows: list[tuple[int, bytes]] = []
        self._header = b""
        self._ahead = 0

    def read(self, offset: int, length: int) -> memoryview:
        self.prepare([(offset, offset + length)])
        start, data = next(window for window in self._windows if _covers(window, offset, offset + length))
        return memoryview(data)[offset - start : offset - start + length]

    def prepare(self, spans: Sequence[Span]) -> None:
        missing = [span for span in spans if not any(_covers(window, *span) for window in self._windows)]
        if not missing:
            return
        if len(spans) == 1:
            missing = [self._running_ahead(*missing[0])]
        wanted = merged(missing)
        if not self._header and wanted[0][0] <= GAP:
            wanted[0] = (0, wanted[0][1])
        elif not self._header:
            wanted.insert(0, (0, HEADER_SIZE))
        self._windows = []  # their memory goes before more is asked for
        self._windows = [(span[0], data) for span, data in zip(wanted, self._fetch(wanted), strict=True)]
        if not self._header:
            self._header = self._windows[0][1][:HEADER_SIZE]

    def _running_ahead(self, start: int, stop: int) -> Span:
        """What to ask for instead: much more when reading goes on where it stopped."""
        sequential = stop - start < READ_AHEAD and any(at < start <= at + len(data) for at, data in self._windows)
        self._ahead = min(max(2 * self._ahead, 4 * SEALED_CHUNK), READ_AHEAD) if sequential else 0
        # A buffered reader asks for a little more than its caller did; one more chunk saves its next request.
        return start, min(self._size, stop + max(self._ahead, SEALED_CHUNK))

    def header(self) -> bytes:
        if not self._header:
            [self._header] = self._fetch([(0, HEADER_SIZE)])
        return self._header

    def _fetch(self, spans: list[Span]) -> list[bytes]:
        fetch = partial(self._storage.read_spans, self._path)
        pieces = self._cache.read(self._name, self._size, spans, fetch) if self._cache else fetch(spans)
        for (start, stop), piece in zip(spans, pieces, strict=True):
            if len(piece) < stop - start:
                raise IntegrityError(f"object {self._path} ends at byte {start + len(piece)}: it was truncated")
        return pieces

    def doubt(self) -> bool:
        self._windows, self._header = [], b""
        return self._cache is not None and self._cache.drop(self._name)

    def close(self) -> None:
        self._windows = []


def _covers(window: tuple[int, bytes], start: int, stop: int) -> bool:
    return window[0] <= start and stop <= window[0] + len(window[1])


def merged(spans: Iterable[Span], gap: int = GAP) -> list[Span]:
    """The same bytes in fewer spans, in order: those that overlap or lie closer than ``gap`` become one."""
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1] + gap:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined

"""Where ciphertext lies: any fsspec URL, with a short path for local files."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from sahara_lab.errors import InputError, IntegrityError, NotFound
from sahara_lab.vault.objects import LocalSource, RemoteSource, Source, Span

if TYPE_CHECKING:
    from sahara_lab.vault.diskcache import DiskCache

MAX_PUBLIC = 16 << 20


class Stored(NamedTuple):
    """A file in storage; ``modified`` in seconds since 1970, None where the store does not tell."""

    path: str
    size: int
    modified: float | None


class Storage:
    """A folder on any fsspec file system.

    Args:
        url: fsspec URL or local path of the folder.
        options: fsspec storage options.
        durable: local files are on disk when written; otherwise once :meth:`sync` was called for them.
    """

    def __init__(self, url: str, options: dict[str, Any] | None = None, *, durable: bool = True) -> None:
        self.url = url.rstrip("/")
        self._durable = durable
        self._options = options or {}
        self._pid = -1
        self._fs: Any = None
        self._root = ""
        self.local = self._local_path()

    def not_durable(self) -> Storage:
        """The same folder; what is written there has to be synced."""
        return Storage(self.url, self._options, durable=False)

    def _local_path(self) -> Path | None:
        from fsspec.core import split_protocol
        from fsspec.implementations.local import LocalFileSystem

        protocol, _ = split_protocol(self.url)
        if protocol not in (None, "file", "local"):
            return None
        return Path(LocalFileSystem._strip_protocol(self.url))

    def _remote(self) -> tuple[Any, str]:
        # Connections and event loops do not survive a fork: each process makes its own.
        if self._pid != os.getpid():
            from fsspec.core import url_to_fs

            self._fs, self._root = url_to_fs(self.url, **self._options)
            self._pid = os.getpid()
        return self._fs, self._root

    def read(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        """Bytes ``start`` to ``end`` of a file, all of it without them.

        Raises:
            NotFound: there is no such file.
        """
        try:
            if self.local is not None:
                with (self.local / path).open("rb") as stream:
                    if start:
                        stream.seek(start)
                    return stream.read(-1 if end is None else end - (start or 0))
            fs, root = self._remote()
            data: bytes = fs.cat_file(f"{root}/{path}", start=start, end=end)
            return data
        except FileNotFoundError:
            raise NotFound(f"there is no {path} in {self.url}") from None

    def read_spans(self, path: str, spans: Sequence[Span]) -> list[bytes]:
        """Several parts of a file, at once where the file system can.

        Raises:
            NotFound: there is no such file.
        """
        if self.local is not None or len(spans) == 1:
            return [self.read(path, start, stop) for start, stop in spans]
        fs, root = self._remote()
        starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
        try:
            parts: list[bytes] = fs.cat_ranges([f"{root}/{path}"] * len(spans), starts, stops, on_error="raise")
        except FileNotFoundError:
            raise NotFound(f"there is no {path} in {self.url}") from None
        return parts

    def source(self, path: str, size: int, cache: DiskCache | None = None) -> Source:
        """Open an object of known size for reading anywhere; ``cache`` keeps what a remote store gave."""
        return LocalSource(self.local / path, size) if self.local is not None else RemoteSource(self, path, size, cache)

    def write(self, path: str, data: bytes) -> None:
        """Write a file in one step: readers see all of it or what was there before."""
        if self.local is None:
            fs, root = self._remote()
            fs.pipe_file(f"{root}/{path}", data)
            return
        target = self.local / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
        try:
            with temporary.open("xb") as stream:
                stream.write(data)
                self._flush(stream)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        """A new file to write; durable at the end of the block."""
        if self.local is None:
            fs, root = self._remote()
            with fs.open(f"{root}/{path}", "wb") as stream:
                yield stream
            return
        target = self.local / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            yield stream
            self._flush(stream)

    def _flush(self, stream: BinaryIO) -> None:
        stream.flush()
        if self._durable:
            os.fsync(stream.fileno())

    def sync(self, paths: Iterable[str]) -> None:
        """Have these files on disk. Many at once cost little more than the first: one commit of the journal has all."""
        if self.local is None:
            return
        for path in paths:
            handle = os.open(self.local / path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def exists(self, path: str) -> bool:
        if self.local is not None:
            return (self.local / path).exists()
        fs, root = self._remote()
        return bool(fs.exists(f"{root}/{path}"))

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder; none when there is no such folder."""
        if self.local is not None:
            found = self.local / folder
            return sorted(entry.name for entry in found.iterdir() if entry.is_file()) if found.is_dir() else []
        fs, root = self._remote()
        try:
            listed = fs.ls(f"{root}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(str(name).rstrip("/").rpartition("/")[2] for name in listed)

    def everything(self) -> Iterator[Stored]:
        """All files of the folder and of those in it."""
        if self.local is not None:
            for folder, below, files in os.walk(self.local):
                below.sort()
                for name in sorted(files):
                    path = Path(folder, name)
                    status = path.lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield Stored(path.relative_to(self.local).as_posix(), status.st_size, status.st_mtime)
            return
        fs, root = self._remote()
        fs.invalidate_cache()
        top = fs._strip_protocol(root).rstrip("/")
        for name, details in sorted(fs.find(top, detail=True).items()):
            written: Any = next(
                (details[key] for key in ("mtime", "LastModified", "created") if details.get(key)), None
            )
            modified = written.timestamp() if isinstance(written, datetime) else written
            yield Stored(name.removeprefix(top).lstrip("/"), int(details["size"]), modified)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        if self.local is not None:
            (self.local / path).unlink(missing_ok=True)
            return
        fs, root = self._remote()
        if fs.exists(f"{root}/{path}"):
            fs.rm_file(f"{root}/{path}")

    def remove_all(self, folder: str) -> None:
        """Remove the files in a folder."""
        for name in self.names(folder):
            self.remove(f"{folder}/{name}")


def put_public(location: str, name: str, data: bytes, options: dict[str, Any] | None = None) -> None:
    """Store a small public document, unencrypted, beside a vault's manifest.

    Raises:
        InputError: a name with a folder in it, or more than 16 MiB.
    """
    if len(data) > MAX_PUBLIC:
        raise InputError(f"{name} has {len(data):,} bytes; a public document has at most {MAX_PUBLIC:,}")
    Storage(location, options).write(_public_name(name), data)


def get_public(location: str, name: str, options: dict[str, Any] | None = None) -> bytes:
    """A document stored by :func:`put_public`; compare its hash with the anchored one before believing it.

    Raises:
        NotFound: there is none.
        IntegrityError: more than 16 MiB.
    """
    data = Storage(location, options).read(_public_name(name), 0, MAX_PUBLIC + 1)
    if len(data) > MAX_PUBLIC:
        raise IntegrityError(f"{name} in {location} is larger than a public document may be")
    return data


def _public_name(name: str) -> str:
    from sahara_lab.vault.paths import check_component

    if len(check_component(name)) < 3:  # the vault's own folders have one letter
        raise InputError(f"{name!r} is too short for a public document's name")
    return name

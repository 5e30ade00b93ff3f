"""Finding and reading what lies at ``vault://`` addresses: published files, with one's own draft over them."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NamedTuple

from fsspec.asyn import AsyncFileSystem, get_loop, sync
from fsspec.callbacks import DEFAULT_CALLBACK

from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.profile import Profile, current_account
from sahara_lab.vault.drafts import Draft, Index, is_below, overlay
from sahara_lab.vault.opened import Entry, Vault
from sahara_lab.vault.paths import PROTOCOL, Address, parse_address
from sahara_lab.vault.values import Credentials, ManifestSource

KEEP_KEYS = 15.0  # seconds for which an opened vault is used again before grants are looked for anew
KEEP_NAME = 1.0  # seconds after which a name is resolved anew: there may be a newer version
COPY_BLOCK = 4 << 20


class VaultFileNotFound(NotFound, FileNotFoundError):
    """No such file, folder or asset; fsspec and its users expect this to be a ``FileNotFoundError``."""


class _Opened(NamedTuple):
    """A vault opened lately, and until when its keys and the meaning of its name are believed."""

    vault: Vault
    keys_until: float
    name_until: float


class VaultReading(AsyncFileSystem):  # type: ignore[misc]
    """The reading half of :class:`~sahara_lab.vault.filesystem.VaultFileSystem`.

    Args:
        profile: name of the network's profile.
        account: handle that reads and writes; the current account when none is given.
        use: what files are read for, as licenses name it: "read" or "training".
        verify: "aead", or "anchored" to compare what is read with the root on chain as well.
    """

    protocol = PROTOCOL
    root_marker = ""

    def __init__(
        self,
        profile: str = "local",
        account: str | None = None,
        use: str = "read",
        verify: str = "aead",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._pid = os.getpid()
        self.profile = profile
        self.account = account
        self.use = use
        self.verify = verify
        self._opened: dict[str, _Opened] = {}
        self._opening = threading.RLock()

    # -- hooks of subclasses ------------------------------------------------------------------------------------------

    def _backend(self) -> tuple[ManifestSource, Credentials]:
        """Who resolves names, and how this process proves who it is."""
        raise NotImplementedError

    # -- fsspec's housekeeping ----------------------------------------------------------------------------------------

    @property
    def loop(self) -> Any:
        """The event loop of this process; fsspec starts a new one in a forked child."""
        self._after_fork()
        return self._loop

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._loop = None if self.asynchronous else get_loop()
            self._opening = threading.RLock()
            for known in self._opened.values():
                known.vault.after_fork()

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        refuse_copies_on_disk(sys._getframe(1))
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return str(path).removeprefix(f"{PROTOCOL}://").strip("/")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.account or 'the current account'} on {self.profile}, for {self.use}>"

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget opened vaults and their keys: the next access checks licenses and versions anew."""
        self._after_fork()
        with self._opening:
            for known in self._opened.values():
                known.vault.forget_released()
            self._opened.clear()
        super().invalidate_cache(path)

    # -- vaults and drafts --------------------------------------------------------------------------------------------

    def vault(self, path: str) -> Vault:
        """The published vault that a path lies in.

        Raises:
            VaultFileNotFound: there is no such asset or version.
        """
        address = self._address(path)
        self._after_fork()
        with self._opening:
            now = time.monotonic()
            known = self._opened.get(address.base)
            if known and now < min(known.keys_until, known.name_until):
                return known.vault
            source, credentials = self._backend()
            try:
                ref = source.resolve(address.plain, address.version)
            except NotFound as error:
                raise VaultFileNotFound(error.message, hint=error.hint) from None
            if known is None or now >= known.keys_until or known.vault.ref != ref:
                known = _Opened(Vault(ref, credentials, self.use), now + KEEP_KEYS, 0.0)
            self._opened[address.base] = known._replace(name_until=now + KEEP_NAME)
            return known.vault

    def draft(self, path: str) -> Draft:
        """The draft of an asset of this account, whether or not anything was written to it yet.

        Raises:
            AccessDenied: the asset's owner is someone else.
            InputError: the path names a version, which never changes.
        """
        address = self._address(path)
        handle = self.account or current_account()
        _, credentials = self._backend()
        if address.owner.lower() not in (handle.lower(), credentials.account.lower()):
            raise AccessDenied(f"{address.plain} belongs to {address.owner}; {handle} writes to assets of its own only")
        if address.version is not None:
            raise InputError(f"{address.base} is published and never changes", hint=f"Write to vault://{address.plain}")
        return Draft(Profile(self.profile).folder / "drafts" / handle / address.name, credentials.encryption_key)

    def _address(self, path: str) -> Address:
        address = parse_address(self._strip_protocol(path))
        if not address.name:
            raise VaultFileNotFound(
                f"{path!r} names no asset", hint="Write vault://owner/name/path; find names with: %sahara search"
            )
        return address

    def _changes(self, address: Address) -> Index:
        """Unpublished changes that this account sees; published versions, and other people's assets, have none."""
        handle = self.account or current_account()
        if address.version is not None or address.owner.lower() != handle.lower():
            return {}
        if not (Profile(self.profile).folder / "drafts" / handle / address.name / "draft.json").exists():
            return {}
        return self.draft(address.plain).index()

    def _published(self, address: Address) -> Vault | None:
        try:
            return self.vault(address.base)
        except VaultFileNotFound:
            return None

    def _named(self, address: Address) -> Vault:
        """The vault that a path names.

        A missing file is a ``FileNotFoundError``, as everywhere. A missing asset or version is not: libraries
        replace that error by one of their own, and its hint would be lost. One's own asset may be yet to come.

        Raises:
            NotFound: there is no such asset or version.
        """
        try:
            return self.vault(address.base)
        except VaultFileNotFound as missing:
            handle = self.account or current_account()
            if address.version is None and address.owner.lower() == handle.lower():
                raise
            raise NotFound(missing.message, hint=missing.hint) from None

    # -- reading ------------------------------------------------------------------------------------------------------

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        parsed = parse_address(self._strip_protocol(path))
        if not parsed.name:
            return {"name": self._strip_protocol(path), "size": 0, "type": "directory"}
        address, changes = parsed, self._changes(parsed)
        if address.path in changes:
            change = changes[address.path]
            if change.object is None:
                raise VaultFileNotFound(f"there is no {address.path!r} in {address.base}: it was removed in the draft")
            return self._described(address, "file", change.size, change.modified)
        if changes and any(is_below(one, address.path) and changes[one].object for one in changes):
            return self._described(address, "directory", 0, 0)
        if not changes or self._published(address) is not None:
            vault = self._named(address)
            try:
                entry = vault.info(address.path)
            except NotFound as error:
                raise VaultFileNotFound(error.message, hint=error.hint) from None
            if entry.kind == "file" or not changes or self._names(address, changes):
                return self._described(address, entry.kind, entry.size, entry.modified)
        raise VaultFileNotFound(f"there is no {address.path!r} in the draft of {address.plain}")

    @staticmethod
    def _described(address: Address, kind: str, size: int, modified: int) -> dict[str, Any]:
        name = f"{address.base}/{address.path}" if address.path else address.base
        return {"name": name, "size": size, "type": kind, "mtime": modified}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        address = self._address(path)
        here = self.info(path)
        if here["type"] == "file":
            return [here] if detail else [here["name"]]
        listed = self._names(address, self._changes(address))
        found = [
            self._described(
                address._replace(path=f"{address.path}/{name}" if address.path else name), e.kind, e.size, e.modified
            )
            for name, e in sorted(listed.items())
        ]
        return found if detail else [entry["name"] for entry in found]

    def _names(self, address: Address, changes: Index) -> dict[str, Entry]:
        """A folder's children, published ones with the draft's changes over them."""
        listed: dict[str, Entry] = {}
        vault = self._published(address) if changes else self.vault(address.base)
        if vault is not None:
            try:
                listed = {entry.name: entry for entry in vault.listdir(address.path)}
            except NotFound:
                listed = {}
        listed, thinned = overlay(listed, changes, address.path)
        for name in thinned:
            below = address._replace(path=f"{address.path}/{name}".lstrip("/"))
            if not self._names(below, changes):
                del listed[name]
        return listed

    def _reader(self, path: str, verify: str) -> io.BufferedReader:
        address = self._address(path)
        changes = self._changes(address)
        if address.path in changes:
            self.info(path)
            return self.draft(address.plain).open(address.path)
        try:
            return self.vault(address.base).open(address.path, verify=verify)
        except NotFound as error:
            if isinstance(error, VaultFileNotFound):
                raise
            raise VaultFileNotFound(error.message, hint=error.hint) from None

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        return self._read_ranges(path, [(start, end)])[0]

    def _read_ranges(self, path: str, ranges: Sequence[tuple[int | None, int | None]]) -> list[bytes]:
        with self._reader(path, self.verify) as stream:
            raw: Any = stream.raw
            return list(raw.read_ranges([_clipped(raw.size, start, end) for start, end in ranges]))

    async def _cat_ranges(
        self, paths: Any, starts: Any, ends: Any, max_gap: int | None = None, on_error: str = "return", **_: Any
    ) -> list[Any]:
        """Ranges of many files: each file is opened once, ranges close together are one request, files go in parallel.

        Raises:
            ValueError: lists of different lengths.
        """
        starts = starts if isinstance(starts, list | tuple) else [starts] * len(paths)
        ends = ends if isinstance(ends, list | tuple) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError("paths, starts and ends differ in length")
        places: dict[str, list[int]] = {}
        for place, path in enumerate(paths):
            places.setdefault(path, []).append(place)
        found: list[Any] = [b""] * len(paths)
        wanted = [
            asyncio.to_thread(self._read_ranges, path, [(starts[i], ends[i]) for i in here])
            for path, here in places.items()
        ]
        for here, parts in zip(
            places.values(), await asyncio.gather(*wanted, return_exceptions=on_error == "return"), strict=True
        ):
            for i, place in enumerate(here):
                found[place] = parts if isinstance(parts, BaseException) else parts[i]
        return found

    def get_file(self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        if self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)  # noqa: PTH103 - fsspec passes text or file objects
            return
        with self._reader(rpath, self.verify) as stream:
            callback.set_size(stream.raw.size)  # type: ignore[attr-defined]
            if hasattr(lpath, "write"):
                copy_stream(stream, lpath, callback)
                return
            os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)  # noqa: PTH103, PTH120, PTH100
            with open(lpath, "wb") as target:  # noqa: PTH123
                copy_stream(stream, target, callback)

    def get(self, rpath: Any, lpath: Any, **options: Any) -> Any:
        refuse_copies_on_disk(sys._getframe(1))
        return sync(self.loop, super()._get, rpath, lpath, **options)

    def _get(self, rpath: Any, lpath: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        refuse_copies_on_disk(sys._getframe(1))
        fetching: Coroutine[Any, Any, Any] = super()._get(rpath, lpath, **options)
        return fetching

    def isdir(self, path: str) -> bool:
        try:
            return bool(self.info(path)["type"] == "directory")
        except (NotFound, FileNotFoundError):
            return False

    def isfile(self, path: str) -> bool:
        try:
            return bool(self.info(path)["type"] == "file")
        except (NotFound, FileNotFoundError):
            return False

    def exists(self, path: str, **_: Any) -> bool:
        try:
            self.info(path)
            return True
        except (NotFound, FileNotFoundError):
            return False

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self.info(path)["mtime"], UTC)

    async def _info(self, path: str, **options: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.info, path, **options)

    async def _ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        return await asyncio.to_thread(self.ls, path, detail, **options)

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        return await asyncio.to_thread(self.cat_file, path, start, end, **options)

    async def _get_file(self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, **options: Any) -> None:
        await asyncio.to_thread(self.get_file, rpath, lpath, callback, **options)

    async def _exists(self, path: str, **options: Any) -> bool:
        return await asyncio.to_thread(self.exists, path, **options)


def refuse_copies_on_disk(caller: FrameType) -> None:
    """Stop fsspec's disk caches (``simplecache::``, ``filecache::``, ``blockcache::``): their paths all pass here.

    Raises:
        InputError: one of them asks: what it caches would be decrypted.
    """
    caches = sys.modules.get("fsspec.implementations.cached")
    if caches and isinstance(caller.f_locals.get("self"), caches.CachingFileSystem):
        raise InputError(
            "a local cache over vault:// would leave decrypted files on disk",
            hint="Leave out simplecache::, filecache:: or blockcache::, and read vault:// itself",
        )


def _clipped(size: int, start: int | None, end: int | None) -> tuple[int, int]:
    """A range as fsspec gives it, in bytes of a file of this size; negative numbers count from its end."""
    first = 0 if start is None else max(0, size + start if start < 0 else start)
    last = size if end is None else min(size, size + end if end < 0 else end)
    return first, last


def copy_stream(source: Any, target: Any, callback: Any = DEFAULT_CALLBACK) -> None:
    """Copy a stream in blocks, telling fsspec's callback."""
    while block := source.read(COPY_BLOCK):
        target.write(block)
        callback.relative_update(len(block))

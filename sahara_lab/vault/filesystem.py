"""``vault://owner/name[@version]/path`` for fsspec: read what is published, write drafts of what you own.

Instances hold names only, so pickles, JSON and reprs of them hold no secret; keys are found in the process that reads.
Synchronous calls work directly, without an event loop, and so in forked children too.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.transaction import Transaction

from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.profile import Profile, current_account
from sahara_lab.vault.drafts import Draft, DraftFile, DraftWriter, Index, is_below, overlay
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


class DraftTransaction(Transaction):  # type: ignore[misc]
    """Files written in it join their drafts together, and the drafts are published where the file system can."""

    def complete(self, commit: bool = True) -> None:
        fs, names = self.fs, {file.asset for file in self.files if hasattr(file, "asset")}
        super().complete(commit)
        if commit:
            for name in sorted(names):
                fs._publish_draft(name)


class VaultFileSystem(AsyncFileSystem):  # type: ignore[misc]
    """Base of vault file systems; a subclass supplies :meth:`_backend`.

    Args:
        profile: name of the network's profile.
        account: handle that reads and writes; the current account when none is given.
        use: what files are read for, as licenses name it: "read" or "training".
        verify: "aead", or "anchored" to compare what is read with the root on chain as well.
    """

    protocol = PROTOCOL
    root_marker = ""
    transaction_type = DraftTransaction

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

    def _publish_draft(self, name: str) -> None:
        """Called with ``owner/name`` at the end of a transaction that wrote to its draft. Here the draft just stays."""

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

    def drafts(self) -> dict[str, int]:
        """Names of this account's assets that have unpublished changes, with the number of files that change."""
        handle = self.account or current_account()
        folder = Profile(self.profile).folder / "drafts" / handle
        names = sorted(found.parent.name for found in folder.glob("*/draft.json"))
        counted = {name: len(self.draft(f"{handle}/{name}").index()) for name in names}
        return {name: count for name, count in counted.items() if count}

    def export_draft(self, path: str, folder: str) -> int:
        """Write an asset as its draft would publish it into a local folder; returns the number of files."""
        address = self._address(path)
        changes, draft, vault = self._changes(address), self.draft(path), self._published(address)
        changed = {name for name, change in changes.items() if change.object}
        hidden = changes.keys() | {above for name in changed for above in _above(name)}
        contents: dict[str, Callable[[], io.BufferedReader]] = {
            name: partial(draft.reader, name, changes[name]) for name in changed
        }
        for name in _paths(vault.tree()) if vault else ():
            if name not in hidden and changed.isdisjoint(_above(name)):
                contents[name] = partial(vault.open, name)  # type: ignore[union-attr]
        for name, opened in contents.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened() as source, target.open("wb") as copy:
                _copy(source, copy, DEFAULT_CALLBACK)
        return len(contents)

    def discard_draft(self, path: str) -> None:
        """Forget what was written and not published."""
        self.draft(path).discard()

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

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        if mode == "rb":
            return self._reader(path, options.get("verify", self.verify))
        if mode == "wb":
            return self._writer(path, autocommit)
        if mode == "xb":
            if self.exists(path):
                raise FileExistsError(17, "exists already", path)
            return self._writer(path, autocommit)
        raise InputError(f"mode {mode!r} does not exist in a vault: files are written whole", hint='Use "rb" or "wb"')

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
        with self._reader(path, self.verify) as stream:
            raw: Any = stream.raw
            size = raw.size
            first = 0 if start is None else max(0, size + start if start < 0 else start)
            last = size if end is None else min(size, size + end if end < 0 else end)
            content = io.BytesIO(bytes(max(0, last - first)))
            if last > first:
                with content.getbuffer() as out:
                    raw.read_at(first, out)
            return content.getvalue()

    def get_file(self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        if self.isdir(rpath):
            os.makedirs(lpath, exist_ok=True)  # noqa: PTH103 - fsspec passes text or file objects
            return
        with self._reader(rpath, self.verify) as stream:
            callback.set_size(stream.raw.size)  # type: ignore[attr-defined]
            if hasattr(lpath, "write"):
                _copy(stream, lpath, callback)
                return
            os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)  # noqa: PTH103, PTH120, PTH100
            with open(lpath, "wb") as target:  # noqa: PTH123
                _copy(stream, target, callback)

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

    # -- writing ------------------------------------------------------------------------------------------------------

    def _writer(self, path: str, autocommit: bool) -> DraftWriter:
        address = self._address(path)
        if not address.path:
            raise InputError(f"{path!r} names an asset, not a file in it", hint="Write vault://owner/name/path")
        writer = self.draft(path).create(address.path, autocommit=autocommit)
        writer.asset = address.plain
        return writer

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if mode == "create" and self.exists(path):
            raise FileExistsError(17, "exists already", path)
        with self._writer(path, True) as stream:
            stream.write(value)

    def put_file(
        self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **_: Any
    ) -> None:
        if os.path.isdir(lpath):  # noqa: PTH112
            return
        if mode == "create" and self.exists(rpath):
            raise FileExistsError(17, "exists already", rpath)
        with open(lpath, "rb") as source, self._writer(rpath, True) as target:  # noqa: PTH123
            callback.set_size(os.fstat(source.fileno()).st_size)
            _copy(source, target, callback)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        if self.isdir(path1):
            return
        with self._reader(path1, self.verify) as source, self._writer(path2, True) as target:
            _copy(source, target, DEFAULT_CALLBACK)

    def rm_file(self, path: str) -> None:
        address = self._address(path)
        if self.info(path)["type"] == "directory":
            raise IsADirectoryError(21, "is a folder", path)
        vault = self._published(address)
        published = vault is not None and _has(vault, address.path)
        self.draft(path).put(address.path, DraftFile() if published else None)

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Folders appear with their first file; this only checks that one could be written there."""
        self.draft(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.draft(path)

    def rmdir(self, path: str) -> None:
        """Folders disappear with their last file."""

    # -- the same for event loops: zarr and Dask call these -----------------------------------------------------------

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

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        await asyncio.to_thread(self.pipe_file, path, value, mode, **options)

    async def _put_file(
        self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, mode: str = "overwrite", **options: Any
    ) -> None:
        await asyncio.to_thread(self.put_file, lpath, rpath, callback, mode, **options)

    async def _cp_file(self, path1: str, path2: str, **options: Any) -> None:
        await asyncio.to_thread(self.cp_file, path1, path2, **options)

    async def _rm_file(self, path: str, **_: Any) -> None:
        await asyncio.to_thread(self.rm_file, path)

    async def _rm(self, path: Any, recursive: bool = False, batch_size: int | None = None, **_: Any) -> None:
        for one in await self._expand_path(path, recursive=recursive):
            if await asyncio.to_thread(self.isfile, one):  # folders go with their last file
                await self._rm_file(one)

    async def _mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        await asyncio.to_thread(self.mkdir, path, create_parents, **options)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        await asyncio.to_thread(self.makedirs, path, exist_ok)

    async def _rmdir(self, path: str) -> None:
        self.rmdir(path)


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, but for the top."""
    return (str(parent) for parent in PurePosixPath(path).parents if parent.name)


def _paths(entry: Entry) -> Iterator[str]:
    """The files of a tree."""
    if entry.kind == "file":
        yield entry.path
    for child in entry.children:
        yield from _paths(child)


def _has(vault: Vault, path: str) -> bool:
    try:
        return vault.info(path).kind == "file"
    except NotFound:
        return False


def _copy(source: Any, target: Any, callback: Any) -> None:
    while block := source.read(COPY_BLOCK):
        target.write(block)
        callback.relative_update(len(block))

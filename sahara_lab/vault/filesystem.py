"""``vault://owner/name[@version]/path`` for fsspec: read what is published, write drafts of what you own.

Instances hold names only, so pickles, JSON and reprs of them hold no secret; keys are found in the process that reads.
Synchronous calls work directly, without an event loop, and so in forked children too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.core import has_magic
from fsspec.transaction import Transaction

from sahara_lab.errors import InputError, NotFound
from sahara_lab.profile import Profile, current_account
from sahara_lab.vault.drafts import DraftFile, DraftWriter, Index
from sahara_lab.vault.opened import Entry, Vault
from sahara_lab.vault.reading import VaultReading, copy_stream
from sahara_lab.vault.source import Lazy, files_of


class DraftTransaction(Transaction):  # type: ignore[misc]
    """Files written in it join their drafts together, and the drafts are published where the file system can."""

    def complete(self, commit: bool = True) -> None:
        fs, names = self.fs, {file.asset for file in self.files if hasattr(file, "asset")}
        super().complete(commit)
        if commit:
            for name in sorted(names):
                fs._publish_draft(name)


class VaultFileSystem(VaultReading):
    """Base of vault file systems; a subclass supplies :meth:`_backend`. Arguments: see :class:`VaultReading`."""

    transaction_type = DraftTransaction

    def _publish_draft(self, name: str) -> None:
        """Called with ``owner/name`` at the end of a transaction that wrote to its draft. Here the draft just stays."""

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

    # -- drafts -------------------------------------------------------------------------------------------------------

    def drafts(self) -> dict[str, int]:
        """Names of this account's assets that have unpublished changes, with the number of files that change."""
        handle = self.account or current_account()
        folder = Profile(self.profile).folder / "drafts" / handle
        names = sorted(found.parent.name for found in folder.glob("*/draft.json"))
        counted = {name: len(self.draft(f"{handle}/{name}").index()) for name in names}
        return {name: count for name, count in counted.items() if count}

    def draft_files(self, path: str) -> tuple[dict[str, Lazy], Index]:
        """The files that publishing an asset's draft would make, decrypted as they are read, and what changed in it."""
        address = self._address(path)
        changes, draft, vault = self._changes(address), self.draft(path), self._published(address)
        changed = {name for name, change in changes.items() if change.object}
        hidden = changes.keys() | {above for name in changed for above in _above(name)}
        files = {
            name: Lazy(partial(draft.reader, name, changes[name]), changes[name].size, changes[name].modified)
            for name in changed
        }
        for entry in _files(vault.tree()) if vault else ():
            if entry.path not in hidden and changed.isdisjoint(_above(entry.path)):
                opened = partial(vault.open, entry.path)  # type: ignore[union-attr]
                files[entry.path] = Lazy(opened, entry.size, entry.modified)
        return files, changes

    def discard_draft(self, path: str, published: Index | None = None) -> None:
        """Forget what was written: all of it, or what was published and nobody has changed again since."""
        draft = self.draft(path)
        if published is None or not draft.forget(published):
            draft.discard()

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
            copy_stream(source, target, callback)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        if self.isdir(path1):
            return
        with self._reader(path1, self.verify) as source, self._writer(path2, True) as target:
            copy_stream(source, target)

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

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        await asyncio.to_thread(self.pipe_file, path, value, mode, **options)

    async def _put(self, lpath: Any, rpath: Any, recursive: bool = False, **options: Any) -> Any:
        """Copy in what lies on this machine; a folder with links that leave it is refused, as in publishing."""
        if recursive:
            for folder in filter(Path.is_dir, map(_above_pattern, lpath if isinstance(lpath, list) else [lpath])):
                await asyncio.to_thread(files_of, folder)
        return await super()._put(lpath, rpath, recursive=recursive, **options)

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


def _above_pattern(path: Any) -> Path:
    """A local path up to its first wildcard."""
    parts = Path(path).parts
    return Path(*takewhile(lambda part: not has_magic(part), parts))


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, but for the top."""
    return (str(parent) for parent in PurePosixPath(path).parents if parent.name)


def _files(entry: Entry) -> Iterator[Entry]:
    """The files of a tree."""
    if entry.kind == "file":
        yield entry
    for child in entry.children:
        yield from _files(child)


def _has(vault: Vault, path: str) -> bool:
    try:
        return vault.info(path).kind == "file"
    except NotFound:
        return False

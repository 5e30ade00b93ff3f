"""An opened vault: listing, reading and verifying one published version.

Opening reads the manifest and needs no keys. Keys are asked for when something is first listed or read: the
account's own grants first, then the key servers.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, KeyServersUnavailable, NotFound
from sahara_lab.vault.cobblestone import HEADER_SIZE, object_context
from sahara_lab.vault.diskcache import configured_cache
from sahara_lab.vault.grants import has_grants, open_grants
from sahara_lab.vault.lineage import record_access
from sahara_lab.vault.manifest import FIRST_LEAF, LEAF, Manifest, ObjectEntry, load_manifest
from sahara_lab.vault.merkle import LeafHasher, root_of
from sahara_lab.vault.nodes import Children, FileChild, FolderChild, identifier, open_node
from sahara_lab.vault.objects import LOCAL_BLOCK
from sahara_lab.vault.paths import split_path
from sahara_lab.vault.reader import BUFFER, ObjectReader, leaf_hashes
from sahara_lab.vault.release import request_keys
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.values import Credentials, VaultRef, Verified

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A file or folder: path inside the vault, size in bytes (of all beneath, for a listed tree), time modified."""

    path: str
    kind: str
    size: int
    modified: int = 0
    children: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return "\n".join(self._lines(0))

    def _lines(self, depth: int) -> Iterator[str]:
        label = f"{self.name}/" if self.kind == "directory" else self.name
        yield f"{'  ' * depth}{label}  {self.size:,} bytes"
        for child in self.children:
            yield from child._lines(depth + 1)


class Vault:
    """One version of a vault, opened for an account. Made by :func:`open_vault`."""

    def __init__(
        self, ref: VaultRef, credentials: Credentials, use: str, options: dict[str, Any] | None = None
    ) -> None:
        self.ref = ref
        self.use = use
        self.storage = Storage(ref.location, options)
        self.manifest: Manifest = load_manifest(self.storage, ref)
        self.receipts: list[dict[str, Any]] = []
        self._cache = configured_cache() if self.storage.local is None else None
        self._credentials = credentials
        self._mounts: dict[Parts, FileChild | FolderChild] = {}
        self._folders: dict[bytes, Children] = {}
        self._places: dict[bytes, Parts] = {}
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Vault {self.ref}, {len(self.manifest.objects)} files>"

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("an opened vault holds keys and cannot be pickled; send its name and open it there")

    def after_fork(self) -> None:
        """A lock that another thread held when this process was forked would never be released here."""
        self._lock = threading.RLock()

    # -- what people call ---------------------------------------------------------------------------------------------

    def info(self, path: str = "") -> Entry:
        """One file or folder.

        Raises:
            NotFound: there is none of that path.
            AccessDenied: no license or grant covers it.
        """
        parts = split_path(path)
        child = self._child(parts)
        return self._entry(parts, child)

    def listdir(self, path: str = "") -> list[Entry]:
        """What a folder holds, by name. For a file, the file."""
        parts = split_path(path)
        child = self._child(parts)
        if isinstance(child, FileChild):
            return [self._entry(parts, child)]
        return [self._entry((*parts, name), below) for name, below in sorted(self._children(parts).items())]

    def tree(self, path: str = "") -> Entry:
        """A folder with everything beneath it; sizes of folders are sums."""
        parts = split_path(path)
        child = self._child(parts)
        if isinstance(child, FileChild):
            return self._entry(parts, child)
        below = tuple(self.tree("/".join((*parts, name))) for name in sorted(self._children(parts)))
        return Entry("/".join(parts), "directory", sum(entry.size for entry in below), 0, below)

    def open(self, path: str, *, verify: str = "aead") -> io.BufferedReader:
        """Open a file for reading anywhere.

        Args:
            verify: "aead" checks that a key holder wrote each chunk; "anchored" that it is the one on chain.

        Raises:
            NotFound: there is no such file.
            AccessDenied: no license or grant covers it.
            IntegrityError: now or when read: stored bytes are not what the owner published.
        """
        return io.BufferedReader(self.raw(path, verify=verify), BUFFER)

    def raw(self, path: str, *, verify: str = "aead") -> ObjectReader:
        """The unbuffered stream under :meth:`open`."""
        parts = split_path(path)
        child = self._child(parts)
        if not isinstance(child, FileChild):
            raise IsADirectoryError(21, "is a folder", f"{self.ref}/{path}")
        record_access(str(self.ref), self.use)
        entry = self.manifest.object(child.object)
        context = object_context(self.manifest.dataset, child.object)
        return ObjectReader(
            self.storage, entry, child.size, child.key, context, verify, f"{self.ref}/{'/'.join(parts)}", self._cache
        )

    def read(self, path: str) -> bytes:
        """A whole file."""
        with self.raw(path) as stream:
            return stream.readall()

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verified:
        """Compare every stored byte of this version with the root anchored on chain. Needs no keys and no license.

        Raises:
            IntegrityError: what is missing or differs, after everything was looked at. Files are named by their paths
                when this account can read them, by their objects when it cannot.
        """
        objects = list(self.manifest.objects.values())
        nodes = list(self.manifest.nodes.values())
        total = sum(e.size for e in objects) + sum(e.size for e in nodes)
        done, damage, damaged = 0, [], set()
        for node in nodes:
            try:
                self._sealed_node(node.id)
            except IntegrityError as error:
                damage.append(error.message)
            done += node.size
        for entry in objects:
            before = done
            try:
                for count in self._verify_object(entry):
                    done += count
                    if progress is not None:
                        progress(done, total)
            except IntegrityError as error:
                damaged.add(entry.id)
                damage.append(error.message)
            done = before + entry.size
        if progress is not None:
            progress(total, total)
        if damage:
            raise IntegrityError(self._damage_report(damage, damaged), hint="Restore them from a copy of the storage")
        return Verified(str(self.ref), len(objects), total, self.manifest.root)

    def _damage_report(self, damage: list[str], damaged: set[bytes]) -> str:
        named = [f"{self.ref}/{path}" for path in self._paths_of(damaged)]
        shown = "; ".join(damage[:3]) + (f"; and {len(damage) - 3} more" if len(damage) > 3 else "")
        return f"damaged: {', '.join(named[:10])}{', …' if len(named) > 10 else ''} ({shown})" if named else shown

    def _paths_of(self, objects: set[bytes]) -> list[str]:
        """Where objects lie, as far as this account can see."""
        found: list[str] = []

        def look(parts: Parts) -> None:
            for name, child in sorted(self.children(parts).items()):
                if isinstance(child, FolderChild):
                    look((*parts, name))
                elif child.object in objects:
                    found.append("/".join((*parts, name)))

        try:
            if objects:
                look(())
        except (AccessDenied, IntegrityError, KeyServersUnavailable, NotFound):
            pass
        return found

    def keyed(self, parts: Parts) -> FileChild | FolderChild:
        """A file or folder with its key, for granting it to someone.

        Raises:
            NotFound: there is none of that path.
            AccessDenied: its key is not this account's.
        """
        child = self._child(parts)
        if child is None:
            raise AccessDenied(f"the key of {self.ref}/{'/'.join(parts)} is not this account's to give")
        return child

    def folder_key(self, parts: Parts) -> tuple[bytes, bytes]:
        """Node and key of a folder.

        Raises:
            InputError: the path is a file.
        """
        child = self.keyed(parts)
        if isinstance(child, FolderChild):
            return child.node, child.key
        raise InputError(f"{'/'.join(parts)!r} is a file")

    def children(self, parts: Parts) -> Children:
        """A folder's files and folders with their keys, for writing them under another.

        Raises:
            InputError: the path is a file.
            AccessDenied: its key is not this account's.
        """
        node, key = self.folder_key(parts)
        return dict(self._node(FolderChild(node, key)))

    def everything(self, parts: Parts = ()) -> Iterator[tuple[Parts, FileChild | FolderChild]]:
        """Every folder and file at and beneath a folder, with its key."""
        yield parts, self.keyed(parts)
        for name, child in self.children(parts).items():
            if isinstance(child, FolderChild):
                yield from self.everything((*parts, name))
            else:
                yield (*parts, name), child

    def paths(self) -> dict[bytes, str]:
        """Where each folder and file of the version lies, by its id in the manifest."""
        return {identifier(child): "/".join(parts) for parts, child in self.everything()}

    # -- keys ---------------------------------------------------------------------------------------------------------

    def unlock(self, parts: Parts = ()) -> None:
        """Make sure that this account's keys cover a path.

        Raises:
            AccessDenied: no license or grant covers it.
            LicenseExpired: the license that did has run out.
            KeyServersUnavailable: too few key servers answered.
        """
        with self._lock:
            if self._mount(parts) is None:
                self._open_grants()
            if self._mount(parts) is None:
                self._ask_key_servers()

    def forget_released(self) -> None:
        """Have the key servers asked again, in this session too."""
        if self.receipts:
            self._credentials.session().released.clear()

    def _open_grants(self) -> None:
        account = self._credentials.account
        if not has_grants(self.storage, self.manifest, account):
            return
        key = self._credentials.encryption_key
        if key is None:
            return
        owners = {self.ref.creator.lower(), (self.ref.owner or self.ref.creator).lower()}
        for grant in open_grants(self.storage, self.manifest, account, key, owners):
            self._mounts[split_path(grant.path)] = grant.child

    def _ask_key_servers(self) -> None:
        for released in request_keys(self.ref, self.manifest, self._credentials, self.use):
            self.receipts += released.receipts
            self._mounts[split_path(released.grant.path)] = released.grant.child

    def _mount(self, parts: Parts) -> Parts | None:
        """The nearest folder above or at ``parts`` whose key is at hand."""
        for length in range(len(parts), -1, -1):
            if parts[:length] in self._mounts:
                return parts[:length]
        return None

    # -- folders ------------------------------------------------------------------------------------------------------

    def _child(self, parts: Parts) -> FileChild | FolderChild | None:
        """What lies at a path; None for a folder that is known only because something beneath it was granted."""
        if self._mount(parts) is None:
            try:
                self.unlock(parts)
            except AccessDenied:
                if any(mount[: len(parts)] == parts for mount in self._mounts):
                    return None
                raise
        mount = self._mount(parts)
        if mount is None:  # unlock() has raised otherwise
            raise AccessDenied(f"no grant covers {self.ref}/{'/'.join(parts)}")
        child = self._mounts[mount]
        self._require_one_place(child, mount)
        for depth in range(len(mount), len(parts)):
            below = self._node(child) if isinstance(child, FolderChild) else {}
            if parts[depth] not in below:
                raise NotFound(
                    f"there is no {'/'.join(parts)!r} in {self.ref}", hint=f"List it: vault://{self.ref.name}"
                )
            child = below[parts[depth]]
            self._require_one_place(child, parts[: depth + 1])
        return child

    def _require_one_place(self, child: FileChild | FolderChild, parts: Parts) -> None:
        """A folder that lies in itself, or in two others, could be walked for ever: whoever wrote it means harm."""
        if isinstance(child, FolderChild) and self._places.setdefault(child.node, parts) != parts:
            raise IntegrityError(f"{self.ref}: the same folder lies at two places, {'/'.join(parts)!r} for one")

    def _children(self, parts: Parts) -> dict[str, FileChild | FolderChild | None]:
        child = self._child(parts)
        if isinstance(child, FolderChild):
            return dict(self._node(child))
        depth = len(parts)
        return {mount[depth]: None for mount in self._mounts if len(mount) > depth and mount[:depth] == parts}

    def _node(self, folder: FolderChild) -> Children:
        known = self._folders.get(folder.node)
        if known is None:
            entry = self.manifest.node(folder.node)
            known = open_node(self.manifest.dataset, entry, folder.key, self._sealed_node(folder.node))
            self._folders[folder.node] = known
        return known

    def _sealed_node(self, identifier: bytes) -> bytes:
        from hashlib import sha256

        entry = self.manifest.node(identifier)
        try:
            sealed = self.storage.read(entry.path, 0, entry.size + 1)
        except NotFound:
            raise IntegrityError(f"{self.ref}: directory {identifier.hex()} is missing from storage") from None
        if sha256(sealed).digest() != entry.digest:
            raise IntegrityError(f"{self.ref}: directory {identifier.hex()} was altered or truncated in storage")
        return sealed

    @staticmethod
    def _entry(parts: Parts, child: FileChild | FolderChild | None) -> Entry:
        if isinstance(child, FileChild):
            return Entry("/".join(parts), "file", child.size, child.modified)
        return Entry("/".join(parts), "directory", 0)

    # -- verification -------------------------------------------------------------------------------------------------

    def _verify_object(self, entry: ObjectEntry) -> Iterator[int]:
        what = f"{self.ref}: object {entry.id.hex()}"
        try:
            source = self.storage.source(entry.path, entry.size)
            hasher = LeafHasher(FIRST_LEAF, LEAF)
            step = LOCAL_BLOCK + HEADER_SIZE
            for at in range(0, entry.size, step):
                data = source.read(at, min(step, entry.size - at))
                hasher.update(data)
                yield len(data)
            source.close()
            if root_of(hasher.finish()) != entry.root:
                raise IntegrityError("its bytes are not those anchored on chain")
            leaf_hashes(self.storage, entry)
        except NotFound:
            raise IntegrityError(f"{what} is missing from storage") from None
        except IntegrityError as error:
            raise IntegrityError(f"{what}: {error.message}") from error


def open_vault(
    ref: VaultRef, credentials: Credentials, use: str = "read", storage_options: dict[str, Any] | None = None
) -> Vault:
    """Open a published version. Only the manifest is read; keys are asked for at the first listing or read.

    Args:
        use: what for, as the license names it: "read", "training".

    Raises:
        IntegrityError: the manifest in storage is not the anchored one.
    """
    return Vault(ref, credentials, use, storage_options)

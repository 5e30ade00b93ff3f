"""Lazy rotation: new keys for every folder of a version under a new epoch, without touching one byte of its files.

Who is left out gets no key of the new epoch. Files keep their keys, so whoever kept one can still read that file: only
encrypting again takes that away.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sahara_lab.errors import InputError, NotFound, storing
from sahara_lab.signing import Signer, canonical_json
from sahara_lab.vault.cobblestone import KEY_SIZE
from sahara_lab.vault.grants import Shared, grants_path, make_grant
from sahara_lab.vault.manifest import ID_SIZE, Manifest, NodeEntry, manifest_path
from sahara_lab.vault.nodes import Children, FileChild, FolderChild, Grant, seal_node
from sahara_lab.vault.opened import Parts, Vault
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.values import ReleaseClass
from sahara_lab.vault.wrapping import make_release


@dataclass(frozen=True)
class Grantee:
    """What was shared before, to be shared again: with whom, and the key to seal to."""

    shared: Shared
    encryption_key: bytes


@dataclass(frozen=True)
class Rotated:
    """A version's new epoch, written to storage and ready to be anchored."""

    epoch: int
    manifest_hash: bytes
    folders: int
    files: int


def rotate(
    vault: Vault,
    *,
    epoch: int,
    owner: Signer,
    owner_key: bytes,
    release: Sequence[ReleaseClass],
    grants: Sequence[Grantee] = (),
) -> Rotated:
    """Write a version's folders under new keys, and a manifest of the new epoch beside the old one.

    Until the chain anchors the new manifest, readers see the old one; nothing of it is changed.

    Args:
        vault: opened by its owner.
        epoch: number of the new epoch, above the present one.
        owner_key: public encryption key that the owner's grant is sealed to.
        grants: what stays shared directly.

    Raises:
        InputError: the epoch is not a new one.
        AccessDenied: the vault's keys are not this account's.
        StorageError: it could not be written.
    """
    before = vault.manifest
    if epoch <= before.epoch:
        raise InputError(f"epoch {epoch} is not after epoch {before.epoch}")
    writer = _Folders(vault)
    with storing(f"the new keys of {vault.ref} could not be written"):
        try:
            root_node, _ = writer.renew(())
            draft = replace(before, epoch=epoch, root_node=root_node, nodes={e.id: e for e in writer.nodes})
            made = tuple(make_release(draft.scope(), wanted, writer.grant(wanted.path)) for wanted in release)
            manifest = replace(draft, release=made)
            regrant(vault.storage, manifest, writer, owner, owner_key, grants)
            encoded = manifest.encode()
            digest = hashlib.sha256(encoded).digest()
            vault.storage.write(manifest_path(digest), encoded)
        except BaseException:
            writer.undo()
            raise
    return Rotated(epoch, digest, len(writer.nodes), len(before.objects))


class _Folders:
    """Writes each folder again, from the leaves up, under a new id and key."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.nodes: list[NodeEntry] = []
        self._made: dict[Parts, FileChild | FolderChild] = {}

    def grant(self, path: str) -> Grant:
        """The new key of a path, for sharing it.

        Raises:
            NotFound: there is no such folder or file.
        """
        parts = tuple(path.split("/")) if path else ()
        if parts not in self._made:
            raise NotFound(f"there is no {path!r} to share again")
        return Grant.of(path, self._made[parts])

    def renew(self, parts: Parts) -> tuple[bytes, bytes]:
        children: Children = {}
        for name, child in self._vault.children(parts).items():
            below = (*parts, name)
            children[name] = FolderChild(*self.renew(below)) if isinstance(child, FolderChild) else child
            self._made[below] = children[name]
        identifier, key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        sealed, entry = seal_node(self._vault.manifest.dataset, identifier, key, children)
        self.nodes.append(entry)
        self._vault.storage.write(entry.path, sealed)
        self._made[parts] = FolderChild(identifier, key)
        return identifier, key

    def undo(self) -> None:
        for entry in self.nodes:
            self._vault.storage.remove(entry.path)


class Granting(Protocol):
    """Knows the new key of each path."""

    def grant(self, path: str) -> Grant:
        """The key of a folder or file."""


def regrant(
    storage: Storage,
    manifest: Manifest,
    folders: Granting,
    owner: Signer,
    owner_key: bytes,
    grants: Sequence[Grantee],
) -> None:
    """Write the grants of the new epoch; whatever an attempt cut short left there is replaced or removed."""
    made: dict[str, list[dict[str, object]]] = {}
    own = make_grant(manifest, folders.grant(""), owner.address, owner_key, owner)
    made[grants_path(manifest, owner.address)] = [own]
    for grantee in grants:
        shared = grantee.shared
        given = folders.grant(shared.path)
        grant = make_grant(manifest, given, shared.account, grantee.encryption_key, owner, shared.not_after)
        made.setdefault(grants_path(manifest, shared.account), []).append(grant)
    folder_name = f"g/{manifest.epoch}"
    for name in storage.names(folder_name):
        if f"{folder_name}/{name}" not in made:
            storage.remove(f"{folder_name}/{name}")
    for path, entries in made.items():
        storage.write(path, canonical_json({"v": 1, "grants": entries}))

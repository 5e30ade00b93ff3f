"""Lazy rotation: new keys for every folder of a version under a new epoch, without touching one byte of its files.

Who is left out gets no key of the new epoch. Files keep their keys, so whoever kept one can still read that file: only
encrypting again takes that away.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sahara_lab.errors import InputError, NotFound, storing
from sahara_lab.signing import Signer, canonical_json
from sahara_lab.vault.cobblestone import KEY_SIZE
from sahara_lab.vault.grants import Grant, SharedFolder, grants_path, make_grant
from sahara_lab.vault.manifest import ID_SIZE, Manifest, NodeEntry, manifest_path
from sahara_lab.vault.nodes import Children, FolderChild, seal_node
from sahara_lab.vault.opened import Parts, Vault
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.values import ReleaseClass
from sahara_lab.vault.wrapping import make_release


@dataclass(frozen=True)
class Grantee:
    """A folder shared before, to be shared again: with whom, and the key to seal to."""

    folder: SharedFolder
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
            root_node, root_key = writer.renew(())
            draft = replace(before, epoch=epoch, root_node=root_node, nodes={e.id: e for e in writer.nodes})
            made = tuple(make_release(draft.scope(), wanted, root_node, root_key) for wanted in release)
            manifest = replace(draft, release=made)
            _regrant(vault.storage, manifest, writer.keys, owner, owner_key, grants)
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
        self.keys: dict[Parts, tuple[bytes, bytes]] = {}

    def renew(self, parts: Parts) -> tuple[bytes, bytes]:
        children: Children = {}
        for name, child in self._vault.children(parts).items():
            children[name] = FolderChild(*self.renew((*parts, name))) if isinstance(child, FolderChild) else child
        identifier, key = secrets.token_bytes(ID_SIZE), secrets.token_bytes(KEY_SIZE)
        sealed, entry = seal_node(self._vault.manifest.dataset, identifier, key, children)
        self.nodes.append(entry)
        self._vault.storage.write(entry.path, sealed)
        self.keys[parts] = (identifier, key)
        return identifier, key

    def undo(self) -> None:
        for entry in self.nodes:
            self._vault.storage.remove(entry.path)


def _regrant(
    storage: Storage,
    manifest: Manifest,
    keys: dict[Parts, tuple[bytes, bytes]],
    owner: Signer,
    owner_key: bytes,
    grants: Sequence[Grantee],
) -> None:
    """Write the grants of the new epoch; whatever an attempt cut short left there is replaced or removed."""
    made: dict[str, list[dict[str, object]]] = {}
    own = make_grant(manifest, Grant("", *keys[()]), owner.address, owner_key, owner)
    made[grants_path(manifest, owner.address)] = [own]
    for grantee in grants:
        folder = grantee.folder
        parts = tuple(folder.path.split("/")) if folder.path else ()
        if parts not in keys:
            raise NotFound(f"there is no folder {folder.path!r} to share again")
        grant = make_grant(
            manifest,
            Grant(folder.path, *keys[parts]),
            folder.account,
            grantee.encryption_key,
            owner,
            folder.not_after,
        )
        made.setdefault(grants_path(manifest, folder.account), []).append(grant)
    folder_name = f"g/{manifest.epoch}"
    for name in storage.names(folder_name):
        if f"{folder_name}/{name}" not in made:
            storage.remove(f"{folder_name}/{name}")
    for path, entries in made.items():
        storage.write(path, canonical_json({"v": 1, "grants": entries}))

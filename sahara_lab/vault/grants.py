"""Direct grants: the owner seals the key of a folder or file to one account, without a license and without key servers.

HPKE does not say who sealed, so the owner signs each grant as well. ``not_after`` is honored by readers like this one;
a key once given cannot be taken back.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, NotFound
from sahara_lab.signing import Signer, canonical_json, recover_typed_data
from sahara_lab.vault.manifest import Manifest
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.paths import split_path
from sahara_lab.vault.sealing import EncryptionKey, open_sealed, seal_to
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.typed import bytes_of, typed

if TYPE_CHECKING:
    from sahara_lab.vault.opened import Vault

_INFO = b"sahara-vault/v1/grant\0"
MAX_GRANTS = 256
_MAX_FILE = 4 << 20


@dataclass(frozen=True)
class Shared:
    """Who may open which folder or file of a version directly; ``not_after`` in seconds since the epoch, 0 for ever."""

    account: str
    path: str
    not_after: int = 0


def _info(manifest: Manifest, node: bytes, grantee: str, key_hash: bytes, not_after: int) -> bytes:
    bound = {
        **manifest.scope(),
        "node": node.hex(),
        "grantee": grantee.lower(),
        "grantee_key": key_hash.hex(),
        "not_after": not_after,
    }
    return _INFO + hashlib.sha256(canonical_json(bound)).digest()


def grants_path(manifest: Manifest, grantee: str) -> str:
    """Where an account's grants lie; the name tells a stranger nothing."""
    tag = hashlib.sha256(manifest.dataset + bytes_of(grantee.lower(), "grantee")).hexdigest()[:32]
    return f"g/{manifest.epoch}/{tag}.json"


def make_grant(
    manifest: Manifest, grant: Grant, grantee: str, grantee_key: bytes, owner: Signer, not_after: int = 0
) -> dict[str, Any]:
    """Seal and sign one grant."""
    key_hash = hashlib.sha256(grantee_key).digest()
    sealed = seal_to(grantee_key, _info(manifest, grant.node, grantee, key_hash, not_after), grant.encode())
    message = {
        "dataset": manifest.dataset.hex(),
        "epoch": manifest.epoch,
        "node": grant.node.hex(),
        "grantee": grantee,
        "granteeKey": key_hash.hex(),
        "notAfter": not_after,
        "sealed": hashlib.sha256(sealed).hexdigest(),
    }
    signature = owner.sign_typed_data(typed("Grant", message, manifest.chain_id, manifest.registry))
    return {
        "node": grant.node.hex(),
        "grantee_key": key_hash.hex(),
        "not_after": not_after,
        "sealed": sealed.hex(),
        "signature": signature.hex(),
    }


def add_grant(storage: Storage, manifest: Manifest, grantee: str, grant: dict[str, Any]) -> None:
    """Store a grant; one for the same folder is replaced."""
    path = grants_path(manifest, grantee)
    kept = [entry for entry in _stored(storage, path) if entry.get("node") != grant["node"]]
    if len(kept) >= MAX_GRANTS:
        raise InputError(f"{grantee} holds {MAX_GRANTS} grants of this version already")
    storage.write(path, canonical_json({"v": 1, "grants": [*kept, grant]}))


def _stored(storage: Storage, path: str) -> list[dict[str, Any]]:
    try:
        data = storage.read(path, 0, _MAX_FILE)
        grants = orjson.loads(data)["grants"]
        return [entry for entry in grants[:MAX_GRANTS] if isinstance(entry, dict)]
    except (NotFound, ValueError, KeyError, TypeError):
        return []


def has_grants(storage: Storage, manifest: Manifest, grantee: str) -> bool:
    """Whether anything is stored for the account, without opening it."""
    return storage.exists(grants_path(manifest, grantee))


def open_grants(
    storage: Storage, manifest: Manifest, grantee: str, key: EncryptionKey | bytes, owners: set[str]
) -> list[Grant]:
    """The account's grants that open, are signed by an owner and have not run out; others are passed over."""
    found = []
    for entry in _stored(storage, grants_path(manifest, grantee)):
        try:
            found.append(_open(manifest, entry, grantee, key, owners))
        except (IntegrityError, InputError, AccessDenied, KeyError, TypeError, ValueError):
            # Grants lie outside the anchored manifest: anyone with access to storage may have put garbage there.
            continue
    return found


def _open(
    manifest: Manifest, entry: dict[str, Any], grantee: str, key: EncryptionKey | bytes, owners: set[str]
) -> Grant:
    node, sealed, not_after = _checked(manifest, entry, grantee, owners)
    info = _info(manifest, node, grantee, bytes_of(entry["grantee_key"], "key"), not_after)
    return Grant.decode(node, open_sealed(key, info, sealed))


def _checked(manifest: Manifest, entry: dict[str, Any], grantee: str, owners: set[str]) -> tuple[bytes, bytes, int]:
    """Node, sealed key and end of a grant that an owner signed and that has not run out."""
    node, sealed = bytes_of(entry["node"], "node"), bytes_of(entry["sealed"], "grant")
    not_after = int(entry["not_after"])
    if not_after and not_after < time.time():
        raise AccessDenied("the grant has run out")
    message = {
        "dataset": manifest.dataset.hex(),
        "epoch": manifest.epoch,
        "node": entry["node"],
        "grantee": grantee,
        "granteeKey": entry["grantee_key"],
        "notAfter": not_after,
        "sealed": hashlib.sha256(sealed).hexdigest(),
    }
    data = typed("Grant", message, manifest.chain_id, manifest.registry)
    if recover_typed_data(data, bytes_of(entry["signature"], "signature")).lower() not in owners:
        raise IntegrityError("the grant is not signed by the owner")
    return node, sealed, not_after


def share(
    vault: Vault, path: str, grantee_public_key: bytes, grantee_account: str, owner: Signer, *, not_after: int = 0
) -> str:
    """Give an account the key of one folder or file of a version ("" for all of it); returns its path.

    Args:
        vault: opened by someone who can read it.
        owner: signs the grant; readers believe the asset's creator and present owner only.
        not_after: seconds since the epoch from which honest readers refuse the grant; 0 for never.

    Raises:
        InputError: ``not_after`` is past.
        NotFound: there is no such folder or file.
    """
    if not_after and not_after <= time.time():
        raise InputError("the grant would have run out already")
    parts = split_path(path)
    given = Grant.of("/".join(parts), vault.keyed(parts))
    grant = make_grant(vault.manifest, given, grantee_account, grantee_public_key, owner, not_after)
    add_grant(vault.storage, vault.manifest, grantee_account, grant)
    return "/".join(parts)


def shared_with(vault: Vault, accounts: Iterable[str], owners: set[str]) -> list[Shared]:
    """What of a version its owner has shared directly, among ``accounts`` (addresses).

    Storage names no account and could list anybody, so only grants signed by one of ``owners`` count.

    Args:
        vault: opened by someone who can read all of it.
    """
    manifest = vault.manifest
    stored = set(vault.storage.names(f"g/{manifest.epoch}"))
    if not stored:
        return []
    paths = vault.paths()
    found = []
    for account in accounts:
        path = grants_path(manifest, account)
        if path.rpartition("/")[2] not in stored:
            continue
        for entry in _stored(vault.storage, path):
            try:
                # What an earlier owner once sealed to themselves was never shared.
                node, _, not_after = _checked(manifest, entry, account, owners - {account.lower()})
                found.append(Shared(account, paths[node], not_after))
            except (IntegrityError, InputError, AccessDenied, KeyError, TypeError, ValueError):
                continue
    return found

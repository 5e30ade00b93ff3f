"""The vault: encrypted files on any storage, opened by grants or by key servers, reached through ``vault://``.

Knows nothing of chains and licenses: it asks an :class:`AccessPolicy`, a :class:`ManifestSource` and
:class:`Credentials`, which the floors above supply.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.vault.agefiles import export_age, import_age
    from sahara_lab.vault.audit import Anchor, AuditedServer, Collected, collect
    from sahara_lab.vault.diskcache import CacheUse, cache_usage, configure_cache
    from sahara_lab.vault.drafts import Draft
    from sahara_lab.vault.filesystem import VaultFileSystem
    from sahara_lab.vault.garbage import aged, unreferenced
    from sahara_lab.vault.grants import Shared, share, shared_with
    from sahara_lab.vault.keyserver_app import create_app
    from sahara_lab.vault.limits import Limits
    from sahara_lab.vault.lineage import accessed, accessed_for, forget_access, track_access
    from sahara_lab.vault.manifest import Release, parse_manifest
    from sahara_lab.vault.merkle import verify_proof
    from sahara_lab.vault.opened import Entry, Vault, open_vault
    from sahara_lab.vault.receipts import ReceiptLog, verify_receipt
    from sahara_lab.vault.recovery import Asking, Guardianship, Recovered, appoint, fingerprint, help_recover, recover
    from sahara_lab.vault.reencryption import Journal, reencrypt
    from sahara_lab.vault.rotation import Grantee, Rotated, rotate
    from sahara_lab.vault.sealing import new_seed, private_key, public_bytes
    from sahara_lab.vault.source import Lazy
    from sahara_lab.vault.storage import Storage, Stored, get_public, put_public
    from sahara_lab.vault.typed import delegate_session
    from sahara_lab.vault.values import (
        AccessPolicy,
        Credentials,
        Decision,
        KeyServer,
        ManifestSource,
        Packed,
        ReleaseClass,
        Session,
        VaultRef,
        Verified,
    )
    from sahara_lab.vault.writer import pack

_HOMES = {
    "Anchor": "audit",
    "Asking": "recovery",
    "AuditedServer": "audit",
    "CacheUse": "diskcache",
    "Collected": "audit",
    "Guardianship": "recovery",
    "Journal": "reencryption",
    "ReceiptLog": "receipts",
    "Recovered": "recovery",
    "Release": "manifest",
    "Storage": "storage",
    "Stored": "storage",
    "aged": "garbage",
    "appoint": "recovery",
    "cache_usage": "diskcache",
    "collect": "audit",
    "configure_cache": "diskcache",
    "export_age": "agefiles",
    "fingerprint": "recovery",
    "help_recover": "recovery",
    "import_age": "agefiles",
    "parse_manifest": "manifest",
    "recover": "recovery",
    "reencrypt": "reencryption",
    "unreferenced": "garbage",
    "AccessPolicy": "values",
    "Credentials": "values",
    "Decision": "values",
    "Draft": "drafts",
    "Entry": "opened",
    "Grantee": "rotation",
    "KeyServer": "values",
    "Lazy": "source",
    "Limits": "limits",
    "ManifestSource": "values",
    "Packed": "values",
    "ReleaseClass": "values",
    "Rotated": "rotation",
    "Session": "values",
    "Shared": "grants",
    "Vault": "opened",
    "VaultFileSystem": "filesystem",
    "VaultRef": "values",
    "Verified": "values",
    "accessed": "lineage",
    "accessed_for": "lineage",
    "create_app": "keyserver_app",
    "delegate_session": "typed",
    "forget_access": "lineage",
    "get_public": "storage",
    "new_seed": "sealing",
    "open_vault": "opened",
    "pack": "writer",
    "private_key": "sealing",
    "public_bytes": "sealing",
    "put_public": "storage",
    "rotate": "rotation",
    "share": "grants",
    "shared_with": "grants",
    "track_access": "lineage",
    "verify_proof": "merkle",
    "verify_receipt": "receipts",
}

__all__ = [
    "AccessPolicy",
    "Anchor",
    "Asking",
    "AuditedServer",
    "CacheUse",
    "Collected",
    "Credentials",
    "Decision",
    "Draft",
    "Entry",
    "Grantee",
    "Guardianship",
    "Journal",
    "KeyServer",
    "Lazy",
    "Limits",
    "ManifestSource",
    "Packed",
    "ReceiptLog",
    "Recovered",
    "Release",
    "ReleaseClass",
    "Rotated",
    "Session",
    "Shared",
    "Storage",
    "Stored",
    "Vault",
    "VaultFileSystem",
    "VaultRef",
    "Verified",
    "accessed",
    "accessed_for",
    "aged",
    "appoint",
    "cache_usage",
    "collect",
    "configure_cache",
    "create_app",
    "delegate_session",
    "export_age",
    "fingerprint",
    "forget_access",
    "get_public",
    "help_recover",
    "import_age",
    "new_seed",
    "open_vault",
    "pack",
    "parse_manifest",
    "private_key",
    "public_bytes",
    "put_public",
    "recover",
    "reencrypt",
    "rotate",
    "share",
    "shared_with",
    "track_access",
    "unreferenced",
    "verify_proof",
    "verify_receipt",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

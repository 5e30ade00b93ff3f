"""What a job on somebody else's machine may read: the keys of its inputs, and nothing that could ask for others.

A session would let whoever holds it read everything that the renter may. So the renter asks for the keys itself and
sends those of the job's inputs, sealed to the job; ciphertext comes from the network's storage, where it is no secret.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sahara_lab.errors import AccessDenied, InputError
from sahara_lab.licensing.access import SessionCredentials, split_version
from sahara_lab.licensing.filesystem import read_only_from
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Session, Vault, VaultRef, forget_access, track_access
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.release import Released

_LASTS = 30 * 24 * 3600
_USES = ("read", "training")


def key_of(vault: Vault) -> dict[str, Any]:
    """The key of all of a version, as it travels in a sealed message.

    Raises:
        AccessDenied: this account has not got it.
    """
    grant = Grant.of("", vault.keyed(()))
    return {"name": vault.ref.name, "version": vault.ref.version, "node": grant.node.hex(), "key": grant.key.hex()}


def ref_to_json(ref: VaultRef, location: str) -> dict[str, Any]:
    """A version as the chain anchors it, with the place where the job finds it; holds no secret."""
    return {
        "asset": str(ref.asset),
        "name": ref.name,
        "version": ref.version,
        "epoch": ref.epoch,
        "root": ref.root.hex(),
        "manifest_hash": ref.manifest_hash.hex(),
        "location": location,
        "chain_id": ref.chain_id,
        "registry": ref.registry,
        "creator": ref.creator,
        "owner": ref.owner,
    }


def _ref_from_json(document: dict[str, Any]) -> VaultRef:
    return VaultRef(
        **{
            **document,
            "asset": int(document["asset"]),
            "root": bytes.fromhex(document["root"]),
            "manifest_hash": bytes.fromhex(document["manifest_hash"]),
        }
    )


class GivenKeys:
    """Installs the keys of a job's inputs in the process that calls it. Its repr shows none."""

    def __init__(self, account: str, refs: Sequence[dict[str, Any]], keys: Sequence[dict[str, Any]]) -> None:
        self._account = account
        self._refs = list(refs)
        self._keys = list(keys)

    def __call__(self) -> None:
        source = _Given([_ref_from_json(one) for one in self._refs])
        session = Session(LocalSigner.generate(), {}, b"", int(time.time()) + _LASTS)
        for key in self._keys:
            ref = source.resolve(key["name"], key["version"])
            grant = Grant("", bytes.fromhex(key["node"]), bytes.fromhex(key["key"]))
            for use in _USES:
                session.released[(ref.manifest_hash, self._account, use)] = [Released(grant)]
        read_only_from(source, SessionCredentials(self._account, session))
        forget_access()
        track_access()

    def __repr__(self) -> str:
        return f"GivenKeys({len(self._keys)} inputs)"


class _Given:
    """The versions that were given, and no others."""

    def __init__(self, refs: list[VaultRef]) -> None:
        self._refs = refs

    def resolve(self, owner_name: str, version: int | None) -> VaultRef:
        found = [ref for ref in self._refs if ref.name == owner_name and version in (None, ref.version)]
        if not found:
            raise AccessDenied(
                f"{owner_name} is not an input of this job", hint=f"Name it before renting: --input {owner_name}"
            )
        return found[-1]


def pinned(name: str) -> tuple[str, int]:
    """``owner/name@version`` in its two parts.

    Raises:
        InputError: it has no version.
    """
    plain, version = split_version(name)
    if version is None:
        raise InputError(f"{name} has no version")
    return plain, version

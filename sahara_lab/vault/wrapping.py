"""Release keys: wrapping a folder's key, and sealing shares of the release key to key servers.

Everything is bound to {chain, registry, creator, asset name, dataset, epoch, class}, which a key server rebuilds from
what the chain says about the asset it was asked for. A sealed share copied into somebody else's manifest does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.signing import canonical_json
from sahara_lab.vault import shamir
from sahara_lab.vault.cobblestone import KEY_SIZE
from sahara_lab.vault.manifest import MAX_SERVERS, Release, SealedShare
from sahara_lab.vault.nodes import Grant
from sahara_lab.vault.sealing import seal_to
from sahara_lab.vault.values import ReleaseClass

_SHARE = b"sahara-vault/v1/share\0"
_DIGEST = b"sahara-vault/v1/share-digest\0"
_COMMIT = b"sahara-vault/v1/commit\0"
_PADDING = 512
_WRAP = b"sahara-vault/v1/wrap\0"


def share_info(scope: dict[str, Any], access_class: str, index: int, threshold: int, shares: int) -> bytes:
    """HPKE ``info`` of a sealed share."""
    bound = {**scope, "class": access_class, "index": index, "threshold": threshold, "shares": shares}
    return _SHARE + hashlib.sha256(canonical_json(bound)).digest()


def share_digest(index: int, share: bytes) -> bytes:
    """Published hash of a share, by which a reader catches a lying server."""
    return hashlib.sha256(_DIGEST + bytes([index]) + share).digest()


def _derive(key: bytes, purpose: bytes, scope: dict[str, Any], access_class: str, size: int) -> bytes:
    bound = hashlib.sha256(canonical_json({**scope, "class": access_class})).digest()
    return HKDFExpand(SHA256(), size, purpose + bound).derive(key)


def commitment(key: bytes, scope: dict[str, Any], access_class: str) -> bytes:
    """What a joined release key is checked against."""
    return _derive(key, _COMMIT, scope, access_class, 32)


def make_release(scope: dict[str, Any], wanted: ReleaseClass, grant: Grant) -> Release:
    """Wrap the key of a folder or file for an access class and share the release key among its servers.

    Raises:
        InputError: too many servers, or a threshold that they cannot meet.
    """
    servers = list(wanted.key_servers)
    if len(servers) > MAX_SERVERS or len({server.id for server in servers}) != len(servers):
        raise InputError(f"an access class has at most {MAX_SERVERS} different key servers")
    key = secrets.token_bytes(KEY_SIZE)
    shares = shamir.split(key, wanted.threshold, len(servers))
    sealed = tuple(
        SealedShare(
            index=index,
            server=server.id,
            url=server.url,
            sealed=seal_to(
                server.encryption_key,
                share_info(scope, wanted.name, index, wanted.threshold, len(servers)),
                shares[index],
            ),
            digest=share_digest(index, shares[index]),
        )
        for index, server in enumerate(servers, start=1)
    )
    material = _derive(key, _WRAP, scope, wanted.name, 44)
    return Release(
        name=wanted.name,
        node=grant.node,
        threshold=wanted.threshold,
        commitment=commitment(key, scope, wanted.name),
        wrapped=AESGCM(material[:32]).encrypt(material[32:], _wrapped_form(grant), None),
        shares=sealed,
    )


def _wrapped_form(grant: Grant) -> bytes:
    """The bare key for the whole asset; else the grant, padded so that the length of its path is not told."""
    if not grant.path and grant.size is None:
        return grant.key
    plain = grant.encode()
    return plain + b" " * (-len(plain) % _PADDING)


def open_release(scope: dict[str, Any], release: Release, shares: dict[int, bytes]) -> Grant:
    """What the class opens, from enough shares.

    Raises:
        IntegrityError: the shares do not join to the key that the manifest commits to.
    """
    key = shamir.join(shares)
    if not hmac.compare_digest(commitment(key, scope, release.name), release.commitment):
        raise IntegrityError("the released shares do not join to the key that the owner committed to")
    material = _derive(key, _WRAP, scope, release.name, 44)
    try:
        plain = AESGCM(material[:32]).decrypt(material[32:], release.wrapped, None)
    except InvalidTag as error:
        raise IntegrityError("the wrapped key in the manifest is damaged") from error
    return Grant("", release.node, plain) if len(plain) == KEY_SIZE else Grant.decode(release.node, plain)

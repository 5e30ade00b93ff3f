"""Sealing small secrets to a public key: HPKE (RFC 9180) base mode with the post-quantum hybrid MLKEM768_X25519.

A public key is ``ML-KEM-768 key (1184) || X25519 key (32)``. A private key is kept as the 32-byte seed of X-Wing,
expanded with SHAKE256.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from sahara_lab.errors import InputError, IntegrityError

SEED_SIZE = 32
PUBLIC_KEY_SIZE = 1216
OVERHEAD = 1136  # bytes a seal adds: the encapsulated key and a tag

EncryptionKey: TypeAlias = MLKEM768X25519PrivateKey

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _parts(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(seed) != SEED_SIZE:
        raise InputError(f"an encryption key's seed has {SEED_SIZE} bytes, not {len(seed)}")
    expanded = hashlib.shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])


def new_seed() -> bytes:
    """A fresh private key, as its seed."""
    return secrets.token_bytes(SEED_SIZE)


def private_key(seed: bytes) -> EncryptionKey:
    """The private key of a seed."""
    return MLKEM768X25519PrivateKey(*_parts(seed))


def public_bytes(seed: bytes) -> bytes:
    """The public key of a seed, as it is published."""
    lattice, curve = _parts(seed)
    return lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()


def as_private(key: EncryptionKey | bytes) -> EncryptionKey:
    """A private key from itself or from its seed."""
    return private_key(key) if isinstance(key, bytes) else key


def _public(encoded: bytes) -> MLKEM768X25519PublicKey:
    if len(encoded) != PUBLIC_KEY_SIZE:
        raise InputError(f"an encryption public key has {PUBLIC_KEY_SIZE} bytes, not {len(encoded)}")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(encoded[:1184]), X25519PublicKey.from_public_bytes(encoded[1184:])
        )
    except ValueError as error:
        raise InputError("the encryption public key is malformed") from error


def seal_to(public: bytes, info: bytes, secret: bytes) -> bytes:
    """Seal ``secret`` so that only the holder of the private key opens it, and only with the same ``info``."""
    return _SUITE.encrypt(secret, _public(public), info)


def open_sealed(key: EncryptionKey | bytes, info: bytes, sealed: bytes) -> bytes:
    """Open what :func:`seal_to` sealed.

    Raises:
        IntegrityError: sealed to another key, for another purpose, or altered.
    """
    try:
        return _SUITE.decrypt(sealed, as_private(key), info)
    except (InvalidTag, ValueError) as error:
        raise IntegrityError(
            "the sealed key does not open: it is for someone else, something else, or altered"
        ) from error

"""What a worker on another machine is told, readable by that worker only: HPKE (RFC 9180) in base mode.

Everything that Ray carries may lie in its object store, and be spilled to a disk: a session's secret, the keys of
inputs and the notebook's variables travel sealed. A seat makes its key for one run and keeps it in memory.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"sahara-lab/compute/assignment/v1"


def new_key() -> X25519PrivateKey:
    """The key of one run."""
    return X25519PrivateKey.generate()


def public_part(key: X25519PrivateKey) -> bytes:
    """What others seal to: 32 bytes."""
    return key.public_key().public_bytes_raw()


def seal(plain: bytes, public: bytes) -> bytes:
    """Encrypt to the seat whose public key this is."""
    sealed: bytes = _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(public), info=_INFO)
    return sealed


def unseal(sealed: bytes, key: X25519PrivateKey) -> bytes:
    """Decrypt what was sealed to this key.

    Raises:
        cryptography.exceptions.InvalidTag: it was not.
    """
    plain: bytes = _SUITE.decrypt(sealed, key, info=_INFO)
    return plain

"""What travels between a renter and a provider: a sealed package, then messages under the job's key.

The package is HPKE (RFC 9180, :mod:`sahara_lab.vault.sealing`) around a job key of 32 bytes, and AES-256-GCM under it;
its SHA-256 is the ``spec`` of the job in the escrow, so the chain says who may send it. Each later message is
AES-256-GCM under a key of its direction, bound to the job, the line it was opened on, and its number, so that it can
be neither read, forged, moved nor replayed, whatever carries it. The job key follows from the renter's account (HKDF,
RFC 5869): it lies on no disk, and a renter that comes back has it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from typing import Any

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault.sealing import EncryptionKey, open_sealed, seal_to

MOST_PACKAGE = 64 << 20
MOST_MESSAGE = 4 << 20
_PACKAGE = b"sahara-rental/v1/package\0"
_SEALED_KEY = 1120 + 48  # of HPKE: encapsulated key, 32 bytes and a tag
_NONCE = 12


def job_key(seed: bytes, job_id: int) -> bytes:
    """The key of a renter's job, from the seed of the account's encryption key."""
    return _derived(seed, b"sahara-rental/v1/job-key\0" + job_id.to_bytes(32, "big"))


def binding(chain_id: int, escrow: str, job_id: int, provider: str) -> bytes:
    """What a package is bound to: it opens for this job of this escrow and this provider only."""
    parts = json.dumps([chain_id, escrow.lower(), f"{job_id:064x}", provider.lower()]).encode()
    return _PACKAGE + hashlib.sha256(parts).digest()


def seal_package(public: bytes, bound: bytes, key: bytes, content: dict[str, Any]) -> bytes:
    """Seal a job's description to a provider's encryption key.

    Raises:
        InputError: it is larger than a package may be.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    body = AESGCM(_derived(key, b"package")).encrypt(nonce, json.dumps(content).encode(), bound)
    package = seal_to(public, bound, key) + nonce + body
    if len(package) > MOST_PACKAGE:
        raise InputError(
            f"the cell and what it uses from the notebook take {len(package) >> 20} MiB; at most "
            f"{MOST_PACKAGE >> 20} MiB can be sent to a provider",
            hint="Read the data inside the cell, from a vault:// path",
        )
    return package


def open_package(private: EncryptionKey | bytes, bound: bytes, package: bytes) -> tuple[bytes, dict[str, Any]]:
    """The job key and the description in a package.

    Raises:
        IntegrityError: it is for another provider or job, or altered.
    """
    key = open_sealed(private, bound, package[:_SEALED_KEY])
    return key, open_content(key, bound, package)


def open_content(key: bytes, bound: bytes, package: bytes) -> dict[str, Any]:
    """The description in a package, for who has the job key.

    Raises:
        IntegrityError: it is for another provider or job, or altered.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    rest = package[_SEALED_KEY:]
    try:
        content = json.loads(AESGCM(_derived(key, b"package")).decrypt(rest[:_NONCE], rest[_NONCE:], bound))
    except (InvalidTag, ValueError) as error:
        raise IntegrityError("the package does not open: it was altered") from error
    if not isinstance(content, dict):
        raise IntegrityError("the package is not an object")
    return content


def ask_to_open(key: bytes, job_id: int) -> bytes:
    """What a renter sends to open a line: a number, and proof that it knows the job's key."""
    nonce = secrets.token_bytes(16)
    return nonce + _proof(key, job_id, nonce)


def opening(key: bytes, job_id: int, asked: bytes) -> bytes:
    """The renter's number in what :func:`ask_to_open` made.

    Raises:
        IntegrityError: whoever asks does not know the job's key.
    """
    if len(asked) != 48 or not hmac.compare_digest(_proof(key, job_id, asked[:16]), asked[16:]):
        raise IntegrityError("only the job's renter opens a line")
    return asked[:16]


def _proof(key: bytes, job_id: int, nonce: bytes) -> bytes:
    return hmac.digest(_derived(key, b"open"), job_id.to_bytes(32, "big") + nonce, "sha256")


class Line:
    """One side of a job's messages. ``opened`` is a number that the provider chose anew, known to both."""

    def __init__(self, key: bytes, job_id: int, opened: bytes, *, renter: bool) -> None:
        names = (b"to-provider", b"to-renter")
        self._out, self._in = (_derived(key, name) for name in (names if renter else reversed(names)))
        self._bound = job_id.to_bytes(32, "big") + opened
        self._sent = self._seen = 0
        self._lock = threading.Lock()

    def seal(self, message: dict[str, Any], number: int | None = None) -> bytes:
        """A message as it travels. An answer carries the ``number`` of what it answers."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._lock:
            self._sent = number if number is not None else self._sent + 1
            head = self._sent.to_bytes(8, "big")
        nonce = secrets.token_bytes(_NONCE)
        return head + nonce + AESGCM(self._out).encrypt(nonce, json.dumps(message).encode(), self._bound + head)

    def open(self, data: bytes, *, answer_to: int | None = None) -> tuple[int, dict[str, Any]]:
        """A message's number and content.

        Raises:
            IntegrityError: not of the other side, not of this line, seen before, or altered.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head, nonce, body = data[:8], data[8 : 8 + _NONCE], data[8 + _NONCE :]
        number = int.from_bytes(head, "big")
        try:
            content = json.loads(AESGCM(self._in).decrypt(nonce, body, self._bound + head))
        except (InvalidTag, ValueError) as error:
            raise IntegrityError("the message does not open: it is not of this job, or altered") from error
        with self._lock:
            if (number <= self._seen) if answer_to is None else (number != answer_to):
                raise IntegrityError("the message was sent before")
            self._seen = number
        if not isinstance(content, dict):
            raise IntegrityError("the message is not an object")
        return number, content

    @property
    def sent(self) -> int:
        """The number of the last message sent."""
        return self._sent


def _derived(key: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)

"""Handles and encryption keys of accounts.

Made from the ABI and NatSpec of IdentityRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class EncryptionKeySet(NamedTuple):
    """`account` published its HPKE public key."""

    account: str
    key: bytes


class HandleClaimed(NamedTuple):
    """`account` has a handle, for good."""

    account: str
    handle: str


class IdentityRegistry(Handle):
    """Handles and encryption keys of accounts."""

    CONTRACT = "IdentityRegistry"

    def ENCRYPTION_KEY_BYTES(self) -> View[int]:
        """Bytes of an MLKEM768_X25519 public key."""
        return View(self, "ENCRYPTION_KEY_BYTES()")

    def account_of(self, handle: str) -> View[str]:
        """The holder, or zero when nobody claimed `handle`."""
        return View(self, "accountOf(string)", handle)

    def encryption_key_of(self, account: str) -> View[bytes]:
        """The HPKE public key, or nothing when the account has none."""
        return View(self, "encryptionKeyOf(address)", account)

    def handle_of(self, account: str) -> View[str]:
        """The handle, or nothing when the account has none."""
        return View(self, "handleOf(address)", account)

    def register(self, handle: str, encryption_key: bytes) -> Call:
        """Claims `handle` for the caller, for good, and publishes their HPKE public key."""
        return Call(self.contract, "register", (handle, encryption_key))

    def set_encryption_key(self, key: bytes) -> Call:
        """Replaces the caller's HPKE public key (MLKEM768_X25519, 1216 bytes)."""
        return Call(self.contract, "setEncryptionKey", (key,))

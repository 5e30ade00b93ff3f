"""Handles and encryption keys of accounts.

Made from the ABI and NatSpec of IdentityRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Call, Handle, View


class EncryptionKeySet(NamedTuple):
    """`account` published its HPKE public key."""

    account: str
    key: bytes


class HandleClaimed(NamedTuple):
    """`account` has a handle, for good."""

    account: str
    handle: str


class Errors:
    """Reasons of a refusal, for :attr:`sahara_lab.errors.ChainError.reason`."""

    HandleAlreadySet = "HandleAlreadySet"
    HandleTaken = "HandleTaken"
    InvalidEncryptionKey = "InvalidEncryptionKey"
    InvalidHandle = "InvalidHandle"


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
        return Call(self, "register(string,bytes)", handle, encryption_key)

    def set_encryption_key(self, key: bytes) -> Call:
        """Replaces the caller's HPKE public key (MLKEM768_X25519, 1216 bytes)."""
        return Call(self, "setEncryptionKey(bytes)", key)

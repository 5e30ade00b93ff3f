"""Handles and encryption keys, as the identity registry knows them."""

from __future__ import annotations

import re

from sahara_lab.chain import Chain
from sahara_lab.errors import InputError, NotFound

ZERO_ADDRESS = "0x" + "0" * 40
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,31}")


class Directory:
    """Looks people up by handle or address; answers are kept, since a handle never changes hands."""

    def __init__(self, chain: Chain) -> None:
        self._registry = chain.contract("IdentityRegistry")
        self._addresses: dict[str, str] = {}
        self._handles: dict[str, str] = {}

    def address(self, account: str) -> str:
        """The checksummed address of a handle or an address.

        Raises:
            InputError: neither a handle nor an address.
            NotFound: nobody claimed the handle.
        """
        if _ADDRESS.fullmatch(account):
            from eth_utils import to_checksum_address

            return str(to_checksum_address(account))
        if not _HANDLE.fullmatch(account):
            raise InputError(
                f"{account!r} is neither a handle nor an address",
                hint="A handle has 3 to 32 of a-z, 0-9 and inner hyphens",
            )
        if account not in self._addresses:
            found = self._registry.call("accountOf", account)
            if found == ZERO_ADDRESS:
                raise NotFound(f"there is no account called {account!r}", hint="Run: %sahara help use")
            self._addresses[account] = found
            self._handles[found] = account
        return self._addresses[account]

    def handle(self, address: str) -> str:
        """The handle of an address, or the address itself when it has none."""
        if address not in self._handles:
            handle = self._registry.call("handleOf", address)
            if not handle:
                return address
            self._handles[address] = handle
        return self._handles[address]

    def everybody(self, from_block: int = 0) -> list[str]:
        """Addresses of all accounts that have published an encryption key, oldest first."""
        events = self._registry.logs("EncryptionKeySet", from_block)
        return list(dict.fromkeys(event.args["account"] for event in events))

    def encryption_key(self, account: str) -> bytes:
        """The HPKE public key (MLKEM768_X25519, 1216 bytes) that grants to ``account`` are sealed to.

        Raises:
            NotFound: the account has published none.
        """
        key = bytes(self._registry.call("encryptionKeyOf", self.address(account)))
        if not key:
            raise NotFound(
                f"{account} has not published an encryption key", hint="They register once with: sahara-lab up"
            )
        return key

"""Key servers that the DAO recognizes.

Made from the ABI and NatSpec of KeyServerRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import KeyServer
from sahara_lab.chain.orders import Call


class AuthorityUpdated(NamedTuple):
    """``AuthorityUpdated(address)``."""

    authority: str


class KeyServerAdded(NamedTuple):
    """The DAO recognized a key server."""

    id: int
    account: str
    url: str


class KeyServerChanged(NamedTuple):
    """A key server moved, or was switched on or off."""

    id: int
    active: bool
    url: str


class KeyServerRegistry(Handle):
    """Key servers that the DAO recognizes."""

    CONTRACT = "KeyServerRegistry"

    def ENCRYPTION_KEY_BYTES(self) -> View[int]:
        """Bytes of an MLKEM768_X25519 public key."""
        return View(self, "ENCRYPTION_KEY_BYTES()")

    def MAX_URL_BYTES(self) -> View[int]:
        """``MAX_URL_BYTES()``."""
        return View(self, "MAX_URL_BYTES()")

    def account_of(self, id: int) -> View[str]:
        """The account alone, without reading the key."""
        return View(self, "accountOf(uint256)", id)

    def add(self, account: str, url: str, encryption_key: bytes) -> Call:
        """Ids are given out from 1 upward."""
        return Call(self.contract, "add", (account, url, encryption_key))

    def authority(self) -> View[str]:
        """``authority()``."""
        return View(self, "authority()")

    def count(self) -> View[int]:
        """Servers so far, those switched off included."""
        return View(self, "count()")

    def get(self, id: int) -> View[KeyServer]:
        """Everything known of a server."""
        return View(self, "get(uint256)", id)

    def is_consuming_scheduled_op(self) -> View[bytes]:
        """``isConsumingScheduledOp()``."""
        return View(self, "isConsumingScheduledOp()")

    def set_active(self, id: int, active: bool) -> Call:
        """Switches a server on or off; only the DAO may."""
        return Call(self.contract, "setActive", (id, active))

    def set_authority(self, new_authority: str) -> Call:
        """``setAuthority(address)``."""
        return Call(self.contract, "setAuthority", (new_authority,))

    def set_url(self, id: int, url: str) -> Call:
        """A server may move: its own account or the DAO changes the URL; only the DAO changes `active`."""
        return Call(self.contract, "setUrl", (id, url))

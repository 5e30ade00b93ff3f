"""Which module is current: name to address, changed by the DAO alone.

Made from the ABI and NatSpec of Directory by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class AuthorityUpdated(NamedTuple):
    """``AuthorityUpdated(address)``."""

    authority: str


class ModuleChanged(NamedTuple):
    """`name` points to another contract from now on."""

    name: bytes
    from_: str
    to: str


class Directory(Handle):
    """Which module is current: name to address, changed by the DAO alone."""

    CONTRACT = "Directory"

    def authority(self) -> View[str]:
        """``authority()``."""
        return View(self, "authority()")

    def get(self, name: bytes) -> View[str]:
        """``get(bytes32)``."""
        return View(self, "get(bytes32)", name)

    def is_consuming_scheduled_op(self) -> View[bytes]:
        """``isConsumingScheduledOp()``."""
        return View(self, "isConsumingScheduledOp()")

    def is_fixed(self, name: bytes) -> View[bool]:
        """Whether `name` points where it does for good."""
        return View(self, "isFixed(bytes32)", name)

    def names(self) -> View[list[bytes]]:
        """Every name there is, in the order they came."""
        return View(self, "names()")

    def set(self, name: bytes, module: str) -> Call:
        """Points `name` to `module`; only the DAO may."""
        return Call(self.contract, "set", (name, module))

    def set_authority(self, new_authority: str) -> Call:
        """``setAuthority(address)``."""
        return Call(self.contract, "setAuthority", (new_authority,))

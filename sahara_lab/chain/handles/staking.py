"""Stake in SAHARA behind an operator, one pool for each role it has.

Made from the ABI and NatSpec of Staking by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Pool, Position
from sahara_lab.chain.orders import Call


class AuthorityUpdated(NamedTuple):
    """``AuthorityUpdated(address)``."""

    authority: str


class Locked(NamedTuple):
    """`amount` stands behind what the module `slasher` calls `purpose`."""

    role: bytes
    operator: str
    slasher: str
    amount: int
    purpose: bytes


class PoolEmptied(NamedTuple):
    """Nothing is left in the pool; whoever stakes next starts generation `generation`."""

    role: bytes
    operator: str
    generation: int


class Slashed(NamedTuple):
    """The pool lost `amount`: `compensation` went to `victim`, the rest to the treasury."""

    role: bytes
    operator: str
    slasher: str
    amount: int
    victim: str
    compensation: int
    purpose: bytes


class Staked(NamedTuple):
    """`account` put tokens behind `operator`."""

    role: bytes
    operator: str
    account: str
    amount: int
    shares: int


class Unlocked(NamedTuple):
    """`amount` is free again."""

    role: bytes
    operator: str
    slasher: str
    amount: int
    purpose: bytes


class Unstaking(NamedTuple):
    """`account` can withdraw `shares` from `availableAt` on, with all it asked to withdraw before."""

    role: bytes
    operator: str
    account: str
    shares: int
    available_at: int


class Withdrawn(NamedTuple):
    """`account` has its tokens back."""

    role: bytes
    operator: str
    account: str
    amount: int
    shares: int


class Staking(Handle):
    """Stake in SAHARA behind an operator, one pool for each role it has."""

    CONTRACT = "Staking"

    def COOLDOWN(self) -> View[int]:
        """Seconds between asking for stake and getting it."""
        return View(self, "COOLDOWN()")

    def TOKEN(self) -> View[str]:
        """``TOKEN()``."""
        return View(self, "TOKEN()")

    def TREASURY(self) -> View[str]:
        """``TREASURY()``."""
        return View(self, "TREASURY()")

    def authority(self) -> View[str]:
        """``authority()``."""
        return View(self, "authority()")

    def is_consuming_scheduled_op(self) -> View[bytes]:
        """``isConsumingScheduledOp()``."""
        return View(self, "isConsumingScheduledOp()")

    def lock(self, role: bytes, operator: str, amount: int, purpose: bytes) -> Call:
        """Puts `amount` of a pool behind `purpose`; only modules with the slasher's role."""
        return Call(self.contract, "lock", (role, operator, amount, purpose))

    def lockable(self, role: bytes, operator: str) -> View[int]:
        """Tokens that may still be locked in a pool."""
        return View(self, "lockable(bytes32,address)", role, operator)

    def locked_by(self, role: bytes, operator: str, slasher: str) -> View[int]:
        """What the module `slasher` has locked in a pool."""
        return View(self, "lockedBy(bytes32,address,address)", role, operator, slasher)

    def pool_of(self, role: bytes, operator: str) -> View[Pool]:
        """An operator's pool."""
        return View(self, "poolOf(bytes32,address)", role, operator)

    def position_of(self, role: bytes, operator: str, account: str) -> View[Position]:
        """What `account` has in a pool."""
        return View(self, "positionOf(bytes32,address,address)", role, operator, account)

    def seize(self, role: bytes, operator: str, amount: int, victim: str, compensation: int, purpose: bytes) -> Call:
        """Takes what no module has locked, being withdrawn or not, as `slash` does; only the DAO may."""
        return Call(self.contract, "seize", (role, operator, amount, victim, compensation, purpose))

    def set_authority(self, new_authority: str) -> Call:
        """``setAuthority(address)``."""
        return Call(self.contract, "setAuthority", (new_authority,))

    def slash(self, role: bytes, operator: str, amount: int, victim: str, compensation: int, purpose: bytes) -> Call:
        """Takes `amount` of what the caller has locked: `compensation` goes to `victim`, the rest to the
        treasury. Only modules with the slasher's role.
        """
        return Call(self.contract, "slash", (role, operator, amount, victim, compensation, purpose))

    def stake(self, role: bytes, operator: str, amount: int) -> Call:
        """Puts `amount` of one's own tokens behind `operator`, which may be oneself."""
        return Call(self.contract, "stake", (role, operator, amount))

    def unlock(self, role: bytes, operator: str, amount: int, purpose: bytes) -> Call:
        """Frees `amount` of what the caller has locked; with or without a role, so that stake cannot be caught."""
        return Call(self.contract, "unlock", (role, operator, amount, purpose))

    def unstake(self, role: bytes, operator: str, shares: int) -> Call:
        """Begins to withdraw `shares`: they can be withdrawn after the cool-down and slashed until then. Asking
        again begins the cool-down again for all of it.
        """
        return Call(self.contract, "unstake", (role, operator, shares))

    def withdraw(self, role: bytes, operator: str) -> Call:
        """Pays out what has cooled down, at the worth it has by then, unless it is locked."""
        return Call(self.contract, "withdraw", (role, operator))

    def worth_of(self, role: bytes, operator: str, shares: int) -> View[int]:
        """What `shares` of a pool are worth, in tokens, rounded down."""
        return View(self, "worthOf(bytes32,address,uint256)", role, operator, shares)

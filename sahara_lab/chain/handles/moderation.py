"""Verified publishers, reports, and listings that clients should warn of or not show.

Made from the ABI and NatSpec of Moderation by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Listing
from sahara_lab.chain.orders import Call


class Appealed(NamedTuple):
    """The owner answers the decision."""

    asset: int
    owner: str
    reason: str


class AuthorityUpdated(NamedTuple):
    """``AuthorityUpdated(address)``."""

    authority: str


class PublisherVerified(NamedTuple):
    """The DAO vouches for who `publisher` is, or no longer does."""

    publisher: str
    verified: bool
    reason: str


class Reported(NamedTuple):
    """Somebody says that something is wrong with an asset."""

    asset: int
    reporter: str
    reason: str


class StandingChanged(NamedTuple):
    """The DAO decided about a listing."""

    asset: int
    standing: int
    reason: str


class Moderation(Handle):
    """Verified publishers, reports, and listings that clients should warn of or not show."""

    CONTRACT = "Moderation"

    def ASSETS(self) -> View[str]:
        """``ASSETS()``."""
        return View(self, "ASSETS()")

    def MAX_REASON_BYTES(self) -> View[int]:
        """``MAX_REASON_BYTES()``."""
        return View(self, "MAX_REASON_BYTES()")

    def appeal(self, asset: int, reason: str) -> Call:
        """Answers a decision, as the asset's owner; once for each."""
        return Call(self.contract, "appeal", (asset, reason))

    def authority(self) -> View[str]:
        """``authority()``."""
        return View(self, "authority()")

    def is_consuming_scheduled_op(self) -> View[bytes]:
        """``isConsumingScheduledOp()``."""
        return View(self, "isConsumingScheduledOp()")

    def is_verified(self, publisher: str) -> View[bool]:
        """Whether the DAO vouches for who an account is."""
        return View(self, "isVerified(address)", publisher)

    def listing_of(self, asset: int) -> View[Listing]:
        """A listing's standing."""
        return View(self, "listingOf(uint256)", asset)

    def report(self, asset: int, reason: str) -> Call:
        """Reports an asset; once an account until the next decision.

        reason: 1 to 512 bytes.
        """
        return Call(self.contract, "report", (asset, reason))

    def set_authority(self, new_authority: str) -> Call:
        """``setAuthority(address)``."""
        return Call(self.contract, "setAuthority", (new_authority,))

    def set_standing(self, asset: int, standing: int, reason: str) -> Call:
        """Decides about a listing; reports and appeal begin anew. Restricted to the DAO."""
        return Call(self.contract, "setStanding", (asset, standing, reason))

    def set_verified(self, publisher: str, verified: bool, reason: str) -> Call:
        """Says who is known to the DAO; restricted to it."""
        return Call(self.contract, "setVerified", (publisher, verified, reason))

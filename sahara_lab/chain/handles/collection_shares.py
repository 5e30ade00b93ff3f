"""Collections: assets whose revenue belongs to other assets, their members, by weight.

Made from the ABI and NatSpec of CollectionShares by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class Collected(NamedTuple):
    """`amount` of the collection's revenue was divided among `total` of weight."""

    collection: int
    currency: str
    amount: int
    total: int


class MemberAgreed(NamedTuple):
    """The owner of `member` agrees to its place in `collection`, or takes that back."""

    collection: int
    member: int
    agreed: bool


class WeightChanged(NamedTuple):
    """From here on `member` has `weight` of `total`."""

    collection: int
    member: int
    weight: int
    total: int


class MemberOfResult(NamedTuple):
    """What ``memberOf(uint256,uint256)`` gives."""

    weight: int
    agreed: bool


class CollectionShares(Handle):
    """Collections: assets whose revenue belongs to other assets, their members, by weight."""

    CONTRACT = "CollectionShares"

    def LEDGER(self) -> View[str]:
        """``LEDGER()``."""
        return View(self, "LEDGER()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def REGISTRY(self) -> View[str]:
        """``REGISTRY()``."""
        return View(self, "REGISTRY()")

    def agree(self, collection: int, members: Sequence[int], agreed: bool) -> Call:
        """Agrees that own assets may be members of `collection`, or takes that back, which ends their weight;
        what they earned so far stays theirs.
        """
        return Call(self.contract, "agree", (collection, members, agreed))

    def claim(self, collection: int, currency: str, members: Sequence[int]) -> Call:
        """Passes on to `members` what they have earned, as revenue of their assets; open to anyone."""
        return Call(self.contract, "claim", (collection, currency, members))

    def collect(self, collection: int, currency: str) -> Call:
        """Divides what the collection received since the last call; open to anyone, at a cost that does not
        depend on the number of members.
        """
        return Call(self.contract, "collect", (collection, currency))

    def due_to(self, collection: int, currency: str, member: int) -> View[int]:
        """What `claim` would pass on to `member` now."""
        return View(self, "dueTo(uint256,address,uint256)", collection, currency, member)

    def member_of(self, collection: int, member: int) -> View[MemberOfResult]:
        """The weight of a member, and whether its owner agreed to it."""
        return View(self, "memberOf(uint256,uint256)", collection, member, result=MemberOfResult)

    def set_weights(self, collection: int, members: Sequence[int], weights: Sequence[int]) -> Call:
        """Gives members their weights, zero to leave; only the collection's owner may, and only to assets whose
        owner agreed or that they own themselves. Changes count for revenue from now on.

        With the first call the collection's revenue is its members' for good; what came before stays its
        owner's.
        """
        return Call(self.contract, "setWeights", (collection, members, weights))

    def total_weight(self, collection: int) -> View[int]:
        """The sum of all weights."""
        return View(self, "totalWeight(uint256)", collection)

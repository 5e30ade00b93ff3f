"""Collections: assets whose revenue belongs to other assets, their members, by weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Receipt, Sender
from sahara_lab.display import Rows
from sahara_lab.errors import InputError
from sahara_lab.units import Wei, format_tokens

MAX_WEIGHT = 2**64 - 1
AT_ONCE = 100  # members a transaction changes or pays, well below a block's gas


@dataclass(frozen=True)
class Member:
    """An asset's place in a collection. ``due`` is wei that it earned and was not passed on."""

    asset: str
    asset_id: int
    weight: int
    agreed: bool
    due: Wei


class Members(Rows):
    """The members of a collection, heaviest first."""

    headers = ("Asset", "Weight", "Its owner agreed", "Due")
    title = "Members"

    def cells(self, value: Member) -> tuple[object, ...]:
        return (value.asset, value.weight, "yes" if value.agreed else "no", format_tokens(value.due))


@dataclass(frozen=True)
class Due:
    """What one member of one collection has coming, in wei."""

    collection: int
    member: int
    amount: Wei


class Shares:
    """Weights and money of all collections of a network."""

    def __init__(self, chain: Chain, sender: Sender, from_block: int) -> None:
        self._chain = chain
        self._sender = sender
        self._from_block = from_block
        self._contract = chain.contract("CollectionShares")
        self._currency = chain.addresses["SaharaToken"]

    def members(self, collection: int) -> list[int]:
        """Every asset that ever agreed or had a weight."""
        return sorted({member for place, member in self._places() if place == collection})

    def look(self, collection: int, members: Iterable[int]) -> list[tuple[int, bool, Wei]]:
        """Weight, agreement and what is due, for each of ``members``."""
        asked = list(members)
        known = self._ask([("memberOf", (collection, member)) for member in asked])
        due = self._ask([("dueTo", (collection, self._currency, member)) for member in asked])
        places = [tuple(place.values()) if isinstance(place, dict) else place for place in known]
        return [(weight, agreed, Wei(amount)) for (weight, agreed), amount in zip(places, due, strict=True)]

    def due(self, members: set[int]) -> list[Due]:
        """What ``members`` have coming from every collection they are or were in."""
        places = sorted({(place, member) for place, member in self._places() if member in members})
        amounts = self._ask([("dueTo", (place, self._currency, member)) for place, member in places])
        return [Due(*place, Wei(amount)) for place, amount in zip(places, amounts, strict=True) if amount]

    def pass_on(self, dues: Iterable[Due]) -> Wei:
        """Pass on what is due, as revenue of the members' assets; returns wei."""
        by_collection: dict[int, list[int]] = {}
        for due in dues:
            by_collection.setdefault(due.collection, []).append(due.member)
        passed = 0
        for collection, members in by_collection.items():
            for part in _parts(members):
                receipt = self._sender.send(self._contract, "claim", collection, self._currency, part)
                passed += sum(event.args["amount"] for event in receipt.events if event.name == "PassedOn")
        return Wei(passed)

    def agree(self, collection: int, members: list[int], agreed: bool) -> list[Receipt]:
        return [self._sender.send(self._contract, "agree", collection, part, agreed) for part in _parts(members)]

    def set_weights(self, collection: int, weights: Mapping[int, int]) -> list[Receipt]:
        return [
            self._sender.send(self._contract, "setWeights", collection, part, [weights[member] for member in part])
            for part in _parts(list(weights))
        ]

    def _places(self) -> list[tuple[int, int]]:
        return [
            (event.args["collection"], event.args["member"])
            for kind in ("MemberAgreed", "WeightChanged")
            for event in self._contract.logs(kind, self._from_block, "latest")
        ]

    def _ask(self, calls: list[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        return self._chain.batch_call([(self._contract, name, args) for name, args in calls]) if calls else []


class Collection:
    """One collection; get it with ``lab.market.collection("owner/name")``.

    Args:
        resolve: an asset's id by its name.
        name_of: an asset's name by its id.
    """

    def __init__(
        self, name: str, asset: int, shares: Shares, resolve: Callable[[str], int], name_of: Callable[[int], str]
    ) -> None:
        self.name = name
        self.id = asset
        self._shares = shares
        self._resolve = resolve
        self._name_of = name_of

    def members(self) -> Members:
        """Who shares in the revenue, who agreed to, and what each has coming."""
        ids = self._shares.members(self.id)
        found = [
            Member(self._name_of(member), member, *facts)
            for member, facts in zip(ids, self._shares.look(self.id, ids), strict=True)
        ]
        return Members(sorted(found, key=lambda member: (-member.weight, member.asset)))

    def join(self, *names: str) -> Members:
        """Agree that own assets may be members.

        Raises:
            ChainError: an asset belongs to someone else.
        """
        self._shares.agree(self.id, [self._resolve(name) for name in names], True)
        return self.members()

    def leave(self, *names: str) -> Members:
        """Take own assets out; what they earned so far stays theirs."""
        self._shares.agree(self.id, [self._resolve(name) for name in names], False)
        return self.members()

    def set_weights(self, weights: Mapping[str, int]) -> Members:
        """Give members their weights, 0 to leave; only the collection's owner may. It counts for revenue from then on.

        With the first weights the collection's revenue is its members' for good, not its owner's.

        Raises:
            InputError: a weight out of range.
            ChainError: a member's owner has not agreed, or the collection belongs to someone else.
        """
        for name, weight in weights.items():
            if not 0 <= weight <= MAX_WEIGHT:
                raise InputError(f"the weight of {name} must lie between 0 and 2^64 - 1")
        self._shares.set_weights(self.id, {self._resolve(name): weight for name, weight in weights.items()})
        return self.members()

    def collect(self) -> Wei:
        """Pass on to every member what it has coming; anybody may. Returns wei."""
        ids = self._shares.members(self.id)
        facts = zip(ids, self._shares.look(self.id, ids), strict=True)
        return self._shares.pass_on(Due(self.id, member, amount) for member, (_, _, amount) in facts if amount)

    def change(
        self, *, join: Sequence[str] = (), leave: Sequence[str] = (), weights: Mapping[str, int], collect: bool = False
    ) -> None:
        """Several of the above at once, in this order; what is empty is left out."""
        if join:
            self.join(*join)
        if leave:
            self.leave(*leave)
        if weights:
            self.set_weights(weights)
        if collect:
            self.collect()

    def __repr__(self) -> str:
        return f"<Collection {self.name}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.members()._repr_mimebundle_()


def parse_weights(texts: Iterable[str]) -> dict[str, int]:
    """Weights as typed, ``owner/name=3``.

    Raises:
        InputError: not of that form.
    """
    weights = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not equals or not number.isascii() or not number.isdigit():
            raise InputError(f"{text!r} is not a member's weight", hint='Write it like "alice/cats=3"')
        weights[name] = int(number)
    return weights


def _parts(members: list[int]) -> list[list[int]]:
    return [members[start : start + AT_ONCE] for start in range(0, len(members), AT_ONCE)]

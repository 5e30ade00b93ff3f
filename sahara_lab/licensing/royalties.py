"""Royalty tables before they exist: what an output made from several sources will owe, with the ledger's own roundings.

The specification is docs/spec/contracts.md, "Royalties"; the contract is ``RoyaltyLedger.link``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

SCALE = 10**9  # shares are parts of this
BASIS_POINT = 10**5
MAX_PARENTS = 16
MAX_PAYEES = 16

Table = dict[int, int]  # payee asset to share, in parts of SCALE

Item = TypeVar("Item")


@dataclass(frozen=True)
class Debt:
    """What an output owes to one parent: a royalty by a license, or, to an own parent, nothing but what that owes.

    Attributes:
        table: the parent's own royalty table.
    """

    parent: int
    royalty_bps: int
    own: bool
    table: Mapping[int, int] = field(default_factory=dict)

    @property
    def line(self) -> Table:
        """What is owed because of this parent alone."""
        if self.own:
            return dict(self.table)
        due = self.royalty_bps * BASIS_POINT
        line = {payee: part for payee, share in self.table.items() if (part := due * share // SCALE)}
        if kept := due - sum(line.values()):
            line[self.parent] = kept
        return line


def table_of(debts: Sequence[Debt]) -> Table:
    """What an output with these debts owes: lines of licensed parents add up, own parents' are at least kept."""
    owed: Table = {}
    inherited: Table = {}
    for debt in debts:
        for payee, share in debt.line.items():
            if debt.own:
                inherited[payee] = max(share, inherited.get(payee, 0))
            else:
                owed[payee] = owed.get(payee, 0) + share
    return {payee: max(owed.get(payee, 0), inherited.get(payee, 0)) for payee in sorted(owed.keys() | inherited.keys())}


def stack_of(debts: Sequence[Debt]) -> int:
    """The sum of a table's shares, in parts of :data:`SCALE`."""
    return sum(table_of(debts).values())


def payees_of(debts: Sequence[Debt]) -> int:
    """How many payees a table has."""
    return len(table_of(debts))


def fewest_above(items: Sequence[Item], measure: Callable[[Sequence[Item]], int], limit: int) -> tuple[Item, ...]:
    """The fewest items that measure more than ``limit`` together; none when all of them do not.

    The measure must not shrink when an item comes to others, nor grow by more than the item measures alone. Then the
    heaviest few bound what any few can reach, and whole branches need no look.
    """
    if measure(items) <= limit:
        return ()
    alone = sorted(((measure([item]), index) for index, item in enumerate(items)), key=lambda pair: -pair[0])
    weights = [weight for weight, _ in alone]
    heavy = [items[index] for _, index in alone]

    def pick(chosen: list[Item], start: int, missing: int) -> tuple[Item, ...]:
        reached = measure(chosen) if chosen else 0
        if missing == 0:
            return tuple(chosen) if reached > limit else ()
        for at in range(start, len(heavy) - missing + 1):
            if reached + sum(weights[at : at + missing]) <= limit:
                break
            if found := pick([*chosen, heavy[at]], at + 1, missing - 1):
                return found
        return ()

    return next(found for size in range(1, len(heavy) + 1) if (found := pick([], 0, size)))

"""Royalties as the specification tells them (docs/spec/contracts.md, "Royalties"), in plain Python.

Two readings that know nothing of the contract: :func:`table` does the specified roundings, and :func:`flow` pays hop
after hop in exact fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

SCALE = 10**9
BASIS_POINT = 10**5
MAX_PAYEES = 16

Table = dict[int, int]


@dataclass(frozen=True)
class Debt:
    """What a child owes to one parent: basis points by a license, or nothing to an own parent."""

    parent: int
    bps: int
    own: bool


@dataclass(frozen=True)
class Graph:
    """Assets by their debts, counted from 1; parents are older. ``cap`` in basis points."""

    cap: int
    amount: int
    debts: tuple[tuple[Debt, ...], ...]


def table(debts: tuple[Debt, ...], known: dict[int, Table], cap: int) -> Table | str:
    """An asset's table in parts per 1e9, or the error that refuses it.

    ``floor(s * t[a] / 1e9)`` to each ancestor ``a`` of a licensed parent with table ``t``, the rest of ``s`` to the
    parent, lines added up; each payee of an own parent gets at least its share there.
    """
    owed: Table = {}
    inherited: Table = {}
    for debt in debts:
        above = known[debt.parent]
        if debt.own:
            for payee, share in above.items():
                inherited[payee] = max(share, inherited.get(payee, 0))
            continue
        due = debt.bps * BASIS_POINT
        left = due
        for payee, share in above.items():
            part = due * share // SCALE
            left -= part
            owed[payee] = owed.get(payee, 0) + part
        owed[debt.parent] = owed.get(debt.parent, 0) + left
    joined = {payee: max(owed.get(payee, 0), inherited.get(payee, 0)) for payee in owed.keys() | inherited.keys()}
    joined = {payee: share for payee, share in joined.items() if share}
    if len(joined) > MAX_PAYEES:
        return "TooManyPayees"
    if sum(joined.values()) > cap * BASIS_POINT:
        return "StackTooHigh"
    return joined


def tables(graph: Graph) -> list[Table | str]:
    """Every asset's table; one that was refused owes nothing, since it never came to be."""
    known: dict[int, Table] = {}
    found: list[Table | str] = []
    for asset, debts in enumerate(graph.debts, 1):
        made = table(debts, known, graph.cap)
        known[asset] = {} if isinstance(made, str) else made
        found.append(made)
    return found


def split(owed: Table, asset: int, amount: int) -> Table:
    """Each payee's part of an amount, rounded down; the asset keeps the rest."""
    parts = {payee: amount * share // SCALE for payee, share in owed.items()}
    return parts | {asset: amount - sum(parts.values())}


def flow(graph: Graph, refused: set[int]) -> list[dict[int, Fraction]]:
    """Per asset, what everyone else ends up with of one unit paid to it, when each pays its parents in turn.

    An own parent is paid nothing, but what it would have sent on is sent on, if no license sends more.
    """
    sent: list[dict[int, Fraction]] = []
    for asset, debts in enumerate(graph.debts, 1):
        by_license: dict[int, Fraction] = {}
        by_own: dict[int, Fraction] = {}
        for debt in debts if asset not in refused else ():
            onward = sent[debt.parent - 1]
            if debt.own:
                by_own = {key: max(by_own.get(key, Fraction()), onward.get(key, Fraction())) for key in by_own | onward}
                continue
            paid = Fraction(debt.bps, 10_000)
            for payee, part in onward.items():
                by_license[payee] = by_license.get(payee, Fraction()) + paid * part
            kept = paid * (1 - sum(onward.values()))
            by_license[debt.parent] = by_license.get(debt.parent, Fraction()) + kept
        everyone = by_license | by_own
        sent.append({key: max(by_license.get(key, Fraction()), by_own.get(key, Fraction())) for key in everyone})
    return sent

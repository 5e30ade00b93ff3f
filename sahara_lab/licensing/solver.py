"""The license solver: may something be made of several assets, under which terms, and which of them stand in the way.

Pure: sources in, conflicts out. What the chain refuses and what only the licenses' texts forbid are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from sahara_lab.licensing.limits import ALL_USES, Limits, joined, names_of
from sahara_lab.licensing.royalties import (
    BASIS_POINT,
    MAX_PARENTS,
    MAX_PAYEES,
    SCALE,
    Debt,
    fewest_above,
    payees_of,
    stack_of,
)
from sahara_lab.licensing.terms import USES, License
from sahara_lab.units import format_share


@dataclass(frozen=True)
class Source:
    """An asset that something is made of, and the right to do so.

    Attributes:
        license: number of the license that covers the relation; 0 for an own asset, or where one is still to be had.
        relation: how the output stands to it, one of :data:`~sahara_lab.licensing.limits.RELATIONS`.
        limits: what it leaves to the terms of an output in that relation.
        uncovered: why nothing covers the relation, in words; empty when a license does, or an offer would.
        offer: the offer that would cover it, where no license is held.
    """

    name: str
    relation: str
    debt: Debt
    limits: Limits
    license: int = 0
    uncovered: str = ""
    offer: License | None = None

    @property
    def asset(self) -> int:
        return self.debt.parent

    @property
    def own(self) -> bool:
        return self.debt.own

    @property
    def ready(self) -> bool:
        """Whether nothing has to be bought first."""
        return self.own or bool(self.license)


@dataclass(frozen=True)
class Conflict:
    """Sources that cannot stand behind one output, no fewer of them would do.

    Attributes:
        kind: "access", "parents", "payees", "stack", "terms" (of the output) or "sharing" (sources differ).
        sources: their names; without any one of them this conflict is gone.
        enforced: whether the contracts refuse it; otherwise only the licenses' texts do.
    """

    kind: str
    sources: tuple[str, ...]
    why: str
    enforced: bool

    def __str__(self) -> str:
        return self.why


def conflicts_of(sources: Sequence[Source], outputs: Iterable[License], cap_bps: int) -> tuple[Conflict, ...]:
    """Everything that stands in the way, the conflict of the fewest sources first.

    Args:
        outputs: terms that the output is to be offered under.
        cap_bps: the most of its revenue that an output may owe, in basis points.
    """
    found = [
        Conflict("access", (source.name,), f"{source.name}: {source.uncovered}", True)
        for source in sources
        if source.uncovered
    ]
    terms = list(outputs)
    found += _forbidden(sources, terms) if terms else _irreconcilable(sources)
    found += _refused(sources, cap_bps)
    return tuple(sorted(found, key=lambda one: (len(one.sources), not one.enforced, one.sources)))


def _refused(sources: Sequence[Source], cap_bps: int) -> list[Conflict]:
    """What the registry and the ledger refuse, beyond a license that is missing."""
    if len(sources) > MAX_PARENTS:
        why = f"an asset has at most {MAX_PARENTS} parents, not {len(sources)}: group some in a collection"
        return [Conflict("parents", _names(sources[: MAX_PARENTS + 1]), why, True)]
    found = []
    if few := fewest_above(sources, _payees, MAX_PAYEES):
        brought = f"{_and(_names(few))} {'together bring' if len(few) > 1 else 'brings'} {_payees(few)}"
        why = f"at most {MAX_PAYEES} assets can share in the revenue, and {brought}: group some in a collection"
        found.append(Conflict("payees", _names(few), why, True))
    if few := fewest_above(sources, _stack, cap_bps * BASIS_POINT):
        asked = f"{_and(_names(few))} {'together ask' if len(few) > 1 else 'asks'} for {percent(_stack(few))}"
        why = f"{asked} of the revenue, and at most {format_share(cap_bps)} may be owed"
        found.append(Conflict("stack", _names(few), why, True))
    return found


def _forbidden(sources: Sequence[Source], outputs: Sequence[License]) -> list[Conflict]:
    """Sources that forbid the terms that the output is to have."""
    return [
        Conflict("terms", (source.name,), f"{source.name} {reason}", False)
        for source in sources
        for reason in dict.fromkeys(reason for output in outputs for reason in source.limits.against(output))
    ]


def _irreconcilable(sources: Sequence[Source]) -> list[Conflict]:
    """Sources that leave no terms at all to what is made of them: nobody else could ever have it."""
    found = [few for few in combinations(sources, 1) if not _agree(few)]
    found += [pair for pair in combinations(sources, 2) if all(_agree([one]) for one in pair) and not _agree(pair)]
    if few := fewest_above(sources, _excluded, len(USES) - 1):
        found.append(few)
    return [
        Conflict("sharing", _names(few), f"no terms for what is made of it suit {_and(_names(few))}", False)
        for few in found
    ]


def _agree(sources: Sequence[Source]) -> bool:
    """Whether share-alike sources ask for the same uses, and none that another excludes."""
    limits = joined(source.limits for source in sources)
    return len(limits.alike) <= 1 and all(mask & ~limits.uses == 0 for mask in limits.alike)


def _excluded(sources: Sequence[Source]) -> int:
    """How many uses one or another of the sources does not leave."""
    return len(names_of(ALL_USES & ~joined(source.limits for source in sources).uses))


def _payees(sources: Sequence[Source]) -> int:
    return payees_of([source.debt for source in sources])


def _stack(sources: Sequence[Source]) -> int:
    return stack_of([source.debt for source in sources])


def percent(parts: int) -> str:
    """A share in parts of 1e9 as a person reads it, at most four digits behind the point."""
    text = f"{parts * 100 / SCALE:.4f}".rstrip("0").rstrip(".")
    return f"{text or '0'}%"


def _names(sources: Iterable[Source]) -> tuple[str, ...]:
    return tuple(sorted(source.name for source in sources))


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

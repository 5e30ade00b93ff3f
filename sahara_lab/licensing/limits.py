"""What the sources of an asset leave to its own terms: which uses they may allow, and how they must be shared.

Nobody can give more rights than they got. What an asset contains (``derived_from``, ``finetuned_from``) may be used as
its source may; what was made with a source (``trained_on``, ``uses``) may be sold only if the source may be used
commercially.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sahara_lab.licensing.terms import COMMERCIAL, FLAVOR_USES, USES, License

ALL_USES = sum(USES.values())

RELATIONS = ("trained_on", "finetuned_from", "derived_from", "evaluated_on", "uses")
_CONTAINING = ("finetuned_from", "derived_from")
_INNOCENT = "evaluated_on"  # a source that leaves no trace in what was evaluated on it


@dataclass(frozen=True)
class Limits:
    """What the terms of an asset may say.

    Attributes:
        uses: bit mask of the uses that they may allow; without "commercial" they may ask no price either.
        alike: for each share-alike source, the mask of just the uses that they must allow, shared alike.
    """

    uses: int = ALL_USES
    alike: frozenset[int] = frozenset()

    @property
    def sellable(self) -> bool:
        return bool(self.uses & COMMERCIAL)

    @property
    def possible(self) -> bool:
        """Whether any terms at all stay within them."""
        return bool(self.uses) and len(self.alike) <= 1 and all(mask & ~self.uses == 0 for mask in self.alike)

    def joined(self, other: Limits) -> Limits:
        """Both at once."""
        return Limits(self.uses & other.uses, self.alike | other.alike)

    def passed(self, relation: str) -> Limits:
        """What is left of them for an asset that stands in ``relation`` to one that has these limits."""
        if relation in _CONTAINING:
            return self
        if relation == _INNOCENT:
            return Limits()
        uses = ALL_USES if self.sellable else ALL_USES & ~COMMERCIAL
        return Limits(uses, frozenset() if relation == "uses" else self.alike)

    def against(self, output: License) -> list[str]:
        """What in ``output`` goes beyond them, in words; nothing when it stays within."""
        found = []
        if excess := names_of(output.uses & ~self.uses):
            found.append(f"does not allow {_listed(excess)}, and {output.flavor} would")
        if not self.sellable and output.price and not output.uses & COMMERCIAL:
            found.append("allows no commercial use, and a price is one")
        return found + [
            f"is shared alike: what is made of it allows {_listed(names_of(mask))}, shared alike"
            for mask in sorted(self.alike)
            if not output.reciprocal or output.uses != mask
        ]


def limits_of(license: License) -> Limits:
    """What a source licensed under ``license`` leaves to an asset that contains it."""
    return Limits(license.uses, frozenset({license.uses}) if license.reciprocal else frozenset())


def joined(limits: Iterable[Limits]) -> Limits:
    """All of them at once."""
    result = Limits()
    for one in limits:
        result = result.joined(one)
    return result


@dataclass(frozen=True)
class Allowed:
    """Whether an output may be offered under a flavor of terms, and what it takes.

    Attributes:
        why_not: in words; empty when it may.
        free: only without a price.
        alike: only shared alike.
    """

    flavor: str
    why_not: str
    free: bool
    alike: bool

    @property
    def ok(self) -> bool:
        return not self.why_not

    @property
    def how(self) -> str:
        """One line for a table."""
        if self.why_not:
            return f"no: {self.why_not}"
        terms = [word for word, needed in (("free", self.free), ("shared alike", self.alike)) if needed]
        return f"yes, {' and '.join(terms)}" if terms else "yes"


def allowed_flavors(limits: Limits) -> tuple[Allowed, ...]:
    """Each named flavor, whether limits leave it."""
    return tuple(_allowed(flavor, uses, limits) for flavor, uses in FLAVOR_USES.items())


def _allowed(flavor: str, uses: int, limits: Limits) -> Allowed:
    why = ""
    if excess := names_of(uses & ~limits.uses):
        why = f"{_listed(excess)} {'is' if len(excess) == 1 else 'are'} not granted by every source"
    elif any(mask != uses for mask in limits.alike):
        why = "sources that are shared alike ask for other uses"
    return Allowed(flavor, why, not limits.sellable, bool(limits.alike))


def names_of(mask: int) -> list[str]:
    """The uses in a mask, by name."""
    return [name for name, bit in USES.items() if mask & bit]


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

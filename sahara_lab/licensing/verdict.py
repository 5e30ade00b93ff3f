"""What the license solver found, for people: a table, a picture, and plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.display import Accent, bundle, card, share_bars, stack, table, text_card, text_table
from sahara_lab.errors import AccessDenied, LicenseConflict
from sahara_lab.licensing.limits import Allowed
from sahara_lab.licensing.royalties import BASIS_POINT
from sahara_lab.licensing.solver import Conflict, Source, percent
from sahara_lab.licensing.terms import License
from sahara_lab.units import Wei, format_share, format_tokens, to_wei

_EXAMPLE = to_wei(100)


@dataclass(frozen=True)
class Owed:
    """What an output will owe to one asset, in parts of 1e9 of its revenue; ``account`` owns that asset now."""

    asset: str
    account: str
    parts: int

    @property
    def share(self) -> str:
        return percent(self.parts)

    def of(self, amount: int) -> Wei:
        """Its part of an amount, rounded down as the ledger does."""
        return Wei(amount * self.parts // (10_000 * BASIS_POINT))


@dataclass(frozen=True)
class Check:
    """Whether something may be made of assets: what it will owe, what it may allow, what stands in the way.

    Attributes:
        sources: the assets, sorted as the registry wants them.
        outputs: the terms that were asked about.
        owed: who gets which part of the output's revenue.
        cap_bps: the most that may be owed, in basis points.
        conflicts: everything that stands in the way, fewest sources first.
        allowed: the named flavors, and whether the output may be offered under each.
    """

    sources: tuple[Source, ...]
    outputs: tuple[License, ...]
    owed: tuple[Owed, ...]
    cap_bps: int
    conflicts: tuple[Conflict, ...]
    allowed: tuple[Allowed, ...]

    @property
    def missing(self) -> tuple[Source, ...]:
        """Sources whose license is still to be had, under their ``offer``."""
        return tuple(source for source in self.sources if source.offer and not source.ready)

    @property
    def ok(self) -> bool:
        """Whether it could be published as things are."""
        return not self.conflicts and not self.missing

    @property
    def stack(self) -> int:
        """The sum of all royalties, in parts of 1e9 of the revenue."""
        return sum(line.parts for line in self.owed)

    @property
    def smallest(self) -> tuple[str, ...]:
        """The fewest sources that cannot stand behind one output; empty when all of them can."""
        return self.conflicts[0].sources if self.conflicts else ()

    @property
    def cost(self) -> Wei:
        """What the missing licenses cost together."""
        return Wei(sum(source.offer.price for source in self.missing if source.offer))

    @property
    def answer(self) -> str:
        """In one line."""
        if self.conflicts:
            more = len(self.conflicts) - 1
            return f"no: {self.conflicts[0].why}{f' (and {more} more)' if more else ''}"
        if self.missing:
            names = ", ".join(source.name for source in self.missing)
            return f"once licensed: {names}, for {format_tokens(self.cost)} in all"
        return "yes" if not self.stack else f"yes, and it will owe {percent(self.stack)} of its revenue"

    def raise_for_conflicts(self) -> None:
        """Do nothing when it could be published.

        Raises:
            AccessDenied: a license is missing.
            LicenseConflict: the sources, or the terms of the output, do not go together.
        """
        for conflict in self.conflicts:
            if conflict.kind == "access":
                name, _, why = conflict.why.partition(": ")
                raise AccessDenied(
                    f"no valid license of yours lets {name} be a parent: {why}",
                    hint=f"Ask its owner: %sahara request {name}",
                )
        if self.missing:
            first = self.missing[0]
            raise AccessDenied(
                f"no valid license of yours lets {first.name} be a parent ({first.relation.replace('_', ' ')})",
                hint=f"Run: %sahara license {first.name} --license {first.offer.flavor!r}" if first.offer else "",
            )
        if self.conflicts:
            raise LicenseConflict(self.conflicts[0].why, hint="See: lab.licensing.check, or %sahara check")

    def __str__(self) -> str:
        return self.answer

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        accent: Accent = "error" if self.conflicts else "warn" if self.missing else "ok"
        rows: list[tuple[str, object]] = [
            ("May it be published", self.answer),
            ("Royalties", f"{percent(self.stack)} of the revenue; at most {format_share(self.cap_bps)} may be owed"),
        ]
        if self.outputs:
            rows.append(("Terms asked about", "; ".join(output.summary for output in self.outputs)))
        shares = [(f"{line.account} for {line.asset}", line.of(_EXAMPLE)) for line in self.owed]
        plain = [*rows, *((f"{format_tokens(amount)} of each 100", f"to {who}") for who, amount in shares)]
        if shares:
            kept = Wei(_EXAMPLE - sum(amount for _, amount in shares))
            bars = [(who, format_tokens(amount), amount) for who, amount in (*shares, ("you keep", kept))]
            rows.append((f"Of each {format_tokens(_EXAMPLE)}", share_bars(bars)))
        parts = [part for part in self._tables() if part[1]]
        word = "conflict" if self.conflicts else "possible" if self.ok else "not yet"
        drawn = [card("License check", rows, badge=word, accent=accent), *(table(*part) for part in parts)]
        return bundle(
            "\n\n".join([text_card("License check", plain), *(text_table(*part) for part in parts)]), stack(*drawn)
        )

    def _tables(self) -> list[tuple[tuple[str, ...], list[tuple[object, ...]]]]:
        return [
            (("Made from", "Relation", "Right", "Asks for"), self._sources()),
            (("In the way", "Why", "Refused by"), self._conflicts()),
            (("License of the output", "Allowed"), [(one.flavor, one.how) for one in self.allowed]),
        ]

    def _sources(self) -> list[tuple[object, ...]]:
        return [
            (source.name, source.relation.replace("_", " "), _standing(source), percent(sum(source.debt.line.values())))
            for source in self.sources
        ]

    def _conflicts(self) -> list[tuple[object, ...]]:
        return [
            (", ".join(one.sources), one.why, "the contracts" if one.enforced else "the license's text")
            for one in self.conflicts
        ]


def _standing(source: Source) -> str:
    if source.own:
        return "yours"
    if source.license:
        return f"license {source.license}"
    if source.offer:
        return f"to be had: {source.offer.summary}"
    return "none"

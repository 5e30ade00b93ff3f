"""Statements of earnings: every payment that reached an account's assets, and what each ancestor got of it.

The ledger divides what an asset has gathered when it is settled, rounding once. A payment's part is therefore the
difference that it makes to the gathered sum's, so that the lines of a statement add up to the ledger's to the wei.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sahara_lab.chain import Event
from sahara_lab.display import Align, bundle, card, format_time, stack, table, text_card, text_table
from sahara_lab.errors import InputError, storing
from sahara_lab.licensing.royalties import SCALE
from sahara_lab.units import Wei, format_tokens

Kind = Literal["sale", "renewal", "collection", "payment"]
SHOWN = 20  # lines of a statement that are shown; its CSV has all


class Place(NamedTuple):
    """Where in the chain something happened."""

    block: int
    log: int
    tx: str

    @classmethod
    def of(cls, event: Event) -> Place:
        return cls(event.block_number, event.log_index, event.tx_hash)


NOT_YET = Place(2**63, 0, "")


@dataclass(frozen=True)
class Part:
    """What one payment brought to one asset, before names and times are known. Amounts in wei."""

    event: Event
    source: int
    payee: int
    amount: int
    settled: Place = NOT_YET


@dataclass(frozen=True)
class Line:
    """One payment's part for one asset.

    Attributes:
        time: when it was paid, in seconds since the epoch.
        asset: the asset that gets the part; ``owner`` owned it when the payment was divided.
        source: the asset that was paid: the same one for its own sales, a descendant for royalties.
        payer: who bought, or the address that paid.
        license: the license sold; 0 where none was.
        paid: what came in for ``source`` after the protocol's fee; ``amount`` of it goes to ``asset``.
    """

    time: int
    block: int
    tx: str
    kind: Kind
    asset: str
    owner: str
    source: str
    payer: str
    license: int
    paid: Wei
    amount: Wei

    @property
    def royalty(self) -> bool:
        """Whether it is a descendant's debt, not the asset's own revenue."""
        return self.asset != self.source


_COLUMNS = (
    "time", "block", "transaction", "kind", "asset", "owner", "source", "payer", "license", "paid_wei", "amount_wei",
)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """What an account's assets earned, and what they passed on to their ancestors.

    Attributes:
        earned: parts of the account, oldest first.
        passed_on: parts of payments to own assets that are owed to assets of others.
        claimed: what was paid out to the account in the same time.
    """

    account: str
    earned: tuple[Line, ...]
    passed_on: tuple[Line, ...]
    claimed: Wei

    @property
    def total(self) -> Wei:
        return _sum(self.earned)

    @property
    def by_asset(self) -> dict[str, Wei]:
        """What each own asset earned, its royalties included."""
        return _totals(self.earned, lambda line: line.asset)

    @property
    def by_source(self) -> dict[str, Wei]:
        """What came in through each asset that was paid: own ones and descendants."""
        return _totals(self.earned, lambda line: line.source)

    @property
    def by_ancestor(self) -> dict[str, Wei]:
        """What own assets' revenue brought to each ancestor that is somebody else's."""
        return _totals(self.passed_on, lambda line: line.asset)

    def csv(self, path: str | Path | None = None) -> str:
        """Every line as CSV (RFC 4180), amounts in wei; written to ``path`` if there is one.

        Raises:
            StorageError: it cannot be written there.
        """
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for line in sorted((*self.earned, *self.passed_on), key=lambda line: (line.time, line.block)):
            when = datetime.fromtimestamp(line.time, UTC).isoformat()
            writer.writerow(
                (
                    when, line.block, line.tx, line.kind, line.asset, line.owner, line.source, line.payer,
                    line.license or "", line.paid, line.amount,
                )
            )  # fmt: skip
        if path is not None:
            with storing(f"the statement cannot be written to {path}"):
                Path(path).write_text(text.getvalue(), encoding="utf-8", newline="")
        return text.getvalue()

    def __str__(self) -> str:
        return f"{self.account} earned {format_tokens(self.total)} in {len(self.earned)} payments"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        facts = [("Earned", format_tokens(self.total)), ("Paid out", format_tokens(self.claimed))]
        tables = [part for part in self._tables() if part[1]]
        text = [text_card(f"Statement of {self.account}", facts), *(text_table(*part, align=_ALIGN) for part in tables)]
        html = [card(f"Statement of {self.account}", facts, badge="statement", accent="ok")]
        html += [table(*part, align=_ALIGN) for part in tables]
        return bundle("\n\n".join(text), stack(*html))

    def _tables(self) -> list[tuple[tuple[str, ...], list[tuple[object, ...]]]]:
        newest: list[tuple[object, ...]] = [
            (line.asset, line.source if line.royalty else "its own", format_tokens(line.amount), format_time(line.time))
            for line in self.earned[: -SHOWN - 1 : -1]
        ]
        return [
            (("Own asset", "", "Earned"), _rows(self.by_asset)),
            (("Earned through", "", "Amount"), _rows(self.by_source)),
            (("Passed on to", "", "Amount"), _rows(self.by_ancestor)),
            (("Asset", "Paid by way of", "Amount", "When"), newest),
        ]


_ALIGN: tuple[Align, ...] = ("left", "left", "right", "left")


def _rows(totals: Mapping[str, Wei]) -> list[tuple[object, ...]]:
    return [(name, "", format_tokens(amount)) for name, amount in sorted(totals.items(), key=lambda pair: -pair[1])]


def _sum(lines: Iterable[Line]) -> Wei:
    return Wei(sum(line.amount for line in lines))


def _totals(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, Wei]:
    totals: dict[str, Wei] = {}
    for line in lines:
        totals[key(line)] = Wei(totals.get(key(line), 0) + line.amount)
    return totals


# -- dividing payments ------------------------------------------------------------------------------------------------


@dataclass
class _Gathered:
    """What an asset has gathered since it was last settled, and the parts that wait for the next time."""

    amount: int = 0
    parts: list[Part] = field(default_factory=list)


def divide(events: Iterable[Event]) -> Iterator[Part]:
    """The parts of every payment, each with the place in the chain where it was settled.

    Args:
        events: ``TableFrozen`` of one ledger and its ``Paid``, ``PassedOn`` and ``Settled`` in one currency, in the
            order of the chain. The ledger settles what came in before it freezes another table of an asset.
    """
    waiting: dict[int, _Gathered] = {}
    tables: dict[int, list[tuple[int, int]]] = {}
    for event in events:
        if event.name == "TableFrozen":
            tables[event.args["asset"]] = list(zip(event.args["payees"], event.args["shares"], strict=True))
            continue
        asset = event.args["member" if event.name == "PassedOn" else "asset"]
        if event.name == "Settled":
            gathered = waiting.pop(asset, _Gathered())
            yield from (replace(part, settled=Place.of(event)) for part in gathered.parts)
            continue
        gathered = waiting.setdefault(asset, _Gathered())
        before, gathered.amount = gathered.amount, gathered.amount + event.args["amount"]
        left = event.args["amount"]
        for payee, share in tables.get(asset, ()):
            part = gathered.amount * share // SCALE - before * share // SCALE
            left -= part
            gathered.parts.append(Part(event, asset, payee, part))
        gathered.parts.append(Part(event, asset, asset, left))
    for gathered in waiting.values():
        yield from gathered.parts


def moment(when: str | int | None) -> int:
    """A date as typed ("2026-11-01", with or without a time, UTC) or seconds since the epoch; 0 for the beginning.

    Raises:
        InputError: neither.
    """
    if when is None:
        return 0
    if isinstance(when, int):
        return when
    try:
        read = datetime.fromisoformat(when)
    except ValueError:
        raise InputError(f"{when!r} is not a date", hint="Write it like 2026-11-01") from None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())

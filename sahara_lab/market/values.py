"""What the market hands out: assets, quotes, licenses held, earnings. Amounts are wei, times are seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sahara_lab.display import (
    Accent,
    Align,
    Rows,
    bundle,
    card,
    format_time,
    mono,
    share_bars,
    stack,
    table,
    text_card,
    text_table,
)
from sahara_lab.licensing.terms import License
from sahara_lab.market.gas import GasCost
from sahara_lab.units import Tokens, Wei, format_share, format_tokens, to_tokens


@dataclass(frozen=True)
class Version:
    """One immutable version of an asset."""

    number: int
    root: str
    epoch: int
    published_at: int
    uri: str


@dataclass(frozen=True)
class Parent:
    """What an asset derives from, and under which license (0: the same owner)."""

    name: str
    relation: str
    license: int


@dataclass(frozen=True)
class Share:
    """An entry of a royalty table: parts per 1e9 of the revenue."""

    name: str
    parts: int


@dataclass(frozen=True)
class Asset:
    """An asset as the registry knows it."""

    id: int
    name: str
    owner: str
    creator: str
    kind: str
    title: str
    summary: str
    tags: tuple[str, ...]
    versions: tuple[Version, ...]
    parents: tuple[Parent, ...]
    offers: tuple[License, ...]
    royalties: tuple[Share, ...]
    size: int
    version: int

    @property
    def url(self) -> str:
        """Where its files open: ``vault://owner/name@version``."""
        return f"vault://{self.name}@{self.version}"

    def __str__(self) -> str:
        return f"{self.name}@{self.version} ({self.kind})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        latest = self.versions[self.version - 1]
        rows: list[tuple[str, object]] = [
            ("Owner", self.owner),
            ("Version", f"{self.version} of {len(self.versions)}, {format_time(latest.published_at)}"),
            ("Files", mono(self.url)),
            ("Size", format_size(self.size)),
            ("Merkle root", mono(f"{latest.root[:18]}…")),
        ]
        if self.offers:
            rows.append(("Offered", "; ".join(offer.summary for offer in self.offers)))
        if self.parents:
            rows.append(("Made from", ", ".join(f"{p.name} ({p.relation.replace('_', ' ')})" for p in self.parents)))
        if self.royalties:
            rows.append(("Owes", ", ".join(f"{format_share(s.parts // 100_000)} to {s.name}" for s in self.royalties)))
        return bundle(
            text_card(self, rows), card(self.title or self.name, rows, badge=self.kind, footer=self.summary or None)
        )


@dataclass(frozen=True)
class QuoteLine:
    """One payee of a quote: the asset that is credited, its owner now, and the amount."""

    asset: str
    account: str
    amount: Wei


@dataclass(frozen=True)
class Quote:
    """What a license costs, in tokens and gas, and who gets it, before anyone signs."""

    asset: str
    asset_id: int
    terms: License
    price: Wei
    fee: Wei
    lines: tuple[QuoteLine, ...]
    balance: Wei
    buyer: str
    gas: GasCost | None = None

    @property
    def price_tokens(self) -> Tokens:
        """The price in whole tokens, exactly."""
        return to_tokens(self.price)

    @property
    def affordable(self) -> bool:
        return self.balance >= self.price

    @property
    def signatures(self) -> str:
        """What the wallet is asked to sign, in words."""
        if not self.price:
            return "one transaction, which takes the license"
        return (
            f"a permit for {format_tokens(self.price)}, good once and for ten minutes, and one transaction that uses it"
        )

    def amount_for(self, account: str) -> Wei:
        """What the owner of payees gets in total."""
        return Wei(sum(line.amount for line in self.lines if line.account == account))

    def __str__(self) -> str:
        return f"{self.asset}: {self.terms.summary}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        payees = [(f"{line.account} for {line.asset}", format_tokens(line.amount), line.amount) for line in self.lines]
        if self.fee:
            payees.append(("protocol treasury", format_tokens(self.fee), self.fee))
        rows: list[tuple[str, object]] = [
            ("License", self.terms.flavor),
            ("Price", "free" if self.price == 0 else format_tokens(self.price)),
            ("Allows", ", ".join(self.terms.allowed)),
            ("Refund", self.terms.refund_text),
            ("Your balance", format_tokens(self.balance)),
            ("Gas", self.gas or "the node does not tell"),
            ("You sign", self.signatures),
        ]
        plain_rows = [*rows, *((name, amount) for name, amount, _ in payees)]
        if self.price:
            rows.append(("Who gets it", share_bars(payees)))
        warning = None if self.affordable else "The balance does not cover the price."
        html = card(
            f"Quote: {self.asset}", rows, badge="quote", accent=None if self.affordable else "error", footer=warning
        )
        return bundle(text_card(self, plain_rows), html)


@dataclass(frozen=True)
class LicenseGrant:
    """A license token held by an account. ``expires_at`` is 0 when it never expires."""

    id: int
    asset: str
    asset_id: int
    holder: str
    terms: License
    issued_at: int
    expires_at: int
    royalty_bps: int
    tx_hash: str = ""

    @property
    def expired(self) -> bool:
        return self.expires_at != 0 and self.expires_at <= time.time()

    @property
    def status(self) -> str:
        return "expired" if self.expired else "valid"

    def __str__(self) -> str:
        return f"license {self.id} for {self.asset} ({self.terms.flavor}, {self.status})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Holder", self.holder),
            ("Allows", ", ".join(self.terms.allowed)),
            ("Expires", format_time(self.expires_at) if self.expires_at else "never"),
            ("Derivatives owe", format_share(self.royalty_bps)),
            ("Open it", mono(f"vault://{self.asset}")),
        ]
        accent: Accent = "error" if self.expired else "ok"
        html = card(
            f"{self.asset}: {self.terms.flavor}", rows, badge=f"license {self.id}, {self.status}", accent=accent
        )
        return bundle(text_card(self, rows), html)


@dataclass(frozen=True)
class EarningsLine:
    """What one own asset holds for its owner now, and what it was ever paid."""

    asset: str
    claimable: Wei
    received: Wei


@dataclass(frozen=True)
class Earnings:
    """Claimable revenue of an account; ``held`` is what waits for refund windows to close."""

    account: str
    claimable: Wei
    lines: tuple[EarningsLine, ...]
    held: Wei

    def __str__(self) -> str:
        return f"{self.account} can claim {format_tokens(self.claimable)}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        headers = ("Asset", "Paid to it so far", "Claimable now")
        body = [(line.asset, format_tokens(line.received), format_tokens(line.claimable)) for line in self.lines]
        align: tuple[Align, ...] = ("left", "right", "right")
        rows = [("Claimable", format_tokens(self.claimable))]
        if self.held:
            rows.append(("Held until refund windows close", format_tokens(self.held)))
        html = stack(
            card(f"Earnings of {self.account}", rows, badge="earnings", accent="ok"), table(headers, body, align=align)
        )
        return bundle(f"{self}\n{text_table(headers, body)}", html)


@dataclass(frozen=True)
class Sale:
    """A license sold."""

    license: int
    asset: str
    buyer: str
    price: Wei
    fee: Wei
    block: int


class Grants(Rows):
    """Licenses held."""

    headers = ("License", "Asset", "Terms", "Status", "Expires", "Derivatives owe")
    title = "Licenses"

    def cells(self, value: LicenseGrant) -> tuple[object, ...]:
        expires = format_time(value.expires_at) if value.expires_at else "never"
        return (value.id, value.asset, value.terms.flavor, value.status, expires, format_share(value.royalty_bps))


class SalesList(Rows):
    """Licenses sold."""

    headers = ("License", "Asset", "Buyer", "Price", "Fee")
    title = "Sales"

    def cells(self, value: Sale) -> tuple[object, ...]:
        return (value.license, value.asset, value.buyer, format_tokens(value.price), format_tokens(value.fee))


def format_size(size: int) -> str:
    """Bytes as a person reads them (binary units)."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{size} B"

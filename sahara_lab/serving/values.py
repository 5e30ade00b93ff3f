"""What serving shows: models that are served, keys, calls, and a prepaid channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sahara_lab.display import Rows, bundle, card, format_time, mono, text_card
from sahara_lab.errors import InputError
from sahara_lab.serving.ledger import KeyRecord, UsageRow
from sahara_lab.units import Wei, format_tokens


@dataclass(frozen=True)
class Served:
    """A model that is served. ``price`` in wei a call; ``copies`` of ``replicas`` (fewest, most) run now."""

    name: str
    version: int
    url: str
    price: Wei
    state: str
    message: str
    copies: int
    replicas: tuple[int, int]

    @property
    def healthy(self) -> bool:
        return self.state == "running" and self.copies > 0

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("State", f"{self.state}, {self.copies} of {self.replicas[1]} copies"),
            ("Address", mono(f"{self.url}/v1/models/{self.name}:predict")),
            ("A call", format_tokens(self.price) if self.price else "with a key"),
        ]
        if self.message:
            rows.append(("Says", self.message))
        title = f"{self.name}@{self.version}"
        return bundle(text_card(title, rows), card(title, rows, badge=self.state))


class ServedRows(Rows):
    """Served models as a table."""

    headers = ("Model", "State", "Copies", "A call", "Address")

    def cells(self, value: Served) -> tuple[object, ...]:
        price = format_tokens(value.price) if value.price else "with a key"
        return (f"{value.name}@{value.version}", value.state, value.copies, price, value.url)


class KeyRows(Rows):
    """API keys as a table; none of them can be seen again."""

    headers = ("Key", "Name", "Model", "Calls", "Made", "State")

    def cells(self, value: KeyRecord) -> tuple[object, ...]:
        calls = f"{value.used} of {value.budget}" if value.budget is not None else value.used
        made = format_time(int(value.created))
        return (value.id, value.name, value.model or "all", calls, made, "revoked" if value.revoked else "valid")


class UsageRows(Rows):
    """Calls as a table: a row a model, day and caller."""

    headers = ("Day", "Model", "Caller", "Calls", "Failed", "Charged")

    def cells(self, value: UsageRow) -> tuple[object, ...]:
        charged = format_tokens(value.charged)
        return (value.day, value.model, value.caller, value.calls, value.failed, charged)

    @property
    def calls(self) -> int:
        """Calls that were answered, in all."""
        return sum(row.calls for row in self)

    @property
    def charged(self) -> Wei:
        """What was charged, in all, in wei."""
        return Wei(sum(row.charged for row in self))


class NewKey:
    """An API key that was made just now. Its text is given out once, and is in no output by itself."""

    def __init__(self, text: str, name: str) -> None:
        self._text: str | None = text
        self.name, self.id = name, text.split("-")[1]

    def reveal(self) -> str:
        """The key itself. Once.

        Raises:
            InputError: it was given out before.
        """
        text, self._text = self._text, None
        if text is None:
            raise InputError("the key was shown before, and is kept nowhere", hint="Make another one")
        return text

    def __repr__(self) -> str:
        return f"<API key {self.name!r}: .reveal() shows it once>"

    def __reduce__(self) -> str:
        raise InputError("an API key does not travel in a pickle", hint="Use .reveal() where it is needed")


@dataclass(frozen=True)
class Prepaid:
    """What waits for calls of a model. Wei: ``deposit`` in the channel, of which ``signed`` is promised to calls."""

    name: str
    channel: str
    deposit: Wei
    signed: Wei
    closes_at: int

    @property
    def left(self) -> Wei:
        return Wei(self.deposit - self.signed)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Left", format_tokens(self.left)),
            ("Prepaid", format_tokens(self.deposit)),
            ("Until", format_time(self.closes_at)),
        ]
        title = f"calls of {self.name}"
        return bundle(text_card(title, rows), card(title, rows, badge="prepaid"))

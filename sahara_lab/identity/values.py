"""Agents and what is said about them, as values that show as cards and tables."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from sahara_lab.display import Rows, bundle, card, format_time, mono, text_card
from sahara_lab.units import Wei, format_tokens

INLINE = "data:application/json;base64,"
_LARGEST_INLINE = 1 << 20  # bytes of a data: URI that is parsed


def inline(document: bytes) -> str:
    """A JSON document as a ``data:`` URI (RFC 2397), as ERC-8004 wants it on chain."""
    return INLINE + base64.b64encode(document).decode()


def read_inline(uri: str) -> dict[str, Any]:
    """The JSON object in a ``data:`` URI; empty for any other URI, or where it is malformed: strangers wrote it."""
    head, comma, body = uri.partition(",")
    if not comma or not head.startswith("data:application/json") or len(uri) > _LARGEST_INLINE:
        return {}
    try:
        raw = base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote_to_bytes(body)
        found = orjson.loads(raw)
    except ValueError:  # orjson ends at 1,024 levels, however deep the brackets go
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Agent:
    """An agent as ERC-8004 knows it.

    ``handle`` is its owner's if it is their primary agent, else empty. ``wallet`` is where it is paid, None when it has
    to be proved anew. ``file`` is the registration file where it lies on chain; files elsewhere are not fetched.
    """

    id: int
    owner: str
    handle: str
    wallet: str | None
    uri: str
    file: dict[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        return str(self.file.get("name") or self.handle or f"agent {self.id}")

    @property
    def services(self) -> dict[str, str]:
        """Where it can be reached: name (``web``, ``A2A``, ``MCP``…) to address."""
        listed = self.file.get("services")
        entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return {str(one["name"]): str(one["endpoint"]) for one in entries if {"name", "endpoint"} <= one.keys()}

    def __str__(self) -> str:
        return f"agent {self.id}: {self.name}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Description", self.file.get("description")),
            ("Handle", self.handle or None),
            ("Owner", mono(self.owner)),
            ("Paid at", mono(self.wallet) if self.wallet else None),
            *((name, endpoint) for name, endpoint in self.services.items()),
        ]
        if not self.file:
            rows.append(("File", self.uri or None))
        return bundle(text_card(self, rows), card(self.name, rows, badge=f"agent {self.id}"))


class Agents(Rows):
    """Registered agents."""

    title = "agents"
    headers = ("Id", "Name", "Handle", "Owner")

    def cells(self, value: Agent) -> tuple[object, ...]:
        return (value.id, value.name, value.handle or None, mono(value.owner))


@dataclass(frozen=True)
class Feedback:
    """What a client said of an agent: ``value`` of the measure ``tag``, narrowed by ``part``.

    ``receipt`` is the license behind it, or 0; ``index`` counts the client's feedback on the agent from 1.
    """

    agent: int
    client: str
    index: int
    value: Decimal
    tag: str
    part: str
    revoked: bool
    receipt: int

    def __str__(self) -> str:
        behind = f"license {self.receipt}" if self.receipt else "no receipt"
        return f"{self.client} on agent {self.agent}: {self.tag or 'untagged'} {self.value} ({behind})"


class FeedbackList(Rows):
    """Feedback on an agent."""

    title = "feedback"
    headers = ("Client", "#", "Measure", "Value", "Receipt", "State")

    def cells(self, value: Feedback) -> tuple[object, ...]:
        measure = f"{value.tag} / {value.part}" if value.part else value.tag
        receipt = f"license {value.receipt}" if value.receipt else None
        return (value.client, value.index, measure, value.value, receipt, "revoked" if value.revoked else "counts")


@dataclass(frozen=True)
class Reputation:
    """What feedback with a receipt says of an agent under one measure.

    ``mean`` is None when there is none. ``cost_of_faking`` is what the same receipts would have cost an owner who
    bought from themselves: the fees of those sales, from below, since royalties to others come on top. ``clients``
    counts all who said anything under any measure, for which nobody had to pay.
    """

    agent: Agent
    tag: str
    mean: Decimal | None
    count: int
    cost_of_faking: Wei
    clients: int

    def __str__(self) -> str:
        said = "nothing yet" if self.mean is None else f"{self.mean} by {self.count}"
        return f"{self.agent.name}: {self.tag} {said}; faking it costs {format_tokens(self.cost_of_faking)}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            (self.tag, self.mean),
            ("Feedback with a receipt", self.count),
            ("Faking it costs at least", format_tokens(self.cost_of_faking)),
            ("Clients, receipts or not", self.clients),
        ]
        return bundle(text_card(self.agent, rows), card(self.agent.name, rows, badge="reputation"))


@dataclass(frozen=True)
class Validation:
    """A request to check an agent's work. ``response`` is 0 (failed) to 100 (passed), None until it is answered."""

    hash: bytes
    agent: int
    validator: str
    response: int | None
    tag: str
    evidence: bytes
    answered_at: int

    def __str__(self) -> str:
        return f"agent {self.agent} by {self.validator}: {'open' if self.response is None else self.response}"


class Validations(Rows):
    """Requests to check work."""

    title = "validations"
    headers = ("Request", "Agent", "Validator", "Response", "Tag", "Answered")

    def cells(self, value: Validation) -> tuple[object, ...]:
        when = format_time(value.answered_at) if value.answered_at else None
        return (mono(value.hash.hex()), value.agent, value.validator, value.response, value.tag or None, when)


@dataclass(frozen=True)
class WalletProof:
    """A wallet's signature that an agent is paid there, good until ``deadline`` (seconds)."""

    wallet: str
    deadline: int
    signature: bytes

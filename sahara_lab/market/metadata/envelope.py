"""What every public document says in the same words: schema.org for the asset, ODRL for terms, PROV for parents."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sahara_lab.licensing.terms import License
from sahara_lab.market.metadata.statement import DataStatement

#: Prefixes of the JSON-LD context. Names of our own are a URN: they need no server to mean something.
PREFIXES = {
    "sc": "https://schema.org/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sahara": "urn:sahara:",
}

_ACTIONS = {
    "read": "odrl:read",
    "inference": "odrl:execute",
    "training": "sahara:train",
    "generative training": "sahara:trainGenerative",
    "redistribution": "odrl:distribute",
    "commercial": "odrl:commercialize",
    "derivative": "odrl:derive",
}


@dataclass(frozen=True)
class About:
    """An asset in the words of its publisher, cleaned."""

    kind: str
    name: str
    title: str
    description: str
    tags: tuple[str, ...] = ()
    offers: tuple[License, ...] = ()
    parents: tuple[str, ...] = ()
    published: str = ""
    version: int | None = None
    size: int = 0
    files: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    task: str = ""
    statement: DataStatement = field(default_factory=DataStatement)

    @property
    def url(self) -> str:
        return f"vault://{self.name}"

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def common(about: About) -> dict[str, Any]:
    """The properties that every kind of document has."""
    properties: dict[str, Any] = {
        "name": about.title,
        "description": about.description or about.title,
        "url": about.url,
        "identifier": about.name,
        "additionalType": f"sahara:kind/{about.kind}",
        "creator": {"@type": "sc:Person", "name": about.owner},
        "datePublished": about.published,
        "keywords": list(about.tags),
        "sahara:size": about.size,
        "sahara:files": about.files,
    }
    if about.task:
        properties["applicationCategory"] = about.task
    properties |= about.statement.properties()
    if about.version is not None:
        properties["version"] = str(about.version)
    if about.offers:
        properties["license"] = sorted({offer.text_uri or "sahara:license/custom" for offer in about.offers})
        properties["usageInfo"] = [offer_policy(offer, about.url) for offer in about.offers]
    if about.parents:
        properties["prov:wasDerivedFrom"] = [{"@id": f"vault://{parent}"} for parent in about.parents]
    return properties


def creative_work(about: About) -> dict[str, Any]:
    """A plain schema.org document for kinds that have no standard of their own."""
    return {"@context": {"@vocab": "https://schema.org/", **PREFIXES}, "@type": "CreativeWork", **common(about)}


def offer_policy(offer: License, target: str) -> dict[str, Any]:
    """Terms as an ODRL offer, as they were at publication; the chain says what is on offer now."""
    duties: list[dict[str, Any]] = []
    if offer.price:
        duties.append(_duty("odrl:compensate", "odrl:payAmount", str(offer.price), "sahara:wei"))
    if offer.royalty_bps:
        duties.append(_duty("sahara:payRoyalty", "sahara:basisPoints", str(offer.royalty_bps)))
    if offer.attribution:
        duties.append({"odrl:action": {"@id": "odrl:attribute"}})
    if offer.reciprocal:
        duties.append({"odrl:action": {"@id": "odrl:shareAlike"}})
    limits = []
    if offer.duration:
        limits.append(_constraint("odrl:elapsedTime", f"PT{offer.duration}S"))
    if offer.seats:
        limits.append(_constraint("sahara:seats", str(offer.seats)))
    permission: dict[str, Any] = {
        "@type": "odrl:Permission",
        "odrl:target": {"@id": target},
        "odrl:action": [{"@id": _ACTIONS[use]} for use in offer.allowed],
    }
    if duties:
        permission["odrl:duty"] = duties
    if limits:
        permission["odrl:constraint"] = limits
    policy: dict[str, Any] = {"@type": "odrl:Offer", "name": offer.flavor, "odrl:permission": [permission]}
    if offer.confined:
        policy["odrl:prohibition"] = [{"@type": "odrl:Prohibition", "odrl:action": {"@id": "odrl:read"}}]
    if offer.text:
        policy["description"] = offer.text
    return policy


def names(offers: Sequence[License]) -> str:
    """The offers in one line for a card."""
    return "; ".join(offer.summary for offer in offers)


def _duty(action: str, operand: str, value: str, unit: str = "") -> dict[str, Any]:
    return {
        "@type": "odrl:Duty",
        "odrl:action": {"@id": action},
        "odrl:constraint": [_constraint(operand, value, unit)],
    }


def _constraint(operand: str, value: str, unit: str = "") -> dict[str, Any]:
    constraint = {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": operand},
        "odrl:operator": {"@id": "odrl:lteq" if operand in ("odrl:elapsedTime", "sahara:seats") else "odrl:eq"},
        "odrl:rightOperand": value,
    }
    return {**constraint, "odrl:unit": {"@id": unit}} if unit else constraint

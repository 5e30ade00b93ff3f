"""What the catalog holds of one asset, and how its amounts are written so that they compare exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.prices import checked_price
from sahara_lab.market.metadata.text import SUMMARY_LIMIT, TITLE_LIMIT, clean, clean_tags

#: The standing of what only its owner finds.
TAKEN_DOWN = "taken down"

_LARGEST_ID = 2**63 - 1
_NAME_LIMIT = 128
_FORMATS_LIMIT = 8
_OFFERS_LIMIT = 32
_PARENTS_LIMIT = 64
_OWNERS_LIMIT = 8
_URI_LIMIT = 2_048
_FAULT_LIMIT = 200


@dataclass(frozen=True)
class Offer:
    """Terms an asset is offered on. ``price`` is wei; ``uses`` is the bit mask of the license terms."""

    terms_id: str
    price: int
    flavor: str
    uses: int = 0
    duration: int = 0
    seats: int = 0
    royalty_bps: int = 0


@dataclass(frozen=True)
class Record:
    """One listed asset.

    Attributes:
        name: ``owner/name`` as people type it.
        owner: handle or address of the present owner.
        version: number of the newest version; ``versions`` is how many there are.
        task: what it is for, in one of the terms its publisher's field uses ("image-classification").
        formats: media types of its files.
        sold: licenses issued so far.
        reviews, stars: how many reviews stand, and the sum of their stars.
        standing: "clear", "disputed" or "taken down".
        created: seconds since the epoch.
        updated: block in which what is said here last changed.
        uri: where the newest version is recorded to lie; ``digest`` is the SHA-256 of its public document, in hex.
        fault: why nothing is shown of that document; empty when it is the recorded one.
        quarantined: it will not be asked for again: what was found can never be right.
        shelf: offers of former owners, by address; they hold again for whom the asset comes back to.
    """

    id: int
    name: str
    owner: str
    creator: str
    kind: str
    title: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    task: str = ""
    formats: tuple[str, ...] = ()
    version: int = 1
    versions: int = 1
    offers: tuple[Offer, ...] = ()
    parents: tuple[str, ...] = ()
    size_bytes: int = 0
    files: int = 0
    sold: int = 0
    reviews: int = 0
    stars: int = 0
    standing: str = "clear"
    created: int = 0
    updated: int = 0
    uri: str = ""
    digest: str = ""
    fault: str = ""
    quarantined: bool = False
    shelf: tuple[tuple[str, tuple[Offer, ...]], ...] = ()

    @property
    def price(self) -> int | None:
        """Wei of the cheapest offer; None when nothing is offered."""
        return min((offer.price for offer in self.offers), default=None)

    @property
    def licenses(self) -> tuple[str, ...]:
        """Names of the flavors on offer, cheapest first, each once."""
        ranked = sorted(self.offers, key=lambda offer: (offer.price, offer.flavor))
        return tuple(dict.fromkeys(offer.flavor for offer in ranked))

    @property
    def reputation(self) -> int:
        """What listings are ordered by: the mean of the stars in millionths, as if five more reviewers had given three;
        nothing where the DAO disputes the listing."""
        return 0 if self.standing != "clear" else (self.stars + 15) * 1_000_000 // (self.reviews + 5)

    def cleaned(self) -> Record:
        """The record with every text made harmless and every number checked.

        Raises:
            InputError: an id or an amount outside what the registry can hold.
        """
        if not 0 < self.id <= _LARGEST_ID:
            raise InputError(f"asset id {self.id} is out of range")
        return replace(
            self,
            name=clean(self.name, _NAME_LIMIT),
            owner=clean(self.owner, 64),
            creator=clean(self.creator, 64),
            kind=clean(self.kind, 32),
            title=clean(self.title, TITLE_LIMIT),
            summary=clean(self.summary, SUMMARY_LIMIT),
            tags=clean_tags(self.tags),
            task=clean(self.task, 64).lower(),
            formats=clean_tags(self.formats)[:_FORMATS_LIMIT],
            offers=_cleaned(self.offers),
            parents=tuple(clean(parent, _NAME_LIMIT) for parent in self.parents[:_PARENTS_LIMIT]),
            size_bytes=_bounded(self.size_bytes),
            files=_bounded(self.files),
            sold=_bounded(self.sold),
            reviews=_bounded(self.reviews),
            stars=_bounded(self.stars),
            standing=clean(self.standing, 16),
            created=_bounded(self.created),
            updated=_bounded(self.updated),
            uri=clean(self.uri, _URI_LIMIT),
            digest=clean(self.digest, 64),
            fault=clean(self.fault, _FAULT_LIMIT),
            shelf=tuple((clean(owner, 64), _cleaned(offers)) for owner, offers in self.shelf[:_OWNERS_LIMIT]),
        )

    def to_json(self) -> str:
        """The record as stored; prices are text, as no JSON reader can be trusted with 256 bits."""
        value = dict(self.__dict__)
        value["offers"] = [_offer_out(offer) for offer in self.offers]
        value["shelf"] = [(owner, [_offer_out(offer) for offer in offers]) for owner, offers in self.shelf]
        return orjson.dumps(value).decode()

    @classmethod
    def from_json(cls, text: str) -> Record:
        value: dict[str, Any] = orjson.loads(text)
        value["offers"] = tuple(map(_offer_in, value["offers"]))
        value["shelf"] = tuple((owner, tuple(map(_offer_in, offers))) for owner, offers in value["shelf"])
        for field in ("tags", "formats", "parents"):
            value[field] = tuple(value[field])
        return cls(**value)


def _offer_out(offer: Offer) -> dict[str, Any]:
    return {**offer.__dict__, "price": str(offer.price)}


def _offer_in(value: dict[str, Any]) -> Offer:
    value["price"] = int(value["price"])
    return Offer(**value)


def _cleaned(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    for offer in offers[:_OFFERS_LIMIT]:
        checked_price(offer.price)
    return tuple(
        replace(offer, terms_id=clean(offer.terms_id, 80), flavor=clean(offer.flavor, 64))
        for offer in offers[:_OFFERS_LIMIT]
    )


def flavors_meant(license: str, known: Iterable[str]) -> list[str]:
    """The flavors that a person means. A capital letter says that it is the flavor's name, as shown; small letters
    mean every flavor whose name begins with these words.

    ``"Commercial"`` is that flavor alone; ``"commercial"`` is Commercial and Commercial Remix.
    """
    wanted = _words(license)
    if license != license.lower():
        return [name for name in known if _words(name) == wanted]
    return [name for name in known if wanted and _words(name)[: len(wanted)] == wanted]


def _words(text: str) -> list[str]:
    return re.split(r"[\s_-]+", text.strip().lower()) if text.strip() else []


def _bounded(value: int) -> int:
    return min(max(int(value), 0), _LARGEST_ID)

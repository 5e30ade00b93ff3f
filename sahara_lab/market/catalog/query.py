"""A question to the catalog and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.prices import BAND_NAMES
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.metadata.text import clean
from sahara_lab.market.names import KINDS
from sahara_lab.units import MAX_WEI

SORTS = ("relevance", "newest", "price", "popular", "reputation", "name")
FACETS = ("kind", "license", "price", "task", "format", "tag", "verified", "owner")
#: Facets that are counted unless others are asked for; publishers may be many.
USUAL_FACETS = FACETS[:-1]
MAX_PER_PAGE = 100

_TEXT_LIMIT = 256
_NOTHING = " "


@dataclass(frozen=True)
class Query:
    """What is looked for; the fields are those of :meth:`sahara_lab.market.catalog.Catalog.search`.

    Attributes:
        verified: only what one of the ``vouched`` owners has.
        vouched: handles or addresses that the facet "verified" counts.
        reader: sees what the DAO has taken down, if it is their own.
    """

    text: str = ""
    kind: str | None = None
    license: str | None = None
    price: str | None = None
    max_price_wei: int | None = None
    task: str | None = None
    format: str | None = None
    tag: str | None = None
    owner: str | None = None
    sort: str = "relevance"
    page: int = 1
    after: str | None = None
    per_page: int = 20
    facets: tuple[str, ...] = USUAL_FACETS
    verified: bool = False
    vouched: tuple[str, ...] = ()
    reader: str = ""

    def checked(self) -> Query:
        """This query made answerable. Text may be anything at all; what is chosen from a list must be in it.

        Raises:
            InputError: an unknown kind, price band, sort or facet, a negative price, a page that cannot exist.
        """
        _choice("kind", self.kind, KINDS)
        _choice("price band", self.price, BAND_NAMES)
        _choice("sort", self.sort, SORTS)
        for facet in self.facets:
            _choice("facet", facet, FACETS)
        if self.max_price_wei is not None and self.max_price_wei < 0:
            raise InputError("the highest price must be zero or more")
        if self.page < 1:
            raise InputError(f"page {self.page} does not exist", hint="Pages are counted from 1")
        if not 1 <= self.per_page <= MAX_PER_PAGE:
            raise InputError(f"{self.per_page} a page is not possible", hint=f"Ask for 1 to {MAX_PER_PAGE}")
        return Query(
            text=clean(self.text or "", _TEXT_LIMIT),
            kind=self.kind,
            license=_filter(self.license),
            price=self.price,
            max_price_wei=None if self.max_price_wei is None else min(self.max_price_wei, MAX_WEI),
            task=_filter(self.task, lower=True),
            format=_filter(self.format, lower=True),
            tag=_filter(self.tag, lower=True),
            owner=_filter(self.owner, lower=True),
            sort="newest" if self.sort == "relevance" and not self.text else self.sort,
            page=self.page,
            after=self.after or None,
            per_page=self.per_page,
            facets=tuple(dict.fromkeys(self.facets)),
            verified=bool(self.verified),
            vouched=tuple(sorted({owner.lower() for owner in self.vouched})),
            reader=self.reader.lower(),
        )

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


@dataclass(frozen=True)
class CatalogPage:
    """One page of what fits, how much fits in all, and how it divides.

    Attributes:
        facets: by facet, how many would fit for each of its values if its own filter were lifted, so that a face can
            show the other choices.
        next: where the following page begins, for ``after``; None at the end.
        similar: nothing has the words as typed; these have similar ones.
        alike: owners among these whose handle resembles that of someone who was listed before them.
    """

    items: tuple[Record, ...]
    total: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    page: int = 1
    per_page: int = 20
    next: str | None = None
    similar: bool = False
    alike: dict[str, str] = field(default_factory=dict)


def _choice(what: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise InputError(f"there is no {what} {value!r}", hint=f"{what.capitalize()}s are: {', '.join(choices)}")


def _filter(value: str | None, *, lower: bool = False) -> str | None:
    """A filter of nothing but invisible characters is a filter still: it finds nothing."""
    if not value:
        return None
    text = clean(value, _TEXT_LIMIT)
    return (text.lower() if lower else text) or _NOTHING

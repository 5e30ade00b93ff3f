"""A question to the catalog and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.metadata.text import clean
from sahara_lab.market.names import KINDS
from sahara_lab.units import MAX_WEI

SORTS = ("relevance", "newest", "price", "name")
MAX_PER_PAGE = 100

_TEXT_LIMIT = 256
_NOTHING = " "


@dataclass(frozen=True)
class Query:
    """What is looked for. Without text, "relevance" is "newest"."""

    text: str = ""
    kind: str | None = None
    license: str | None = None
    max_price_wei: int | None = None
    owner: str | None = None
    sort: str = "relevance"
    page: int = 1
    per_page: int = 20

    @classmethod
    def checked(
        cls,
        text: str,
        kind: str | None,
        license: str | None,
        max_price_wei: int | None,
        owner: str | None,
        sort: str,
        page: int,
        per_page: int,
    ) -> Query:
        """A query that can be answered. Text may be anything at all; the rest is chosen, so it must be valid.

        Raises:
            InputError: an unknown kind or sort, a negative price, a page that cannot exist.
        """
        if kind is not None and kind not in KINDS:
            raise InputError(f"there is no kind {kind!r}", hint=f"Kinds are: {', '.join(KINDS)}")
        if sort not in SORTS:
            raise InputError(f"there is no sort {sort!r}", hint=f"Sorts are: {', '.join(SORTS)}")
        if max_price_wei is not None and max_price_wei < 0:
            raise InputError("the highest price must be zero or more")
        if page < 1:
            raise InputError(f"page {page} does not exist", hint="Pages are counted from 1")
        if not 1 <= per_page <= MAX_PER_PAGE:
            raise InputError(f"{per_page} a page is not possible", hint=f"Ask for 1 to {MAX_PER_PAGE}")
        cap = None if max_price_wei is None else min(max_price_wei, MAX_WEI)
        words, terms, by = (clean(value or "", _TEXT_LIMIT) for value in (text, license, owner))
        # A filter of nothing but invisible characters is a filter still: it finds nothing.
        by_license = terms or _NOTHING if license else None
        by_owner = by or _NOTHING if owner else None
        return cls(words, kind, by_license, cap, by_owner, sort, page, per_page)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


@dataclass(frozen=True)
class CatalogPage:
    """One page of what fits, how much fits in all, and how it divides.

    A facet counts what would fit if its own filter were lifted, so that a face can show the other choices.
    """

    items: tuple[Record, ...]
    total: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    page: int = 1
    per_page: int = 20

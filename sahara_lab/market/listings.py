"""Listings: what the catalog finds, as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from sahara_lab.chain import Chain
from sahara_lab.display import Align, bundle, table, text_table
from sahara_lab.market.catalog import Catalog, Record, shared_store
from sahara_lab.market.indexing import Altered, Away, Documents, Indexer, Refused
from sahara_lab.market.metadata import Summary
from sahara_lab.market.reviews import Reputation
from sahara_lab.market.values import format_size
from sahara_lab.profile import Profile
from sahara_lab.units import Wei, format_tokens


@dataclass(frozen=True)
class Listing:
    """One asset as the market lists it.

    Attributes:
        price: wei of the cheapest offer, None when it is not offered.
        sold: licenses issued so far, gifts included.
        alike: someone whose handle looks like this owner's and who was here first; empty in the ordinary case.
    """

    id: int
    name: str
    owner: str
    kind: str
    title: str
    summary: str
    tags: tuple[str, ...]
    task: str
    formats: tuple[str, ...]
    version: int
    sold: int
    price: Wei | None
    licenses: tuple[str, ...]
    parents: tuple[str, ...]
    size: int
    created: int
    alike: str = ""
    reputation: Reputation = Reputation()  # noqa: RUF009 - frozen

    @classmethod
    def of(cls, record: Record, alike: str = "") -> Listing:
        return cls(
            id=record.id,
            name=record.name,
            owner=record.owner,
            kind=record.kind,
            title=record.title,
            summary=record.summary,
            tags=record.tags,
            task=record.task,
            formats=record.formats,
            version=record.version,
            sold=record.sold,
            price=None if record.price is None else Wei(record.price),
            licenses=record.licenses,
            parents=record.parents,
            size=record.size_bytes,
            created=record.created,
            alike=alike,
        )

    @property
    def license(self) -> str | None:
        """The flavor of the cheapest offer."""
        return self.licenses[0] if self.licenses else None

    @property
    def price_text(self) -> str:
        if self.price is None:
            return "not offered"
        return "free" if self.price == 0 else format_tokens(self.price)

    @property
    def document(self) -> dict[str, Any]:
        """The listing as schema.org JSON-LD."""
        from sahara_lab.market.metadata.linked import listing_document

        return listing_document(self)

    @property
    def html_document(self) -> str:
        """:attr:`document` as the ``script`` element that search engines read; no text in it can end the element."""
        written = orjson.dumps(self.document).decode().replace("<", "\\u003c")
        return f'<script type="application/ld+json">{written}</script>'

    @property
    def shown_name(self) -> str:
        """The name, with a warning where its owner could be taken for someone else."""
        return f"{self.name} (not {self.alike})" if self.alike else self.name

    def __str__(self) -> str:
        return f"{self.shown_name} ({self.kind}, {self.price_text})"


@dataclass(frozen=True)
class Page:
    """One page of listings, how many fit in all, and how they divide.

    Attributes:
        facets: by facet, how many would fit for each of its values if its own filter were lifted.
        next: where the following page begins, for ``after``; None at the end.
        similar: nothing has the words as typed; these have similar ones.
    """

    items: tuple[Listing, ...]
    total: int
    page: int
    per_page: int
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    next: str | None = None
    similar: bool = False

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    def with_reputations(self, known: Sequence[Reputation], reader: str) -> Page:
        """The same with what is known of each listing; what was taken down only its owner sees."""
        items = (replace(item, reputation=one) for item, one in zip(self.items, known, strict=True))
        shown = tuple(one for one in items if one.reputation.standing != "taken down" or one.owner == reader)
        return replace(self, items=shown, total=self.total - len(self.items) + len(shown))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Any:
        return iter(self.items)

    def __getitem__(self, index: int) -> Listing:
        return self.items[index]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        headers = ("Asset", "What it is", "Kind", "License", "Price", "Size", "Standing")
        rows = [
            (
                item.shown_name,
                item.title,
                item.kind,
                item.license or "–",
                item.price_text,
                format_size(item.size),
                item.reputation.summary,
            )
            for item in self.items
        ]
        found = f"{self.total} {'similar found, none as typed' if self.similar else 'found'}"
        found += f", page {self.page} of {self.pages}" if self.pages > 1 else ""
        align: tuple[Align, ...] = ("left", "left", "left", "left", "right", "right")
        html = table(headers, rows, caption=found, align=align)
        return bundle(f"{found}\n{text_table(headers, rows, align=align)}", html)


class Listings:
    """The local catalog of one network."""

    def __init__(self, profile: Profile, chain: Chain, from_block: int) -> None:
        # A network that was made anew has other contracts; its catalog must not mix with the old one's.
        network = chain.addresses["AssetRegistry"].lower()[2:14]
        url = profile.shared_catalog
        self._catalog = Catalog(
            profile.private(profile.catalog) / network, store=shared_store(url, network) if url else None
        )
        self._documents = Documents(profile)
        self.indexer = Indexer(self._catalog, chain, self._documents, from_block)

    def sync(self) -> None:
        """Take in what changed on chain."""
        self.indexer.sync()

    def search(self, text: str, max_price: Wei | None, **filters: Any) -> Page:
        """What fits; ``filters`` are those of :meth:`sahara_lab.market.catalog.Catalog.search`."""
        found = self._catalog.search(text, max_price_wei=max_price, **filters)
        items = tuple(Listing.of(record, found.alike.get(record.owner, "")) for record in found.items)
        return Page(items, found.total, found.page, found.per_page, found.facets, found.next, found.similar)

    def alike(self, owner: str) -> str:
        """Whose handle, listed before, this owner's could be taken for; empty in the ordinary case."""
        return self._catalog.store.lookalikes([owner]).get(owner, "")

    def get(self, asset: int) -> Listing | None:
        """An asset's listing by its id, as it is known here."""
        record = self._catalog.get(asset)
        return None if record is None else Listing.of(record)

    def search_all(self, most: int = 500) -> list[Listing]:
        """The newest listings that are known here, without asking the chain; for completion."""
        found: list[Listing] = []
        after: str | None = None
        while len(found) < most:
            page = self._catalog.search("", sort="newest", after=after, per_page=100, facets=())
            found += [Listing.of(record) for record in page.items]
            if (after := page.next) is None:
                break
        return found

    def summary(self, version: dict[str, Any]) -> Summary:
        """What a version's public metadata document says; nothing where it is away or not the recorded one."""
        try:
            return self._documents.summary(version["uri"], bytes(version["metadataHash"]).hex())
        except (Away, Refused):
            return Summary()

    def altered(self, version: dict[str, Any]) -> str:
        """Why a version's public document is not the one that its publisher recorded; empty where it is, or is away."""
        try:
            self._documents.read(version["uri"], bytes(version["metadataHash"]).hex())
        except Altered as error:
            return error.message
        except (Away, Refused):
            return ""
        return ""

    def document(self, version: dict[str, Any]) -> bytes:
        """A version's public metadata document, as its publisher wrote it; empty like :meth:`summary`."""
        try:
            return self._documents.read(version["uri"], bytes(version["metadataHash"]).hex())
        except (Away, Refused):
            return b""

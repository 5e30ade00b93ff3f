"""The two interfaces of the catalog: what keeps the records, and what finds them by their words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import Record


class Cursor(NamedTuple):
    """How far the chain has been read: a block's number and hash."""

    block: int
    hash: str


class Position(NamedTuple):
    """Which store an index was made from, and the last change it holds."""

    store: str
    seq: int


class Change(NamedTuple):
    """A record as it is now, or None where the asset is gone."""

    id: int
    record: Record | None


class Found(NamedTuple):
    """Ids of one page, how many fit in all, and how they divide."""

    ids: list[int]
    total: int
    facets: dict[str, dict[str, int]]


class CatalogStore(Protocol):
    """Keeps the records: the truth of this machine about what the chain lists."""

    def position(self) -> Position: ...

    def cursor(self) -> Cursor | None: ...

    def apply(self, records: Iterable[Record], cursor: Cursor) -> None:
        """Write records and how far the chain is read, both or neither."""

    def rollback_to(self, block: int) -> Cursor | None:
        """Undo what was applied after ``block``; where reading must go on from, None for the beginning."""

    def get(self, asset_id: int) -> Record | None: ...

    def by_name(self, name: str) -> Record | None: ...

    def records(self, ids: Sequence[int]) -> list[Record]:
        """Records in the order of ``ids``; those that are gone are left out."""

    def flavors(self) -> list[str]:
        """License flavors on offer anywhere."""

    def browse(self, query: Query, flavors: Sequence[str] | None, among: Sequence[int] | None = None) -> Found:
        """What fits all filters of a query but its text, sorted; ``among`` limits to these ids, best first."""

    def literal(self, words: Sequence[str]) -> list[int]:
        """Ids of records that contain each of ``words`` literally, newest first."""

    def changes_since(self, seq: int) -> Iterator[Change]: ...


class SearchIndex(Protocol):
    """Finds records by words. Derived: it may be deleted at any time and is built again from the store."""

    def position(self) -> Position | None:
        """What the index holds; None when it is missing or damaged."""

    def update(self, changes: Iterable[Change], position: Position) -> None:
        """Take changes in; the position becomes visible together with them."""

    def rebuild(self, changes: Iterable[Change], position: Position) -> None:
        """Start again from nothing; readers see the old index until the new one is complete."""

    def words(self, text: str) -> list[str]:
        """The searchable words of a text as the index knows them."""

    def search(self, words: Sequence[str], query: Query, flavors: Sequence[str] | None) -> Found: ...

    def matching(self, words: Sequence[str]) -> list[int]:
        """Every id that fits the words, best first."""

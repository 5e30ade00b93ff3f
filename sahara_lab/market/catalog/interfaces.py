"""The two interfaces of the catalog: what keeps the records, and what finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sahara_lab.errors import SaharaError
from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import Record


class IndexDamaged(SaharaError):
    """The search index cannot be read; the catalog builds it again."""

    code = "index"


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


class Waiting(NamedTuple):
    """An asset whose public document could not be read yet, and how often that was tried."""

    id: int
    tries: int


@dataclass(frozen=True)
class Found:
    """Ids of one page, how many fit in all, how they divide, where the next page begins; see ``CatalogPage``."""

    ids: Sequence[int]
    total: int
    facets: dict[str, dict[str, int]]
    next: str | None = None
    similar: bool = False


class CatalogStore(Protocol):
    """Keeps the records: the truth about what the chain lists. Each change has the next number of a sequence."""

    def position(self) -> Position:
        """Identity of this store and number of its newest change."""

    def cursor(self) -> Cursor | None:
        """The block up to which the chain is in here; None before the first."""

    def exclusively(self, patience: float) -> AbstractContextManager[None]:
        """Keep other machines that share this store from reading the chain into it meanwhile.

        Raises:
            TimeoutError: another one has been at it for all of ``patience`` seconds.
        """

    def apply(self, records: Iterable[Record], cursor: Cursor) -> None:
        """Write records and how far the chain is read, both or neither."""

    def rollback_to(self, block: int) -> Cursor | None:
        """Undo every batch that went beyond ``block``.

        Returns:
            the cursor of the newest batch that stays, to read on from; None when none does and all was dropped.
        """

    def get(self, asset_id: int) -> Record | None:
        """The record of an asset by its id."""

    def by_name(self, name: str) -> Record | None:
        """The record of ``owner/name`` in any case; where a handle has passed to someone else, the one written last."""

    def records(self, ids: Sequence[int]) -> list[Record]:
        """Records in the order of ``ids``; those that are gone are left out."""

    def changes_since(self, seq: int) -> Iterator[Change]:
        """What changed after ``seq``, oldest first, each record once and as it is now."""

    def named(self, beginning: str) -> list[Record]:
        """Records whose name begins so, in any case."""

    def count(self) -> int:
        """How many records there are."""

    def waiting(self, until: float, most: int) -> list[Waiting]:
        """Assets whose document is to be asked for again by the time ``until``, the longest due first."""

    def postpone(self, entries: Sequence[tuple[Waiting, float]]) -> None:
        """Remember how often documents were asked for in vain, and when to ask again."""

    def ask_again(self) -> None:
        """Make every document that is not shown due at once, those that were given up too."""

    def faulty(self, after: int, most: int) -> list[Record]:
        """Records of which the document is not shown, by id, from the one after ``after``."""

    def lookalikes(self, owners: Sequence[str]) -> dict[str, str]:
        """Of these owners, those whose handle resembles that of someone who was listed before, and who that is."""

    def close(self) -> None:
        """Let go of connections; the next call opens them again."""


class SearchIndex(Protocol):
    """Finds records. Derived: it may be deleted at any time and is built again from the store.

    Every method may raise ``IndexDamaged``.
    """

    def position(self) -> Position | None:
        """What the index holds; None when it is missing or damaged."""

    def update(self, changes: Iterable[Change], position: Position) -> None:
        """Take changes in; the position becomes visible together with them."""

    def rebuild(self, changes: Iterable[Change], position: Position) -> None:
        """Start again from nothing; readers see the old index until the new one is complete."""

    def search(self, query: Query) -> Found:
        """Answer a checked query."""

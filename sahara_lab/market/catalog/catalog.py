"""The catalog: a store that is right and an index that is fast, kept together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.interfaces import CatalogStore, Cursor, Found, IndexDamaged, Position, SearchIndex
from sahara_lab.market.catalog.query import USUAL_FACETS, CatalogPage, Query
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.catalog.store import SqliteStore

#: How long a process waits for another one that writes.
PATIENCE = 60.0


class Catalog:
    """What the chain lists, on this machine's disk. Any number of processes may read; one at a time writes.

    The store is written first, then the index takes in what changed since its own position. So a crash between the
    two leaves the index behind, never ahead, and the next one who may write brings it up.
    """

    def __init__(self, folder: Path, *, store: CatalogStore | None = None, index: SearchIndex | None = None) -> None:
        self._folder = folder
        self._store: CatalogStore = store or SqliteStore(folder)
        self._index: SearchIndex = index or usual_index(folder)
        self._spare: SearchIndex | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "writer.lock")

    # -- write --------------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, patience: float = PATIENCE) -> Iterator[None]:
        """Be the one who writes; may be nested.

        Raises:
            TimeoutError: another process has been writing for all of ``patience`` seconds.
        """
        try:
            self._lock.acquire(timeout=patience)
        except Timeout:
            raise TimeoutError("another process is writing the catalog") from None
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def following(self, patience: float = PATIENCE) -> Iterator[None]:
        """Be the one who reads the chain, among the processes here and the servers that share the store.

        Raises:
            TimeoutError: another one has been at it for all of ``patience`` seconds.
        """
        with self.writing(patience), self._store.exclusively(patience):
            yield

    def apply(self, records: Iterable[Record], cursor: tuple[int, str]) -> None:
        """Take in records and how far the chain is read. Both last when this returns."""
        with self.writing():
            held, present = self._index.position(), self._store.position()
            if held is not None and held.store == present.store and held.seq > present.seq:
                self._rebuild(present)  # the index is ahead, which would not show once the store has moved on
            self._store.apply(records, Cursor(*cursor))
            self._align()

    def amend(self, records: Sequence[Record]) -> None:
        """Take in records that say more about assets than before, at the block that was read last."""
        cursor = self.cursor()
        if records and cursor is not None:
            self.apply(records, cursor)

    def rollback_to(self, block: int) -> Cursor | None:
        """Undo what came after ``block``; where to read on from, which may be earlier; None for the beginning."""
        with self.writing():
            cursor = self._store.rollback_to(block)
            self._align()
            return cursor

    def cursor(self) -> Cursor | None:
        """How far the chain has been read; None when nothing has."""
        return self._store.cursor()

    # -- read ---------------------------------------------------------------------------------------------------------

    def get(self, asset_id: int) -> Record | None:
        """The record of an asset by its id."""
        return self._store.get(asset_id)

    def by_name(self, name: str) -> Record | None:
        """The record of ``owner/name``."""
        return self._store.by_name(name)

    def is_aligned(self) -> bool:
        """Whether the search index holds all that the store does."""
        return self._index.position() == self._store.position()

    @property
    def store(self) -> CatalogStore:
        """The records themselves."""
        return self._store

    def search(
        self,
        text: str = "",
        *,
        kind: str | None = None,
        license: str | None = None,
        price: str | None = None,
        max_price_wei: int | None = None,
        task: str | None = None,
        format: str | None = None,
        tag: str | None = None,
        owner: str | None = None,
        sort: str = "relevance",
        page: int = 1,
        after: str | None = None,
        per_page: int = 20,
        facets: Sequence[str] = USUAL_FACETS,
        verified: bool = False,
        vouched: Sequence[str] = (),
        reader: str = "",
    ) -> CatalogPage:
        """Records that fit.

        Args:
            text: words, each of which must occur, or begin a word of name, title or tags; words in quotation marks must
                follow each other. Where nothing fits, words a letter or two away do. Any text is accepted.
            license: a flavor as shown ("Commercial"), or the first words of several in small letters ("commercial").
            price: a band of prices as the facet names it ("1 to 10"): where the cheapest offer lies.
            max_price_wei: there must be an offer (of that license, if given) that costs no more.
            owner: handle or address.
            sort: "relevance" (words, and how often licensed; newest first without text), "newest", "price" (not
                offered: last), "popular" (most licensed), "reputation" (best reviewed) or "name".
            after: ``next`` of the page before; goes on there whatever came in between, where ``page`` counts.
            facets: what to count by; see :data:`sahara_lab.market.catalog.FACETS`.
            verified: only what one of the ``vouched`` owners has.
            reader: whose own listings are found although the DAO has taken them down.

        Raises:
            InputError: an unknown kind, band, sort or facet, a negative price, a page that cannot exist.
        """
        query = Query(
            text, kind, license, price, max_price_wei, task, format, tag, owner, sort, page, after, per_page,
            tuple(facets), verified, tuple(vouched), reader,
        ).checked()  # fmt: skip
        found = self._find(query)
        records = self._store.records(found.ids)
        if query.sort == "price":  # the index may hold prices that differ in the ninth digit for equal
            records.sort(key=lambda record: (record.price is None, record.price or 0))
        return CatalogPage(
            tuple(records), found.total, found.facets, query.page, query.per_page, found.next,
            found.similar, self._store.lookalikes(list({record.owner for record in records})),
        )  # fmt: skip

    def _find(self, query: Query) -> Found:
        self._catch_up()
        try:
            return self._index.search(query)
        except IndexDamaged:  # its position can be read and its words cannot
            try:
                with self.writing():
                    self._rebuild(self._store.position())
                return self._index.search(query)
            except (IndexDamaged, TimeoutError, OSError):
                return self._in_memory(query)

    def _in_memory(self, query: Query) -> Found:
        """An answer where no index can be written: slower, and right."""
        from sahara_lab.market.catalog.fts import FtsIndex

        if self._spare is None:
            self._spare = FtsIndex(None)
        position = self._store.position()
        held = self._spare.position()
        if held is not None and held.store == position.store and held.seq <= position.seq:
            self._spare.update(self._store.changes_since(held.seq), position)
        else:
            self._spare.rebuild(self._store.changes_since(0), position)
        return self._spare.search(query)

    # -- keeping together ---------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Bring the index up if that is needed and nobody else is at it; wait only where there is none to read."""
        held, wanted = self._index.position(), self._store.position()
        if held == wanted:
            return
        usable = held is not None and held.store == wanted.store and held.seq <= wanted.seq
        try:
            with self.writing(0 if usable else PATIENCE):
                self._align()
        except (TimeoutError, OSError):
            if not usable:
                return

    def _align(self) -> None:
        """Make the index hold what the store holds. Only for the one who writes."""
        held, wanted = self._index.position(), self._store.position()
        if held == wanted:
            return
        if held is not None and held.store == wanted.store and held.seq < wanted.seq:
            try:
                self._index.update(self._store.changes_since(held.seq), wanted)
                return
            except IndexDamaged:
                pass
        self._rebuild(wanted)

    def _rebuild(self, wanted: Position) -> None:
        self._index.rebuild(self._store.changes_since(0), wanted)

    def __repr__(self) -> str:
        return f"<Catalog in {self._folder}>"


def usual_index(folder: Path) -> SearchIndex:
    """The fastest index that this machine has."""
    if find_spec("tantivy") is not None:
        from sahara_lab.market.catalog.index import TantivyIndex

        return TantivyIndex(folder)
    from sahara_lab.market.catalog.fts import FtsIndex

    return FtsIndex(folder)


def shared_store(url: str, network: str) -> CatalogStore:
    """The store behind a ``postgresql://`` address.

    Raises:
        InputError: another kind of address, or psycopg is not installed.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise InputError("SAHARA_LAB_CATALOG is no postgresql:// address", hint="postgresql://user@host/database")
    from sahara_lab.market.catalog.postgres import PostgresStore

    return PostgresStore(url, network)

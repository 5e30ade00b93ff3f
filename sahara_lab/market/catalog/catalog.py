"""The catalog: a store that is right and an index that is fast, kept together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sahara_lab.market.catalog.index import IndexDamaged, TantivyIndex
from sahara_lab.market.catalog.interfaces import CatalogStore, Cursor, Found, Position, SearchIndex
from sahara_lab.market.catalog.query import CatalogPage, Query
from sahara_lab.market.catalog.records import Record, flavors_meant
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
        self._index: SearchIndex = index or TantivyIndex(folder)
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

    def apply(self, records: Iterable[Record], cursor: tuple[int, str]) -> None:
        """Take in records and how far the chain is read. Both last when this returns."""
        with self.writing():
            held, present = self._index.position(), self._store.position()
            if held is not None and held.store == present.store and held.seq > present.seq:
                self._rebuild(present)  # the index is ahead, which would not show once the store has moved on
            self._store.apply(records, Cursor(*cursor))
            self._align()

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

    def search(
        self,
        text: str = "",
        kind: str | None = None,
        license: str | None = None,
        max_price_wei: int | None = None,
        owner: str | None = None,
        sort: str = "relevance",
        page: int = 1,
        per_page: int = 20,
    ) -> CatalogPage:
        """Records that fit.

        Args:
            text: words, each of which must occur, or begin a word of name, title or tags. Any text is accepted.
            license: a flavor as shown ("Commercial"), or the first words of several in small letters ("commercial").
            max_price_wei: there must be an offer (of that license, if given) that costs no more.
            owner: handle or address.
            sort: "relevance" (newest first without text), "newest", "price" (not offered: last) or "name".

        Raises:
            InputError: an unknown kind or sort, a negative price, a page that cannot exist.
        """
        query = Query.checked(text, kind, license, max_price_wei, owner, sort, page, per_page)
        flavors = None if query.license is None else flavors_meant(query.license, self._store.flavors())
        found = self._find(query, flavors)
        return CatalogPage(tuple(self._store.records(found.ids)), found.total, found.facets, query.page, query.per_page)

    def _find(self, query: Query, flavors: list[str] | None) -> Found:
        if not query.text:
            return self._store.browse(query, flavors)
        words = self._index.words(query.text)
        if not words:  # only signs, such as emoji: no word of any index, but still to be found as they are
            return self._store.browse(query, flavors, self._store.literal(query.text.split()))
        self._catch_up()
        try:
            return self._find_words(words, query, flavors)
        except IndexDamaged:  # its position can be read and its words cannot
            try:
                with self.writing():
                    self._rebuild(self._store.position())
                return self._find_words(words, query, flavors)
            except (IndexDamaged, TimeoutError, OSError):  # nothing can be written here: slower, and still an answer
                return self._store.browse(query, flavors, self._store.literal(words))

    def _find_words(self, words: list[str], query: Query, flavors: list[str] | None) -> Found:
        if query.sort == "relevance" and query.max_price_wei is None:
            return self._index.search(words, query, flavors)
        return self._store.browse(query, flavors, self._index.matching(words))

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

"""The search index in tantivy: derived from the store and disposable.

The index keeps nothing but ids and what it needs to filter, sort and count. Its position (which store, which change) is
a document of the same commit as the records, so after a crash it is never ahead of what it holds. A rebuilt index is
written beside the old one and takes its place by renaming one small file, so readers in other processes never meet half
an index.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sahara_lab.market.catalog.asking import Asked
from sahara_lab.market.catalog.interfaces import Change, Found, IndexDamaged, Position
from sahara_lab.market.catalog.prices import band_of, is_exact, rounded
from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.catalog.schema import EDGE, MARK, analyzer, columns, price_field, schema, sort_key
from sahara_lab.market.catalog.words import signs_of, spaced

#: Part of the folder's name: a release that indexes differently builds its own index.
FORMAT = 4

#: Bytes of memory that a writer fills before it writes a segment; a whole index is written in few and large ones.
_HEAP, _WHOLE_HEAP = 48_000_000, 160_000_000
#: Segments above which a small update waits until some are merged; each one costs every search a little.
_SEGMENTS = 12
_KEPT_ANSWERS = 128


class TantivyIndex:
    """BM25 over name, title, tags and summary, with word beginnings, phrases and typing errors; facets; sorts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"index-{FORMAT}"
        self._lock = threading.RLock()
        self._index: Any = None
        self._opened: tuple[str, int, int] | None = None
        self._position: Position | None = None
        self._analyzer: Any = None
        self._answers: dict[Query, Found] = {}

    def position(self) -> Position | None:
        """What the index holds; None when it is missing or damaged."""
        try:
            with self._lock:
                self._searcher()
                return self._position
        except IndexDamaged:
            return None

    def search(self, query: Query) -> Found:
        """Answer a checked query. An answer is kept until the index changes: the same few letters are typed often."""
        with _damage():
            with self._lock:  # not while it searches: others search too, and someone may be waiting to write
                searcher, opened = self._searcher(), self._opened
                asked = self._index.schema
                kept = self._answers.get(query)
            if kept is not None:
                return kept
            found = Asked(searcher, asked, self._analyze, query).answer()
            with self._lock:
                if opened == self._opened:
                    if len(self._answers) >= _KEPT_ANSWERS:
                        self._answers.clear()
                    self._answers[query] = found
            return found

    # -- write --------------------------------------------------------------------------------------------------------

    def update(self, changes: Iterable[Change], position: Position) -> None:
        """Take changes in; the position becomes visible together with them."""
        with _damage():
            generation = self._current()
            self._write(self._open(generation), self._folder / generation, changes, position, fresh=False)

    def rebuild(self, changes: Iterable[Change], position: Position) -> None:
        """Write a whole index beside the present one and put it in its place."""
        import tantivy

        generation = secrets.token_hex(8)
        folder = self._folder / generation
        folder.mkdir(parents=True)
        index = tantivy.Index(schema(), path=str(folder))
        _register(index)
        self._write(index, folder, changes, position, fresh=True)
        pointer = self._folder / "current"
        draft = self._folder / f"current-{generation}"
        draft.write_text(generation)
        draft.replace(pointer)
        for old in self._folder.iterdir():
            if old.is_dir() and old.name != generation:
                shutil.rmtree(old, ignore_errors=True)  # readers that still have it mapped keep what they opened

    def _write(self, index: Any, folder: Path, changes: Iterable[Change], position: Position, *, fresh: bool) -> None:
        import tantivy

        writer = index.writer(_WHOLE_HEAP if fresh else _HEAP, 1)
        for change in changes:
            if not fresh:
                writer.delete_documents_by_term("id", change.id)
            if change.record is not None:
                writer.add_document(self._document(change.record))
        writer.delete_documents_by_term("mark", MARK)
        mark = tantivy.Document()
        mark.add_text("mark", MARK)
        mark.add_text("position", f"{position.store}:{position.seq}")
        writer.add_document(mark)
        writer.commit()
        if fresh or _segments(folder) > _SEGMENTS:
            writer.wait_merging_threads()

    def _document(self, record: Record) -> Any:
        import tantivy

        document = tantivy.Document()
        document.add_integer("id", record.id)
        head = spaced(" ".join((record.name, record.title, *record.tags)))
        document.add_text("head", head)
        document.add_text("edge", _beginnings(self._analyze(head)))
        document.add_text("body", spaced(record.summary))
        for exact in {record.name.lower(), record.name.rpartition("/")[2].lower(), record.title.lower()}:
            document.add_text("exact", exact)
        for sign in signs_of(f"{record.title} {record.name} {' '.join(record.tags)} {record.summary}"):
            document.add_text("sign", sign)
        document.add_text("kind", record.kind)
        document.add_text("owner", record.owner.lower())
        for field, values in (("license", record.licenses), ("format", record.formats), ("tag", record.tags)):
            for value in values:
                document.add_text(field, value)
        document.add_text("task", record.task)
        for column, value in columns(record).items():
            document.add_text(column, value)
        self._add_prices(document, record)
        document.add_unsigned("sold", record.sold)
        if record.standing != "clear":
            document.add_text("standing", record.standing)
        for sort in ("newest", "price", "popular", "reputation"):
            document.add_unsigned(f"by_{sort}", sort_key(sort, record))
        document.add_text("by_name", record.name.lower())
        return document

    def _add_prices(self, document: Any, record: Record) -> None:
        cheapest: dict[str, int] = {}
        for offer in record.offers:
            for field in ("price_any", price_field(offer.flavor)):
                cheapest[field] = min(offer.price, cheapest.get(field, offer.price))
        for field, price in cheapest.items():
            document.add_unsigned(field, rounded(price))
        if cheapest:
            document.add_text("price", band_of(cheapest["price_any"]))
        if not all(is_exact(price) for price in cheapest.values()):
            document.add_text("mark", "long price")
            document.add_text("prices", json.dumps({field: str(price) for field, price in cheapest.items()}))

    # -- files --------------------------------------------------------------------------------------------------------

    def _analyze(self, text: str) -> list[str]:
        if self._analyzer is None:
            self._analyzer = analyzer()
        found: list[str] = self._analyzer.analyze(text)
        return found

    def _current(self) -> str:
        try:
            return (self._folder / "current").read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise IndexDamaged("the search index is missing") from None

    def _searcher(self) -> Any:
        """A searcher over the newest commit of the newest index, whoever wrote it."""
        with _damage():
            generation = self._current()
            status = (self._folder / generation / "meta.json").stat()
            present = (generation, status.st_mtime_ns, status.st_ino)
            if present != self._opened:
                self._answers.clear()
                if self._opened is None or self._opened[0] != generation:
                    self._index = self._open(generation)
                    self._index.config_reader("manual")
                self._index.reload()
                self._position = self._read_position(self._index.searcher())
                self._opened = present
            return self._index.searcher()

    def _open(self, generation: str) -> Any:
        import tantivy

        if not re.fullmatch(r"[0-9a-f]{16}", generation):
            raise IndexDamaged("the search index has no valid name")
        index = tantivy.Index.open(str(self._folder / generation))
        _register(index)
        return index

    def _read_position(self, searcher: Any) -> Position:
        from tantivy import Query as Q

        hits = searcher.search(Q.term_query(self._index.schema, "mark", MARK), 1).hits
        if not hits:
            raise IndexDamaged("the search index does not say what it holds")
        store, _, seq = searcher.doc(hits[0][1])["position"][0].partition(":")
        return Position(store, int(seq))


@contextmanager
def _damage() -> Iterator[None]:
    """One error for all the ways in which damaged files show; a panic in tantivy is no ``Exception``."""
    from sahara_lab.errors import InputError

    try:
        yield
    except (IndexDamaged, InputError):
        raise
    except BaseException as error:
        if (
            isinstance(error, OSError | ValueError | RuntimeError | IndexError)
            or type(error).__name__ == "PanicException"
        ):
            raise IndexDamaged("the search index cannot be read") from error
        raise


def _segments(folder: Path) -> int:
    """How many segments the newest commit has, as it says itself; an index would be opened again to be asked."""
    return len(json.loads((folder / "meta.json").read_bytes())["segments"])


def _register(index: Any) -> None:
    import tantivy

    index.register_tokenizer("plain", analyzer())
    index.register_tokenizer("space", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def _beginnings(words: Iterable[str]) -> str:
    return " ".join({word[:length] for word in words for length in range(1, min(len(word), EDGE) + 1)})

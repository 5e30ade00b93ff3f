"""The search index over the catalog's words, in tantivy: derived from the store and disposable.

The index keeps nothing but ids. Its position (which store, which change) is a document of the same commit as the
records, so after a crash it is never ahead of what it holds. A rebuilt index is written beside the old one and takes
its place by renaming one small file, so readers in other processes never meet half an index.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sahara_lab.errors import SaharaError
from sahara_lab.market.catalog.interfaces import Change, Found, Position
from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import Record

#: Part of the folder's name: a release that indexes differently builds its own index.
FORMAT = 1

MAX_WORDS = 16

_HEAP = 48_000_000
_EDGE = 12  # characters of a word that the prefix field knows; longer beginnings are expanded from the dictionary
_EXPANSIONS = 64
_MARK = "position"
_CJK = re.compile("([\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])")


class IndexDamaged(SaharaError):
    """The search index cannot be read; the catalog builds it again."""

    code = "index"


class TantivyIndex:
    """BM25 over name, title, tags and summary, with word beginnings, and counts by kind and license."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"index-{FORMAT}"
        self._lock = threading.RLock()
        self._index: Any = None
        self._opened: tuple[str, int, int] | None = None
        self._position: Position | None = None
        self._analyzer: Any = None

    def position(self) -> Position | None:
        try:
            with self._lock:
                self._searcher()
                return self._position
        except IndexDamaged:
            return None

    # -- write --------------------------------------------------------------------------------------------------------

    def update(self, changes: Iterable[Change], position: Position) -> None:
        with _damage():
            self._write(self._open(self._current()), changes, position, fresh=False)

    def rebuild(self, changes: Iterable[Change], position: Position) -> None:
        import tantivy

        generation = secrets.token_hex(8)
        folder = self._folder / generation
        folder.mkdir(parents=True)
        index = tantivy.Index(_schema(), path=str(folder))
        self._register(index)
        self._write(index, changes, position, fresh=True)
        pointer = self._folder / "current"
        draft = self._folder / f"current-{generation}"
        draft.write_text(generation)
        draft.replace(pointer)
        for old in self._folder.iterdir():
            if old.is_dir() and old.name != generation:
                shutil.rmtree(old, ignore_errors=True)  # readers that still have it mapped keep what they opened

    def _write(self, index: Any, changes: Iterable[Change], position: Position, *, fresh: bool) -> None:
        import tantivy

        writer = index.writer(_HEAP, 1)
        for change in changes:
            if not fresh:
                writer.delete_documents_by_term("id", change.id)
            if change.record is not None:
                writer.add_document(self._document(change.record))
        writer.delete_documents_by_term("mark", _MARK)
        mark = tantivy.Document()
        mark.add_text("mark", _MARK)
        mark.add_text("position", f"{position.store}:{position.seq}")
        writer.add_document(mark)
        writer.commit()
        writer.wait_merging_threads()

    def _document(self, record: Record) -> Any:
        import tantivy

        document = tantivy.Document()
        document.add_integer("id", record.id)
        head = spaced(" ".join((record.name, record.title, *record.tags)))
        document.add_text("head", head)
        document.add_text("edge", _beginnings(self.words(head)))
        document.add_text("body", spaced(record.summary))
        for exact in {record.name.lower(), record.name.rpartition("/")[2].lower(), record.title.lower()}:
            document.add_text("exact", exact)
        document.add_text("kind", record.kind)
        document.add_text("owner", record.owner.lower())
        for flavor in record.licenses:
            document.add_text("license", flavor)
        return document

    # -- read ---------------------------------------------------------------------------------------------------------

    def words(self, text: str) -> list[str]:
        if self._analyzer is None:
            self._analyzer = _analyzer()
        found: list[str] = self._analyzer.analyze(spaced(text))
        return list(dict.fromkeys(found))

    def search(self, words: Sequence[str], query: Query, flavors: Sequence[str] | None) -> Found:
        from tantivy import Occur
        from tantivy import Query as Q

        with _damage(), self._lock:
            searcher = self._searcher()
            schema = self._index.schema
            text = self._text_query(searcher, words, query.text)
            owner = [Q.term_query(schema, "owner", query.owner.lower())] if query.owner else []
            kind = [Q.term_query(schema, "kind", query.kind)] if query.kind else []
            license = [] if flavors is None else [Q.term_set_query(schema, "license", list(flavors))]

            def both(*filters: Any) -> Any:
                return Q.boolean_query(
                    [(Occur.Must, text), *((Occur.Must, Q.const_score_query(f, 0.0)) for f in filters)]
                )

            wanted = both(*owner, *kind, *license)
            result = searcher.search(wanted, query.per_page, count=True)
            total = int(result.count)
            if query.offset >= total:
                hits = []
            elif query.offset:
                hits = searcher.search(wanted, query.per_page, count=False, offset=query.offset).hits
            else:
                hits = result.hits
            facets = {"kind": _terms("kind"), "license": _terms("license")}
            if kind or license:
                counts = {
                    **searcher.aggregate(both(*owner, *license), {"kind": facets["kind"]}),
                    **searcher.aggregate(both(*owner, *kind), {"license": facets["license"]}),
                }
            else:
                counts = searcher.aggregate(wanted, facets)
            ids = searcher.fast_field_values("id", [address for _, address in hits])
        return Found([int(i) for i in ids], total, {name: _counts(counts[name]) for name in facets})

    def matching(self, words: Sequence[str]) -> list[int]:
        with _damage(), self._lock:
            searcher = self._searcher()
            hits = searcher.search(self._text_query(searcher, words, " ".join(words)), max(1, searcher.num_docs)).hits
            return [int(i) for i in searcher.fast_field_values("id", [address for _, address in hits])]

    def _text_query(self, searcher: Any, words: Sequence[str], typed: str) -> Any:
        """Every word must be there, as a word or as the beginning of one in name, title or tags."""
        from tantivy import Occur
        from tantivy import Query as Q

        schema = self._index.schema
        clauses = []
        for word in words[:MAX_WORDS]:
            choices = [
                Q.boost_query(Q.term_query(schema, "head", word), 4.0),
                Q.term_query(schema, "body", word),
            ]
            if len(word) <= _EDGE:
                choices.append(Q.term_query(schema, "edge", word))
            else:
                longer = [term for term, _ in searcher.terms_with_prefix("head", word, limit=_EXPANSIONS)]
                choices += [Q.term_set_query(schema, "head", longer)] if longer else []
            clauses.append((Occur.Must, Q.boolean_query([(Occur.Should, choice) for choice in choices])))
        named = Q.const_score_query(Q.term_query(schema, "exact", typed.lower()), 50.0)
        return Q.boolean_query([*clauses, (Occur.Should, named)])

    # -- files --------------------------------------------------------------------------------------------------------

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
        self._register(index)
        return index

    def _register(self, index: Any) -> None:
        import tantivy

        index.register_tokenizer("plain", _analyzer())
        index.register_tokenizer("space", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())

    def _read_position(self, searcher: Any) -> Position:
        from tantivy import Query as Q

        hits = searcher.search(Q.term_query(self._index.schema, "mark", _MARK), 1).hits
        if not hits:
            raise IndexDamaged("the search index does not say what it holds")
        store, _, seq = searcher.doc(hits[0][1])["position"][0].partition(":")
        return Position(store, int(seq))


@contextmanager
def _damage() -> Iterator[None]:
    """One error for all the ways in which damaged files show; a panic in tantivy is no ``Exception``."""
    try:
        yield
    except IndexDamaged:
        raise
    except BaseException as error:
        if (
            isinstance(error, OSError | ValueError | RuntimeError | IndexError)
            or type(error).__name__ == "PanicException"
        ):
            raise IndexDamaged("the search index cannot be read") from error
        raise


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", indexed=True, fast=True)  # signed: deleting by an unsigned term finds nothing
    builder.add_text_field("head", tokenizer_name="plain", index_option="freq")
    builder.add_text_field("edge", tokenizer_name="space", index_option="basic")
    builder.add_text_field("body", tokenizer_name="plain", index_option="freq")
    builder.add_text_field("exact", tokenizer_name="raw", index_option="basic")
    for name in ("kind", "owner", "license"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=name != "owner")
    builder.add_text_field("mark", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("position", tokenizer_name="raw", index_option="basic", stored=True)
    return builder.build()


def _analyzer() -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for step in (Filter.lowercase(), Filter.ascii_fold(), Filter.remove_long(80)):
        builder = builder.filter(step)
    return builder.build()


def spaced(text: str) -> str:
    """Chinese, Japanese and Korean characters set apart: these scripts do not part their words."""
    return text if text.isascii() else _CJK.sub(r" \1 ", text)


def _beginnings(words: Iterable[str]) -> str:
    return " ".join({word[:length] for word in words for length in range(1, min(len(word), _EDGE) + 1)})


def _terms(field: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": 64}}


def _counts(aggregate: dict[str, Any]) -> dict[str, int]:
    buckets = ((str(bucket["key"]), int(bucket["doc_count"])) for bucket in aggregate["buckets"])
    return dict(sorted(buckets, key=lambda bucket: (-bucket[1], bucket[0])))

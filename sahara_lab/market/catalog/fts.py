"""The search index in SQLite's FTS5: for machines without tantivy, and in memory where no index can be written."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.interfaces import Change, Found, IndexDamaged, Position
from sahara_lab.market.catalog.prices import BAND_NAMES, band_of
from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import TAKEN_DOWN, Record, flavors_meant
from sahara_lab.market.catalog.words import Words, edits, signs_of, spaced

FORMAT = 2

_SINGLE = ("kind", "price", "task", "owner")
_MANY = ("license", "format", "tag")
_SCHEMA = """
CREATE TABLE meta (store TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE doc (
    id INTEGER PRIMARY KEY, kind TEXT, price TEXT, task TEXT, owner TEXT, sold INTEGER, exact TEXT,
    by_newest TEXT, by_price TEXT, by_popular TEXT, by_reputation TEXT, by_name TEXT, standing TEXT
);
CREATE INDEX doc_newest ON doc (by_newest);
CREATE INDEX doc_price ON doc (by_price);
CREATE TABLE value (id INTEGER, facet TEXT, value TEXT, PRIMARY KEY (facet, value, id)) WITHOUT ROWID;
CREATE INDEX value_id ON value (id);
CREATE TABLE offer (id INTEGER, flavor TEXT, price TEXT, PRIMARY KEY (id, flavor)) WITHOUT ROWID;
CREATE TABLE vocabulary (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(head, body, prefix='1 2 3', tokenize='unicode61 remove_diacritics 0');
"""
_TOKEN = re.compile(r"[^\W_]+|_+")


class FtsIndex:
    """The same answers as :class:`TantivyIndex`, ranked by FTS5's BM25; made for some tens of thousands of listings.

    Args:
        folder: where its file lies; None keeps it in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"words-{FORMAT}.sqlite3"
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._opened: tuple[int, ...] = ()

    def position(self) -> Position | None:
        """What the index holds; None when it is missing or damaged."""
        try:
            with self._reading() as db:
                row = db.execute("SELECT store, seq FROM meta").fetchone()
        except IndexDamaged:
            return None
        return Position(*row) if row else None

    def update(self, changes: Iterable[Change], position: Position) -> None:
        """Take changes in; the position becomes visible together with them."""
        with self._reading() as db:
            self._fill(db, changes, position)

    def rebuild(self, changes: Iterable[Change], position: Position) -> None:
        """Fill a new file and put it in the place of the old one."""
        with self._lock:
            if self._path is None:
                self._db = _connect(":memory:")
                self._fill(self._db, changes, position)
                return
            draft = self._path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            db = _connect(str(draft))
            try:
                self._fill(db, changes, position)
            finally:
                db.close()
            draft.replace(self._path)

    def search(self, query: Query) -> Found:
        """Answer a checked query."""
        with self._reading() as db:
            return _Asked(db, query).answer()

    def _fill(self, db: sqlite3.Connection, changes: Iterable[Change], position: Position) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                for table, key in (("doc", "id"), ("value", "id"), ("offer", "id"), ("words", "rowid")):
                    db.execute(f"DELETE FROM {table} WHERE {key} = ?", (change.id,))  # noqa: S608
                if change.record is not None:
                    _add(db, change.record)
            db.execute("DELETE FROM meta")
            db.execute("INSERT INTO meta VALUES (?, ?)", position)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection()
            except (sqlite3.DatabaseError, OSError) as error:
                self._db, self._opened = None, ()
                raise IndexDamaged("the search index cannot be read") from error

    def _connection(self) -> sqlite3.Connection:
        """The connection, opened again after a fork and where the file was replaced."""
        if self._path is not None:
            status = self._path.stat()
            present = (os.getpid(), status.st_dev, status.st_ino)
            if present != self._opened:
                self._db, self._opened = _connect(str(self._path)), present
        if self._db is None:
            raise IndexDamaged("the search index is missing")
        return self._db


class _Asked:
    """A checked query as SQL, put together from constants of this file; what a person typed travels as bound values."""

    def __init__(self, db: sqlite3.Connection, query: Query) -> None:
        self._db = db
        self._query = query
        self._words = Words.of(query.text, analyze)

    def answer(self) -> Found:
        """The page asked for; where nothing has the words as typed, what has similar ones."""
        found = self._answer(_match(self._words))
        if found.total == 0 and self._words.forgiving:
            similar = self._answer(self._mistyped())
            if similar.total:
                return Found(similar.ids, similar.total, similar.facets, similar.next, similar=True)
        return found

    def _answer(self, match: str) -> Found:
        query = self._query
        tables, conditions, values = self._where(match)
        total = self._one(f"SELECT count(*) FROM {tables} WHERE {conditions}", values)  # noqa: S608
        order = self._order(match)
        offset, after, bound = self._start(order)
        ids = [
            row[0]
            for row in self._db.execute(
                f"SELECT doc.id FROM {tables} WHERE {conditions}{after} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
                (*values, *bound, query.per_page + 1, min(offset, 2**62)),
            )
        ]
        following = None
        if len(ids) > query.per_page:
            ids = ids[: query.per_page]
            following = self._next(order, ids[-1], offset + query.per_page)
        return Found(ids, total, {name: self._facet(name, match) for name in query.facets}, following)

    # -- words --------------------------------------------------------------------------------------------------------

    def _mistyped(self) -> str:
        """The match of words of the vocabulary that begin a letter or two away from what was typed."""
        clauses = []
        for word in self._words.words:
            if not edits(word):
                clauses.append(_word(word))
                continue
            known = self._db.execute("SELECT word FROM vocabulary WHERE length(word) >= ?", (len(word) - edits(word),))
            near = [text for (text,) in known if _begins_like(text, word, edits(word))][:50]
            clauses.append("(" + " OR ".join(f'head : "{text}"' for text in near) + ")" if near else 'head : "\uffff"')
        return " AND ".join(clauses)

    # -- conditions ---------------------------------------------------------------------------------------------------

    def _where(self, match: str, lifted: str = "") -> tuple[str, str, tuple[Any, ...]]:
        query = self._query
        tables, conditions, values = "doc", ["1"], []
        if match:
            tables = "words JOIN doc ON doc.id = words.rowid"
            conditions.append("words MATCH ?")
            values.append(match)
        elif query.text and not self._words:
            conditions.append("0")
        for sign in self._words.signs:
            conditions.append("EXISTS (SELECT 1 FROM value WHERE facet = 'sign' AND value = ? AND value.id = doc.id)")
            values.append(sign)
        if query.verified and lifted != "verified":
            conditions.append("doc.owner IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(query.vouched))
        conditions.append("(doc.standing <> ? OR doc.owner = ?)")
        values += [TAKEN_DOWN, query.reader]
        chosen = {"kind": query.kind, "price": query.price, "task": query.task, "format": query.format,
                  "tag": query.tag, "owner": query.owner}  # fmt: skip
        for name, value in chosen.items():
            if value is None or name == lifted:
                continue
            if name in _SINGLE:
                conditions.append(f"doc.{name} = ?")
                values.append(value)
            else:
                conditions.append("EXISTS (SELECT 1 FROM value WHERE facet = ? AND value = ? AND value.id = doc.id)")
                values += [name, value]
        flavors = None if query.license is None or lifted == "license" else self._flavors(query.license)
        if flavors is not None or query.max_price_wei is not None:
            offered = ["offer.id = doc.id"]
            if flavors is not None:
                offered.append("offer.flavor IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(flavors))
            if query.max_price_wei is not None:
                offered.append("offer.price <= ?")
                values.append(_price_text(query.max_price_wei))
            conditions.append(f"EXISTS (SELECT 1 FROM offer WHERE {' AND '.join(offered)})")  # noqa: S608
        return tables, " AND ".join(conditions), tuple(values)

    def _flavors(self, license: str) -> list[str]:
        known = self._db.execute("SELECT DISTINCT value FROM value WHERE facet = 'license'")
        return flavors_meant(license, [row[0] for row in known])

    def _facet(self, name: str, match: str) -> dict[str, int]:
        tables, conditions, values = self._where(match, lifted=name)
        if name == "verified":
            conditions += " AND doc.owner IN (SELECT value FROM json_each(?))"
            vouched = json.dumps(self._query.vouched)
            many = self._one(f"SELECT count(*) FROM {tables} WHERE {conditions}", (*values, vouched))  # noqa: S608
            return {"yes": many} if many else {}
        if name in _SINGLE:
            column, source = f"doc.{name}", tables
            conditions += f" AND doc.{name} <> ''"
        else:
            column, source = "value.value", f"{tables} JOIN value ON value.id = doc.id"
            conditions += " AND value.facet = ?"
            values = (*values, name)
        rows = self._db.execute(
            f"SELECT {column}, count(*) AS many FROM {source} WHERE {conditions} GROUP BY 1 "  # noqa: S608
            "ORDER BY many DESC, 1 LIMIT 64",
            values,
        )
        counts = dict(rows.fetchall())
        return {band: counts[band] for band in BAND_NAMES if band in counts} if name == "price" else counts

    # -- pages --------------------------------------------------------------------------------------------------------

    def _order(self, match: str) -> str:
        if self._query.sort == "relevance":
            if not match:
                return "doc.by_newest DESC"
            return "bm25(words, 4.0, 1.0) * popularity(doc.sold) - 50 * is_named(doc.exact, wanted()), doc.id"
        direction = " DESC" if self._query.sort in ("newest", "popular", "reputation") else ""
        return f"doc.by_{self._query.sort}{direction}"

    def _start(self, order: str) -> tuple[int, str, tuple[Any, ...]]:
        """How many records to leave out, or the condition that stands for them."""
        query = self._query
        self._db.create_function("wanted", 0, lambda: self._words.text)
        if query.after is None:
            return query.offset, "", ()
        try:
            sort, value = json.loads(base64.urlsafe_b64decode(query.after[:1_000].encode() + b"=="))
        except (ValueError, TypeError):
            sort, value = "", None
        if sort == query.sort and order.startswith("doc.by_") and isinstance(value, str):
            column, _, direction = order.partition(" ")
            return 0, f" AND {column} {'<' if direction else '>'} ?", (value,)
        if sort == query.sort and type(value) is int and 0 <= value < 2**62:
            return value, "", ()
        raise InputError("'after' is not where a page of this search ended", hint="Use page.next of the page before")

    def _next(self, order: str, last: int, count: int) -> str:
        value: Any = count
        if order.startswith("doc.by_"):
            value = self._one(f"SELECT {order.partition(' ')[0]} FROM doc WHERE id = ?", (last,))  # noqa: S608
        return base64.urlsafe_b64encode(json.dumps([self._query.sort, value]).encode()).decode().rstrip("=")

    def _one(self, sql: str, values: tuple[Any, ...]) -> Any:
        return self._db.execute(sql, values).fetchone()[0]


def analyze(text: str) -> list[str]:
    """Words in small letters, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return [word for word in _TOKEN.findall(bare) if not word.startswith("_")]


def _match(words: Words) -> str:
    phrases = [f'"{" ".join(phrase)}"' for phrase in words.phrases]
    return " AND ".join([*map(_word, words.words), *phrases])


def _word(word: str) -> str:
    return f'(head : "{word}"* OR body : "{word}")'


def _add(db: sqlite3.Connection, record: Record) -> None:
    head = analyze(spaced(" ".join((record.name, record.title, *record.tags))))
    db.execute(
        "INSERT INTO words (rowid, head, body) VALUES (?, ?, ?)",
        (record.id, " ".join(head), " ".join(analyze(spaced(record.summary)))),
    )
    db.executemany("INSERT OR IGNORE INTO vocabulary VALUES (?)", [(word,) for word in set(head)])
    price = record.price
    exact = (record.name.lower(), record.name.rpartition("/")[2].lower(), record.title.lower())
    key = f"{record.id:016x}"
    db.execute(
        "INSERT INTO doc VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id, record.kind, "" if price is None else band_of(price), record.task, record.owner.lower(),
            record.sold, "\n".join(("", *exact, "")), f"{record.created:016x}{key}",
            f"{'~' if price is None else _price_text(price)}{key}", f"{record.sold:016x}{key}",
            f"{record.reputation:016x}{key}", record.name.lower() + key, record.standing,
        ),
    )  # fmt: skip
    signs = signs_of(f"{record.title} {record.name} {' '.join(record.tags)} {record.summary}")
    facets = {"license": record.licenses, "format": record.formats, "tag": record.tags, "sign": signs}
    db.executemany(
        "INSERT OR IGNORE INTO value VALUES (?, ?, ?)",
        [(record.id, facet, value) for facet, values in facets.items() for value in values],
    )
    cheapest: dict[str, int] = {}
    for offer in record.offers:
        cheapest[offer.flavor] = min(offer.price, cheapest.get(offer.flavor, offer.price))
    db.executemany(
        "INSERT INTO offer VALUES (?, ?, ?)", [(record.id, name, _price_text(wei)) for name, wei in cheapest.items()]
    )


def _connect(file: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
    db.create_function("popularity", 1, lambda sold: math.log2(2 + sold), deterministic=True)
    db.create_function("is_named", 2, lambda names, text: int(f"\n{text}\n" in names), deterministic=True)
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone():
        db.executescript(_SCHEMA)
    return db


def _price_text(price: int) -> str:
    """A price as text whose alphabetical order is the numeric order over all of 256 bits."""
    return f"{price:064x}"


def _begins_like(text: str, word: str, most: int) -> bool:
    """Whether a beginning of ``text`` is at most ``most`` edits from ``word`` (optimal string alignment)."""
    before, row = [], list(range(len(word) + 1))
    for i, letter in enumerate(text[: len(word) + most]):
        before, above, row = row, before, [i + 1]
        for j, wanted in enumerate(word):
            row.append(min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != wanted)))
            if i and j and letter == word[j - 1] and text[i - 1] == wanted:
                row[-1] = min(row[-1], above[j - 1] + 1)
        if row[-1] <= most:
            return True
        if min(row) > most:
            return False
    return False

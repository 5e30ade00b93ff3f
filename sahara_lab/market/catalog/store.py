"""The catalog's records in SQLite: canonical on this machine, readable by any process while one writes."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from sahara_lab.market.catalog.interfaces import Change, Cursor, Position, Waiting
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.lookalikes import LONGEST_HANDLE, skeleton

T = TypeVar("T")

#: Part of the file's name: a release that stores records differently builds its own file from the chain.
FORMAT = 5

#: Batches that can be undone. A chain that reorganizes deeper is read again from the beginning.
UNDO_BATCHES = 256

_SLICE = 1_000
_BUSY_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE listing (
    id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE, doc TEXT NOT NULL
);
CREATE INDEX listing_seq ON listing (seq);
CREATE INDEX listing_name ON listing (name, seq);
CREATE TABLE gone (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
CREATE INDEX gone_seq ON gone (seq);
CREATE TABLE batch (number INTEGER PRIMARY KEY, block INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE undo (batch INTEGER NOT NULL, id INTEGER NOT NULL, doc TEXT, PRIMARY KEY (batch, id)) WITHOUT ROWID;
CREATE TABLE fault (id INTEGER PRIMARY KEY, digest TEXT NOT NULL, tries INTEGER NOT NULL, due REAL);
CREATE TABLE handle (
    skeleton TEXT NOT NULL, owner TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (skeleton, owner)
) WITHOUT ROWID;
CREATE INDEX fault_due ON fault (due) WHERE due IS NOT NULL;
"""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SqliteStore:
    """Records in one SQLite file. A damaged file is set aside under another name and an empty one takes its place."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"catalog-{FORMAT}.sqlite3"
        self._lock = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._opened: tuple[int, int, int] | None = None

    def position(self) -> Position:
        """Identity of this file and number of its newest change."""
        return self._read(_position)

    def cursor(self) -> Cursor | None:
        """The block up to which the chain is in here; None before the first."""
        rows = self._read(
            lambda db: db.execute("SELECT block, hash FROM batch ORDER BY number DESC LIMIT 1").fetchall()
        )
        return Cursor(*rows[0]) if rows else None

    def exclusively(self, patience: float) -> AbstractContextManager[None]:
        """Nothing to do: the catalog's lock file covers the one machine that has this file."""
        return nullcontext()

    # -- write --------------------------------------------------------------------------------------------------------

    def apply(self, records: Iterable[Record], cursor: Cursor) -> None:
        """Write records and the cursor, both or neither."""

        def write(db: sqlite3.Connection) -> None:
            newest = db.execute("SELECT number, block, hash FROM batch ORDER BY number DESC LIMIT 1").fetchone()
            number = newest[0] + 1 if newest else 1
            before = seq = _position(db).seq
            for record in records:
                seq += 1
                if newest:  # the first batch needs no undo: before it there was nothing
                    _remember(db, number, record.id)
                _put(db, record.cleaned(), seq)
            if seq > before or newest is None or newest[1:] != tuple(cursor):
                db.execute("INSERT INTO batch VALUES (?, ?, ?)", (number, cursor.block, cursor.hash))
            _set_seq(db, seq)
            db.execute("DELETE FROM batch WHERE number <= ?", (number - UNDO_BATCHES,))
            db.execute("DELETE FROM undo WHERE batch <= ?", (number - UNDO_BATCHES,))

        self._write(write)

    def rollback_to(self, block: int) -> Cursor | None:
        """Undo every batch that went beyond ``block``; see :class:`CatalogStore`."""

        def write(db: sqlite3.Connection) -> Cursor | None:
            kept = db.execute(
                "SELECT number, block, hash FROM batch WHERE block <= ? ORDER BY number DESC LIMIT 1", (block,)
            ).fetchone()
            seq = _position(db).seq
            if kept is None:
                changed = [(row[0], None) for row in db.execute("SELECT id FROM listing")]
                for table in ("undo", "batch", "handle"):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608
            else:
                rows = db.execute("SELECT id, doc FROM undo WHERE batch > ? ORDER BY batch DESC", (kept[0],))
                changed = list(dict(rows).items())  # the oldest undone batch comes last and wins
                db.execute("DELETE FROM undo WHERE batch > ?", (kept[0],))
                db.execute("DELETE FROM batch WHERE number > ?", (kept[0],))
            for identity, doc in changed:
                seq += 1
                if doc is None:
                    _remove(db, identity, seq)
                else:
                    _put(db, Record.from_json(doc), seq)
            _set_seq(db, seq)
            return Cursor(kept[1], kept[2]) if kept else None

        return self._write(write)

    # -- read ---------------------------------------------------------------------------------------------------------

    def get(self, asset_id: int) -> Record | None:
        """The record of an asset by its id."""
        return next(iter(self.records([asset_id])), None)

    def by_name(self, name: str) -> Record | None:
        """The record of ``owner/name``; where a handle has passed to someone else, the one written last."""
        query = "SELECT doc FROM listing WHERE name = ? ORDER BY seq DESC LIMIT 1"
        rows = self._read(lambda db: db.execute(query, (name,)).fetchall())
        return Record.from_json(rows[0][0]) if rows else None

    def records(self, ids: Sequence[int]) -> list[Record]:
        """Records in the order of ``ids``; those that are gone are left out."""
        query = (
            "SELECT listing.doc FROM json_each(?) AS wanted CROSS JOIN listing ON listing.id = wanted.value "
            "ORDER BY wanted.key"
        )
        rows = self._read(lambda db: db.execute(query, (json.dumps(list(ids)),)).fetchall())
        return [Record.from_json(row[0]) for row in rows]

    def named(self, beginning: str) -> list[Record]:
        """Records whose name begins so, in any case."""
        query = "SELECT doc FROM listing WHERE name >= ? AND name < ?"
        rows = self._read(lambda db: db.execute(query, (beginning, f"{beginning}\U0010ffff")).fetchall())
        return [Record.from_json(row[0]) for row in rows]

    def count(self) -> int:
        """How many records there are."""
        return int(self._read(lambda db: db.execute("SELECT count(*) FROM listing").fetchone())[0])

    def waiting(self, until: float, most: int) -> list[Waiting]:
        """Assets whose document is to be asked for again by then, the longest due first."""
        query = "SELECT id, tries FROM fault WHERE due <= ? ORDER BY due LIMIT ?"
        return [Waiting(*row) for row in self._read(lambda db: db.execute(query, (until, most)).fetchall())]

    def postpone(self, entries: Sequence[tuple[Waiting, float]]) -> None:
        """Remember how often documents were asked for in vain, and when to ask again."""
        rows = [(waiting.tries, due, waiting.id) for waiting, due in entries]
        query = "UPDATE fault SET tries = ?, due = ? WHERE id = ? AND due IS NOT NULL"
        self._write(lambda db: db.executemany(query, rows))

    def ask_again(self) -> None:
        """Make every document that is not shown due at once, those that were given up too."""
        self._write(lambda db: db.execute("UPDATE fault SET tries = 0, due = 0"))

    def faulty(self, after: int, most: int) -> list[Record]:
        """Records of which the document is not shown, by id."""
        query = "SELECT doc FROM fault JOIN listing USING (id) WHERE id > ? ORDER BY id LIMIT ?"
        rows = self._read(lambda db: db.execute(query, (after, most)).fetchall())
        return [Record.from_json(row[0]) for row in rows]

    def lookalikes(self, owners: Sequence[str]) -> dict[str, str]:
        """Of these owners, those whose handle resembles that of someone who was listed before, and who that is."""
        query = (
            "SELECT mine.owner, other.owner FROM handle mine JOIN handle other "
            "ON other.skeleton = mine.skeleton AND other.first < mine.first "
            "WHERE mine.skeleton = ? AND mine.owner = ? ORDER BY other.first LIMIT 1"
        )
        asked = [(skeleton(owner), owner) for owner in owners]
        return dict(self._read(lambda db: [row for one in asked for row in db.execute(query, one)]))

    def changes_since(self, seq: int) -> Iterator[Change]:
        """Changes after ``seq``, oldest first, read in slices so that no reader is held up for long."""
        gone = self._read(lambda db: db.execute("SELECT id FROM gone WHERE seq > ?", (seq,)).fetchall())
        for (identity,) in gone:
            yield Change(identity, None)
        query = "SELECT seq, id, doc FROM listing WHERE seq > ? ORDER BY seq LIMIT ?"

        def following(after: int) -> list[tuple[int, int, str]]:
            return self._read(lambda db: db.execute(query, (after, _SLICE)).fetchall())

        rows = following(seq)
        while rows:
            for _, identity, doc in rows:
                yield Change(identity, Record.from_json(doc))
            rows = following(rows[-1][0])

    def close(self) -> None:
        """Let go of the reading connection."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    # -- connections --------------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on this process's reader; a damaged file is replaced once and the work tried again."""
        with self._lock:
            try:
                return work(self._connection())
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._set_aside()
                return work(self._connection())

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._read(_position)  # makes sure of a sound file before anything is written
        with closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
        return result

    def _connection(self) -> sqlite3.Connection:
        """The reader, opened again after a fork and after another process has set the file aside."""
        present = self._identity()
        if self._reader is None or present is None or present != self._opened:
            if self._reader is not None and self._opened is not None and self._opened[0] == os.getpid():
                self._reader.close()  # a forked child must not close its parent's connection
            self._reader = self._open()
            self._opened = self._identity()
        return self._reader

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return (os.getpid(), status.st_dev, status.st_ino)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            # Readers never wait for the writer, and a commit survives a power cut: were the last commits lost, the
            # search index would be ahead of its source.
            _patiently(db, "PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'undo'").fetchone():
                _create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self) -> None:
        self.close()
        stamp = f"{int(time.time())}-{secrets.token_hex(2)}"
        for suffix in ("", "-wal", "-shm"):
            source = self._path.with_name(self._path.name + suffix)
            with suppress(FileNotFoundError):
                source.rename(source.with_name(f"damaged-{stamp}-{source.name}"))


def _patiently(db: sqlite3.Connection, statement: str) -> None:
    """Run a statement for which SQLite does not wait itself while another connection has the file to itself."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _create(db: sqlite3.Connection) -> None:
    """Make the tables in one transaction; of two processes that try, the second finds them made."""
    db.execute("BEGIN IMMEDIATE")
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'undo'").fetchone():
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute("INSERT INTO meta VALUES ('store', ?), ('seq', '0')", (secrets.token_hex(16),))
    db.execute("COMMIT")


def _position(db: sqlite3.Connection) -> Position:
    values = dict(db.execute("SELECT key, value FROM meta"))
    return Position(values["store"], int(values["seq"]))


def _set_seq(db: sqlite3.Connection, seq: int) -> None:
    db.execute("UPDATE meta SET value = ? WHERE key = 'seq'", (str(seq),))


def _remember(db: sqlite3.Connection, batch: int, identity: int) -> None:
    """Keep what a batch is about to overwrite; of several writes in one batch, what was before the first."""
    db.execute(
        "INSERT OR IGNORE INTO undo VALUES (?, ?, (SELECT doc FROM listing WHERE id = ?))", (batch, identity, identity)
    )


def _put(db: sqlite3.Connection, record: Record, seq: int) -> None:
    db.execute("INSERT OR REPLACE INTO listing VALUES (?, ?, ?, ?)", (record.id, seq, record.name, record.to_json()))
    db.execute("DELETE FROM gone WHERE id = ?", (record.id,))
    if len(record.owner) <= LONGEST_HANDLE:
        db.execute(
            "INSERT INTO handle VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET first = min(first, excluded.first)",
            (skeleton(record.owner), record.owner, record.id),
        )
    db.execute("DELETE FROM fault WHERE id = ? AND (digest <> ? OR ? = '')", (record.id, record.digest, record.fault))
    if record.fault:  # what is known of the same document's earlier tries stays, unless it was given up
        db.execute(
            "INSERT INTO fault VALUES (?, ?, 0, ?) ON CONFLICT (id) DO UPDATE SET "
            "due = iif(excluded.due IS NULL, NULL, coalesce(due, 0))",
            (record.id, record.digest, None if record.quarantined else 0),
        )


def _remove(db: sqlite3.Connection, identity: int, seq: int) -> None:
    db.execute("DELETE FROM listing WHERE id = ?", (identity,))
    db.execute("DELETE FROM fault WHERE id = ?", (identity,))
    db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (identity, seq))


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED

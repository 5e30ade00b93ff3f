"""The catalog's records in PostgreSQL: one store that many servers share, each with a search index of its own."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sahara_lab.errors import InputError, NetworkError
from sahara_lab.market.catalog.interfaces import Change, Cursor, Position, Waiting
from sahara_lab.market.catalog.records import Record
from sahara_lab.market.catalog.store import FORMAT, UNDO_BATCHES
from sahara_lab.market.lookalikes import LONGEST_HANDLE, skeleton

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

_SLICE = 1_000
_CONNECT_SECONDS = 10

_TABLES = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.meta (store TEXT NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.listing (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS listing_seq ON {schema}.listing (seq);
CREATE INDEX IF NOT EXISTS listing_name ON {schema}.listing (lower(name), seq);
CREATE TABLE IF NOT EXISTS {schema}.gone (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS gone_seq ON {schema}.gone (seq);
CREATE TABLE IF NOT EXISTS {schema}.batch (number BIGINT PRIMARY KEY, block BIGINT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS {schema}.undo (batch BIGINT, id BIGINT, doc TEXT, PRIMARY KEY (batch, id));
CREATE TABLE IF NOT EXISTS {schema}.fault (id BIGINT PRIMARY KEY, digest TEXT NOT NULL, tries INT NOT NULL, due DOUBLE PRECISION);
CREATE TABLE IF NOT EXISTS {schema}.handle (skeleton TEXT NOT NULL, owner TEXT NOT NULL, first BIGINT NOT NULL, PRIMARY KEY (skeleton, owner));
CREATE INDEX IF NOT EXISTS fault_due ON {schema}.fault (due) WHERE due IS NOT NULL;
INSERT INTO {schema}.meta SELECT %s, 0 WHERE NOT EXISTS (SELECT 1 FROM {schema}.meta);
"""  # noqa: E501


class PostgresStore:
    """Records in a schema of a PostgreSQL database, one schema for each network.

    Args:
        url: ``postgresql://user@host/database``; what libpq understands, passwords from ``PGPASSFILE`` included.
        network: letters and digits that tell one network's catalog from another's.
    """

    def __init__(self, url: str, network: str) -> None:
        if not re.fullmatch(r"[a-z0-9]{1,32}", network):
            raise InputError(f"{network!r} does not name a network")
        self._url = url
        self._schema = f"sahara_{network}_{FORMAT}"
        self._lock = threading.RLock()
        self._db: psycopg.Connection[Any] | None = None
        self._process = 0

    def position(self) -> Position:
        """Identity of this schema and number of its newest change."""
        return self._read(self._position)

    def cursor(self) -> Cursor | None:
        """The block up to which the chain is in here; None before the first."""
        query = self._sql("SELECT block, hash FROM {schema}.batch ORDER BY number DESC LIMIT 1")
        row = self._read(lambda db: db.execute(query).fetchone())
        return Cursor(*row) if row else None

    # -- write --------------------------------------------------------------------------------------------------------

    @contextmanager
    def exclusively(self, patience: float) -> Iterator[None]:
        """Be the only server that reads the chain into this store.

        Raises:
            TimeoutError: another one has been at it for all of ``patience`` seconds.
        """
        import psycopg

        with self._connect() as db:
            try:
                db.execute(f"SET lock_timeout = {max(1, round(patience * 1_000))}")
                db.execute("SELECT pg_advisory_lock(hashtext(%s))", (self._schema,))
            except psycopg.errors.LockNotAvailable:
                raise TimeoutError("another server is writing the catalog") from None
            try:
                yield
            finally:
                with suppress(psycopg.Error):
                    db.execute("SELECT pg_advisory_unlock(hashtext(%s))", (self._schema,))

    def apply(self, records: Iterable[Record], cursor: Cursor) -> None:
        """Write records and the cursor, both or neither."""
        cleaned = [record.cleaned() for record in records]

        def write(db: psycopg.Connection[Any], seq: int) -> int:
            newest = db.execute(
                self._sql("SELECT number, block, hash FROM {schema}.batch ORDER BY number DESC LIMIT 1")
            ).fetchone()
            number = newest[0] + 1 if newest else 1
            if newest and cleaned:  # the first batch needs no undo: before it there was nothing
                db.execute(
                    self._sql(
                        "INSERT INTO {schema}.undo SELECT %s, wanted.id, listing.doc FROM unnest(%s::bigint[]) "
                        "AS wanted(id) LEFT JOIN {schema}.listing ON listing.id = wanted.id ON CONFLICT DO NOTHING"
                    ),
                    (number, [record.id for record in cleaned]),
                )
            seq = self._put(db, cleaned, seq)
            if cleaned or newest is None or newest[1:] != tuple(cursor):
                db.execute(
                    self._sql("INSERT INTO {schema}.batch VALUES (%s, %s, %s)"), (number, cursor.block, cursor.hash)
                )
            db.execute(self._sql("DELETE FROM {schema}.batch WHERE number <= %s"), (number - UNDO_BATCHES,))
            db.execute(self._sql("DELETE FROM {schema}.undo WHERE batch <= %s"), (number - UNDO_BATCHES,))
            return seq

        self._write(write)

    def rollback_to(self, block: int) -> Cursor | None:
        """Undo every batch that went beyond ``block``; see :class:`CatalogStore`."""
        kept: Any = None

        def write(db: psycopg.Connection[Any], seq: int) -> int:
            nonlocal kept
            kept = db.execute(
                self._sql(
                    "SELECT number, block, hash FROM {schema}.batch WHERE block <= %s ORDER BY number DESC LIMIT 1"
                ),
                (block,),
            ).fetchone()
            before = kept[0] if kept else 0
            if kept is None:
                changed: list[Any] = [
                    (row[0], None) for row in db.execute(self._sql("SELECT id FROM {schema}.listing"))
                ]
            else:
                changed = db.execute(
                    self._sql("SELECT DISTINCT ON (id) id, doc FROM {schema}.undo WHERE batch > %s ORDER BY id, batch"),
                    (before,),
                ).fetchall()
            db.execute(self._sql("DELETE FROM {schema}.undo WHERE batch > %s"), (before,))
            if kept is None:
                db.execute(self._sql("DELETE FROM {schema}.handle"))
            db.execute(self._sql("DELETE FROM {schema}.batch WHERE number > %s"), (before,))
            seq = self._put(db, [Record.from_json(doc) for _, doc in changed if doc is not None], seq)
            for identity in (identity for identity, doc in changed if doc is None):
                seq += 1
                db.execute(self._sql("DELETE FROM {schema}.listing WHERE id = %s"), (identity,))
                db.execute(self._sql("DELETE FROM {schema}.fault WHERE id = %s"), (identity,))
                db.execute(
                    self._sql(
                        "INSERT INTO {schema}.gone VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq"
                    ),
                    (identity, seq),
                )
            return seq

        self._write(write)
        return Cursor(kept[1], kept[2]) if kept else None

    def _put(self, db: psycopg.Connection[Any], records: Sequence[Record], seq: int) -> int:
        """Write records, the last of several with one id, and return the number of the newest change."""
        last = {record.id: (seq + n, record) for n, record in enumerate(records, 1)}
        rows = [(identity, number, record.name, record.to_json()) for identity, (number, record) in last.items()]
        with db.cursor() as cursor:
            cursor.executemany(
                self._sql(
                    "INSERT INTO {schema}.listing VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO UPDATE "
                    "SET seq = excluded.seq, name = excluded.name, doc = excluded.doc"
                ),
                rows,
            )
        db.execute(self._sql("DELETE FROM {schema}.gone WHERE id = ANY(%s)"), (list(last),))
        self._put_faults(db, [record for _, record in last.values()])
        with db.cursor() as cursor:
            cursor.executemany(
                self._sql(
                    "INSERT INTO {schema}.handle AS known VALUES (%s, %s, %s) ON CONFLICT (skeleton, owner) "
                    "DO UPDATE SET first = least(known.first, excluded.first)"
                ),
                [(skeleton(r.owner), r.owner, r.id) for r in records if len(r.owner) <= LONGEST_HANDLE],
            )
        return seq + len(records)

    def _put_faults(self, db: psycopg.Connection[Any], records: Sequence[Record]) -> None:
        """What is known of the same document's earlier tries stays, unless it was given up."""
        digests = [record.digest if record.fault else None for record in records]
        db.execute(
            self._sql(
                "DELETE FROM {schema}.fault USING unnest(%s::bigint[], %s::text[]) AS given(id, digest) "
                "WHERE fault.id = given.id AND fault.digest IS DISTINCT FROM given.digest"
            ),
            ([record.id for record in records], digests),
        )
        with db.cursor() as cursor:
            cursor.executemany(
                self._sql(
                    "INSERT INTO {schema}.fault VALUES (%s, %s, 0, %s) ON CONFLICT (id) DO UPDATE SET due = "
                    "CASE WHEN excluded.due IS NULL THEN NULL ELSE coalesce(fault.due, 0) END"
                ),
                [(r.id, r.digest, None if r.quarantined else 0) for r in records if r.fault],
            )

    # -- read ---------------------------------------------------------------------------------------------------------

    def get(self, asset_id: int) -> Record | None:
        """The record of an asset by its id."""
        return next(iter(self.records([asset_id])), None)

    def by_name(self, name: str) -> Record | None:
        """The record of ``owner/name``; where a handle has passed to someone else, the one written last."""
        query = self._sql("SELECT doc FROM {schema}.listing WHERE lower(name) = lower(%s) ORDER BY seq DESC LIMIT 1")
        row = self._read(lambda db: db.execute(query, (name,)).fetchone())
        return Record.from_json(row[0]) if row else None

    def records(self, ids: Sequence[int]) -> list[Record]:
        """Records in the order of ``ids``; those that are gone are left out."""
        query = self._sql("SELECT id, doc FROM {schema}.listing WHERE id = ANY(%s)")
        docs = dict(self._read(lambda db: db.execute(query, (list(ids),)).fetchall()))
        return [Record.from_json(docs[identity]) for identity in ids if identity in docs]

    def named(self, beginning: str) -> list[Record]:
        """Records whose name begins so, in any case."""
        query = self._sql("SELECT doc FROM {schema}.listing WHERE starts_with(lower(name), lower(%s))")
        return self._documents(query, (beginning,))

    def count(self) -> int:
        """How many records there are."""
        return int(
            self._read(lambda db: db.execute(self._sql("SELECT count(*) FROM {schema}.listing")).fetchall())[0][0]
        )

    def waiting(self, until: float, most: int) -> list[Waiting]:
        """Assets whose document is to be asked for again by then, the longest due first."""
        query = self._sql("SELECT id, tries FROM {schema}.fault WHERE due <= %s ORDER BY due LIMIT %s")
        return [Waiting(*row) for row in self._read(lambda db: db.execute(query, (until, most)).fetchall())]

    def postpone(self, entries: Sequence[tuple[Waiting, float]]) -> None:
        """Remember how often documents were asked for in vain, and when to ask again."""
        query = self._sql("UPDATE {schema}.fault SET tries = %s, due = %s WHERE id = %s AND due IS NOT NULL")
        rows = [(waiting.tries, due, waiting.id) for waiting, due in entries]
        self._read(lambda db: db.cursor().executemany(query, rows))

    def ask_again(self) -> None:
        """Make every document that is not shown due at once, those that were given up too."""
        self._read(lambda db: db.execute(self._sql("UPDATE {schema}.fault SET tries = 0, due = 0")))

    def faulty(self, after: int, most: int) -> list[Record]:
        """Records of which the document is not shown, by id."""
        query = "SELECT doc FROM {schema}.fault JOIN {schema}.listing USING (id) WHERE id > %s ORDER BY id LIMIT %s"
        return self._documents(self._sql(query), (after, most))

    def lookalikes(self, owners: Sequence[str]) -> dict[str, str]:
        """Of these owners, those whose handle resembles that of someone who was listed before, and who that is."""
        query = self._sql(
            "SELECT DISTINCT ON (mine.owner) mine.owner, other.owner FROM {schema}.handle mine "
            "JOIN {schema}.handle other ON other.skeleton = mine.skeleton AND other.first < mine.first "
            "WHERE mine.skeleton = ANY(%s) AND mine.owner = ANY(%s) ORDER BY mine.owner, other.first"
        )
        asked = ([skeleton(owner) for owner in owners], list(owners))
        return dict(self._read(lambda db: db.execute(query, asked).fetchall()))

    def _documents(self, query: Any, values: Sequence[Any]) -> list[Record]:
        return [Record.from_json(row[0]) for row in self._read(lambda db: db.execute(query, values).fetchall())]

    def changes_since(self, seq: int) -> Iterator[Change]:
        """Changes after ``seq``, oldest first, read in slices."""
        removed = self._sql("SELECT id FROM {schema}.gone WHERE seq > %s")
        for (identity,) in self._read(lambda db: db.execute(removed, (seq,)).fetchall()):
            yield Change(identity, None)
        query = self._sql("SELECT seq, id, doc FROM {schema}.listing WHERE seq > %s ORDER BY seq LIMIT %s")

        def following(after: int) -> list[Any]:
            return self._read(lambda db: db.execute(query, (after, _SLICE)).fetchall())

        rows = following(seq)
        while rows:
            for _, identity, doc in rows:
                yield Change(identity, Record.from_json(doc))
            rows = following(rows[-1][0])

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._db is not None and self._process == os.getpid():
                self._db.close()
            self._db = None

    # -- connections --------------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run ``work``; on a connection that was lost, once more on another one."""
        import psycopg

        with self._lock:
            try:
                return work(self._connection())
            except psycopg.OperationalError:
                self.close()
            try:
                return work(self._connection())
            except psycopg.OperationalError as error:
                raise _unreachable(error) from error

    def _write(self, work: Callable[[psycopg.Connection[Any], int], int]) -> None:
        """Run ``work`` in a transaction that no other writer overlaps; it takes and returns the newest number."""
        import psycopg

        try:
            with self._connect() as db, db.transaction():
                row = db.execute(self._sql("SELECT seq FROM {schema}.meta FOR UPDATE")).fetchone()
                assert row is not None
                db.execute(self._sql("UPDATE {schema}.meta SET seq = %s"), (work(db, row[0]),))
        except psycopg.OperationalError as error:
            raise _unreachable(error) from error

    def _connection(self) -> psycopg.Connection[Any]:
        """The reading connection, a new one after a fork."""
        if self._db is None or self._process != os.getpid():
            self._db, self._process = self._connect(), os.getpid()
        return self._db

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            import psycopg
        except ImportError:
            raise InputError(
                "a catalog in PostgreSQL needs psycopg", hint="Install it: pip install 'sahara-lab[postgres]'"
            ) from None
        try:
            db: psycopg.Connection[Any] = psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS)
        except psycopg.OperationalError as error:
            raise _unreachable(error) from error
        try:
            if db.execute("SELECT to_regclass(%s)", (f"{self._schema}.undo",)).fetchone() == (None,):
                self._create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _create(self, db: psycopg.Connection[Any]) -> None:
        """Make the tables; of two servers that try at once, the second waits and finds them made."""
        with db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"{self._schema} tables",))
            for statement in self._sql(_TABLES).strip().split(";\n"):
                db.execute(statement, (secrets.token_hex(16),) if "%s" in statement else ())

    def _position(self, db: psycopg.Connection[Any]) -> Position:
        row = db.execute(self._sql("SELECT store, seq FROM {schema}.meta")).fetchone()
        assert row is not None
        return Position(*row)

    def _sql(self, template: str) -> Any:
        return template.replace("{schema}", self._schema)

    def __repr__(self) -> str:
        return f"<PostgresStore {self._schema}>"


def _unreachable(error: Exception) -> NetworkError:
    """What libpq says may hold the address and the user, never the password."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
    return NetworkError(
        f"the catalog's PostgreSQL does not answer ({reason})", hint="Check SAHARA_LAB_CATALOG and that the server runs"
    )

"""What a gateway must not forget: keys, vouchers, what was charged, and what calls were answered with.

One SQLite file an account, written in WAL mode by the gateway and by the account's own programs. A call is charged,
counted and remembered in one transaction, so that a crash leaves all of it or nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.errors import NotFound, storing

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, model TEXT NOT NULL, hash BLOB NOT NULL, budget INTEGER,
  used INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, expires REAL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS channels (id TEXT PRIMARY KEY, model TEXT NOT NULL, payer TEXT NOT NULL, owed TEXT NOT NULL,
  changed REAL NOT NULL);
CREATE TABLE IF NOT EXISTS vouchers (channel TEXT NOT NULL, amount TEXT NOT NULL, signature TEXT NOT NULL,
  PRIMARY KEY (channel, amount));
CREATE TABLE IF NOT EXISTS calls (fingerprint BLOB PRIMARY KEY, body BLOB NOT NULL, answer BLOB NOT NULL,
  charged TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_age ON calls (at);
CREATE TABLE IF NOT EXISTS usage (model TEXT NOT NULL, day TEXT NOT NULL, caller TEXT NOT NULL, calls INTEGER NOT NULL,
  failed INTEGER NOT NULL, charged TEXT NOT NULL, PRIMARY KEY (model, day, caller));
CREATE TABLE IF NOT EXISTS prepaid (model TEXT PRIMARY KEY, channel TEXT NOT NULL, title TEXT NOT NULL,
  signed TEXT NOT NULL);
"""
_PREFIX = "sahara"
_REMEMBERED = 86_400.0  # seconds that an answer is kept for who asks with the same id again


@dataclass(frozen=True)
class KeyRecord:
    """What is kept of an API key: never the key. ``budget`` and ``used`` count calls; times in Unix seconds."""

    id: str
    name: str
    model: str
    budget: int | None
    used: int
    created: float
    expires: float | None
    revoked: bool


@dataclass(frozen=True)
class Answered:
    """A call that was answered before: the hash of its body, the answer, and what it cost in wei."""

    body: bytes
    answer: bytes
    charged: int


@dataclass(frozen=True)
class UsageRow:
    """Calls of one caller to one model on one day (UTC). ``charged`` in wei."""

    model: str
    day: str
    caller: str
    calls: int
    failed: int
    charged: int


class Ledger:
    """The book of one account. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        # Only where there is none: closing a file of its own would take SQLite's locks from this process (POSIX).
        with storing("the book of calls cannot be opened"), contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        with self._writing():
            for statement in _SCHEMA.split(";"):
                self._database.execute(statement)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    # -- keys ---------------------------------------------------------------------------------------------------------

    def new_key(self, name: str, model: str, budget: int | None, expires: float | None) -> str:
        """Make a key and return it; only its SHA-256 is kept, which 256 random bits need no salt for."""
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).digest()
        with self._writing() as database:
            database.execute(
                "INSERT INTO keys (id, name, model, hash, budget, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (identity, name, model, digest, budget, time.time(), expires),
            )
        return f"{_PREFIX}-{identity}-{secret}"

    def key(self, text: str) -> KeyRecord | None:
        """The record of a key that is valid now, or None. Takes as long for a wrong secret as for the right one."""
        prefix, _, rest = text.partition("-")
        identity, _, secret = rest.partition("-")
        rows = self._rows("SELECT hash FROM keys WHERE id = ?", identity)
        known = rows[0][0] if rows else b"\0" * 32
        same = hmac.compare_digest(hashlib.sha256(secret.encode("utf-8", "replace")).digest(), bytes(known))
        if not (rows and same and prefix == _PREFIX):
            return None
        record = self.keys(identity)[0]
        over = record.expires is not None and record.expires < time.time()
        return None if record.revoked or over else record

    def keys(self, identity: str | None = None) -> list[KeyRecord]:
        """All keys, oldest first."""
        rows = self._rows(
            "SELECT id, name, model, budget, used, created, expires, revoked FROM keys WHERE ?1 IS NULL OR id = ?1"
            " ORDER BY created",
            identity,
        )
        return [KeyRecord(*row) for row in rows]

    def revoke(self, identity: str) -> None:
        """Make a key useless, from the next call on.

        Raises:
            NotFound: there is no such key.
        """
        with self._writing() as database:
            if not database.execute("UPDATE keys SET revoked = 1 WHERE id = ?", (identity,)).rowcount:
                raise NotFound(f"there is no key {identity!r}", hint="List them: sahara-lab serving keys")

    # -- calls --------------------------------------------------------------------------------------------------------

    def answered(self, fingerprint: bytes) -> Answered | None:
        """The call of this fingerprint, if it was answered in the last day."""
        rows = self._rows("SELECT body, answer, charged FROM calls WHERE fingerprint = ?", fingerprint)
        return Answered(bytes(rows[0][0]), bytes(rows[0][1]), int(rows[0][2])) if rows else None

    def settle_call(
        self,
        model: str,
        caller: str,
        *,
        good: bool,
        key: str | None = None,
        channel: str | None = None,
        charged: int = 0,
        remember: tuple[bytes, bytes, bytes] | None = None,
    ) -> None:
        """Count a call, charge it, and remember its answer.

        Args:
            key: id of the key whose budget it counts against.
            channel: the channel that owes ``charged`` wei more.
            remember: fingerprint, hash of the body, and answer.
        """
        with self._writing() as database:
            day = time.strftime("%Y-%m-%d", time.gmtime())
            row = database.execute(
                "SELECT charged FROM usage WHERE model = ? AND day = ? AND caller = ?", (model, day, caller)
            ).fetchone()
            total = str(int(row[0] if row else 0) + charged)
            database.execute(
                "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " calls = calls + excluded.calls, failed = failed + excluded.failed, charged = excluded.charged",
                (model, day, caller, int(good), int(not good), total),
            )
            if not good:
                return
            if key is not None:
                database.execute("UPDATE keys SET used = used + 1 WHERE id = ?", (key,))
            if channel is not None:
                owed = int(database.execute("SELECT owed FROM channels WHERE id = ?", (channel,)).fetchone()[0])
                database.execute(
                    "UPDATE channels SET owed = ?, changed = ? WHERE id = ?",
                    (str(owed + charged), time.time(), channel),
                )
                _drop_lower(database, channel, owed + charged)
            if remember is not None:
                database.execute("DELETE FROM calls WHERE at < ?", (time.time() - _REMEMBERED,))
                database.execute(
                    "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)", (*remember, str(charged), time.time())
                )

    def usage(self) -> list[UsageRow]:
        """Calls by model, day and caller."""
        rows = self._rows("SELECT model, day, caller, calls, failed, charged FROM usage ORDER BY day, model, caller")
        return [
            UsageRow(model, day, caller, calls, failed, int(charged))
            for model, day, caller, calls, failed, charged in rows
        ]

    # -- channels that pay --------------------------------------------------------------------------------------------

    def owed(self, channel: str) -> int:
        """What calls have cost on a channel so far, in wei."""
        rows = self._rows("SELECT owed FROM channels WHERE id = ?", channel)
        return int(rows[0][0]) if rows else 0

    def highest(self, channel: str) -> int:
        """The highest voucher of a channel, in wei."""
        return max(
            (int(row[0]) for row in self._rows("SELECT amount FROM vouchers WHERE channel = ?", channel)),
            default=0,
        )

    def take_voucher(self, channel: str, model: str, payer: str, amount: int, signature: str, redeemed: int) -> None:
        """Keep a voucher whose signature was checked. A channel that was never seen owes what was redeemed of it."""
        with self._writing() as database:
            database.execute(
                "INSERT OR IGNORE INTO channels VALUES (?, ?, ?, ?, ?)",
                (channel, model, payer, str(redeemed), time.time()),
            )
            database.execute("INSERT OR IGNORE INTO vouchers VALUES (?, ?, ?)", (channel, str(amount), signature))

    def earned(self) -> dict[str, tuple[int, str]]:
        """For each channel the highest voucher that is no higher than what was earned: its wei and its signature."""
        with self._lock:
            owed = {row[0]: int(row[1]) for row in self._rows("SELECT id, owed FROM channels")}
            best: dict[str, tuple[int, str]] = {}
            for channel, text, signature in self._rows("SELECT channel, amount, signature FROM vouchers"):
                if best.get(channel, (0, ""))[0] < int(text) <= owed[channel]:
                    best[channel] = (int(text), signature)
            return best

    # -- what this account prepaid elsewhere --------------------------------------------------------------------------

    def prepaid(self, model: str) -> tuple[str, str, int] | None:
        """The channel that pays for calls of a model: its id, the name it was opened under, the wei signed on it."""
        rows = self._rows("SELECT channel, title, signed FROM prepaid WHERE model = ?", model)
        return (str(rows[0][0]), str(rows[0][1]), int(rows[0][2])) if rows else None

    def prepay(self, model: str, channel: str, title: str) -> None:
        """Note the channel that pays for calls of a model from now on; before it is opened, so that none is lost."""
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO prepaid VALUES (?, ?, ?, '0')", (model, channel, title))

    def reserve(self, model: str, price: int) -> int:
        """Raise what is signed for a model by the price of a call; returns the sum. Each caller gets another one."""
        with self._writing() as database:
            signed = int(database.execute("SELECT signed FROM prepaid WHERE model = ?", (model,)).fetchone()[0]) + price
            database.execute("UPDATE prepaid SET signed = ? WHERE model = ?", (str(signed), model))
        return signed

    def give_back(self, model: str, signed: int, price: int) -> None:
        """Undo :meth:`reserve` for a call that was not charged, unless another call has followed it."""
        with self._writing() as database:
            database.execute(
                "UPDATE prepaid SET signed = ? WHERE model = ? AND signed = ?",
                (str(signed - price), model, str(signed)),
            )


def _drop_lower(database: sqlite3.Connection, channel: str, owed: int) -> None:
    """Forget the vouchers below the highest one that was earned: they are worth nothing any more."""
    rows = database.execute("SELECT amount FROM vouchers WHERE channel = ?", (channel,)).fetchall()
    earned = sorted(int(row[0]) for row in rows if int(row[0]) <= owed)
    database.executemany(
        "DELETE FROM vouchers WHERE channel = ? AND amount = ?", [(channel, str(amount)) for amount in earned[:-1]]
    )

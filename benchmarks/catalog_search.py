"""The catalog's answers beside SQLite FTS5's, over the same listings in the same run.

    python benchmarks/catalog_search.py [--listings 20000] [--rounds 40]

Each question is asked as the sidebar asks it: the first 20 records whole, how many fit in all, and how they divide by
kind and license. FTS5 has prefix indexes and ranks by BM25 with the same weight on title, name and tags.
A ratio below 1 means that the catalog is faster.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sahara_lab.market.catalog import Catalog, Offer, Record

TOPICS = """
image text speech video audio sensor satellite medical traffic weather climate finance retail energy robotics legal
vision language recognition detection segmentation classification translation summarization retrieval ranking
forecasting clustering anomaly embedding captioning question answering dialogue sentiment digits handwritten faces
street signs plants birds penguins genome protein molecule patients radiology microscopy elections census taxi flights
housing prices reviews recipes news patents contracts lyrics songs chess games code notebooks tables graphs maps
balanced cleaned annotated synthetic multilingual curated benchmark baseline pretrained finetuned distilled quantized
small large tiny deep residual transformer convolutional recurrent diffusion contrastive federated streaming
""".split()  # noqa: SIM905
ONSETS = "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p ph pl pr qu r s sc sh sl sp st t th tr v w x z".split()  # noqa: SIM905
NUCLEI = "a e i o u ai ea ee io ou an en in on un ar er or al el".split()  # noqa: SIM905
TASKS = [f"{topic}-{what}" for topic in TOPICS[:15] for what in ("classification", "generation", "retrieval")]
FORMATS = ("text/csv", "application/x-parquet", "application/json", "image/png", "audio/wav", "text/plain")
FLAVORS = ("Open Use", "Non-Commercial Research", "Commercial", "Commercial Remix", "Compute-Only")
KINDS = ("dataset", "model", "agent", "notebook", "service")
VOCABULARY = 20_000

Answer = tuple[list[Record], int, dict[str, int], dict[str, int]]


class Words:
    """Words as they occur: a few very often, most hardly ever (Zipf)."""

    def __init__(self, rolls: random.Random) -> None:
        invented = sorted({self._invent(rolls) for _ in range(VOCABULARY)} - set(TOPICS))
        rolls.shuffle(invented)  # or the common ones would all begin alike
        self.all = [*TOPICS, *invented]
        self._heights = list(itertools.accumulate(1 / rank for rank in range(3, len(self.all) + 3)))
        self._rolls = rolls

    def _invent(self, rolls: random.Random) -> str:
        return "".join(rolls.choice(ONSETS) + rolls.choice(NUCLEI) for _ in range(rolls.randint(2, 4)))

    def some(self, count: int) -> list[str]:
        top = self._heights[-1]
        return [self.all[bisect.bisect(self._heights, self._rolls.random() * top)] for _ in range(count)]


def listings(count: int, words: Words, rolls: random.Random) -> Iterator[Record]:
    for number in range(1, count + 1):
        owner = f"user{int(rolls.paretovariate(0.8)) % 5_000}"
        price = 0 if rolls.random() < 0.35 else int(rolls.lognormvariate(3, 1.2) * 100) * 10**16
        yield Record(
            id=number,
            name=f"{owner}/{'-'.join(words.some(2))}-{number}",
            owner=owner,
            creator=owner,
            kind=rolls.choices(KINDS, (50, 35, 5, 5, 5))[0],
            title=" ".join(words.some(rolls.randint(3, 7))).capitalize(),
            summary=" ".join(words.some(40)),
            tags=tuple(words.some(rolls.randint(1, 6))),
            task=rolls.choice(TASKS) if rolls.random() < 0.8 else "",
            formats=tuple(rolls.sample(FORMATS, rolls.randint(1, 2))),
            sold=int(rolls.paretovariate(0.9)) - 1,
            offers=tuple(
                Offer(f"0x{number:x}{n}", price + n, rolls.choice(FLAVORS)) for n in range(rolls.randint(0, 2))
            ),
            size_bytes=rolls.randint(1_000, 10**10),
            files=rolls.randint(1, 50),
            created=1_700_000_000 + rolls.randint(0, 50_000_000),
            updated=number // 100,
        )


class Fts:
    """The same listings in SQLite's own full-text index, asked for the same answer."""

    def __init__(self, file: Path, records: Sequence[Record]) -> None:
        self._db = sqlite3.connect(file)
        self._db.executescript(
            "PRAGMA journal_mode = WAL;"
            "CREATE TABLE doc (id INTEGER PRIMARY KEY, created INTEGER, kind TEXT, json TEXT);"
            "CREATE INDEX doc_created ON doc (created, id);"
            "CREATE INDEX doc_kind ON doc (kind);"
            "CREATE TABLE offer (id INTEGER, flavor TEXT, PRIMARY KEY (id, flavor)) WITHOUT ROWID;"
            "CREATE INDEX offer_flavor ON offer (flavor);"
            "CREATE VIRTUAL TABLE fts USING fts5(head, body, content='', prefix='2 3', tokenize='unicode61');"
        )
        rows = ((r.id, r.created, r.kind, r.to_json()) for r in records)
        self._db.executemany("INSERT INTO doc VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("INSERT INTO offer VALUES (?, ?)", ((r.id, name) for r in records for name in r.licenses))
        words = ((r.id, " ".join((r.name, r.title, *r.tags)), r.summary) for r in records)
        self._db.executemany("INSERT INTO fts (rowid, head, body) VALUES (?, ?, ?)", words)
        self._db.commit()

    def search(self, text: str) -> Answer:
        # As in the catalog, a word is whole anywhere or the beginning of one in the head.
        match = " AND ".join(f'(head : "{word}"* OR body : "{word}")' for word in text.split())
        ids = self._all("SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY bm25(fts, 4.0, 1.0) LIMIT 20", match)
        total = self._all("SELECT count(*) FROM fts WHERE fts MATCH ?", match)
        kinds = "SELECT kind, count(*) FROM fts JOIN doc ON doc.id = fts.rowid WHERE fts MATCH ? GROUP BY kind"
        flavors = (
            "SELECT flavor, count(*) FROM fts JOIN offer ON offer.id = fts.rowid WHERE fts MATCH ? GROUP BY flavor"
        )
        return self._records(ids), total[0][0], dict(self._all(kinds, match)), dict(self._all(flavors, match))

    def browse(self) -> Answer:
        ids = self._all("SELECT id FROM doc ORDER BY created DESC, id DESC LIMIT 20")
        total = self._all("SELECT count(*) FROM doc")
        kinds = self._all("SELECT kind, count(*) FROM doc GROUP BY kind")
        flavors = self._all("SELECT flavor, count(*) FROM offer GROUP BY flavor")
        return self._records(ids), total[0][0], dict(kinds), dict(flavors)

    def _all(self, query: str, *values: object) -> list[Any]:
        return self._db.execute(query, values).fetchall()

    def _records(self, ids: list[Any]) -> list[Record]:
        found = [self._all("SELECT json FROM doc WHERE id = ?", row[0])[0] for row in ids]
        return [Record.from_json(row[0]) for row in found]


def clocked(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def compare(name: str, catalog: Callable[[str], object], fts: Callable[[str], object], questions: list[str]) -> None:
    """Ask both in turn, so that noise on the machine meets both."""
    ours, theirs = [], []
    for question in questions:
        ours.append(clocked(lambda q=question: catalog(q)))  # type: ignore[misc]
        theirs.append(clocked(lambda q=question: fts(q)))  # type: ignore[misc]
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{name:<28}{a:>10.2f} ms{b:>10.2f} ms{a / b:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listings", type=int, default=20_000, help="up to 1,000,000")
    parser.add_argument("--rounds", type=int, default=40, help="questions of each sort")
    arguments = parser.parse_args()
    rolls = random.Random(11)
    words = Words(rolls)
    with tempfile.TemporaryDirectory() as folder:
        records = list(listings(arguments.listings, words, rolls))
        catalog = Catalog(Path(folder) / "catalog")
        built = clocked(lambda: catalog.apply(records, (1, "0x01")))
        peer: list[Fts] = []
        peer_built = clocked(lambda: peer.append(Fts(Path(folder) / "fts.sqlite3", records)))
        fts = peer[0]
        picks = random.Random(5)
        ranks = [int(len(words.all) ** picks.random()) for _ in range(arguments.rounds)]  # as often rare as common
        beginnings = [words.all[rank - 1][:3] for rank in ranks]
        pairs = [" ".join(picks.sample(TOPICS, 2)) for _ in range(arguments.rounds)]
        print(f"{arguments.listings:,} listings, {arguments.rounds} questions of each sort")
        print(f"{'p50':<28}{'catalog':>13}{'FTS5':>13}{'ratio':>10}")
        print(f"{'build':<28}{built / 1_000:>10.2f} s {peer_built / 1_000:>10.2f} s {built / peer_built:>9.2f}")
        catalog.search("warm up")
        both = ("kind", "license")
        compare("3 letters, 20 records", lambda text: catalog.search(text, facets=both), fts.search, beginnings)
        compare("two words, 20 records", lambda text: catalog.search(text, facets=both), fts.search, pairs)
        compare("browse, newest 20", lambda _: catalog.search(facets=both), lambda _: fts.browse(), beginnings)
        sorted_by_price = [clocked(lambda q=q: catalog.search(q, sort="price")) for q in pairs]  # type: ignore[misc]
        print(f"{'two words, by price':<28}{statistics.median(sorted_by_price):>10.2f} ms")


if __name__ == "__main__":
    main()

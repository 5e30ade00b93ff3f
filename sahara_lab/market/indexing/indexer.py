"""Keeps the catalog at the chain's head, and the documents in it as far as they can be had."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sahara_lab.chain import Chain
from sahara_lab.display import bundle, table, text_table
from sahara_lab.errors import NetworkError
from sahara_lab.market.catalog import Catalog, Record, Waiting, sync
from sahara_lab.market.indexing.documents import Documents
from sahara_lab.market.indexing.source import ChainSource, describe

#: Seconds until a document that could not be read is asked for again; doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 86_400.0
#: Documents that are asked for at the same time.
AT_ONCE = 8
_PART = 64
_SHOWN = 20


@dataclass(frozen=True)
class Fault:
    """An asset of which nothing but its on-chain record is shown, and why.

    Attributes:
        final: it is not asked for again, until a new version or :meth:`Indexer.retry`.
    """

    asset: str
    reason: str
    final: bool


@dataclass(frozen=True)
class IndexStatus:
    """How far the catalog is, and what it could not take in.

    Attributes:
        block: read up to here; None before the first time.
        head: the chain's newest block.
        waiting: documents that could not be read yet; ``quarantined``: those that never will be.
        faults: the first of both.
        indexed: the search index holds everything that the store does.
    """

    block: int | None
    head: int
    listings: int
    waiting: int
    quarantined: int
    faults: tuple[Fault, ...]
    indexed: bool

    @property
    def behind(self) -> int:
        """Blocks still to be read."""
        return self.head if self.block is None else max(self.head - self.block, 0)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        read = "nothing read yet" if self.block is None else f"read up to block {self.block:,} of {self.head:,}"
        lines = [
            f"{self.listings:,} listings, {read}",
            "search index complete" if self.indexed else "search index behind: the next search completes it",
            f"documents: {self.waiting:,} to be asked for again, {self.quarantined:,} quarantined",
        ]
        rows = [(fault.asset, "quarantined" if fault.final else "waiting", fault.reason) for fault in self.faults]
        headers = ("Asset", "State", "Why")
        text = "\n".join([*lines, *([text_table(headers, rows)] if rows else [])])
        return bundle(text, table(headers, rows, caption="; ".join(lines)))


class Indexer:
    """Follows one network into one catalog. Any number may run: one at a time writes, the others wait."""

    def __init__(self, catalog: Catalog, chain: Chain, documents: Documents, from_block: int) -> None:
        self._catalog = catalog
        self._chain = chain
        self._documents = documents
        self._source = ChainSource(chain, documents, from_block, catalog.store)
        self._asking = threading.Lock()

    def sync(self, patience: float = 10.0) -> bool:
        """Take in what changed on chain; False when another process was at it for all of ``patience``.

        Documents that lie on other machines are not waited for: they follow, see :meth:`describe`.

        Raises:
            NetworkError: the chain cannot be read.
        """
        done = sync(self._catalog, self._source, patience=patience)
        if self._due() and not self._asking.locked():
            threading.Thread(target=self._describe_quietly, name="sahara-documents", daemon=True).start()
        return done

    def describe(self) -> int:
        """Ask for the documents that are due, until none is; returns how many assets are described now."""
        with self._asking, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sahara-document") as pool:
            return sum(self._describe(due, pool) for due in iter(self._due, []))

    def follow(self, stop: threading.Event, every: float = 1.0, tell: Callable[[str], None] = print) -> None:
        """Keep the catalog at the chain's head until ``stop`` is set; outages are told once and waited out."""
        away = False
        while not stop.is_set():
            try:
                sync(self._catalog, self._source, patience=every)
                self.describe()
                if away:
                    tell("the chain answers again")
                away = False
            except NetworkError as error:
                if not away:
                    tell(f"{error}; trying again")
                away = True
            stop.wait(every)

    def rebuild(self) -> IndexStatus:
        """Drop the catalog's contents and read everything again from the chain.

        Meanwhile searches find what has been read so far.
        """
        with self._catalog.following():
            self._catalog.rollback_to(-1)
            sync(self._catalog, self._source)
        self.describe()
        return self.status()

    def retry(self) -> IndexStatus:
        """Ask at once for every document that is not shown, the quarantined ones too."""
        self._catalog.store.ask_again()
        self.describe()
        return self.status()

    def status(self) -> IndexStatus:
        """How far the catalog is, and what it could not take in."""
        cursor = self._catalog.cursor()
        faults: list[Fault] = []
        waiting = quarantined = 0
        for record in self._faulty():
            waiting, quarantined = waiting + (not record.quarantined), quarantined + record.quarantined
            if len(faults) < _SHOWN:
                faults.append(Fault(record.name, record.fault, record.quarantined))
        return IndexStatus(
            block=cursor.block if cursor else None,
            head=self._chain.block("latest").number,
            listings=self._catalog.store.count(),
            waiting=waiting,
            quarantined=quarantined,
            faults=tuple(faults),
            indexed=self._catalog.is_aligned(),
        )

    def _faulty(self) -> Iterator[Record]:
        after = 0
        while part := self._catalog.store.faulty(after, 1_000):
            yield from part
            after = part[-1].id

    # -- documents ----------------------------------------------------------------------------------------------------

    def _due(self) -> list[Waiting]:
        return self._catalog.store.waiting(time.time(), _PART)

    def _describe(self, due: list[Waiting], pool: ThreadPoolExecutor) -> int:
        """Ask for these documents; nobody is kept from writing while strangers are waited for."""
        store = self._catalog.store
        tries = {waiting.id: waiting.tries + 1 for waiting in due}
        store.postpone([(Waiting(id, n), time.time() + _pause(n)) for id, n in tries.items()])
        asked = store.records(list(tries))
        answers = {record.id: record for record in pool.map(lambda record: describe(record, self._documents), asked)}
        before = {record.id: record for record in asked}
        with self._catalog.writing():
            changed = []
            for present in store.records(list(answers)):
                answer, was = answers[present.id], before[present.id]
                if (present.uri, present.digest) == (was.uri, was.digest) and answer.fault != was.fault:
                    changed.append(_with_document_of(present, answer))
            self._catalog.amend(changed)
        return sum(not record.fault for record in changed)

    def _describe_quietly(self) -> None:
        """For the thread that nobody waits for: what fails now is due again later."""
        if self._asking.locked():
            return
        with suppress(Exception):
            self.describe()


def _with_document_of(record: Record, described: Record) -> Record:
    """``record``, which may have been sold meanwhile, with what ``described`` says of the document."""
    names = ("title", "summary", "tags", "task", "formats", "size_bytes", "files", "fault", "quarantined")
    return replace(record, **{name: getattr(described, name) for name in names})


def _pause(tries: int) -> float:
    """Seconds until the next try; spread, so that a server that comes back is not asked for everything at once."""
    return float(min(FIRST_PAUSE * 2.0 ** min(tries - 1, 20), LONGEST_PAUSE) * random.uniform(0.8, 1.2))  # noqa: S311

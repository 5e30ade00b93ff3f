"""The catalog's source: what the chain's events and the public metadata documents say about each asset."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from sahara_lab.chain import Chain, Event, EventLog
from sahara_lab.errors import NetworkError
from sahara_lab.licensing.terms import License
from sahara_lab.market.catalog import CatalogStore, Changes, Cursor, Offer, Record
from sahara_lab.market.indexing.critics import Replaced
from sahara_lab.market.indexing.documents import Away, Documents, Refused
from sahara_lab.market.indexing.fold import Fold, Unknown

#: Contracts whose events make the catalog; networks that were founded without the last two have no opinions.
CONTRACTS = ("AssetRegistry", "Market", "IdentityRegistry", "Reviews", "Moderation")

_ANSWERS = 50_000
_CALLS_AT_ONCE = 500

K = TypeVar("K")
V = TypeVar("V")


class ChainSource:
    """Reads what changed on chain: only events, and what can never change once it is there (terms, handles).

    Args:
        store: what the catalog holds at the cursor; the events go on from there.
    """

    def __init__(self, chain: Chain, documents: Documents, from_block: int, store: CatalogStore) -> None:
        self._chain = chain
        self._documents = documents
        self._from_block = from_block
        self._store = store
        self._log = EventLog(chain, [name for name in CONTRACTS if name in chain.addresses], from_block)
        self._handles = Answers(self._read_handles)
        self._terms = Answers(self._read_terms)

    def changes(self, cursor: Cursor | None) -> Changes:
        """What changed after ``cursor``; see :class:`sahara_lab.market.catalog.ChangeSource`."""
        batch = self._log.read(cursor)
        reached = batch.position or cursor or (self._from_block - 1, "")
        if batch.rolled_back_to is not None:
            self._handles.forget()
        try:
            records = self._fold(batch.events) if batch.events else []
        except Unknown as error:
            if cursor is None:
                raise NetworkError(
                    f"the chain speaks of asset {error}, whose registration is before block {self._from_block}",
                    hint="Correct the deployed block in the network's description",
                ) from error
            # the catalog lost an asset: nothing in it can be relied on
            return Changes((), reached, rolled_back_to=self._from_block - 1)
        return Changes(records, reached, batch.rolled_back_to, batch.more)

    def _fold(self, events: Sequence[Event]) -> list[Record]:
        for event in events:
            if event.name == "HandleClaimed":
                self._handles.put(event.args["account"], event.args["handle"])
        self._handles.prepare(account for event in events for account in _accounts(event))
        self._terms.prepare(bytes(e.args["termsId"]) for e in events if e.name == "OfferChanged" and e.args["active"])
        times = self._times({event.block_number for event in events if event.name == "AssetRegistered"})
        known = self._known(events)
        replaced = Replaced(self._chain, self._from_block, events, known)
        fold = Fold(known, self._handle, self._terms.get, times.__getitem__, replaced.stars)
        for event in events:
            fold.take(event)
        self._handles.trim()
        self._terms.trim()
        return [self.described(fold.records[asset]) for asset in fold.changed]

    def described(self, record: Record) -> Record:
        """The record with what its document says, where that can be found out without waiting for anyone."""
        if record.fault and self._documents.is_near(record.uri):
            return describe(record, self._documents)
        return record

    def _known(self, events: Sequence[Event]) -> dict[int, Record]:
        """The records that the events speak of, as far as the catalog has them."""
        fresh = {event.args["asset"] for event in events if event.name == "AssetRegistered"}
        wanted: dict[int, None] = {}
        for event in events:
            wanted |= dict.fromkeys(event.args[key] for key in ("asset", "id", "parent") if key in event.args)
        known = {record.id: record for record in self._store.records([a for a in wanted if a not in fresh])}
        for event in events:
            if event.name == "HandleClaimed":
                known |= {record.id: record for record in self._store.named(f"{event.args['account']}/")}
        return known

    # -- what never changes -------------------------------------------------------------------------------------------

    def _handle(self, address: str) -> str:
        return self._handles.get(address) or address

    def _read_handles(self, accounts: Sequence[str]) -> list[str]:
        registry = self._chain.contract("IdentityRegistry")
        found: list[str] = self._chain.batch_call([(registry, "handleOf", (account,)) for account in accounts])
        return found

    def _read_terms(self, ids: Sequence[bytes]) -> list[Offer]:
        registry = self._chain.contract("LicenseTerms")
        structs = self._chain.batch_call([(registry, "get", (terms_id,)) for terms_id in ids])
        return [_offer(terms_id, struct) for terms_id, struct in zip(ids, structs, strict=True)]

    def _times(self, blocks: set[int]) -> dict[int, int]:
        found = self._chain.blocks(sorted(blocks))
        if None in found:
            raise NetworkError("the chain node lost blocks while they were read", hint="Try again in a moment")
        return {block.number: block.timestamp for block in found if block is not None}


class Answers(Generic[K, V]):
    """Answers of the chain that hold for good, asked for many at once and kept while there is room."""

    def __init__(self, ask: Callable[[Sequence[K]], list[V]]) -> None:
        self._ask = ask
        self._kept: OrderedDict[K, V] = OrderedDict()

    def prepare(self, keys: Iterable[K]) -> None:
        """Ask for those that are not known."""
        wanted = list(dict.fromkeys(key for key in keys if key not in self._kept))
        for start in range(0, len(wanted), _CALLS_AT_ONCE):
            part = wanted[start : start + _CALLS_AT_ONCE]
            self._kept |= zip(part, self._ask(part), strict=True)

    def put(self, key: K, value: V) -> None:
        """Take an answer that came by another way."""
        self._kept[key] = value

    def get(self, key: K) -> V:
        if key not in self._kept:
            self.prepare([key])
        self._kept.move_to_end(key)
        return self._kept[key]

    def trim(self) -> None:
        """Drop what was not needed for longest."""
        while len(self._kept) > _ANSWERS:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()


def describe(record: Record, documents: Documents) -> Record:
    """The record with what its document says, or why that is not shown."""
    try:
        summary = documents.summary(record.uri, record.digest)
    except Away as error:
        return replace(record, fault=error.message)
    except Refused as error:
        return replace(record, fault=error.message, quarantined=True)
    return replace(
        record,
        title=summary.title or record.name.rpartition("/")[2],
        summary=summary.summary,
        tags=tuple(summary.tags),
        task=summary.task,
        formats=summary.formats,
        size_bytes=summary.size,
        files=summary.files,
        fault="",
        quarantined=False,
    )


def _accounts(event: Event) -> tuple[str, ...]:
    if event.name == "AssetRegistered":
        return (event.args["creator"],)
    return (event.args["to"],) if event.name == "Transfer" else ()


def _offer(terms_id: bytes, struct: dict[str, Any]) -> Offer:
    terms = License.from_struct(struct, terms_id)
    return Offer(
        terms_id=terms_id.hex(),
        price=terms.price,
        flavor=terms.flavor,
        uses=terms.uses,
        duration=terms.duration,
        seats=terms.seats,
        royalty_bps=terms.royalty_bps,
    )

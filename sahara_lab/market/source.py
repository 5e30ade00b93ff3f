"""The catalog's source: what the chain's events and the public metadata documents say about each asset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sahara_lab.chain import Chain, EventLog
from sahara_lab.identity import Directory
from sahara_lab.licensing.documents import read_document
from sahara_lab.licensing.records import Terms
from sahara_lab.market.catalog import Changes, Cursor, Offer, Record
from sahara_lab.market.metadata import Summary, read_summary
from sahara_lab.market.names import KINDS
from sahara_lab.profile import Profile

#: Events that say that a license was issued.
SALES = ("LicenseSold", "LicenseGranted")

#: Events after which an asset's record must be read again.
TOUCHING = ("AssetRegistered", "VersionPublished", "VersionRekeyed", "OfferChanged", "Transfer", *SALES)


class Descriptions:
    """Public metadata documents, believed only when they hash to what the chain records."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: dict[bytes, Summary] = {}

    def of(self, version: dict[str, Any]) -> Summary:
        """The summary of a version's document; empty when the document is missing or not the recorded one."""
        digest = bytes(version["metadataHash"])
        if digest not in self._known:
            document = self.document(version)
            if not document:
                return Summary()
            self._known[digest] = read_summary(document)
        return self._known[digest]

    def document(self, version: dict[str, Any]) -> bytes:
        """The recorded document itself; nothing when it is missing or another one."""
        return read_document(self._profile, version)


class ChainSource:
    """Reads changed assets from the chain, a batch of calls for all of them.

    Args:
        known: what the catalog holds of an asset at the cursor; the licenses counted so far are in it.
    """

    def __init__(
        self,
        profile: Profile,
        chain: Chain,
        directory: Directory,
        terms: Terms,
        from_block: int,
        known: Callable[[int], Record | None],
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._terms = terms
        self._from_block = from_block
        self._known = known
        self._log = EventLog(chain, ["AssetRegistry", "Market"], from_block)
        self.descriptions = Descriptions(profile)

    def changes(self, cursor: Cursor | None) -> Changes:
        """What changed after ``cursor``; see :class:`sahara_lab.market.catalog.ChangeSource`."""
        batch = self._log.read(cursor)
        touched: dict[int, int] = {}
        sold: Counter[int] = Counter()
        for event in batch.events:
            if event.name in TOUCHING:
                asset = int(event.args["asset"] if "asset" in event.args else event.args["id"])
                touched[asset] = max(event.block_number, touched.get(asset, 0))
                sold[asset] += event.name in SALES
        reached = batch.position or cursor or (self._from_block - 1, "")
        return Changes(self._records(touched, sold), reached, batch.rolled_back_to, batch.more)

    def _records(self, touched: dict[int, int], sold: Counter[int]) -> list[Record]:
        registry, market = self._chain.contract("AssetRegistry"), self._chain.contract("Market")
        asked = ("ownerOf", "creatorOf", "nameOf", "kindOf", "versionCount", "parentsOf")
        calls = [(registry, function, (asset,)) for asset in touched for function in asked]
        calls += [(market, "offersOf", (asset,)) for asset in touched]
        answers = self._chain.batch_call(calls)
        rows = [answers[i * len(asked) : (i + 1) * len(asked)] for i in range(len(touched))]
        offers = answers[len(asked) * len(touched) :]
        versions = self._chain.batch_call(
            [
                (registry, "versionOf", (asset, number))
                for asset, row in zip(touched, rows, strict=True)
                for number in (1, row[4])
            ]
        )
        return [
            self._record(asset, block, sold[asset], row, terms, versions[2 * i], versions[2 * i + 1])
            for i, ((asset, block), row, terms) in enumerate(zip(touched.items(), rows, offers, strict=True))
        ]

    def _record(
        self,
        asset: int,
        block: int,
        sold: int,
        row: list[Any],
        offered: list[bytes],
        first: dict[str, Any],
        last: dict[str, Any],
    ) -> Record:
        owner, creator, name, kind, count, edges = row
        known = self._known(asset)
        summary = self.descriptions.of(last)
        return Record(
            id=asset,
            name=f"{self._directory.handle(creator)}/{name}",
            owner=self._directory.handle(owner),
            creator=self._directory.handle(creator),
            kind=KINDS[kind],
            title=summary.title or name,
            summary=summary.summary,
            tags=tuple(summary.tags),
            task=summary.task,
            formats=summary.formats,
            version=count,
            versions=count,
            offers=tuple(self._offer(bytes(terms_id)) for terms_id in offered),
            parents=tuple(self._name(edge["parent"]) for edge in edges),
            size_bytes=summary.size,
            files=summary.files,
            sold=sold + (known.sold if known else 0),
            created=first["publishedAt"],
            updated=block,
        )

    def _offer(self, terms_id: bytes) -> Offer:
        terms = self._terms.get(terms_id)
        return Offer(
            terms_id=terms_id.hex(),
            price=terms.price,
            flavor=terms.flavor,
            uses=terms.uses,
            duration=terms.duration,
            seats=terms.seats,
            royalty_bps=terms.royalty_bps,
        )

    def _name(self, asset: int) -> str:
        registry = self._chain.contract("AssetRegistry")
        creator, name = self._chain.batch_call([(registry, "creatorOf", (asset,)), (registry, "nameOf", (asset,))])
        return f"{self._directory.handle(creator)}/{name}"

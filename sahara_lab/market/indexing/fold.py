"""What the chain's events make of an asset's record, one event after the other and nothing else.

The contracts' state is never asked for: it is that of the newest block, and a block that is taken back later would
leave its mark on records that none of its events touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sahara_lab.chain import Event
from sahara_lab.identity.directory import ZERO_ADDRESS
from sahara_lab.market.catalog import Offer, Record
from sahara_lab.market.names import KINDS
from sahara_lab.market.reviews import STANDINGS

#: Events that say that a license was issued.
SALES = ("LicenseSold", "LicenseGranted")
#: Events that say that a review was written, or taken back.
REVIEWS = ("Reviewed", "ReviewWithdrawn")
#: Said of a record whose document was not read yet.
UNREAD = "the document was not read yet"

_NO_DIGEST = "0" * 64


class Unknown(LookupError):
    """An event of an asset whose registration is not in the catalog."""


class Fold:
    """The records that a batch of events leaves.

    Args:
        records: by id, what the catalog holds of every asset that the events name; changed in place.
        handle: the handle of an address, or the address.
        offer: an offer by the id of its terms.
        time: of a block, in seconds since the epoch.
        before: the stars of the review that an event of reviews replaces or takes back; 0 where there was none.
    """

    def __init__(
        self,
        records: dict[int, Record],
        handle: Callable[[str], str],
        offer: Callable[[bytes], Offer],
        time: Callable[[int], int],
        before: Callable[[Event], int] = lambda event: 0,
    ) -> None:
        self.records = records
        self._handle = handle
        self._offer = offer
        self._time = time
        self._before = before
        #: ids of the records that changed, in the order in which they first did
        self.changed: dict[int, None] = {}
        self._nameless: dict[str, set[int]] = {}
        for record in records.values():
            self._note_nameless(record)

    def take(self, event: Event) -> None:
        """Change the records as the event says.

        Raises:
            Unknown: the catalog lacks the asset.
        """
        if event.name == "AssetRegistered":
            self._register(event)
        elif event.name == "HandleClaimed":
            self._rename(event.args["account"], event.args["handle"], event.block_number)
        elif event.name in REVIEWS:
            self._review(event)
        elif (change := _CHANGES.get(event.name)) is not None:
            asset = int(event.args["asset"] if "asset" in event.args else event.args["id"])
            if event.name == "Transfer" and event.args["from"] == ZERO_ADDRESS:
                return  # the registration follows and says more
            if asset not in self.records:
                raise Unknown(asset)
            self._put(change(self, self.records[asset], event.args), event.block_number)

    def _put(self, record: Record, block: int) -> None:
        self.records[record.id] = replace(record, updated=block)
        self.changed[record.id] = None
        self._note_nameless(record)

    def _note_nameless(self, record: Record) -> None:
        for account in {record.owner, record.creator}:
            if len(account) == len(ZERO_ADDRESS):  # an address: handles are shorter
                self._nameless.setdefault(account, set()).add(record.id)

    def _register(self, event: Event) -> None:
        args = event.args
        creator = self._handle(args["creator"])
        self._put(
            Record(
                id=args["asset"],
                name=f"{creator}/{args['name']}",
                owner=creator,
                creator=creator,
                kind=KINDS[args["kind"]],
                title=args["name"],
                version=0,
                versions=0,
                created=self._time(event.block_number),
            ),
            event.block_number,
        )

    def _rename(self, account: str, handle: str, block: int) -> None:
        """Whoever published before they had a handle is known by it from here on."""
        for asset in sorted(self._nameless.pop(account, ())):
            record = self.records[asset]
            plain = record.name.rpartition("/")[2]
            creator = handle if record.creator == account else record.creator
            owner = handle if record.owner == account else record.owner
            self._put(replace(record, owner=owner, creator=creator, name=f"{creator}/{plain}"), block)

    def _review(self, event: Event) -> None:
        """One account has one review of an asset, which the next one replaces."""
        asset = event.args["asset"]
        if asset not in self.records:
            raise Unknown(asset)
        record, old, new = self.records[asset], self._before(event), event.args.get("stars", 0)
        many = record.reviews + (new > 0) - (old > 0)
        self._put(replace(record, reviews=many, stars=record.stars + new - old), event.block_number)

    # -- changes of one asset -----------------------------------------------------------------------------------------

    def _link(self, record: Record, args: dict[str, Any]) -> Record:
        parent = self.records.get(args["parent"])
        if parent is None:
            raise Unknown(args["parent"])
        return replace(record, parents=(*record.parents, parent.name))

    def _publish(self, record: Record, args: dict[str, Any]) -> Record:
        digest = bytes(args["metadataHash"]).hex()
        return replace(
            record,
            version=args["version"],
            versions=args["version"],
            uri=args["uri"],
            digest=digest,
            fault="" if digest == _NO_DIGEST else UNREAD,
            quarantined=False,
            **_UNDESCRIBED,
            title=record.name.rpartition("/")[2],
        )

    def _rekey(self, record: Record, args: dict[str, Any]) -> Record:
        if args["version"] != record.version:
            return record
        return replace(record, uri=args["uri"], fault=record.fault and UNREAD, quarantined=False)

    def _offered(self, record: Record, args: dict[str, Any]) -> Record:
        terms = bytes(args["termsId"])
        others = tuple(offer for offer in record.offers if offer.terms_id != terms.hex())
        return replace(record, offers=(*others, self._offer(terms)) if args["active"] else others)

    def _transfer(self, record: Record, args: dict[str, Any]) -> Record:
        """Offers belong to the owner who made them: they rest with a former one until the asset comes back."""
        before, after = args["from"], args["to"]
        if before == after:
            return record
        shelf = {**dict(record.shelf), before: record.offers}
        offers = shelf.pop(after, ())
        kept = tuple((owner, resting) for owner, resting in shelf.items() if resting)
        return replace(record, owner=self._handle(after), offers=offers, shelf=kept)

    def _decide(self, record: Record, args: dict[str, Any]) -> Record:
        return replace(record, standing=STANDINGS[args["standing"]])

    def _sell(self, record: Record, args: dict[str, Any]) -> Record:
        return replace(record, sold=record.sold + 1)


_UNDESCRIBED: dict[str, Any] = {"summary": "", "tags": (), "task": "", "formats": (), "size_bytes": 0, "files": 0}

_CHANGES: dict[str, Callable[[Fold, Record, dict[str, Any]], Record]] = {
    "ParentLinked": Fold._link,
    "VersionPublished": Fold._publish,
    "VersionRekeyed": Fold._rekey,
    "OfferChanged": Fold._offered,
    "Transfer": Fold._transfer,
    "StandingChanged": Fold._decide,
    **dict.fromkeys(SALES, Fold._sell),
}

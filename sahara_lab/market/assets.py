"""Assets as the chain and their public documents tell them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain
from sahara_lab.errors import IntegrityError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.licensing.limits import RELATIONS
from sahara_lab.licensing.records import AssetNames
from sahara_lab.market.names import KINDS, AssetName
from sahara_lab.market.reviews import Standing
from sahara_lab.market.sales import Sales
from sahara_lab.market.values import Asset, Parent, Share, Version

if TYPE_CHECKING:
    from sahara_lab.market.listings import Listings


class Assets:
    """Reads whole assets by name."""

    def __init__(
        self,
        chain: Chain,
        directory: Directory,
        sales: Sales,
        names: AssetNames,
        listings: Listings,
        standing: Standing,
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._sales = sales
        self._names = names
        self._listings = listings
        self._standing = standing
        self._registry = chain.contract("AssetRegistry")
        self._ledger = chain.contract("RoyaltyLedger")

    def get(self, name: str) -> Asset:
        """An asset by ``owner/name[@version]``.

        Raises:
            NotFound: no such owner, asset or version.
        """
        wanted = AssetName.parse(name)
        creator = self._directory.address(wanted.owner)
        identity = self._registry.call("assetOf", creator, wanted.name)
        if not identity:
            raise NotFound(f"there is no asset {wanted.plain!r}", hint=f"Look for it: %sahara search {wanted.name}")
        count, owner, kind, edges, table = self._chain.batch_call(
            [
                (self._registry, "versionCount", (identity,)),
                (self._registry, "ownerOf", (identity,)),
                (self._registry, "kindOf", (identity,)),
                (self._registry, "parentsOf", (identity,)),
                (self._ledger, "tableOf", (identity,)),
            ]
        )
        version = wanted.version or count
        if version > count:
            raise NotFound(f"{wanted.plain} has no version {version}", hint=f"The newest is {wanted.plain}@{count}")
        recorded = self._chain.batch_call(
            [(self._registry, "versionOf", (identity, number)) for number in range(1, count + 1)]
        )
        versions = tuple(
            Version(
                number=number,
                root="0x" + bytes(entry["root"]).hex(),
                epoch=entry["epoch"],
                published_at=entry["publishedAt"],
                uri=entry["uri"],
            )
            for number, entry in enumerate(recorded, 1)
        )
        parents = tuple(
            Parent(self._names.of(edge["parent"]), RELATIONS[edge["relation"]], edge["license"]) for edge in edges
        )
        payees, shares = table.values() if isinstance(table, dict) else table
        royalties = tuple(Share(self._names.of(payee), share) for payee, share in zip(payees, shares, strict=True))
        summary = self._listings.summary(recorded[version - 1])
        return Asset(
            id=identity,
            name=wanted.plain,
            owner=self._directory.handle(owner),
            creator=self._directory.handle(creator),
            kind=KINDS[kind],
            title=summary.title or wanted.name,
            summary=summary.summary,
            tags=tuple(summary.tags),
            versions=versions,
            parents=parents,
            offers=self._sales.offers(identity),
            royalties=royalties,
            size=summary.size,
            reputation=self._standing.of([identity], [owner])[0],
            version=version,
        )

    def require_recorded(self, asset: Asset) -> None:
        """Refuse what is described by other words than those whose hash its publisher signed into the chain.

        Raises:
            IntegrityError: the public document of that version is another one.
        """
        version = self._registry.call("versionOf", asset.id, asset.version)
        if any(bytes(version["metadataHash"])) and (reason := self._listings.altered(version)):
            raise IntegrityError(
                f"what describes {asset.name} is not what its publisher recorded: {reason}",
                hint="Nothing was paid; tell its owner, or report it",
            )

    def document(self, asset: Asset) -> dict[str, Any]:
        """The public document about an asset's version; empty when it is away or not the one that the chain records."""
        version = self._registry.call("versionOf", asset.id, asset.version)
        try:
            document = json.loads(self._listings.document(version) or b"{}")
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

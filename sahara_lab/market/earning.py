"""What came in: the market's verbs for earnings, statements and claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahara_lab.chain import Chain, Network, Wallet
from sahara_lab.errors import InputError
from sahara_lab.market.revenue import Revenue
from sahara_lab.market.statement import Statement, moment
from sahara_lab.market.values import Earnings, SalesList
from sahara_lab.units import Wei

if TYPE_CHECKING:
    from sahara_lab.market.values import Asset


class Earning:
    """Mixed into :class:`sahara_lab.market.Market`."""

    _chain: Chain
    _network: Network
    _wallet: Wallet
    _revenue: Revenue

    def _own(self, name: str, what: str) -> Asset:
        raise NotImplementedError

    def get(self, name: str) -> Asset:
        """An asset by ``owner/name[@version]``."""
        raise NotImplementedError

    def earnings(self) -> Earnings:
        """What the account can claim, per own asset, royalties of derivatives included."""
        own, descendants = self._family()
        return self._revenue.earnings(own, descendants)

    def statement(
        self, asset: str | None = None, *, since: str | int | None = None, until: str | int | None = None
    ) -> Statement:
        """Every payment that reached own assets, royalties of descendants included, and what ancestors got of it.

        Args:
            asset: only this own asset.
            since, until: dates like "2026-11-01" (UTC) or seconds since the epoch; ``until`` is not included.

        Raises:
            InputError: a date that is none, or an asset of somebody else.
        """
        wanted = None if asset is None else self._own(asset, "see what it earned").id
        end = 2**63 if until is None else moment(until)
        return self._revenue.statement(wanted, moment(since), end)

    def claim(self) -> Wei:
        """Pay out everything claimable; returns wei."""
        own, descendants = self._family()
        return self._revenue.claim(sorted({*own, *descendants}))

    def waive(self, child: str, own: str) -> Asset:
        """Give up, for good, what an asset owes to an own one: the way out of a parent that was named wrongly.

        What came in before is divided as it was owed. What ``child`` owes to others stays, and so does what was
        derived from it before.

        Args:
            child: ``owner/name`` of the asset that owes.
            own: ``owner/name`` of the own asset that it owes to.

        Returns:
            ``child``, with the royalties that are left.

        Raises:
            InputError: ``own`` belongs to someone else, or is owed nothing.
        """
        payee, debtor = self._own(own, "give up what it is owed"), self.get(child)
        if payee.name not in [share.name for share in debtor.royalties]:
            raise InputError(
                f"{debtor.name} owes nothing to {payee.name}", hint=f"What it owes: %sahara lineage {debtor.name}"
            )
        self._revenue.waive(debtor.id, payee.id)
        return self.get(child)

    def sales(self) -> SalesList:
        """Licenses sold for own assets, newest first."""
        own, _ = self._family()
        return self._revenue.sales(set(own))

    def _family(self) -> tuple[list[int], list[int]]:
        """Own assets, and the assets that owe them royalties."""
        registry = self._chain.contract("AssetRegistry")
        total = registry.call("assetCount")
        every = list(range(1, total + 1))
        owners = self._chain.batch_call([(registry, "ownerOf", (asset,)) for asset in every])
        own = [asset for asset, owner in zip(every, owners, strict=True) if owner == self._wallet.address]
        mine = set(own)
        block = self._network.deployed_block
        frozen = [event for ledger in self._revenue.ledgers for event in ledger.logs("TableFrozen", block, "latest")]
        return own, [event.args["asset"] for event in frozen if mine & set(event.args["payees"])]

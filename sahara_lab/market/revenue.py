"""What an account's assets earned: what is claimable, what was sold, and paying it out."""

from __future__ import annotations

from functools import cached_property

from sahara_lab.chain import Chain, Contract, Sender
from sahara_lab.chain.modules import former
from sahara_lab.identity import Directory
from sahara_lab.licensing.records import AssetNames
from sahara_lab.licensing.royalties import SCALE
from sahara_lab.market.collections import Shares
from sahara_lab.market.refunds import Refunds
from sahara_lab.market.values import Earnings, EarningsLine, Sale, SalesList
from sahara_lab.units import Wei


class Revenue:
    """Earnings and claims of one account.

    Args:
        account: its address.
        refunds: where the price of sales waits while they can be undone.
    """

    def __init__(
        self,
        chain: Chain,
        directory: Directory,
        account: str,
        sender: Sender,
        from_block: int,
        names: AssetNames,
        refunds: Refunds,
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._account = account
        self._sender = sender
        self._from_block = from_block
        self._names = names
        self._refunds = refunds
        self._market = chain.contract("Market")
        self._ledger = chain.contract("RoyaltyLedger")
        self._token = chain.contract("SaharaToken")
        self.shares = Shares(chain, sender, from_block)

    @cached_property
    def ledgers(self) -> list[Contract]:
        """The ledger and those that came before it, where revenue of before still waits."""
        return [self._ledger, *former(self._chain, "RoyaltyLedger", self._from_block)]

    def earnings(self, own: list[int], descendants: list[int]) -> Earnings:
        """Claimable revenue, per own asset, counting what descendants owe but have not settled yet, sales whose
        refund window has closed but whose price nobody sent on yet, and what collections have for their members.
        """
        currency = self._token.address
        address = self._account
        every = sorted({*own, *descendants})
        total = sum(ledger.call("claimable", address, currency, every) for ledger in self.ledgers)
        sales = self._refunds.held(set(every))
        due: dict[int, int] = {}
        for sale in sales:
            if sale.due:
                due[sale.asset] = due.get(sale.asset, 0) + sale.revenue
        for place in self.shares.due(set(every)):
            due[place.member] = due.get(place.member, 0) + place.amount
        lines = []
        received = self._received()
        for asset in own:
            amount = self._owed(asset, every, due)
            total += amount - self._owed(asset, every, {}) if due else 0
            lines.append(EarningsLine(self._names.of(asset), Wei(amount), Wei(received.get(asset, 0))))
        held = sum(sale.revenue for sale in sales if not sale.due and sale.asset in own)
        return Earnings(self._directory.handle(self._account), Wei(total), tuple(lines), Wei(held))

    def _owed(self, asset: int, sources: list[int], due: dict[int, int]) -> int:
        """What an asset would hold once every source had got what is due to it and had settled, in wei."""
        currency = self._token.address
        if self._ledger.call("isShared", asset):  # what a collection keeps is its members'
            return 0
        amount = int(self._ledger.call("balanceOf", asset, currency))
        for source in sources:
            waiting = self._ledger.call("unsettled", source, currency) + due.get(source, 0)
            if waiting:
                split = self._ledger.call("split", source, waiting)
                payees, amounts = split.values() if isinstance(split, dict) else split
                amount += sum(part for payee, part in zip(payees, amounts, strict=True) if payee == asset)
        return amount

    def _received(self) -> dict[int, int]:
        """What each asset was ever paid, in wei: its sales, its part of each settlement of a descendant, and what
        collections passed on to it.
        """
        totals: dict[int, int] = {}
        for event in self._ledger.logs("PassedOn", self._from_block, "latest"):
            totals[event.args["member"]] = totals.get(event.args["member"], 0) + event.args["amount"]
        for event in self._ledger.logs("Paid", self._from_block, "latest"):
            totals[event.args["asset"]] = totals.get(event.args["asset"], 0) + event.args["amount"]
        frozen = self._ledger.logs("TableFrozen", self._from_block, "latest")
        tables = {event.args["asset"]: (event.args["payees"], event.args["shares"]) for event in frozen}
        for event in self._ledger.logs("Settled", self._from_block, "latest"):
            for payee, share in zip(*tables.get(event.args["asset"], ((), ())), strict=True):
                totals[payee] = totals.get(payee, 0) + event.args["amount"] * share // SCALE
        return totals

    def claim(self, assets: list[int]) -> Wei:
        """Release, collect and settle ``assets`` and pay out what the account may claim; wei, zero for nothing."""
        self._refunds.release(self._refunds.held(set(assets)))
        self.shares.pass_on(self.shares.due(set(assets)))
        currency, paid = self._token.address, 0
        for ledger in self.ledgers:
            amount = ledger.call("claimable", self._account, currency, assets)
            if amount:
                receipt = self._sender.send(ledger, "claim", self._account, currency, assets)
                said = [event.args["amount"] for event in receipt.events if event.name == "Claimed"]
                paid += sum(said) if said else amount  # a former ledger's events are not among ours
        return Wei(paid)

    def sales(self, own: set[int]) -> SalesList:
        """Licenses sold and renewed for own assets, newest first."""
        sold = [
            event
            for kind in ("LicenseSold", "RenewalSold")
            for event in self._market.logs(kind, self._from_block, "latest")
            if event.args["asset"] in own
        ]
        sold.sort(key=lambda event: (event.block_number, event.log_index))
        return SalesList(
            Sale(
                license=event.args["license"],
                asset=self._names.of(event.args["asset"]),
                buyer=self._directory.handle(event.args["buyer"]),
                price=Wei(event.args["price"]),
                fee=Wei(event.args["fee"]),
                block=event.block_number,
            )
            for event in reversed(sold)
        )

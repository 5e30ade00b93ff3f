"""What an account's assets earned: what is claimable, what was sold, and paying it out."""

from __future__ import annotations

from functools import cached_property

from sahara_lab.chain import Chain, Contract, Event, Sender
from sahara_lab.chain.modules import former
from sahara_lab.identity import Directory
from sahara_lab.licensing.records import AssetNames
from sahara_lab.market.collections import Shares
from sahara_lab.market.refunds import Refunds
from sahara_lab.market.statement import NOT_YET, Kind, Line, Part, Place, Statement, divide
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
        received = self._received()
        with_due = self._owed(own, every, due)
        if due:
            total += sum(with_due.values()) - sum(self._owed(own, every, {}).values())
        lines = [
            EarningsLine(name, Wei(with_due[asset]), Wei(received.get(asset, 0)))
            for asset, name in zip(own, self._names.all(own), strict=True)
        ]
        held = sum(sale.revenue for sale in sales if not sale.due and sale.asset in own)
        return Earnings(self._directory.handle(self._account), Wei(total), tuple(lines), Wei(held))

    def _owed(self, own: list[int], sources: list[int], due: dict[int, int]) -> dict[int, int]:
        """What each own asset would hold once every source had got what is due to it and had settled, in wei.

        A few requests, however many assets there are.
        """
        ask, currency = self._chain.batch_call, self._token.address
        shared = ask([(self._ledger, "isShared", (asset,)) for asset in own])
        held = ask([(self._ledger, "balanceOf", (asset, currency)) for asset in own])
        # What a collection keeps is its members'.
        owed = {asset: 0 if kept else int(amount) for asset, kept, amount in zip(own, shared, held, strict=True)}
        whole = {asset for asset, kept in zip(own, shared, strict=True) if not kept}
        unsettled = ask([(self._ledger, "unsettled", (source, currency)) for source in sources])
        waiting = {
            source: amount + due.get(source, 0)
            for source, amount in zip(sources, unsettled, strict=True)
            if amount + due.get(source, 0)
        }
        for split in ask([(self._ledger, "split", (source, amount)) for source, amount in waiting.items()]):
            payees, amounts = split.values() if isinstance(split, dict) else split
            for payee, part in zip(payees, amounts, strict=True):
                if payee in whole:
                    owed[payee] += part
        return owed

    def _received(self) -> dict[int, int]:
        """What each asset was ever paid, in wei: its sales, its part of each settlement of a descendant, and what
        collections passed on to it.
        """
        totals: dict[int, int] = {}
        for part in divide(self._payments(self._ledger)):
            if part.payee == part.source:
                totals[part.payee] = totals.get(part.payee, 0) + part.event.args["amount"]
            elif part.settled is not NOT_YET:
                totals[part.payee] = totals.get(part.payee, 0) + part.amount
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

    def waive(self, child: int, payee: int) -> None:
        """Give up, for good, what one asset owes to an own one."""
        self._sender.send(self._ledger, "waive", child, payee)

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

    # -- statements ---------------------------------------------------------------------------------------------------

    def statement(self, asset: int | None, since: int, until: int) -> Statement:
        """Payments between two moments (seconds since the epoch), for one own asset or all of them."""
        owners = Owners(self._chain, self._from_block)
        sold = self._sold()
        found = [
            part
            for ledger in self.ledgers
            for part in divide(self._payments(ledger))
            if part.amount and asset in (None, part.payee, part.source)
        ]
        times = self._times({part.event.block_number for part in found})
        parts = [part for part in found if since <= times[part.event.block_number] < until]
        assets = sorted({part.payee for part in parts} | {part.source for part in parts})
        names = dict(zip(assets, self._names.all(assets), strict=True))
        earned, passed_on = [], []
        for part in sorted(parts, key=lambda part: (part.event.block_number, part.event.log_index)):
            owner = owners.at(part.payee, part.settled)
            if owner == self._account and asset in (None, part.payee):
                earned.append(self._line(part, owner, names, times, sold))
            elif owner != self._account and owners.at(part.source, part.settled) == self._account:
                passed_on.append(self._line(part, owner, names, times, sold))
        claimed = self._claimed(since, until) if asset is None else 0
        return Statement(self._directory.handle(self._account), tuple(earned), tuple(passed_on), Wei(claimed))

    def _line(
        self, part: Part, owner: str, names: dict[int, str], times: dict[int, int], sold: dict[tuple[str, int], Event]
    ) -> Line:
        event = part.event
        sale = sold.get((event.tx_hash, part.source))
        payer = sale.args["buyer"] if sale else event.args.get("payer", "")
        kind: Kind = "renewal" if sale and sale.name == "RenewalSold" else "sale" if sale else "payment"
        return Line(
            time=times[event.block_number],
            block=event.block_number,
            tx=event.tx_hash,
            kind="collection" if event.name == "PassedOn" else kind,
            asset=names[part.payee],
            owner=self._directory.handle(owner) if owner else "its members",
            source=names[part.source],
            payer=self._directory.handle(payer) if payer else self._names.of(event.args["collection"]),
            license=sale.args["license"] if sale else 0,
            paid=Wei(event.args["amount"]),
            amount=Wei(part.amount),
        )

    def _payments(self, ledger: Contract) -> list[Event]:
        """What came in and was divided in one ledger, in our currency, and by which tables; oldest first."""
        found = [
            event
            for name in ("TableFrozen", "Paid", "PassedOn", "Settled")
            for event in ledger.logs(name, self._from_block, "latest")
            if event.args.get("currency", self._token.address) == self._token.address
        ]
        return sorted(found, key=lambda event: (event.block_number, event.log_index))

    def _sold(self) -> dict[tuple[str, int], Event]:
        """The sale behind a payment, by its transaction and asset; a refundable sale is paid when it is released."""
        sales = [
            event
            for kind in ("LicenseSold", "RenewalSold")
            for event in self._market.logs(kind, self._from_block, "latest")
        ]
        by_license = {event.args["license"]: event for event in sales if event.name == "LicenseSold"}
        found = {(event.tx_hash, event.args["asset"]): event for event in sales}
        for event in self._chain.contract("RefundEscrow").logs("Released", self._from_block, "latest"):
            if sale := by_license.get(event.args["license"]):
                found[(event.tx_hash, event.args["asset"])] = sale
        return found

    def _claimed(self, since: int, until: int) -> int:
        events = [
            event
            for ledger in self.ledgers
            for event in ledger.logs("Claimed", self._from_block, "latest")
            if event.args["account"] == self._account and event.args["currency"] == self._token.address
        ]
        times = self._times({event.block_number for event in events})
        return sum(event.args["amount"] for event in events if since <= times[event.block_number] < until)

    def _times(self, blocks: set[int]) -> dict[int, int]:
        numbers = sorted(blocks)
        found = self._chain.blocks(numbers)
        return {number: block.timestamp for number, block in zip(numbers, found, strict=True) if block}


class Owners:
    """Who could claim what an asset kept, at any place in the chain."""

    def __init__(self, chain: Chain, from_block: int) -> None:
        self._came: dict[int, list[tuple[Place, str]]] = {}
        for event in chain.contract("AssetRegistry").logs("Transfer", from_block, "latest"):
            self._came.setdefault(event.args["id"], []).append((Place.of(event), event.args["to"]))
        shared = chain.contract("RoyaltyLedger").logs("Shared", from_block, "latest")
        self._shared = {event.args["asset"]: Place.of(event) for event in shared}

    def at(self, asset: int, settled: Place) -> str:
        """The address that what was settled there belongs to; "" where it is a collection's members'.

        What is settled because an asset changes hands is the seller's.
        """
        if asset in self._shared and self._shared[asset] <= settled:
            return ""
        return [to for place, to in self._came[asset] if place <= settled and place.tx != settled.tx][-1]

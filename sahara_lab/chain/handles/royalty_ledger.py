"""Revenue of assets and what they owe to their ancestors.

Made from the ABI and NatSpec of RoyaltyLedger by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Debt
from sahara_lab.chain.orders import Call


class Claimed(NamedTuple):
    """Money left the ledger for `account`."""

    account: str
    currency: str
    amount: int


class Paid(NamedTuple):
    """Revenue came in and waits to be settled."""

    asset: int
    payer: str
    currency: str
    amount: int


class PassedOn(NamedTuple):
    """A collection's revenue became revenue of a member, which waits to be settled."""

    collection: int
    member: int
    currency: str
    amount: int


class Retained(NamedTuple):
    """An asset changed hands: what it held stays with `seller`, who gets it with the next `claim`."""

    asset: int
    seller: str
    currency: str
    amount: int


class Settled(NamedTuple):
    """`amount` of revenue was divided by the table that `TableFrozen` announced last: `floor(amount * share /
    1e9)` to each payee, and what is left to `asset`.
    """

    asset: int
    currency: str
    amount: int


class Shared(NamedTuple):
    """From here on what `asset` keeps is its members', not its owner's."""

    asset: int


class TableFrozen(NamedTuple):
    """What `asset` owes from here on, in parts per 1e9 of its revenue: when its parents are linked, and when a
    payee waives its share.
    """

    asset: int
    payees: list[int]
    shares: list[int]


class Waived(NamedTuple):
    """The owner of `payee` gave up its share in `asset`; the table without it was announced before."""

    asset: int
    payee: int


class SplitResult(NamedTuple):
    """What ``split(uint256,uint256)`` gives."""

    payees: list[int]
    amounts: list[int]


class TableOfResult(NamedTuple):
    """What ``tableOf(uint256)`` gives."""

    payees: list[int]
    shares: list[int]


class RoyaltyLedger(Handle):
    """Revenue of assets and what they owe to their ancestors."""

    CONTRACT = "RoyaltyLedger"

    def COLLECTIONS(self) -> View[str]:
        """``COLLECTIONS()``."""
        return View(self, "COLLECTIONS()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def REGISTRY(self) -> View[str]:
        """``REGISTRY()``."""
        return View(self, "REGISTRY()")

    def balance_of(self, asset: int, currency: str) -> View[int]:
        """What `asset` was credited with and its owner has not claimed."""
        return View(self, "balanceOf(uint256,address)", asset, currency)

    def before_transfer(self, asset: int, seller: str) -> Call:
        """Called by the registry before an asset changes hands: what accrued belongs to `seller`."""
        return Call(self.contract, "beforeTransfer", (asset, seller))

    def claim(self, account: str, currency: str, assets: Sequence[int]) -> Call:
        """Settles `assets`, then pays to `account` what its assets hold and what earlier sales left it.

        assets: Assets to settle first: own ones and descendants. Those not owned by `account` only get
        settled.
        """
        return Call(self.contract, "claim", (account, currency, assets))

    def claimable(self, account: str, currency: str, assets: Sequence[int]) -> View[int]:
        """What `claim` with the same arguments would pay now."""
        return View(self, "claimable(address,address,uint256[])", account, currency, assets)

    def collect(self, asset: int, currency: str, amount: int, payer: str) -> Call:
        """`pay` for a contract that does not hold the money itself: it is called back (`IRevenueSource`) and has
        it sent here.

        payer: Handed to the caller again.
        """
        return Call(self.contract, "collect", (asset, currency, amount, payer))

    def give_to_members(self, asset: int) -> Call:
        """Makes what `asset` keeps its members', for good; what it holds so far stays its owner's. Only the
        contract of the collections may.
        """
        return Call(self.contract, "giveToMembers", (asset,))

    def is_shared(self, asset: int) -> View[bool]:
        """Whether what `asset` keeps is its members'."""
        return View(self, "isShared(uint256)", asset)

    def link(self, asset: int, debts: Sequence[Debt]) -> Call:
        """Freezes the table of `asset`; only the registry may, once, at registration."""
        return Call(self.contract, "link", (asset, debts))

    def pass_on(self, from_: int, currency: str, to: Sequence[int], amounts: Sequence[int]) -> Call:
        """Moves what a shared asset holds to its members as revenue; only the contract of the collections may."""
        return Call(self.contract, "passOn", (from_, currency, to, amounts))

    def pay(self, asset: int, currency: str, amount: int) -> Call:
        """Revenue for `asset`: O(1), whatever the number of ancestors.

        In any currency that was ever allowed: what is on its way when the DAO withdraws one still arrives.
        """
        return Call(self.contract, "pay", (asset, currency, amount))

    def settle(self, asset: int, currency: str) -> Call:
        """Distributes what `asset` received since the last call; open to anyone; at most 16 payees."""
        return Call(self.contract, "settle", (asset, currency))

    def split(self, asset: int, amount: int) -> View[SplitResult]:
        """Splits `amount` paid to `asset`; the last entry is `asset` itself with what remains after rounding."""
        return View(self, "split(uint256,uint256)", asset, amount, result=SplitResult)

    def table_of(self, asset: int) -> View[TableOfResult]:
        """Who shares in the revenue of `asset`, sorted, and with how much in parts per 1e9."""
        return View(self, "tableOf(uint256)", asset, result=TableOfResult)

    def unsettled(self, asset: int, currency: str) -> View[int]:
        """Revenue of `asset` that nobody settled yet."""
        return View(self, "unsettled(uint256,address)", asset, currency)

    def waive(self, asset: int, payee: int) -> Call:
        """Gives up, for good, what `asset` owes to `payee`, whose owner calls: the way out of a parent that was
        named wrongly. Settles what came in before; what `asset` owes to others stays as it is, and so do the
        tables of what was derived from it before.
        """
        return Call(self.contract, "waive", (asset, payee))

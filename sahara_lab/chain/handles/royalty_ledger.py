"""Revenue of assets and what they owe to their ancestors.

Made from the ABI and NatSpec of RoyaltyLedger by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Call, Handle, View
from sahara_lab.chain.handles.structs import Debt


class Claimed(NamedTuple):
    """Money left the ledger for `account`."""

    account: str
    currency: str
    amount: int


class Credited(NamedTuple):
    """`asset` got `amount` of the revenue of `source`."""

    asset: int
    source: int
    currency: str
    amount: int


class Paid(NamedTuple):
    """Revenue came in and waits to be settled."""

    asset: int
    payer: str
    currency: str
    amount: int


class Retained(NamedTuple):
    """An asset changed hands: what it held stays with `seller`, who gets it with the next `claim`."""

    asset: int
    seller: str
    currency: str
    amount: int


class Settled(NamedTuple):
    """`amount` of revenue was divided; `Credited` says among whom."""

    asset: int
    currency: str
    amount: int


class TableFrozen(NamedTuple):
    """What `asset` owes, for good, in parts per 1e9 of its revenue."""

    asset: int
    payees: list[int]
    shares: list[int]


class SplitResult(NamedTuple):
    """What ``split(uint256,uint256)`` gives."""

    payees: list[int]
    amounts: list[int]


class TableOfResult(NamedTuple):
    """What ``tableOf(uint256)`` gives."""

    payees: list[int]
    shares: list[int]


class Errors:
    """Reasons of a refusal, for :attr:`sahara_lab.errors.ChainError.reason`."""

    CurrencyNotAllowed = "CurrencyNotAllowed"
    NothingToClaim = "NothingToClaim"
    OnlyRegistry = "OnlyRegistry"
    ReentrancyGuardReentrantCall = "ReentrancyGuardReentrantCall"
    SafeERC20FailedOperation = "SafeERC20FailedOperation"
    StackTooHigh = "StackTooHigh"
    TooManyPayees = "TooManyPayees"
    WrongAmountReceived = "WrongAmountReceived"


class RoyaltyLedger(Handle):
    """Revenue of assets and what they owe to their ancestors."""

    CONTRACT = "RoyaltyLedger"

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
        return Call(self, "beforeTransfer(uint256,address)", asset, seller)

    def claim(self, account: str, currency: str, assets: Sequence[int]) -> Call:
        """Settles `assets`, then pays to `account` what its assets hold and what earlier sales left it.

        assets: Assets to settle first: own ones and descendants. Those not owned by `account` only get
        settled.
        """
        return Call(self, "claim(address,address,uint256[])", account, currency, assets)

    def claimable(self, account: str, currency: str, assets: Sequence[int]) -> View[int]:
        """What `claim` with the same arguments would pay now."""
        return View(self, "claimable(address,address,uint256[])", account, currency, assets)

    def link(self, asset: int, debts: Sequence[Debt]) -> Call:
        """Freezes the table of `asset`; only the registry may, once, at registration."""
        return Call(self, "link(uint256,(uint256,uint16,bool)[])", asset, debts)

    def pay(self, asset: int, currency: str, amount: int) -> Call:
        """Revenue for `asset`: O(1), whatever the number of ancestors."""
        return Call(self, "pay(uint256,address,uint256)", asset, currency, amount)

    def settle(self, asset: int, currency: str) -> Call:
        """Distributes what `asset` received since the last call; open to anyone; at most 16 payees."""
        return Call(self, "settle(uint256,address)", asset, currency)

    def split(self, asset: int, amount: int) -> View[SplitResult]:
        """Splits `amount` paid to `asset`; the last entry is `asset` itself with what remains after rounding."""
        return View(self, "split(uint256,uint256)", asset, amount, result=SplitResult)

    def table_of(self, asset: int) -> View[TableOfResult]:
        """Who shares in the revenue of `asset`, sorted, and with how much in parts per 1e9."""
        return View(self, "tableOf(uint256)", asset, result=TableOfResult)

    def unsettled(self, asset: int, currency: str) -> View[int]:
        """Revenue of `asset` that nobody settled yet."""
        return View(self, "unsettled(uint256,address)", asset, currency)

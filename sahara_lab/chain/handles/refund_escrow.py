"""What was paid for licenses that can still be given back.

Made from the ABI and NatSpec of RefundEscrow by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class Held(NamedTuple):
    """The price of a license came in; until `closesAt` its holder may give the license back."""

    license: int
    asset: int
    payer: str
    closes_at: int


class Refunded(NamedTuple):
    """A license was given back, and who had paid for it has all of the price again."""

    license: int
    payer: str
    currency: str
    amount: int


class Released(NamedTuple):
    """A sale is final: `fee` went to the treasury and `revenue` to the ledger, as in a sale without a window."""

    license: int
    asset: int
    revenue: int
    fee: int


class RefundResult(NamedTuple):
    """What ``refund(uint256)`` gives."""

    payer: str
    amount: int


class SaleOfResult(NamedTuple):
    """What ``saleOf(uint256)`` gives."""

    payer: str
    closes_at: int


class RefundEscrow(Handle):
    """What was paid for licenses that can still be given back."""

    CONTRACT = "RefundEscrow"

    def LEDGER(self) -> View[str]:
        """``LEDGER()``."""
        return View(self, "LEDGER()")

    def LICENSES(self) -> View[str]:
        """``LICENSES()``."""
        return View(self, "LICENSES()")

    def MARKET(self) -> View[str]:
        """``MARKET()``."""
        return View(self, "MARKET()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def TERMS(self) -> View[str]:
        """``TERMS()``."""
        return View(self, "TERMS()")

    def hold(self, license: int, payer: str) -> Call:
        """Remembers who paid for `license`, after the price came; only the market may."""
        return Call(self.contract, "hold", (license, payer))

    def on_collect(self, currency: str, amount: int, arg2: str) -> Call:
        """Sends `amount` to the ledger; called by it from within `collect`.

        payer: What the contract told `collect`.
        """
        return Call(self.contract, "onCollect", (currency, amount, arg2))

    def refund(self, license: int) -> Call:
        """Pays the price of `license` back to who paid it; only the market may, and before the window closes."""
        return Call(self.contract, "refund", (license,))

    def release(self, licenses: Sequence[int]) -> Call:
        """Sends on what was paid for `licenses`, fee and revenue, as a sale without a window does at once; open
        to anyone when the window has closed, or when the license cannot be given back any more. Licenses for
        which nothing is held are passed over.
        """
        return Call(self.contract, "release", (licenses,))

    def sale_of(self, license: int) -> View[SaleOfResult]:
        """What is held for `license`."""
        return View(self, "saleOf(uint256)", license, result=SaleOfResult)

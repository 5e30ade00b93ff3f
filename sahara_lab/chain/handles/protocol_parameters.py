"""Parameters the DAO votes on, each with a hard limit in code.

Made from the ABI and NatSpec of ProtocolParameters by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class AuthorityUpdated(NamedTuple):
    """``AuthorityUpdated(address)``."""

    authority: str


class CurrencyAllowed(NamedTuple):
    """A currency is accepted from now on, or no more."""

    currency: str
    allowed: bool


class ParameterChanged(NamedTuple):
    """A vote moved a parameter."""

    name: bytes
    from_: int
    to: int


class ProtocolParameters(Handle):
    """Parameters the DAO votes on, each with a hard limit in code."""

    CONTRACT = "ProtocolParameters"

    def MAX_CURRENCIES(self) -> View[int]:
        """``MAX_CURRENCIES()``."""
        return View(self, "MAX_CURRENCIES()")

    def MAX_FEE_BPS(self) -> View[int]:
        """``MAX_FEE_BPS()``."""
        return View(self, "MAX_FEE_BPS()")

    def MAX_MAX_ROYALTY_BPS(self) -> View[int]:
        """``MAX_MAX_ROYALTY_BPS()``."""
        return View(self, "MAX_MAX_ROYALTY_BPS()")

    def authority(self) -> View[str]:
        """``authority()``."""
        return View(self, "authority()")

    def currencies(self) -> View[list[str]]:
        """Every currency that was ever allowed, at most 16, so that what is kept per currency can be walked."""
        return View(self, "currencies()")

    def fee_bps(self) -> View[int]:
        """Protocol fee on license sales in basis points; at most 1,000."""
        return View(self, "feeBps()")

    def fee_on(self, currency: str, price: int) -> View[int]:
        """The fee on a sale at `price`, rounded down; reverts where the currency is not allowed."""
        return View(self, "feeOn(address,uint256)", currency, price)

    def is_consuming_scheduled_op(self) -> View[bytes]:
        """``isConsumingScheduledOp()``."""
        return View(self, "isConsumingScheduledOp()")

    def is_currency(self, currency: str) -> View[bool]:
        """Whether new payments may be made in `currency`."""
        return View(self, "isCurrency(address)", currency)

    def max_royalty_bps(self) -> View[int]:
        """Cap on the sum of a royalty table in basis points; at most 9,000, 5,000 at first."""
        return View(self, "maxRoyaltyBps()")

    def set_authority(self, new_authority: str) -> Call:
        """``setAuthority(address)``."""
        return Call(self.contract, "setAuthority", (new_authority,))

    def set_currency(self, currency: str, allowed: bool) -> Call:
        """Allows or refuses a currency for new payments; what was paid in it stays claimable.

        Only plain tokens: one that takes a cut of transfers or changes balances by itself breaks the ledger's
        books.
        """
        return Call(self.contract, "setCurrency", (currency, allowed))

    def set_fee_bps(self, value: int) -> Call:
        """Sets the protocol fee; only the DAO may."""
        return Call(self.contract, "setFeeBps", (value,))

    def set_max_royalty_bps(self, value: int) -> Call:
        """Sets the cap for tables frozen from now on; only the DAO may."""
        return Call(self.contract, "setMaxRoyaltyBps", (value,))

    def treasury(self) -> View[str]:
        """Where protocol fees go, for good."""
        return View(self, "treasury()")

    def was_currency(self, currency: str) -> View[bool]:
        """Whether `currency` is or was allowed: what was paid in it before still finds its way."""
        return View(self, "wasCurrency(address)", currency)

"""Offers, quotes and the sale of licenses.

Made from the ABI and NatSpec of Market by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Quote
from sahara_lab.chain.orders import Call


class LicenseGranted(NamedTuple):
    """The owner gave a license away."""

    license: int
    asset: int
    holder: str
    terms_id: bytes


class LicenseRequested(NamedTuple):
    """Somebody asks the owner of `asset` for a license under `termsId`, whether it is offered or not."""

    asset: int
    account: str
    terms_id: bytes
    note: str


class LicenseSold(NamedTuple):
    """A license was paid for; `buyer` paid, the token says who holds it."""

    license: int
    asset: int
    buyer: str
    terms_id: bytes
    price: int
    fee: int


class OfferChanged(NamedTuple):
    """An owner offered `asset` under `termsId`, or withdrew it."""

    asset: int
    terms_id: bytes
    active: bool


class RenewalSold(NamedTuple):
    """A license was extended; `LicenseRenewed` of the token says until when."""

    license: int
    asset: int
    buyer: str
    terms_id: bytes
    price: int
    fee: int


class RequestDeclined(NamedTuple):
    """The owner of `asset` will not grant what `account` asked for."""

    asset: int
    account: str
    terms_id: bytes


class Market(Handle):
    """Offers, quotes and the sale of licenses."""

    CONTRACT = "Market"

    def LEDGER(self) -> View[str]:
        """``LEDGER()``."""
        return View(self, "LEDGER()")

    def LICENSES(self) -> View[str]:
        """``LICENSES()``."""
        return View(self, "LICENSES()")

    def MAX_NOTE_BYTES(self) -> View[int]:
        """``MAX_NOTE_BYTES()``."""
        return View(self, "MAX_NOTE_BYTES()")

    def PARAMETERS(self) -> View[str]:
        """``PARAMETERS()``."""
        return View(self, "PARAMETERS()")

    def REFUNDS(self) -> View[str]:
        """``REFUNDS()``."""
        return View(self, "REFUNDS()")

    def REGISTRY(self) -> View[str]:
        """``REGISTRY()``."""
        return View(self, "REGISTRY()")

    def TERMS(self) -> View[str]:
        """``TERMS()``."""
        return View(self, "TERMS()")

    def TREASURY(self) -> View[str]:
        """Where fees go; the parameters have named it for good."""
        return View(self, "TREASURY()")

    def buy(self, asset: int, terms_id: bytes, max_price: int, holder: str) -> Call:
        """Pays and receives a license in one step.

        holder: Who receives the license (a gift when not the caller).

        max_price: Reverts when the price is above it.
        """
        return Call(self.contract, "buy", (asset, terms_id, max_price, holder))

    def buy_with_permit(
        self, asset: int, terms_id: bytes, max_price: int, holder: str, deadline: int, v: int, r: bytes, s: bytes
    ) -> Call:
        """`buy` with an ERC-2612 permit for the price, so that one transaction does all."""
        return Call(self.contract, "buyWithPermit", (asset, terms_id, max_price, holder, deadline, v, r, s))

    def decline(self, asset: int, terms_id: bytes, account: str) -> Call:
        """Says no to a request, for who asked to see; only the owner may. It binds nobody either."""
        return Call(self.contract, "decline", (asset, terms_id, account))

    def grant(self, asset: int, terms_id: bytes, holder: str) -> Call:
        """Issues a license without payment, offered or not; only the owner may. Seats count as in a sale."""
        return Call(self.contract, "grant", (asset, terms_id, holder))

    def is_offered(self, asset: int, terms_id: bytes) -> View[bool]:
        """Whether the present owner offers `asset` under `termsId`."""
        return View(self, "isOffered(uint256,bytes32)", asset, terms_id)

    def offers_of(self, asset: int) -> View[list[bytes]]:
        """Terms that the present owner offers `asset` under."""
        return View(self, "offersOf(uint256)", asset)

    def on_collect(self, currency: str, amount: int, payer: str) -> Call:
        """Sends `amount` to the ledger; called by it from within `collect`.

        payer: What the contract told `collect`.
        """
        return Call(self.contract, "onCollect", (currency, amount, payer))

    def quote(self, asset: int, terms_id: bytes) -> View[Quote]:
        """Who gets what of a sale, before anybody signs."""
        return View(self, "quote(uint256,bytes32)", asset, terms_id)

    def refund(self, license: int) -> Call:
        """Gives `license` back within the refund window of its terms: access ends at once, and who paid for it
        gets all of the price again, fee included; only its holder may.

        Not after it changed hands, nor when a derivative was registered with it; renewals are final.
        """
        return Call(self.contract, "refund", (license,))

    def renew(self, license: int, max_price: int) -> Call:
        """Pays for another duration of `license` at the price of its own terms, if the asset's owner still
        offers them; anybody may pay for the holder.

        Not for licenses without an end, nor where seats are limited.

        max_price: Reverts when the price is above it.
        """
        return Call(self.contract, "renew", (license, max_price))

    def request(self, asset: int, terms_id: bytes, note: str) -> Call:
        """Asks for a license that is not offered, or not at a price; binds nobody.

        note: What it is for, at most 512 bytes.
        """
        return Call(self.contract, "request", (asset, terms_id, note))

    def set_offer(self, asset: int, terms_id: bytes, active: bool) -> Call:
        """Offers `asset` under registered terms, or withdraws the offer; only the owner may.

        An offer ends when the asset changes hands: the new owner makes their own.
        """
        return Call(self.contract, "setOffer", (asset, terms_id, active))

"""Checkouts as the routes ask for them: nothing is kept between two requests, so that none of them can be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sahara_lab.server import serialize
from sahara_lab.server.serialize import Json

if TYPE_CHECKING:
    from sahara_lab.lab import Lab

#: Seconds to wait for a block.
PATIENCE = 60.0

Wish = tuple[str, str, str, str]


class Checkouts:
    """Purchases that a wallet in the browser pays."""

    def __init__(self, lab: Callable[[str | None], Lab]) -> None:
        self._lab = lab

    def begin(self, account: str | None, name: str, license: str, max_price: str, payer: str) -> Json:
        checkout = self._lab(account).market.checkout(name, payer, license=license, max_price=max_price)
        return {
            "quote": serialize.quote(checkout.quote),
            "deadline": str(checkout.deadline),
            "permit": checkout.permit and _plain(checkout.permit),
        }

    def transaction(self, account: str | None, wish: Wish, deadline: int, signature: str) -> Json:
        name, license, max_price, payer = wish
        begun = self._lab(account).market.checkout(name, payer, license=license, max_price=max_price)
        checkout = replace(begun, deadline=deadline)
        return {"transaction": checkout.transaction(bytes.fromhex(signature[2:]))}

    def outcome(self, account: str | None, tx_hash: str) -> Json:
        return serialize.grant(self._lab(account).market.paid_elsewhere(tx_hash, PATIENCE))


def _plain(typed: Json) -> Json:
    """Typed data as wallets take it: numbers as text, for JavaScript has no integers of 256 bits."""
    message = {key: str(value) if isinstance(value, int) else value for key, value in typed["message"].items()}
    return {**typed, "message": message}

"""The license card: an asset's offers, who is paid, and a button that buys at the price shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from sahara_lab.errors import InputError
from sahara_lab.units import format_tokens, to_tokens
from sahara_lab.widgets.front import ActionWidget, module, source

if TYPE_CHECKING:
    from sahara_lab.lab import Lab
    from sahara_lab.market import Quote


class LicenseCard(ActionWidget):
    """Quote and buy a license.

    Args:
        asset: ``owner/name``.
        lab: the account that buys; the current account when left out.
    """

    _esm = module("license_card.js")
    _css = source("widgets.css")
    state_name = "card"
    card = traitlets.Dict().tag(sync=True)

    def __init__(self, asset: str, lab: Lab | None = None) -> None:
        from sahara_lab.lab import connect

        self._lab = lab or connect()
        self._name = asset
        self._quotes: dict[str, Quote] = {}
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {"buy": self._buy, "refresh": lambda content: None}

    def _buy(self, content: dict[str, Any]) -> None:
        """Buy under terms that were shown, capped at the price that was shown."""
        quote = self._quotes.get(str(content.get("key")))
        if quote is None:
            raise InputError("that offer is not there", hint="Look at the offers again")
        self._lab.market.license(self._name, license=quote.terms, max_price=str(to_tokens(quote.price)))

    def read(self) -> dict[str, Any]:
        market = self._lab.market
        asset = market.get(self._name)
        quotes = [market.quote(self._name, offer) for offer in asset.offers]
        # Terms are named by their content: whoever pressed a button while the price changed names terms that are gone.
        self._quotes = {quote.terms.terms_id.hex(): quote for quote in quotes}
        mine = asset.owner == self._lab.account
        held = [grant for grant in market.licenses() if grant.asset == asset.name and not grant.expired]
        licensed = "This asset is yours." if mine else f"You hold {held[0]}." if held else ""
        return {
            "name": asset.name,
            "title": asset.title,
            "kind": asset.kind,
            "summary": asset.summary,
            "standing": asset.reputation.summary,
            "warning": asset.reputation.warning,
            "account": self._lab.account,
            "balance": format_tokens(self._lab.wallet.balance().tokens),
            "licensed": licensed,
            "code": f'fsspec.open("{asset.url}/…")' if licensed else "",
            "offers": []
            if asset.reputation.standing == "taken down"
            else [_offer(key, quote) for key, quote in self._quotes.items()],
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import Accent, bundle, card, text_card

        rows = [(offer["flavor"], f"{offer['price']}: {offer['terms']}") for offer in self.card["offers"]]
        rows.append(("License", self.card["licensed"] or "none yet"))
        if self.card["standing"]:
            rows.append(("Standing", self.card["standing"]))
        accent: Accent | None = "error" if self.card["warning"] else None
        html = card(self.card["title"], rows, badge=self.card["kind"], accent=accent)
        return bundle(text_card(self.card["name"], rows), html)


def _offer(key: str, quote: Quote) -> dict[str, Any]:
    parts = [(f"{line.account} for {line.asset}", line.amount) for line in quote.lines]
    if quote.fee:
        parts.append(("protocol treasury", quote.fee))
    return {
        "key": key,
        "flavor": quote.terms.flavor,
        "price": "free" if quote.price == 0 else format_tokens(quote.price),
        "free": quote.price == 0,
        "affordable": quote.affordable,
        "terms": quote.terms.summary,
        "allows": ", ".join(quote.terms.allowed),
        "lines": [
            {"label": label, "amount": format_tokens(amount), "share": amount / quote.price if quote.price else 0}
            for label, amount in parts
        ],
    }

"""The earnings panel: what own assets were paid, and a button that claims it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from sahara_lab.units import format_tokens
from sahara_lab.widgets.front import ActionWidget, module, source

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


class EarningsPanel(ActionWidget):
    """See and claim revenue.

    Args:
        lab: the account that earns; the current account when left out.
    """

    _esm = module("earnings_panel.js")
    _css = source("widgets.css")
    state_name = "earnings"
    earnings = traitlets.Dict().tag(sync=True)

    def __init__(self, lab: Lab | None = None) -> None:
        from sahara_lab.lab import connect

        self._lab = lab or connect()
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {"claim": self._claim, "refresh": lambda content: None}

    def _claim(self, content: dict[str, Any]) -> None:
        self._lab.market.claim()

    def read(self) -> dict[str, Any]:
        earned = self._lab.market.earnings()
        most = max((line.received for line in earned.lines), default=0)
        return {
            "account": earned.account,
            "claimable": format_tokens(earned.claimable),
            "nothing": earned.claimable == 0,
            "held": format_tokens(earned.held) if earned.held else "",
            "lines": [
                {
                    "asset": line.asset,
                    "received": format_tokens(line.received),
                    "claimable": format_tokens(line.claimable),
                    "share": line.received / most if most else 0,
                }
                for line in earned.lines
            ],
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import bundle, table, text_table

        headers = ("Asset", "Paid to it so far", "Claimable now")
        rows = [(line["asset"], line["received"], line["claimable"]) for line in self.earnings["lines"]]
        title = f"{self.earnings['account']} can claim {self.earnings['claimable']}"
        html = table(headers, rows, caption=title, align=("left", "right", "right"))
        return bundle(f"{title}\n{text_table(headers, rows)}", html)

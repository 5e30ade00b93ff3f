"""Paying out what an account earned, from the dashboard: one button that asks first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sahara_lab.display import plain
from sahara_lab.errors import SaharaError
from sahara_lab.units import Wei, format_tokens

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


class Claiming:
    """The button, the question behind it, and what came of it.

    Args:
        after: called when something was paid out, to read everything again.
    """

    def __init__(self, after: Callable[[], None]) -> None:
        import ipywidgets

        self._after = after
        self._lab: Lab | None = None
        self._open = ipywidgets.Button(button_style="primary", icon="download", layout={"width": "auto"})
        self._yes = ipywidgets.Button(description="Pay out", button_style="primary", layout={"width": "auto"})
        self._no = ipywidgets.Button(description="Not now", layout={"width": "auto"})
        self._words = ipywidgets.Label()
        self.widget = ipywidgets.HBox([], layout={"align_items": "center", "flex_flow": "row wrap"})
        self._open.on_click(lambda button: self._ask())
        self._yes.on_click(lambda button: self._pay())
        self._no.on_click(lambda button: self._idle(""))

    def offer(self, lab: Lab, claimable: Wei) -> None:
        """Show what can be claimed now; an open question is closed, since its amount may be old."""
        self._lab = lab
        self._open.description = f"Claim {format_tokens(claimable)}" if claimable else "Nothing to claim"
        self._open.disabled = not claimable
        self._idle("")

    def _idle(self, words: str) -> None:
        self._words.value = words
        self.widget.children = (self._open, self._words)

    def _ask(self) -> None:
        """The amount is read again: what is asked is what would be paid out at this moment."""
        if self._lab is None:
            return
        try:
            claimable = self._lab.market.earnings().claimable
        except SaharaError as error:
            self._idle(plain(error))
            return
        self._words.value = f"Pay {format_tokens(claimable)} out to {self._lab.account}?"
        self._yes.disabled = self._no.disabled = False
        self.widget.children = (self._words, self._yes, self._no)

    def _pay(self) -> None:
        lab = self._lab
        if lab is None or self._yes.disabled or self._yes not in self.widget.children:
            return  # answered twice, or answered without having been asked
        self._yes.disabled = self._no.disabled = True
        try:
            paid = lab.market.claim()
        except SaharaError as error:
            self._idle(plain(error))
            return
        except Exception as error:  # a question that stays open for ever tells nobody anything
            self._idle(plain(f"{type(error).__name__}: {error}"))
            return
        self._after()
        self._words.value = f"{format_tokens(paid)} paid out to {lab.account}"

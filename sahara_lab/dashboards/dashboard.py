"""The dashboard while somebody looks at it: choose an account, read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sahara_lab.dashboards.board import Board, read
from sahara_lab.dashboards.drawing import page, summary
from sahara_lab.display import Html, card
from sahara_lab.errors import SaharaError

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


class Dashboard:
    """What an account earns, holds, runs and has voted on.

    It only reads: whoever may open a dashboard's address may look, and must not be able to spend or to vote.

    Args:
        lab: the account to begin with; the current account when left out.
        choose: let the viewer switch between the accounts of this machine.
    """

    def __init__(self, lab: Lab | None = None, *, choose: bool = True) -> None:
        import ipywidgets

        from sahara_lab.lab import connect

        self._lab = lab or connect()
        self.board: Board | None = None
        self._page = ipywidgets.HTML()
        self._again = ipywidgets.Button(description="Read again", icon="refresh", tooltip="Read everything again")
        self._account = ipywidgets.Dropdown(
            options=self._lab.wallet.accounts if choose else [self._lab.account],
            value=self._lab.account,
            description="Account",
            layout={"width": "260px", "display": "" if choose else "none"},
            style={"description_width": "initial"},
        )
        bar = ipywidgets.HBox([self._account, self._again], layout={"justify_content": "flex-end"})
        self._box = ipywidgets.VBox([bar, self._page], layout={"max_width": "1284px", "margin": "0 auto"})
        self._again.on_click(lambda button: self.refresh())
        self._account.observe(lambda change: self._switch(change["new"]), names="value")
        self.refresh()

    def refresh(self) -> None:
        """Read everything again; when that fails the reason is shown, and what was read before stays."""
        self._again.disabled = True
        try:
            self.board = read(self._lab)
            self._page.value = str(page(self.board))
        except SaharaError as error:
            before = str(page(self.board)) if self.board else ""
            self._page.value = str(Html(card("Not up to date", [], accent="error", footer=str(error)))) + before
        finally:
            self._again.disabled = False

    def _switch(self, account: str) -> None:
        self._lab = self._lab.use(account)
        self.board = None
        self.refresh()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        made = self._box._repr_mimebundle_(include=include, exclude=exclude)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        text = summary(self.board) if self.board else "the dashboard could not be read"
        return {**data, "text/plain": text, "text/html": self._page.value}, metadata

"""The dashboard while somebody looks at it: choose an account, read again, claim, vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sahara_lab.dashboards.board import Board, read
from sahara_lab.dashboards.claiming import Claiming
from sahara_lab.dashboards.drawing import page, summary
from sahara_lab.dashboards.guard import may_act
from sahara_lab.display import Html, card
from sahara_lab.errors import SaharaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sahara_lab.lab import Lab


class Dashboard:
    """What an account earns, holds, runs and has voted on.

    Args:
        lab: the account to begin with; the current account when left out.
        choose: let the viewer switch between the accounts of this machine.
        votes: makes the widget to vote with, ``sahara.DaoPanel``; without it, and for viewers who may only look, the
            page lists the votes.
        actions: let the viewer claim and vote. Left out, a notebook may and a page of Voila may not, unless
            ``sahara-lab dashboard`` serves it: whoever may open an address without a token may look,
            and must not be able to spend or to vote.
    """

    def __init__(
        self,
        lab: Lab | None = None,
        *,
        choose: bool = True,
        votes: Callable[[Lab], Any] | None = None,
        actions: bool | None = None,
    ) -> None:
        import ipywidgets

        from sahara_lab.lab import connect

        self._lab = lab or connect()
        acts = may_act() if actions is None else actions
        self._make_panel = votes if acts else None
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
        self._claiming = Claiming(self.refresh) if acts else None
        left = [self._claiming.widget] if self._claiming else []
        right = ipywidgets.HBox([self._account, self._again])
        bar = ipywidgets.HBox(
            [*left, right],
            layout={"justify_content": "space-between" if left else "flex-end", "flex_flow": "row wrap"},
        )
        self._votes = ipywidgets.VBox([], layout={"margin": "0 2px 16px 2px"})
        self._votes.add_class("sahara-board-votes")
        self._panel: Any = None
        self._box = ipywidgets.VBox([bar, self._page, self._votes], layout={"max_width": "1284px", "margin": "0 auto"})
        self._again.on_click(lambda button: self.refresh())
        self._account.observe(lambda change: self._switch(change["new"]), names="value")
        self.refresh()

    def refresh(self) -> None:
        """Read everything again; when that fails the reason is shown, and what was read before stays."""
        self._again.disabled = True
        try:
            self._read()
            if self._panel is not None:
                self._panel.show()
            elif self._make_panel is not None:
                self._panel = self._make_panel(self._lab)
                self._panel.observe(self._voted, names="panel")
                self._votes.children = (self._panel,)
        except SaharaError as error:
            self._failed(error)
        finally:
            self._again.disabled = False

    def _read(self) -> None:
        self.board = read(self._lab)
        self._page.value = str(page(self.board, votes=self._make_panel is None))
        if self._claiming is not None:
            self._claiming.offer(self._lab, self.board.earnings.claimable)

    def _failed(self, error: SaharaError) -> None:
        before = str(page(self.board, votes=self._make_panel is None)) if self.board else ""
        self._page.value = str(Html(card("Not up to date", [], accent="error", footer=str(error)))) + before

    def _voted(self, change: dict[str, Any]) -> None:
        """An action of the panel has ended: the numbers above it may have changed."""
        if change["old"].get("busy") and not change["new"].get("busy"):
            try:
                self._read()
            except SaharaError as error:
                self._failed(error)

    def _switch(self, account: str) -> None:
        self._lab = self._lab.use(account)
        self.board = None
        if self._panel is not None:
            self._votes.children = ()
            self._panel.close()
            self._panel = None
        self.refresh()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        made = self._box._repr_mimebundle_(include=include, exclude=exclude)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        text = summary(self.board) if self.board else "the dashboard could not be read"
        html = str(page(self.board)) if self.board else self._page.value
        return {**data, "text/plain": text, "text/html": html}, metadata

"""The DAO panel: proposals, their tally, and what can be done with each now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from sahara_lab.units import format_share, format_tokens
from sahara_lab.widgets.front import ActionWidget, module, source

if TYPE_CHECKING:
    from sahara_lab.governance import Proposal
    from sahara_lab.lab import Lab


class DaoPanel(ActionWidget):
    """Propose, vote, queue, execute.

    Args:
        lab: the account that votes; the current account when left out.
    """

    _esm = module("dao_panel.js")
    _css = source("widgets.css")
    state_name = "panel"
    panel = traitlets.Dict().tag(sync=True)

    def __init__(self, lab: Lab | None = None) -> None:
        from sahara_lab.lab import connect

        self._lab = lab or connect()
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        dao = self._lab.dao
        return {
            "refresh": lambda content: None,
            "vote": lambda content: _done(dao.vote(_number(content), str(content.get("choice")))),
            "queue": lambda content: _done(dao.queue(_number(content))),
            "execute": lambda content: _done(dao.execute(_number(content))),
            "propose": self._propose,
            "advance": lambda content: _done(self._lab.network.advance("6 minutes")),
        }

    def _propose(self, content: dict[str, Any]) -> None:
        reason = str(content.get("reason", ""))[:2000]
        self._lab.dao.propose_parameter(str(content.get("parameter")), str(content.get("value")), None, reason)

    def read(self) -> dict[str, Any]:
        dao = self._lab.dao
        return {
            "account": self._lab.account,
            "power": format_tokens(dao.power(), ""),
            "embedded": self._lab.profile.name == "local",
            "parameters": [
                {"name": entry.name, "label": entry.label, "value": format_share(entry.value)}
                for entry in dao.parameters()
            ],
            "proposals": [_proposal(proposal) for proposal in dao.proposals()],
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import bundle, table, text_table

        headers = ("#", "Proposal", "State", "For", "Against")
        rows = [(p["number"], p["title"], p["state"], p["for"], p["against"]) for p in self.panel["proposals"]]
        return bundle(text_table(headers, rows), table(headers, rows, caption="Governance"))


def _proposal(proposal: Proposal) -> dict[str, Any]:
    total = proposal.for_votes + proposal.against_votes + proposal.abstain_votes
    when = ""
    if proposal.state == "active":
        when = f"Voting closes in {_span(proposal.ends_at - proposal.now)}."
    elif proposal.state == "pending":
        when = "Voting opens in a moment; refresh."
    elif proposal.state == "queued" and proposal.now < proposal.eta:
        when = f"The timelock opens in {_span(proposal.eta - proposal.now)}."
    return {
        "number": proposal.number,
        "title": proposal.title,
        "description": proposal.description,
        "state": proposal.state,
        "proposer": proposal.proposer,
        "actions": "; ".join(proposal.actions),
        "for": format_tokens(proposal.for_votes, ""),
        "against": format_tokens(proposal.against_votes, ""),
        "abstain": format_tokens(proposal.abstain_votes, ""),
        "for_share": proposal.for_votes / total if total else 0,
        "against_share": proposal.against_votes / total if total else 0,
        "abstain_share": proposal.abstain_votes / total if total else 0,
        "quorum": format_tokens(proposal.quorum, ""),
        "quorum_reached": proposal.for_votes + proposal.abstain_votes >= proposal.quorum,
        "my_vote": proposal.my_vote or "",
        "next": proposal.next_step or "",
        "when": when,
    }


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _number(content: dict[str, Any]) -> int:
    number = content.get("number")
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def _done(value: Any) -> None:
    """An action's own result is not shown; the panel reads everything again."""

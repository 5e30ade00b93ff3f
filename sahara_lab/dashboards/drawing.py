"""A board as one page of escaped HTML that follows the theme around it, and as plain text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sahara_lab.display import Accent, Html, badge, bar, mono, muted, plain, table, text, text_card, text_table
from sahara_lab.units import WEI_PER_TOKEN, format_share, format_tokens

if TYPE_CHECKING:
    from sahara_lab.dashboards.board import Board, JobLine
    from sahara_lab.governance import Proposal
    from sahara_lab.market.values import LicenseGrant

_STATES: dict[str, Accent] = {
    "done": "ok", "running": "info", "starting": "info", "stopping": "warn", "stopped": "warn", "failed": "error",
    "lost": "error", "active": "info", "pending": "info", "succeeded": "ok", "queued": "warn", "executed": "ok",
    "defeated": "error", "canceled": "error", "expired": "error", "valid": "ok",
}  # fmt: skip

#: Colors come from the theme's variables, each with a fallback, so that the page also works outside Jupyter.
STYLE = """
.sahara-board { --line: var(--jp-border-color2, rgba(128, 128, 128, .3)); --soft: var(--jp-ui-font-color2, #666);
  --panel: var(--jp-layout-color1, transparent); --sand: #d9822b; box-sizing: border-box; max-width: 1280px;
  margin: 0 auto; padding: 4px 2px 0; color: var(--jp-ui-font-color1, currentColor);
  font: 14px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); font-variant-numeric: tabular-nums; }
.sahara-board h2 { margin: 0; font-size: 24px; line-height: 1.2; font-weight: 650; letter-spacing: -.01em;
  color: inherit; }
.sahara-board h3 { margin: 0 0 6px; font-size: 14px; font-weight: 650; color: inherit; }
.sahara-board .top { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; margin: 2px 0 14px; }
.sahara-board .soft { color: var(--soft); }
.sahara-board .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(152px, 1fr)); gap: 12px; }
.sahara-board .tile, .sahara-board .panel { border: 1px solid var(--line); border-radius: 8px; background: var(--panel);
  padding: 12px 16px; min-width: 0; }
.sahara-board .tile { border-top: 3px solid var(--sand); padding: 10px 12px; }
.sahara-board .tile b { display: block; font-size: 20px; line-height: 1.25; font-weight: 650; overflow-wrap: anywhere; }
.sahara-board .tile small { font-size: 12px; color: var(--soft); }
.sahara-board .panels { columns: 480px 2; column-gap: 14px; margin-top: 14px; }
.sahara-board .panel { overflow-x: auto; break-inside: avoid; margin-bottom: 14px; }
.sahara-board-votes .sahara-widget { margin-top: 14px; max-width: none; border-radius: 8px; font-size: 14px; }
.sahara-board .panel .sahara-table { width: 100%; margin: 0 !important; }
.sahara-board .earned { display: grid; grid-template-columns: minmax(0, 1fr) max-content; gap: 2px 14px;
  padding: 8px 0; border-top: 1px solid var(--line); }
.sahara-board .track { grid-column: 1 / -1; display: flex; height: 10px; border-radius: 5px; overflow: hidden;
  background: var(--jp-layout-color3, rgba(128, 128, 128, .25)); }
.sahara-board .track span { display: block; height: 100%; }
.sahara-board .key { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin: 0 5px 0 10px; }
.sahara-board .paid { background: #2a8c82; } .sahara-board .due { background: var(--sand); }
.sahara-board .vote { padding: 8px 0; border-top: 1px solid var(--line); }
.sahara-board .tally { display: grid; grid-template-columns: max-content 1fr max-content; gap: 0 12px;
  align-items: center; }
.sahara-board .tally > :nth-child(3n) { text-align: right; }
.sahara-board .head { display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: center; }
.sahara-board .none { color: var(--soft); padding: 6px 0 2px; border-top: 1px solid var(--line); }
"""


def page(board: Board, *, votes: bool = True) -> Html:
    """The whole dashboard of one account; without its votes where a panel to vote with stands below."""
    panels = (
        _panel("Earnings by asset", _earnings(board)),
        _panel("Licenses held", _licenses(board)),
        _panel("Training jobs", _jobs(board)),
        _panel("Votes", _votes(board)) if votes else "",
        _panel("Sales", _sales(board)),
        _panel("Calls of served models", _usage(board)) if board.usage else "",
        _panel("Rules the token holders set", _rules(board)),
    )
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(board.read_at))
    return Html(
        f'<style>{STYLE}</style><div class="sahara-board"><div class="top"><h2>{text(board.account)}</h2>'
        f'<span class="soft">{mono(board.address)}</span><span class="soft">read {moment}</span></div>'
        f'<div class="tiles">{_tiles(board)}</div><div class="panels">{"".join(panels)}</div></div>'
    )


def summary(board: Board) -> str:
    """The plain-text twin of :func:`page`."""
    rows = [
        ("Balance", format_tokens(board.tokens)),
        ("Claimable", format_tokens(board.earnings.claimable)),
        ("Earned so far", format_tokens(board.received)),
        ("Licenses held", board.valid_licenses),
        ("Licenses sold", len(board.sales)),
        ("Jobs", board.jobs_total),
        ("Proposals", board.proposals_total),
    ]
    earned = [
        (line.asset, format_tokens(line.received), format_tokens(line.claimable)) for line in board.earnings.lines
    ]
    listing = text_table(("Asset", "Earned", "Claimable"), earned, align=("left", "right", "right"))
    return f"{text_card(board.account, rows)}\n\n{listing}"


def _tiles(board: Board) -> str:
    tiles = (
        ("Balance", _short(board.tokens), "SAHARA"),
        ("Claimable", _short(board.earnings.claimable), "SAHARA"),
        ("Earned so far", _short(board.received), f"SAHARA, {_count(len(board.earnings.lines), 'asset')}"),
        ("Licenses held", str(board.valid_licenses), f"{len(board.licenses)} ever"),
        ("Licenses sold", str(len(board.sales)), "of own assets"),
        ("Training jobs", str(board.jobs_total), f"{board.running_jobs} running"),
        ("Voting power", _short(board.power), f"{_count(board.open_votes, 'vote')} open"),
    )
    return "".join(
        f'<div class="tile"><small>{text(name)}</small><b>{text(value)}</b><small>{text(below)}</small></div>'
        for name, value, below in tiles
    )


def _panel(title: str, body: str) -> str:
    return f'<section class="panel" aria-label="{text(title)}"><h3>{text(title)}</h3>{body}</section>'


def _none(words: str) -> str:
    return f'<div class="none">{text(words)}</div>'


def _earnings(board: Board) -> str:
    lines = sorted(board.earnings.lines, key=lambda line: line.received, reverse=True)
    if not lines:
        return _none("No assets yet. Publish one: lab.market.publish(folder, name=…)")
    most = max((line.received for line in lines), default=0) or 1
    rows = []
    for line in lines:
        due = min(line.claimable, line.received)
        paid = line.received - due
        rows.append(
            f'<div class="earned"><span>{text(line.asset)}</span><span>{text(format_tokens(line.received))}</span>'
            f'<span class="track" role="img" aria-label="{text(format_tokens(due))} of it claimable">'
            f'<span class="paid" style="width:{paid * 10_000 // most / 100:.2f}%"></span>'
            f'<span class="due" style="width:{due * 10_000 // most / 100:.2f}%"></span></span></div>'
        )
    key = '<span class="key paid"></span>paid out, or owed to parents<span class="key due"></span>claimable'
    return f'{"".join(rows)}<div class="soft" style="margin-left:-10px">{key}</div>'


def _licenses(board: Board) -> str:
    if not board.licenses:
        return _none("No licenses yet. Get one: %sahara license owner/name")
    rows = [_license(grant) for grant in board.licenses]
    return table(("#", "Asset", "Terms", "State", "Expires"), rows)


def _license(grant: LicenseGrant) -> tuple[object, ...]:
    expires = time.strftime("%Y-%m-%d", time.gmtime(grant.expires_at)) if grant.expires_at else "never"
    return (grant.id, grant.asset, grant.terms.flavor, badge(grant.status, _STATES.get(grant.status)), expires)


def _jobs(board: Board) -> str:
    if not board.jobs:
        return _none("No jobs yet. Put %%sahara train in the first line of a training cell.")
    return table(("Job", "State", "Trained on", "Result"), [_job(job) for job in board.jobs])


def _job(job: JobLine) -> tuple[object, ...]:
    metrics = Html("<br>".join(text(f"{name} {value:.4g}") for name, value in job.metrics))
    name = Html(f"{text(job.name)}<br>{muted(mono(job.id))}") if job.name else mono(job.id)
    sources = Html("<br>".join(text(source) for source in job.inputs))
    return (name, badge(job.status, _STATES.get(job.status)), sources, metrics)


def _votes(board: Board) -> str:
    if not board.proposals:
        return _none("No proposals yet. Make one: %sahara propose fee 2%")
    return "".join(_proposal(proposal) for proposal in board.proposals)


def _proposal(proposal: Proposal) -> str:
    total = proposal.for_votes + proposal.against_votes + proposal.abstain_votes
    choices: tuple[tuple[str, int, Accent], ...] = (
        ("for", proposal.for_votes, "ok"),
        ("against", proposal.against_votes, "error"),
        ("abstain", proposal.abstain_votes, "info"),
    )
    lines = "".join(
        f'<span class="soft">{name}</span>'
        f"{bar(votes / total if total else 0, accent=accent, width='100%')}<span>{text(_short(votes))}</span>"
        for name, votes, accent in choices
    )
    mine = f", you voted {proposal.my_vote}" if proposal.my_vote else ""
    reached = "quorum reached" if proposal.for_votes + proposal.abstain_votes >= proposal.quorum else "below quorum"
    return (
        f'<div class="vote"><div class="head"><span>#{proposal.number} {text(proposal.title)}</span>'
        f'{badge(proposal.state, _STATES.get(proposal.state))}</div><div class="tally">{lines}</div>'
        f'<div class="soft">{text("; ".join(proposal.actions))}; {reached}{text(mine)}</div></div>'
    )


def _sales(board: Board) -> str:
    if not board.sales:
        return _none("Nothing sold yet.")
    rows = [(sale.license, sale.asset, sale.buyer, format_tokens(sale.price)) for sale in board.sales[:10]]
    return table(("#", "Asset", "Buyer", "Price"), rows, align=("left", "left", "left", "right"))


def _usage(board: Board) -> str:
    rows = [(row.day, row.model, row.caller, row.calls, format_tokens(row.charged)) for row in board.usage]
    headers = ("Day", "Model", "Caller", "Calls", "Charged")
    return table(headers, rows, align=("left", "left", "left", "right", "right"))


def _rules(board: Board) -> str:
    rows = [(rule.label, format_share(rule.value), format_share(rule.maximum)) for rule in board.parameters]
    return table(("Parameter", "Now", "At most"), rows, align=("left", "right", "right"))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _short(wei: int) -> str:
    """An amount for a tile: thousands separated, at most three decimals, rounded down."""
    whole, rest = divmod(wei, WEI_PER_TOKEN)
    decimals = f"{rest * 1000 // WEI_PER_TOKEN:03d}".rstrip("0")
    return plain(f"{whole:,}.{decimals}" if decimals else f"{whole:,}")

"""``sahara-lab check``, ``choose``, ``terms`` and the like: what may be done with assets, and who is owed what for it.

No rules live here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.command()
@click.argument("parents", nargs=-1, required=True)
@click.option("--use", default="derived_from", show_default=True, help="How the result is made from them.")
@click.option("--license", "flavor", help="The license that the result is to have.")
def check(parents: tuple[str, ...], use: str, flavor: str | None) -> None:
    """Show whether something may be made of PARENTS, what it will owe, and what is in the way."""
    found = _lab().licensing.check(parents, use=use, output=flavor)
    _show(found)
    if not found.ok:
        click.get_current_context().exit(1)


@click.command()
@click.option("--use", help="study, work, build, anything or compute; you are asked when it is left out.")
@click.option("--price", default="free", show_default=True, help="In tokens.")
@click.option("--back", default="nothing", show_default=True, help="nothing, alike, or a share like 10%.")
@click.option("--lasts", default="for ever", show_default=True, help='Or a time like "1 year".')
@click.option("--refund", "refund_window", help='How long it can be given back, e.g. "7 days".')
def choose(use: str | None, refund_window: str | None, **answers: Any) -> None:
    """Find the license that fits four plain answers."""
    from sahara_lab.licensing.terms import License

    if use is None:
        answers = _ask()
        use = answers.pop("use")
    _show(License.choose(use, **answers, refund_window=refund_window).in_words)


def _ask() -> dict[str, Any]:
    from sahara_lab.licensing.chooser import QUESTIONS, open_questions

    answers: dict[str, Any] = {}
    for question in QUESTIONS:
        if answers and question not in open_questions(answers["use"]):
            continue
        click.echo(question.text)
        for choice in question.choices:
            click.echo(f"  {click.style(choice.key, bold=True)}: {choice.text}")
        if question.free:
            click.echo(f"  or {question.free}")
        answers[question.key] = click.prompt("  answer", default=question.default)
    return answers


@click.command()
@click.argument("name")
@click.option("--license", "flavor", help="Which of the offered licenses; the cheapest when left out.")
def terms(name: str, flavor: str | None) -> None:
    """Say in plain words what a license of the asset NAME lets you do."""
    _show(_lab().market.terms(name, flavor).in_words)


@click.command()
@click.option("--asset", help="A statement of this own asset.")
@click.option("--since", help="A statement from this day on, e.g. 2026-11-01.")
@click.option("--csv", "path", type=click.Path(dir_okay=False), help="Write the statement to this file; - prints it.")
def earnings(asset: str | None, since: str | None, path: str | None) -> None:
    """Show what you can claim; with an option, a statement of what came in."""
    market = _lab().market
    if asset is None and since is None and path is None:
        return _show(market.earnings())
    statement = market.statement(asset, since=since)
    if path == "-":
        return click.echo(statement.csv(), nl=False)
    if path:
        statement.csv(path)
    _show(statement)


@click.command()
@click.argument("name")
@click.option("--license", "flavor", help="Which of the offered licenses; the cheapest when left out.")
def unoffer(name: str, flavor: str | None) -> None:
    """Offer the own asset NAME under a license no longer; what was sold stays valid."""
    click.echo(f"{name} is no longer offered under: {_lab().market.withdraw(name, flavor).summary}")


@click.command()
@click.argument("child")
@click.argument("own")
@click.confirmation_option(prompt="This cannot be taken back. Give it up?")
def waive(child: str, own: str) -> None:
    """Give up, for good, what the asset CHILD owes to the asset OWN, which it was not made of."""
    _lab().market.waive(child, own)
    click.echo(f"{child} owes nothing to {own} any more")


@click.command()
@click.argument("name")
@click.option("--prov", type=click.Path(dir_okay=False), help="Write it as W3C PROV-O to this file.")
@click.option("--svg", type=click.Path(dir_okay=False), help="Write the drawing to this file.")
def lineage(name: str, prov: str | None, svg: str | None) -> None:
    """Show what the asset NAME was made of and what was made of it."""
    found = _lab().market.lineage(name)
    if prov:
        found.write_prov(prov)
    if svg:
        Path(svg).write_text(found.svg(), encoding="utf-8")
    _show(found)


@click.command()
@click.argument("name")
@click.argument("stars", type=int)
@click.argument("text", default="")
def review(name: str, stars: int, text: str) -> None:
    """Say what you think of the asset NAME, with 1 to 5 STARS; everyone can read it."""
    _show(_lab().market.review(name, stars, text))


@click.command()
@click.argument("name")
def reviews(name: str) -> None:
    """Show what license holders say of the asset NAME."""
    _show(_lab().market.reviews(name))


@click.command()
@click.argument("name")
@click.argument("reason")
def report(name: str, reason: str) -> None:
    """Report that something is wrong with the asset NAME; the DAO decides."""
    _lab().market.report(name, reason)
    click.echo(f"{name} is reported; the DAO decides")


@click.command()
@click.argument("name")
@click.argument("reason")
def appeal(name: str, reason: str) -> None:
    """Answer the DAO's decision about an own asset NAME."""
    _lab().market.appeal(name, reason)
    click.echo("your answer is on record; the DAO decides")


@click.command()
@click.argument("name")
@click.argument("standing", type=click.Choice(["clear", "disputed", "taken-down"]))
@click.argument("reason")
def judge(name: str, standing: str, reason: str) -> None:
    """Propose that the DAO disputes the listing NAME, takes it down or clears it."""
    lab, word = _lab(), standing.replace("-", " ")
    click.echo(str(lab.dao.propose([lab.market.decision(name, word, reason)], f"{name}: {word}", reason)))


@click.command()
@click.argument("account")
@click.argument("reason")
@click.option("--revoke", is_flag=True, help="Propose that it no longer does.")
def vouch(account: str, reason: str, revoke: bool) -> None:
    """Propose that the DAO vouches for who the publisher ACCOUNT is."""
    lab = _lab()
    action = lab.market.verification(account, reason, verified=not revoke)
    title = f"{'No longer vouch' if revoke else 'Vouch'} for {account}"
    click.echo(str(lab.dao.propose([action], title, reason)))


COMMANDS = (check, choose, terms, earnings, unoffer, waive, lineage, review, reviews, report, appeal, judge, vouch)

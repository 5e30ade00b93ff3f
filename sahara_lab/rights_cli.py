"""``sahara-lab check``, ``choose``, ``terms`` and the like: what may be done with assets, and who is owed what for it.

No rules live here.
"""

from __future__ import annotations

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
    from sahara_lab.licensing.chooser import QUESTIONS

    answers = {}
    for question in QUESTIONS:
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


COMMANDS = (check, choose, terms, earnings)

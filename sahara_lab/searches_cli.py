"""``sahara-lab searches``: searches that are kept by name. No rules live here."""

from __future__ import annotations

from typing import Any

import click


def _searches() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"]).market.searches


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.group()
def searches() -> None:
    """Searches that are kept by name."""


@searches.command("list")
def list_all() -> None:
    """List them, with how many listings are fresh in each."""
    kept = _searches()
    _show(kept.all())
    for one in kept:
        if fresh := kept.fresh(one.name):
            click.echo(f"{one.name}: {fresh} fresh")


@searches.command()
@click.argument("name")
@click.argument("text", nargs=-1)
@click.option("--kind")
@click.option("--license")
@click.option("--price")
@click.option("--max-price")
@click.option("--task")
@click.option("--format")
@click.option("--tag")
@click.option("--owner")
@click.option("--sort")
def save(name: str, text: tuple[str, ...], **filters: str | None) -> None:
    """Keep the search for TEXT under NAME."""
    click.echo(_searches().save(name, " ".join(text), **filters))


@searches.command()
@click.argument("name")
def run(name: str) -> None:
    """Search for NAME again."""
    _show(_searches().run(name))


@searches.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget NAME."""
    _searches().remove(name)
    click.echo(f"{name} is forgotten")

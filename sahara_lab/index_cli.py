"""``sahara-lab index``: what an operator types to see and mend the local catalog. No rules live here."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click


def _index() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"]).market.index


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.group()
def index() -> None:
    """The local catalog of what the chain lists."""


@index.command()
def status() -> None:
    """Show how far the catalog is, and the documents that it could not take in."""
    _show(_index().status())


@index.command()
def rebuild() -> None:
    """Read everything again from the chain."""
    _show(_index().rebuild())


@index.command()
def retry() -> None:
    """Ask again for every document that is not shown, the quarantined ones too."""
    _show(_index().retry())


@index.command()
@click.option("--every", default=1.0, show_default=True, help="Seconds between two looks at the chain.")
def run(every: float) -> None:
    """Keep the catalog at the chain's head until told to stop; for servers with many readers."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    following = _index()
    click.echo("following the chain; end with Ctrl-C")
    following.follow(stop, every, click.echo)

"""``sahara-lab serve``, ``call`` and ``serving``: models as a service, from a terminal. No rules live here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from sahara_lab.errors import InputError
from sahara_lab.units import format_tokens


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.command()
@click.argument("model", required=False)
@click.option("--loader", help="FILE.py:FUNCTION that makes a function from instances to predictions of the files.")
@click.option("--price", default="0", show_default=True, help="Tokens a call costs who has no key.")
@click.option("--replicas", default="1", show_default=True, help="How many copies, or the fewest and the most: 1-4.")
@click.option("--batch", default=16, show_default=True, help="Most calls that are computed together.")
@click.option("--cpus", default=1.0, show_default=True, help="Of each copy.")
@click.option("--gpus", default=0.0, show_default=True, help="Of each copy.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=0, help="Any that is free, when left out.")
@click.option("--stop", is_flag=True, help="Serve MODEL no longer.")
def serve(model: str | None, loader: str | None, replicas: str, stop: bool, **options: Any) -> None:
    """Serve MODEL (owner/name) until stopped; without MODEL, list what is served."""
    from sahara_lab.serving.wording import bounds, loader_of

    serving = _lab().serving
    if model is None:
        _show(serving.status())
    elif stop:
        serving.stop(model)
        click.echo(f"{model} is served no longer")
    else:
        code = loader_of(loader) if loader else None
        _show(serving.serve(model, loader=code, replicas=bounds(replicas), **options))


@click.command()
@click.argument("model")
@click.argument("payload")
@click.option("--max-price", help="The most that this call may cost, in tokens.")
@click.option("--budget", help="The most that may wait for calls of this model, in tokens.")
@click.option("--key-file", type=click.Path(path_type=Path), help="A file with an API key; - reads it from the input.")
@click.option("--url", help="The gateway, when it is not on this machine.")
def call(model: str, payload: str, key_file: Path | None, **options: Any) -> None:
    """Call a served MODEL with PAYLOAD, which is JSON, or - for the input's."""
    try:
        given = json.loads(sys.stdin.read() if payload == "-" else payload)
    except ValueError:
        raise InputError(
            "the payload is not JSON", hint="""Write numbers like '[1, 2]', text like '"hello"'"""
        ) from None
    key = None
    if key_file is not None:
        key = (sys.stdin.readline() if str(key_file) == "-" else key_file.read_text()).strip()
    click.echo(json.dumps(_lab().serving.call(model, given, key=key, **options), ensure_ascii=False))


@click.group()
def serving() -> None:
    """Keys, usage and money of models that are served or called."""


@serving.command("new-key")
@click.argument("name")
@click.option("--model", default="", help="The one model it opens; all of yours when left out.")
@click.option("--budget", type=int, help="Calls it is good for.")
@click.option("--lasts", help='How long, e.g. "30 days".')
def new_key(name: str, **options: Any) -> None:
    """Make an API key and print it, this once."""
    click.echo(_lab().serving.new_key(name, **options).reveal())


@serving.command()
def keys() -> None:
    """List API keys; none can be seen again."""
    _show(_lab().serving.keys())


@serving.command()
@click.argument("key")
def revoke(key: str) -> None:
    """Make a key useless, by the id in `keys`."""
    _lab().serving.revoke(key)
    click.echo(f"key {key} opens nothing any more")


@serving.command()
def usage() -> None:
    """Show who called which model how often, and what it was charged."""
    _show(_lab().serving.usage())


@serving.command()
def settle() -> None:
    """Redeem now what callers have promised for calls so far."""
    click.echo(f"redeemed {format_tokens(_lab().serving.settle())}")


@serving.command()
@click.argument("model")
@click.argument("amount", required=False)
def prepay(model: str, amount: str | None) -> None:
    """Have AMOUNT tokens in all wait for calls of MODEL; without AMOUNT, show what does."""
    found = _lab().serving
    _show(found.prepay(model, amount) if amount else found.prepaid(model))


@serving.command()
@click.argument("model")
def refund(model: str) -> None:
    """Get back what was prepaid and not used; once now, and again when the channel has closed."""
    back = _lab().serving.refund(model)
    click.echo(f"paid back {format_tokens(back)}" if back else "closing; run this again when the delay is over")


commands = (serve, call, serving)

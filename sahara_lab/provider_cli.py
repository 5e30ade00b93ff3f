"""``sahara-lab provider``: what the owner of a machine for rent types. No rules live here."""

from __future__ import annotations

from typing import Any

import click


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.group()
def provider() -> None:
    """Rent out this machine, or see who does."""


@provider.command()
@click.option("--rate", required=True, help="Price of one worker for one second, in tokens.")
@click.option(
    "--stake",
    default="0",
    show_default=True,
    help="What stands behind each job, in tokens.",
)
@click.option("--workers", type=int, help="How many run at the same time; one for each core when left out.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8500, show_default=True)
@click.option("--url", help="Where renters reach it, e.g. https://gpu.example; http://HOST:PORT when left out.")
@click.option("--heartbeat", default=10, show_default=True, help="Seconds between two vouchers.")
@click.option(
    "--unsafe-no-isolation", is_flag=True, help="UNSAFE: run strangers' code without a wall. It can do all you can."
)
def join(**options: Any) -> None:
    """Measure and register this machine, and take jobs until stopped."""
    _lab().machine.join(**options, tell=lambda text: click.echo(f"{click.style('·', dim=True)} {text}", err=True))


@provider.command()
def status() -> None:
    """Show this machine's offer, its isolation, and its jobs."""
    _show(_lab().machine.status())


@provider.command()
def drain() -> None:
    """Take no more jobs; those that run go on to their end."""
    _lab().machine.drain()
    click.echo("draining: no more jobs are taken")


@provider.command()
def leave() -> None:
    """Take this machine's offer back."""
    gone = _lab().machine.leave()
    click.echo("the offer is taken back; stake stays until: sahara-lab unstake" if gone else "there was no offer")


@provider.command("list")
def list_() -> None:
    """List the machines for rent, the cheapest first."""
    _show(_lab().compute.providers())


@provider.command()
def recover() -> None:
    """Bring jobs that this account rented to their end, after a crash."""
    jobs = _lab().compute.recover()
    for job in jobs:
        job.wait()
        click.echo(f"{job.id}: {job.record()['message'] or job.status}")
    if not jobs:
        click.echo("nothing is left to do")

"""``sahara-lab provider``: what the owner of a machine for rent types. No rules live here."""

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
@click.option(
    "--simulated-tee",
    is_flag=True,
    help="Put reports of a SIMULATED trusted machine into manifests.",
)
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


@provider.command()
@click.argument("job", required=False)
@click.option("--approve", "verdict", flag_value="approve", help="Let this code run on the data, now and later.")
@click.option(
    "--approve-and-release", "verdict", flag_value="trust", help="The same, and let its results leave unseen."
)
@click.option("--release", "verdict", flag_value="release", help="Let the results of JOB go to its client.")
@click.option("--refuse", "verdict", flag_value="refuse", help="Refuse the code, or the results, of JOB.")
def review(job: str | None, verdict: str | None) -> None:
    """List the jobs on your data that wait for your word, or show one and say it."""
    machine = _lab().machine
    if job is None:
        _show(machine.review())
    elif verdict is None:
        _show(machine.reviews.get(job))
    else:
        say = {
            "approve": machine.reviews.approve,
            "trust": lambda job: machine.reviews.approve(job, release=True),
            "release": machine.reviews.release,
            "refuse": machine.reviews.refuse,
        }[verdict]
        click.echo(f"said and signed: {say(job)}")


@provider.command()
@click.argument("asset")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--release", is_flag=True, help="Let its results leave, too, without looking at each.")
def allow(asset: str, script: Path, release: bool) -> None:
    """Approve SCRIPT for jobs on ASSET before anybody asks."""
    click.echo(f"allowed: {_lab().machine.reviews.allow(asset, script.read_text('utf-8'), release=release)}")


@provider.command()
@click.argument("asset")
@click.option("--canaries", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV: a row a line.")
@click.option("--most", default="64 MB", show_default=True, help="Size of all results of a job together.")
def guard(asset: str, canaries: Path | None, most: str) -> None:
    """Say what must not leave with results of jobs on ASSET: rows to look for, and a size."""
    from sahara_lab.rental.guarding import read_rows

    click.echo(str(_lab().machine.guard(asset, read_rows(canaries) if canaries else (), most)))


@provider.command("list")
@click.option("--order", default="price", show_default=True, help="price, speed or reputation: the best first.")
@click.option("--cores", type=int, default=0, help="At least so many.")
@click.option("--memory", default="0", help="At least so much, e.g. 32GB.")
@click.option("--gpu", help="With a GPU that has this in its name; --gpu '' for any.")
@click.option("--max-rate", help="At most this price of a worker second, in tokens.")
@click.option("--min-stake", default="0", help="At least this stake, in tokens.")
@click.option("--done", type=int, default=0, help="At least so many jobs done.")
@click.option("--isolated", is_flag=True, help="Only with a wall around strangers' code.")
def list_(memory: str, gpu: str | None, max_rate: str | None, min_stake: str, **given: Any) -> None:
    """List the machines for rent, the cheapest first."""
    from sahara_lab.units import to_bytes, to_wei

    wanted = {
        "memory": to_bytes(memory),
        "gpus": int(gpu is not None),
        "gpu": gpu or "",
        "most": None if max_rate is None else to_wei(max_rate),
        "stake": to_wei(min_stake),
    }
    _show(_lab().compute.providers(**given, **wanted))


@provider.command()
def recover() -> None:
    """Bring jobs that this account rented to their end, after a crash."""
    jobs = _lab().compute.recover()
    for job in jobs:
        job.wait()
        click.echo(f"{job.id}: {job.record()['message'] or job.status}")
    if not jobs:
        click.echo("nothing is left to do")


@click.command("verify-job")
@click.argument("job")
@click.option("--segment", type=int, help="Which one, counted from 1; drawn when left out.")
@click.option("--seed", help="What the segment is drawn with, such as the hash of a block.")
@click.option("--whole", is_flag=True, help="Run all of a rented job again, also one that kept no segments.")
def verify_job(job: str, segment: int | None, seed: str | None, whole: bool) -> None:
    """Compute a segment of JOB again on this machine and compare; fails unless it is what it was claimed to be."""
    compute = _lab().compute
    found = compute.recompute(job) if whole else compute.verify(job, segment=segment, seed=seed)
    click.echo(str(found))
    if not found.ok:
        click.get_current_context().exit(1)

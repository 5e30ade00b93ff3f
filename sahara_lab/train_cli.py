"""``sahara-lab train``, ``jobs``, ``attach``, ``stop``, ``cluster``: what a terminal says about training.

No rules live here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from sahara_lab.compute.options import FLAGS
from sahara_lab.errors import InputError

_SHOWN = 20


def _compute() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"]).compute


def _flags(command: Any) -> Any:
    for name, (kind, meaning) in reversed(list(FLAGS.items())):
        command = click.option(f"--{name}", type=kind, help=f"{meaning[0].upper()}{meaning[1:]}.")(command)
    return command


@click.command()
@click.argument("script", type=click.Path(path_type=Path, dir_okay=False))
@_flags
@click.option("--input", "inputs", multiple=True, help="An asset that the script trains on.")
@click.option("--name", help="A title for the job.")
@click.option("--max-price", help="The most to spend: on licenses that the inputs need, and rent.")
@click.option("--provider", help='Whose machine to rent: a handle, or "any"; this machine when left out.')
@click.option("--resume", help="Continue from a job's checkpoint.")
@click.option("--quote", is_flag=True, help="Only say what it takes, costs and will owe.")
@click.option("--detach", is_flag=True, help="Do not wait for the end.")
def train(script: Path, detach: bool, quote: bool, **options: Any) -> None:
    """Run SCRIPT, ordinary Lightning code, on workers."""
    if not script.exists():
        raise InputError(f"there is no script {str(script)!r}")
    sys.path.insert(0, str(script.absolute().parent))  # as Python does for a script; the workers get this path
    source, names = script.read_text("utf-8"), {"__file__": str(script.absolute())}
    if quote:
        given = {
            name: value for name, value in options.items() if name not in ("max_price", "name", "resume", "provider")
        }
        click.echo(_compute().estimate(source, names, **given)._repr_mimebundle_()["text/plain"])
        return
    job = _compute().run_cell(source, names, **options)
    if detach:
        click.echo(f"{job.id} runs; follow it with: sahara-lab attach {job.id}")
        return
    _follow(job)


@click.command()
@click.option("--all", "everything", is_flag=True, help=f"Not only the newest {_SHOWN}.")
def jobs(everything: bool) -> None:
    """List training jobs, newest first."""
    from sahara_lab.display import text_table

    found = _compute().jobs()
    shown = found if everything else found[:_SHOWN]
    records = [job.record() for job in shown]
    rows = [(r["id"], r["status"], r["name"] or "", ", ".join(r["inputs"])) for r in records]
    click.echo(text_table(("Job", "Status", "Name", "Inputs"), rows))
    if len(found) > len(shown):
        click.echo(f"{len(found) - len(shown)} older ones: sahara-lab jobs --all")


@click.command()
@click.argument("job")
def attach(job: str) -> None:
    """Follow a job until it ends; Ctrl-C leaves it running."""
    _follow(_compute().job(job))


@click.command()
@click.argument("job")
def stop(job: str) -> None:
    """Stop a job at an agreed step; its checkpoint is kept."""
    found = _compute().job(job)
    found.stop()
    click.echo(f"{found.id} is {found.status}")


@click.group()
def cluster() -> None:
    """Choose the Ray cluster of your own that cells train on."""


def _backend() -> Any:
    from sahara_lab.compute import Compute
    from sahara_lab.profile import Profile

    return Compute(Profile(click.get_current_context().obj["profile"]).jobs)


@cluster.command()
@click.argument("address")
@click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), help="The file with its token.")
def use(address: str, token_file: Path | None) -> None:
    """Train on the Ray cluster at ADDRESS (ray://HOST:10001) from now on."""
    from sahara_lab.compute.clusters import WARNING

    compute = _backend()
    compute.use_cluster(address, token_file)
    click.echo(f"Cells train on {compute.cluster}.")
    click.echo(f"{WARNING}.")


@cluster.command()
def show() -> None:
    """Say where cells train."""
    click.echo(_backend().cluster or "this machine")


@cluster.command()
def leave() -> None:
    """Train on this machine again."""
    _backend().use_cluster(None)
    click.echo("Cells train on this machine.")


def _follow(job: Any) -> None:
    from sahara_lab.compute import progress_of, progress_text

    def show(event: dict[str, Any]) -> None:
        if event.get("kind") == "log":
            click.echo(event.get("text", "").rstrip("\n"))

    try:
        job.wait(on_event=show)
    except KeyboardInterrupt:
        click.echo(f"\n{job.id} goes on; see: sahara-lab attach {job.id}, sahara-lab stop {job.id}")
        return
    click.echo(progress_text(progress_of(job.events(0)[0], job.record())))
    job.raise_for_status()


commands = (train, jobs, attach, stop, cluster)

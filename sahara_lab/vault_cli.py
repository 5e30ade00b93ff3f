"""``sahara-lab custody`` and ``recovery``: what an owner types to move, renew or get back keys. No rules live here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


def _show(value: Any) -> None:
    click.echo(value._repr_mimebundle_()["text/plain"])


@click.group()
def custody() -> None:
    """Who guards and owns the keys of an asset."""


@custody.command()
@click.argument("name")
def reencrypt(name: str) -> None:
    """Encrypt the files of an own asset again, as a new version that no kept key opens."""
    with click.progressbar(length=1, label="encrypting", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        made = _lab().vault.reencrypt(name, show)
    _show(made)


@custody.command()
@click.argument("name")
@click.option("--server", "servers", type=int, multiple=True, required=True, help="A key server's number; repeat it.")
@click.option("--threshold", type=int, required=True, help="How many of them release a key together.")
def reshare(name: str, servers: tuple[int, ...], threshold: int) -> None:
    """Have other key servers guard the keys of an own asset."""
    _show(_lab().vault.reshare(name, servers, threshold))


@custody.command()
@click.argument("name")
@click.argument("to")
@click.option("--yes", is_flag=True, help="Do not ask.")
def transfer(name: str, to: str, yes: bool) -> None:
    """Give an own asset and its keys to the account TO, for good."""
    if not yes:
        click.confirm(f"{name} will belong to {to}, and you cannot take it back. Go on?", abort=True)
    _show(_lab().vault.transfer(name, to))


@click.group()
def recovery() -> None:
    """Guardians who can give back the key of your vaults when your wallet is lost."""


@recovery.command()
@click.argument("guardians", nargs=-1, required=True)
@click.option("--threshold", type=int, required=True, help="How many of them are needed.")
@click.option("--document", type=FILE, required=True, help="File to write; public, keep copies of it.")
def appoint(guardians: tuple[str, ...], threshold: int, document: Path) -> None:
    """Split the account's encryption key among GUARDIANS."""
    made = _lab().recovery.appoint(guardians, threshold, document)
    click.echo(f"{made.threshold} of {len(made.shares)} guardians can give back the key; keep copies of {document}")


@recovery.command()
@click.argument("document", type=FILE)
@click.argument("folder", type=FOLDER)
def begin(document: Path, folder: Path) -> None:
    """Start a recovery with the DOCUMENT of guardians, in a new FOLDER."""
    said = _lab().recovery.begin(document, folder)
    click.echo(f"send {folder / 'request.json'} and the document to the guardians, and tell each of them in person:")
    click.echo(said)


@recovery.command()
@click.argument("document", type=FILE)
@click.argument("request", type=FILE)
@click.argument("answer", type=FILE)
@click.option("--fingerprint", required=True, help="As the owner said it to you, in person or by voice.")
def answer(document: Path, request: Path, answer: Path, fingerprint: str) -> None:
    """As a guardian, seal the own share for the owner into the file ANSWER."""
    _lab().recovery.answer(document, request, fingerprint, answer)
    click.echo(f"send {answer} to the owner")


@recovery.command()
@click.argument("document", type=FILE)
@click.argument("folder", type=FOLDER)
@click.argument("answers", type=FILE, nargs=-1, required=True)
@click.option("--asset", required=True, help="owner/name[@version] to decrypt.")
@click.option("--into", type=FOLDER, required=True, help="A new folder for its files.")
def finish(document: Path, folder: Path, answers: tuple[Path, ...], asset: str, into: Path) -> None:
    """Join the guardians' ANSWERS and decrypt an asset of the lost account."""
    liars = _lab().recovery.finish(document, folder, answers, asset, into)
    for liar in liars:
        click.echo(f"the answer of {liar} was not right and was left out")
    click.echo(f"decrypted into {into}")

"""``sahara-lab vault``: what is typed to check, clean, export and import encrypted files. No rules live here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, dir_okay=False)


def _lab() -> Any:
    from sahara_lab.lab import connect

    options = click.get_current_context().obj
    return connect(options["profile"], options["account"])


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield show


@click.group()
def vault() -> None:
    """Check, clean, export and import encrypted files."""


@vault.command()
@click.argument("name")
def verify(name: str) -> None:
    """Check every stored byte of an asset (owner/name[@version]) against the chain."""
    opened = _lab().vault
    with _bar("checking") as progress:
        verified = opened.verify(name, progress)
    click.echo(verified)


@vault.command()
@click.argument("name")
@click.option("--delete", is_flag=True, help="Remove what is listed; without it nothing is removed.")
@click.option("--grace", default="1 day", show_default=True, help="Keep what is younger.")
@click.option("--old-versions", is_flag=True, help="Also what only older versions need; nobody reads them then.")
def gc(name: str, delete: bool, grace: str, old_versions: bool) -> None:
    """List what lies in an own asset's storage and no version names; --delete removes it."""
    found = _lab().vault.gc(name, dry_run=not delete, grace=grace, old_versions=old_versions)
    click.echo(found._repr_mimebundle_()["text/plain"])


@vault.command()
@click.argument("limit", required=False)
def cache(limit: str | None) -> None:
    """Show what this machine keeps of remote vaults, encrypted; LIMIT (20GB; 0) says how much it may be."""
    click.echo(_lab().vault.cache(limit))


@vault.command()
@click.argument("path")
@click.argument("target", type=FILE)
@click.option("--age", "recipients", multiple=True, required=True, help="An age1… public key; repeat it for more.")
def export(path: str, target: Path, recipients: tuple[str, ...]) -> None:
    """Write an asset, folder or file (owner/name[@version][/path]) as one age file."""
    count = _lab().vault.export(path, target, recipients)
    click.echo(f"{target}: {count} file{'' if count == 1 else 's'}; open with: age -d -i KEYS {target}")


@vault.command("import")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("path")
@click.option("--identity", "-i", type=click.Path(path_type=Path, exists=True), required=True, help="An age key file.")
def import_(source: Path, path: str, identity: Path) -> None:
    """Write what an age file holds into the draft of an own asset (owner/name[/path])."""
    from sahara_lab.vault.agefiles import read_identities

    count = _lab().vault.import_age(source, path, read_identities(identity.read_text()))
    asset = "/".join(path.split("/")[:2])
    click.echo(f"{count} in the draft; publish: sahara-lab publish vault://{asset} --name {asset.partition('/')[2]}")

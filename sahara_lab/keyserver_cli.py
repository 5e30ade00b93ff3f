"""``sahara-lab keyserver``: what the operator of a key server types. No rules live here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from sahara_lab.errors import InputError, NotFound
from sahara_lab.profile import Profile

FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def keyserver() -> None:
    """Run a key server: it holds a share of each key and releases it to licensed readers."""


def _options() -> dict[str, Any]:
    found: dict[str, Any] = click.get_current_context().obj
    return found


def _passphrase(file: Path | None) -> str:
    from sahara_lab.licensing.serverkeys import PASSPHRASE_VARIABLE

    if file is not None:
        return file.read_text().strip()
    return os.environ.get(PASSPHRASE_VARIABLE, "")


@keyserver.command()
@FOLDER
@click.option("--url", required=True, help="Where readers will reach it, e.g. https://keys.example.")
@click.option("--passphrase/--no-passphrase", default=True, help="Encrypt the keys on disk (asked for; default).")
@click.option("--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def new(folder: Path, url: str, passphrase: bool, passphrase_file: Path | None) -> None:
    """Make the keys of a key server in FOLDER, and public.json to register it with."""
    from sahara_lab.licensing.keyserver import KEYS, PUBLIC
    from sahara_lab.licensing.serverkeys import ServerKeys

    secret = _passphrase(passphrase_file)
    if passphrase and not secret:
        secret = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    keys = ServerKeys.generate()
    keys.save(folder / KEYS, secret if passphrase else "")
    entry = keys.entry(url)
    public = {"account": entry.account, "url": url, "encryption_key": entry.encryption_key.hex()}
    (folder / PUBLIC).write_text(json.dumps([public]) + "\n")
    click.echo(f"made the keys of {entry.account} in {folder}; back up {folder / KEYS}: without it, shares are lost")
    click.echo(f"next: send {entry.account} coins for anchoring, then: sahara-lab keyserver propose {folder}")


@keyserver.command()
@FOLDER
@click.option("--reason", default="")
def propose(folder: Path, reason: str) -> None:
    """Propose to the DAO that the network recognizes the key server in FOLDER."""
    from sahara_lab.lab import connect
    from sahara_lab.licensing.keyserver import PUBLIC
    from sahara_lab.networks import read_key_servers

    if not (folder / PUBLIC).exists():
        raise NotFound(f"there is no {PUBLIC} in {folder}", hint="Make it: sahara-lab keyserver new FOLDER --url URL")
    [entry] = read_key_servers(folder / PUBLIC)
    lab = connect(_options()["profile"], _options()["account"])
    proposal = lab.dao.propose_key_server(entry.account, entry.url, entry.encryption_key, reason)
    click.echo(f"proposed as {proposal}; vote with: sahara-lab vote {proposal.number} for")


@keyserver.command()
@FOLDER
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8400, show_default=True)
@click.option("--passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--anchor-receipts", default=1024, show_default=True, help="Anchor the log after so many receipts, …")
@click.option("--anchor-every", default="1 hour", show_default=True, help="… or this long after the first of them.")
@click.option("--proxies", default="127.0.0.1", show_default=True, help="Addresses whose X-Forwarded-For is believed.")
def run(
    folder: Path,
    host: str,
    port: int,
    passphrase_file: Path | None,
    anchor_receipts: int,
    anchor_every: str,
    proxies: str,
) -> None:
    """Serve with the keys in FOLDER until terminated."""
    from sahara_lab.licensing import keyserver as running
    from sahara_lab.licensing.anchoring import Batch
    from sahara_lab.licensing.terms import seconds
    from sahara_lab.networks import attach

    if anchor_receipts < 1:
        raise InputError("an anchor holds one receipt at least")
    batch = Batch(anchor_receipts, seconds(anchor_every))
    network = attach(Profile(_options()["profile"]))
    running.run(network, folder, _passphrase(passphrase_file), host, port, batch, proxies)

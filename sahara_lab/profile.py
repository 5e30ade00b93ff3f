"""Where things live on this machine and which network a session talks to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HOME_VARIABLE = "SAHARA_LAB_HOME"
ACCOUNT_VARIABLE = "SAHARA_LAB_ACCOUNT"
CATALOG_VARIABLE = "SAHARA_LAB_CATALOG"
DEFAULT_ACCOUNT = "alice"


def data_home() -> Path:
    """The folder that holds everything of this user; ``SAHARA_LAB_HOME`` overrides the platform's default."""
    override = os.environ.get(HOME_VARIABLE)
    return Path(override).expanduser().resolve() if override else Path(platformdirs.user_data_dir("sahara-lab"))


@dataclass(frozen=True)
class Profile:
    """One network's folders. ``local`` is the embedded network; every profile has the same layout."""

    name: str = "local"
    home: Path | None = None

    @property
    def folder(self) -> Path:
        return (self.home or data_home()) / "profiles" / self.name

    @property
    def network_file(self) -> Path:
        """JSON written by the network's supervisor: RPC address, chain id, contract addresses, key servers."""
        return self.folder / "network.json"

    @property
    def keystores(self) -> Path:
        """One encrypted keystore per account, ``<handle>.json``."""
        return self.folder / "keystores"

    @property
    def storage(self) -> Path:
        """Default vault storage: ciphertext and public manifests only."""
        return self.folder / "storage"

    @property
    def catalog(self) -> Path:
        """SQLite catalog and its search index."""
        return self.folder / "catalog"

    @property
    def shared_catalog(self) -> str | None:
        """``postgresql://`` address of a catalog that several servers share; ``SAHARA_LAB_CATALOG`` names it.

        The search index stays in :attr:`catalog`, one for each server.
        """
        return os.environ.get(CATALOG_VARIABLE) or None

    @property
    def jobs(self) -> Path:
        """One folder per training job."""
        return self.folder / "jobs"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        """The embedded network's own state: chain snapshot, key server keys, journal of transactions."""
        return self.folder / "state"

    def private(self, folder: Path) -> Path:
        """Create a folder that only this user may enter, and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        return folder


def current_account() -> str:
    """The account that acts when none is named.

    ``SAHARA_LAB_ACCOUNT`` if set, else the one chosen with ``sahara-lab use``, else ``alice`` of the embedded network.
    """
    chosen = os.environ.get(ACCOUNT_VARIABLE)
    if chosen:
        return chosen
    try:
        return _choice().read_text().strip() or DEFAULT_ACCOUNT
    except OSError:
        return DEFAULT_ACCOUNT


def choose_account(handle: str) -> None:
    """Make ``handle`` the account that acts when none is named, from the next session on."""
    _choice().parent.mkdir(parents=True, exist_ok=True)
    _choice().write_text(f"{handle}\n")


def _choice() -> Path:
    return data_home() / "account"

"""``vault://`` for fsspec: the vault's file system, with licenses checked on chain.

The file system object holds names only. Keys are found when a file is opened: the session given to this process
if there is one (a training worker), else the account's wallet on this machine.
"""

from __future__ import annotations

import threading
from typing import Any

from sahara_lab.licensing.access import AccountCredentials, ChainManifestSource, installed_session, open_chain
from sahara_lab.profile import Profile, current_account
from sahara_lab.vault import Credentials, ManifestSource, VaultFileSystem

_lock = threading.Lock()
_backends: dict[tuple[str, str, str], tuple[ManifestSource, Credentials]] = {}
_given: list[tuple[ManifestSource, Credentials]] = []


def read_only_from(source: ManifestSource, credentials: Credentials) -> None:
    """Have this process read what it is given and ask neither chain nor wallet: a job on somebody else's machine."""
    _given[:] = [(source, credentials)]


def backend(profile: Profile, handle: str) -> tuple[ManifestSource, Credentials]:
    """How ``handle`` resolves names and proves who it is on the profile's network."""
    if _given:
        return _given[0]
    from sahara_lab.chain import Keyring
    from sahara_lab.identity import Directory

    network, chain = open_chain(profile)
    key = (str(profile.folder), handle, network.rpc_url)
    with _lock:
        if key not in _backends:
            source = ChainManifestSource(profile, network, chain, Directory(chain))
            session = installed_session(profile.name, handle)
            credentials = session or AccountCredentials(Keyring(profile).open(handle), network)
            _backends[key] = (source, credentials)
        return _backends[key]


class LicensedVaultFileSystem(VaultFileSystem):
    """Read what you own or hold a license for; write drafts of your own assets.

    Args:
        profile: name of the network's profile.
        account: handle that reads; default is the current account.
        use: what for: "read", or "training" in training workers.
    """

    def __init__(self, profile: str = "local", account: str | None = None, use: str = "read", **options: Any) -> None:
        super().__init__(profile=profile, account=account, use=use, **options)

    def _backend(self) -> tuple[ManifestSource, Credentials]:
        return backend(Profile(self.profile), self.account or current_account())

"""A reader's side of licensing: where an asset's vault is, and the session that proves who is asking.

A wallet delegates to a session key for at most 30 minutes. The session key, never the wallet's key, signs
the requests to key servers, and is all that a training worker is given.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain, Network, Wallet
from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.profile import Profile
from sahara_lab.vault import KeyServer, ReleaseClass, Session, VaultRef, delegate_session

RENEW_BEFORE = 300  # seconds; a session this close to its end is replaced
_RELATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_SCHEMES = ("file://", "s3://", "gs://", "abfs://", "https://")


def locate(profile: Profile, uri: str) -> str:
    """The fsspec URL of a vault from what is recorded on chain.

    Anyone can record anything, so only plain relative paths below the network's storage and known schemes pass.

    Raises:
        InputError: neither.
    """
    if _RELATIVE.fullmatch(uri):
        return (profile.storage / uri).as_uri()
    if uri.startswith(_SCHEMES):
        return uri
    raise InputError(f"the vault's recorded location {uri[:80]!r} is not one this lab opens")


class ChainManifestSource:
    """Resolves ``owner/name`` to the vault that the chain anchors."""

    def __init__(self, profile: Profile, network: Network, chain: Chain, directory: Directory) -> None:
        self._profile = profile
        self._network = network
        self._chain = chain
        self._directory = directory

    def resolve(self, owner_name: str, version: int | None) -> VaultRef:
        """The vault of a version, the newest when none is named.

        Raises:
            NotFound: no such owner, asset or version.
        """
        owner, _, name = owner_name.partition("/")
        registry = self._chain.contract("AssetRegistry")
        creator = self._directory.address(owner)
        asset = registry.call("assetOf", creator, name)
        if not asset:
            raise NotFound(f"there is no asset {owner_name!r}", hint=f"Look for it: %sahara search {name}")
        count = registry.call("versionCount", asset)
        number = version or count
        if not 1 <= number <= count:
            raise NotFound(f"{owner_name} has no version {number}", hint=f"The newest is {owner_name}@{count}")
        recorded, holder = self._chain.batch_call(
            [(registry, "versionOf", (asset, number)), (registry, "ownerOf", (asset,))]
        )
        return VaultRef(
            asset=asset,
            name=owner_name,
            version=number,
            epoch=recorded["epoch"],
            root=bytes(recorded["root"]),
            manifest_hash=bytes(recorded["manifestHash"]),
            location=locate(self._profile, recorded["uri"]),
            chain_id=self._chain.chain_id,
            registry=registry.address,
            creator=creator,
            owner=holder,
            key_servers={server.id: server.url for server in self._network.key_servers},
            server_accounts={server.id: server.account for server in self._network.key_servers},
        )


def split_version(name: str) -> tuple[str, int | None]:
    """``owner/name[@version]``, with or without ``vault://``, in its two parts.

    Raises:
        InputError: it is not an asset's name.
    """
    plain, _, version = name.removeprefix("vault://").partition("@")
    if plain.count("/") != 1 or (version and not version.isdigit()):
        raise InputError(f"{name!r} is not an asset's name", hint="Write owner/name or owner/name@version")
    return plain, int(version) if version else None


def release_classes(network: Network, chain: Chain) -> list[ReleaseClass]:
    """Who guards the keys of what is published on this network: its key servers, with their keys as registered."""
    return [guards(network, chain, [server.id for server in network.key_servers], network.threshold)]


def guards(network: Network, chain: Chain, servers: Sequence[int], threshold: int) -> ReleaseClass:
    """The class of all licensees, under the key servers of these numbers.

    Raises:
        NotFound: the network has no such server, or it was switched off.
    """
    at = {server.id: server.url for server in network.key_servers}
    missing = [number for number in servers if number not in at]
    if missing:
        raise NotFound(
            f"there is no key server {missing[0]} on this network", hint=f"Servers: {', '.join(map(str, at)) or 'none'}"
        )
    registry = chain.contract("KeyServerRegistry")
    known = chain.batch_call([(registry, "get", (number,)) for number in servers])
    return ReleaseClass(
        "read",
        [
            KeyServer(id=number, encryption_key=bytes(entry["encryptionKey"]), url=at[number])
            for number, entry in zip(servers, known, strict=True)
        ],
        threshold,
    )


def next_epoch(chain: Chain, asset: int) -> int:
    """A key epoch above every one that a version of the asset uses: old keys must not come to life again."""
    registry = chain.contract("AssetRegistry")
    count = registry.call("versionCount", asset)
    versions = chain.batch_call([(registry, "versionOf", (asset, number)) for number in range(1, count + 1)])
    return 1 + max((int(entry["epoch"]) for entry in versions), default=0)


class AccountCredentials:
    """The credentials of an account whose wallet is on this machine."""

    def __init__(self, wallet: Wallet, network: Network) -> None:
        self._wallet = wallet
        self._network = network
        self._lock = threading.Lock()
        self._session: Session | None = None

    @property
    def account(self) -> str:
        return self._wallet.address

    def session(self) -> Session:
        """The running session, or a fresh one signed by the wallet when none has five minutes left."""
        with self._lock:
            if self._session is None or self._session.expires_at - time.time() < RENEW_BEFORE:
                self._session = delegate_session(
                    self._wallet, chain_id=self._network.chain_id, registry=self._network.addresses["AssetRegistry"]
                )
            return self._session

    @property
    def encryption_key(self) -> Any:
        return self._wallet.encryption_key

    def __repr__(self) -> str:
        return f"AccountCredentials({self.account})"


class SessionCredentials:
    """The credentials of a process that was given a session and nothing else: a training worker."""

    encryption_key = None

    def __init__(self, account: str, session: Session) -> None:
        self.account = account
        self._session = session

    def session(self) -> Session:
        """The session that was handed over.

        Raises:
            AccessDenied: it has expired; files opened before stay open.
        """
        if self._session.expires_at <= time.time():
            raise AccessDenied(
                "the session of this worker has expired",
                hint="Open the files at the start of the cell, or run it again",
            )
        return self._session

    def __repr__(self) -> str:
        return f"SessionCredentials({self.account})"


_installed: dict[str, SessionCredentials] = {}


def install_session(profile: str, handle: str, account: str, session: Session) -> None:
    """Make ``session`` the credentials of ``handle`` in this process; used in training workers."""
    _installed[f"{profile}/{handle}"] = SessionCredentials(account, session)


def installed_session(profile: str, handle: str) -> SessionCredentials | None:
    """What :func:`install_session` left for the account, if anything."""
    return _installed.get(f"{profile}/{handle}")


def open_chain(profile: Profile) -> tuple[Network, Chain]:
    """The profile's network and a client for it."""
    network = Network.load(profile)
    return network, Chain(network.rpc_url, network.chain_id, network.addresses)


def keystore_path(profile: Profile, handle: str) -> Path:
    return profile.keystores / f"{handle}.json"

"""What an owner decides about an asset's keys: with whom to share them, who has them, and when they are renewed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sahara_lab.chain import Chain, Network, Sender, Wallet
from sahara_lab.display import Rows, format_time
from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource, release_classes, split_version
from sahara_lab.licensing.filesystem import backend
from sahara_lab.licensing.terms import READ
from sahara_lab.profile import Profile
from sahara_lab.vault import Grantee, SharedFolder, Vault, VaultRef, open_vault, rotate, share, shared_with


@dataclass(frozen=True)
class Reader:
    """An account that can get an asset's keys now, and why; ``until`` in seconds since the epoch, 0 for ever."""

    account: str
    why: str
    path: str = ""
    until: int = 0


class Readers(Rows):
    """Everybody who can get the keys of an asset now."""

    headers = ("Account", "Why", "What", "Until")

    def cells(self, value: Reader) -> tuple[object, ...]:
        return (value.account, value.why, value.path or "all of it", format_time(value.until) if value.until else "–")


@dataclass(frozen=True)
class Renewal:
    """A version whose keys were renewed, and what became of what had been shared."""

    version: str
    epoch: int
    folders: int
    files: int
    kept: tuple[str, ...]
    ended: tuple[str, ...]


class Renewals(Rows):
    """The versions whose keys were renewed."""

    headers = ("Version", "Key epoch", "Folders", "Files", "Still shared with", "No longer")
    note = "New keys. No file was encrypted again: who kept a file's key can still open that file."

    def cells(self, value: Renewal) -> tuple[object, ...]:
        listed = (", ".join(value.kept) or "nobody", ", ".join(value.ended) or "–")
        return (value.version, value.epoch, value.folders, value.files, *listed)


class Sharing:
    """One account's decisions about the assets that it owns.

    Args:
        sender: makes the account's sender when a transaction is due.
    """

    def __init__(
        self,
        profile: Profile,
        account: str,
        network: Network,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        sender: Callable[[], Sender],
    ) -> None:
        self._profile = profile
        self._account = account
        self._network = network
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._registry = chain.contract("AssetRegistry")
        self._source = ChainManifestSource(profile, network, chain, directory)

    def share(self, name: str, account: str, path: str = "", *, not_after: int = 0) -> str:
        """Give an account the key of an asset or of one folder; see :meth:`Vaults.share`."""
        [ref] = self._owned(name, newest=True)
        address = self._directory.address(account)
        if address == self._wallet.address:
            raise InputError("the owner can read it already")
        key = self._directory.encryption_key(account)
        return share(self._open(ref), path, key, address, self._wallet, not_after=not_after)

    def unshare(self, name: str, account: str) -> Renewals:
        """Renew the keys of every version shared with an account, without it; see :meth:`Vaults.unshare`."""
        address = self._directory.address(account)
        versions = [(ref, vault, shared) for ref, vault, shared in self._opened(name) if _among(shared, address)]
        if not versions:
            raise NotFound(
                f"{name} is not shared with {account}", hint=f"See who can read it: lab.vault.who_can_read({name!r})"
            )
        return self._renew(versions, without=address)

    def rotate(self, name: str) -> Renewals:
        """Renew the keys of an asset's versions, or of one; see :meth:`Vaults.rotate`."""
        return self._renew(self._opened(name))

    def who_can_read(self, name: str) -> Readers:
        """Everybody who can get the keys now; see :meth:`Vaults.who_can_read`."""
        [ref] = self._owned(name, newest=True)
        readers = [Reader(self._directory.handle(self._wallet.address), "owner")]
        readers += self._licensees(ref.asset)
        for folder in self._shared(ref, self._open(ref)):
            readers.append(Reader(self._directory.handle(folder.account), "shared", folder.path, folder.not_after))
        return Readers(readers)

    # -- steps --------------------------------------------------------------------------------------------------------

    def _owned(self, name: str, *, newest: bool = False) -> list[VaultRef]:
        """The versions that a name stands for: the one it names, else the newest or all."""
        plain, version = split_version(name)
        last = self._source.resolve(plain, version)
        if self._registry.call("ownerOf", last.asset) != self._wallet.address:
            raise AccessDenied(f"only the owner of {plain} can share it")
        if version or newest:
            return [last]
        return [*(self._source.resolve(plain, number) for number in range(1, last.version)), last]

    def _opened(self, name: str) -> list[tuple[VaultRef, Vault, list[SharedFolder]]]:
        opened = [(ref, self._open(ref)) for ref in self._owned(name)]
        return [(ref, vault, self._shared(ref, vault)) for ref, vault in opened]

    def _open(self, ref: VaultRef) -> Vault:
        _, credentials = backend(self._profile, self._account)
        return open_vault(ref, credentials)

    def _shared(self, ref: VaultRef, vault: Vault) -> list[SharedFolder]:
        owners = {ref.creator.lower(), self._wallet.address.lower()}
        everybody = self._directory.everybody(self._network.deployed_block)
        return shared_with(vault, [one for one in everybody if one != self._wallet.address], owners)

    def _licensees(self, asset: int) -> list[Reader]:
        licenses = self._chain.contract("LicenseToken")
        now = max(self._chain.block("latest").timestamp, int(time.time()))
        ended = {event.args["license"] for event in licenses.logs("LicenseEnded", self._network.deployed_block)}
        found = []
        for event in licenses.logs("LicenseIssued", self._network.deployed_block):
            number = event.args["license"]
            if event.args["asset"] != asset or number in ended:
                continue
            held = licenses.call("get", number)
            if held["uses"] & READ and (not held["expiresAt"] or held["expiresAt"] > now):
                holder = self._directory.handle(licenses.call("ownerOf", number))
                found.append(Reader(holder, f"license {number}", until=held["expiresAt"]))
        return found

    def _renew(self, versions: list[tuple[VaultRef, Vault, list[SharedFolder]]], *, without: str = "") -> Renewals:
        renewals = []
        for ref, vault, shared in versions:
            kept = [folder for folder in shared if folder.account != without]
            # Above every epoch of the asset: one that another version still uses is not a new one.
            epoch = 1 + max(entry["epoch"] for entry in self._recorded(ref.asset))
            rotated = rotate(
                vault,
                epoch=epoch,
                owner=self._wallet,
                owner_key=self._wallet.encryption_public_key,
                release=release_classes(self._network, self._chain),
                grants=[Grantee(folder, self._directory.encryption_key(folder.account)) for folder in kept],
            )
            uri = self._registry.call("versionOf", ref.asset, ref.version)["uri"]
            self._sender().send(
                self._registry, "rekeyVersion", ref.asset, ref.version, epoch, rotated.manifest_hash, uri
            )
            vault.storage.remove_all(f"g/{ref.epoch}")
            renewals.append(
                Renewal(
                    str(ref),
                    epoch,
                    rotated.folders,
                    rotated.files,
                    self._handles(kept),
                    self._handles([folder for folder in shared if folder not in kept]),
                )
            )
        return Renewals(renewals)

    def _recorded(self, asset: int) -> list[dict[str, int]]:
        count = self._registry.call("versionCount", asset)
        calls = [(self._registry, "versionOf", (asset, number)) for number in range(1, count + 1)]
        return self._chain.batch_call(calls)

    def _handles(self, shared: list[SharedFolder]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._directory.handle(folder.account) for folder in shared))


def _among(shared: list[SharedFolder], address: str) -> bool:
    return any(folder.account == address for folder in shared)

"""What an owner decides about an asset's keys: with whom to share them, who has them, and when they are renewed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sahara_lab.chain import Chain, Network, Sender, Wallet
from sahara_lab.display import Rows, format_time
from sahara_lab.errors import AccessDenied, InputError, NotFound
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource, guards, next_epoch, release_classes, split_version
from sahara_lab.licensing.filesystem import backend
from sahara_lab.licensing.groups import LICENSEES, Group, Groups
from sahara_lab.licensing.terms import READ
from sahara_lab.profile import Profile
from sahara_lab.vault import Grantee, ReleaseClass, Shared, Vault, VaultRef, open_vault, rotate, share, shared_with
from sahara_lab.vault.paths import split_path


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


@dataclass(frozen=True)
class GroupShare:
    """What a version has shared with a group: the group and a path."""

    group: Group
    path: str


@dataclass(frozen=True)
class _Version:
    """A version opened by its owner, and what of it is shared."""

    ref: VaultRef
    vault: Vault
    shared: list[Shared]
    groups: list[GroupShare]

    @property
    def everything(self) -> list[Shared | GroupShare]:
        return [*self.shared, *self.groups]


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
        self._groups = Groups(chain, directory, wallet.address, network.deployed_block)

    def share(self, name: str, to: str, path: str = "", *, not_after: int = 0) -> str:
        """Give an account or a group the key of an asset, a folder or a file; see :meth:`Vaults.share`."""
        [ref] = self._owned(name, newest=True)
        group = self._groups.find(to, ref.asset, not_after)
        if group is not None:
            return self._share_with_group(ref, group, path)
        address = self._directory.address(to)
        if address == self._wallet.address:
            raise InputError("the owner can read it already")
        key = self._directory.encryption_key(to)
        return share(self._open(ref), path, key, address, self._wallet, not_after=not_after)

    def unshare(self, name: str, to: str, path: str | None = None) -> Renewals:
        """Renew the keys of every version shared with somebody, without them; see :meth:`Vaults.unshare`."""
        group = self._groups.find(to, self._owned(name, newest=True)[0].asset)
        address = "" if group else self._directory.address(to)

        def ended(shared: Shared | GroupShare) -> bool:
            if path is not None and shared.path != path.strip("/"):
                return False
            if isinstance(shared, GroupShare):
                return group is not None and (shared.group.kind, shared.group.id) == (group.kind, group.id)
            return shared.account == address

        versions = [v for v in self._opened(name) if any(map(ended, v.everything))]
        if not versions:
            raise NotFound(
                f"{name} is not shared with {to}", hint=f"See who can read it: lab.vault.who_can_read({name!r})"
            )
        return Renewals(self._renew(version, ended) for version in versions)

    def rotate(self, name: str) -> Renewals:
        """Renew the keys of an asset's versions, or of one; see :meth:`Vaults.rotate`."""
        return Renewals(self._renew(version) for version in self._opened(name))

    def who_can_read(self, name: str) -> Readers:
        """Everybody who can get the keys now; see :meth:`Vaults.who_can_read`."""
        [ref] = self._owned(name, newest=True)
        version = self._version(ref)
        readers = [Reader(self._directory.handle(self._wallet.address), "owner")]
        readers += self._licensees(ref.asset)
        for shared in version.shared:
            readers.append(Reader(self._directory.handle(shared.account), "shared", shared.path, shared.not_after))
        for one in version.groups:
            readers.append(Reader(*self._groups.describe(one.group), one.path, one.group.until))
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

    def _opened(self, name: str) -> list[_Version]:
        return [self._version(ref) for ref in self._owned(name)]

    def _version(self, ref: VaultRef) -> _Version:
        vault = self._open(ref)
        return _Version(ref, vault, self._shared(ref, vault), self._group_shares(vault))

    def _open(self, ref: VaultRef) -> Vault:
        _, credentials = backend(self._profile, self._account)
        return open_vault(ref, credentials)

    def _shared(self, ref: VaultRef, vault: Vault) -> list[Shared]:
        owners = {ref.creator.lower(), self._wallet.address.lower()}
        everybody = self._directory.everybody(self._network.deployed_block)
        return shared_with(vault, [one for one in everybody if one != self._wallet.address], owners)

    @staticmethod
    def _group_shares(vault: Vault) -> list[GroupShare]:
        """What is shared with groups that have not ended."""
        found = [(entry, Group.parse(entry.name)) for entry in vault.manifest.release]
        known = [(entry, group) for entry, group in found if group and not 0 < group.until <= time.time()]
        if not known:
            return []
        paths = vault.paths()
        return [GroupShare(group, paths[entry.node]) for entry, group in known if entry.node in paths]

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

    def _share_with_group(self, ref: VaultRef, group: Group, path: str) -> str:
        version = self._version(ref)
        parts = split_path(path)
        version.vault.keyed(parts)  # it is there
        given = GroupShare(group, "/".join(parts))
        same = (group.kind, group.id, given.path)
        others = [one for one in version.groups if (one.group.kind, one.group.id, one.path) != same]
        self._renew(replace(version, groups=[*others, given]))
        return given.path

    def _guards(self, vault: Vault) -> ReleaseClass:
        """Who guards a version's keys: the servers that did so far, if the network still has them all."""
        for entry in vault.manifest.release:
            if entry.name == LICENSEES:
                with contextlib.suppress(NotFound):
                    return guards(self._network, self._chain, [one.server for one in entry.shares], entry.threshold)
        return release_classes(self._network, self._chain)[0]

    def _classes(self, readers: ReleaseClass, groups: Sequence[GroupShare]) -> list[ReleaseClass]:
        return [readers, *(replace(readers, name=one.group.access_class, path=one.path) for one in groups)]

    def _renew(
        self,
        version: _Version,
        ended: Callable[[Shared | GroupShare], bool] = lambda _: False,
        readers: ReleaseClass | None = None,
    ) -> Renewal:
        """New keys for one version; what ``ended`` says of is shared no longer."""
        ref, vault = version.ref, version.vault
        kept = [shared for shared in version.shared if not ended(shared)]
        groups = [shared for shared in version.groups if not ended(shared)]
        epoch = next_epoch(self._chain, ref.asset)
        rotated = rotate(
            vault,
            epoch=epoch,
            owner=self._wallet,
            owner_key=self._wallet.encryption_public_key,
            release=self._classes(readers or self._guards(vault), groups),
            grants=self._grantees(kept),
        )
        uri = self._registry.call("versionOf", ref.asset, ref.version)["uri"]
        self._sender().send(self._registry, "rekeyVersion", ref.asset, ref.version, epoch, rotated.manifest_hash, uri)
        vault.storage.remove_all(f"g/{ref.epoch}")
        gone = [shared for shared in version.everything if ended(shared)]
        return Renewal(
            str(ref), epoch, rotated.folders, rotated.files, self._names([*kept, *groups]), self._names(gone)
        )

    def _grantees(self, kept: Sequence[Shared]) -> list[Grantee]:
        return [Grantee(shared, self._directory.encryption_key(shared.account)) for shared in kept]

    def _names(self, shared: Sequence[Shared | GroupShare]) -> tuple[str, ...]:
        names = [
            self._groups.describe(one.group)[0] if isinstance(one, GroupShare) else self._directory.handle(one.account)
            for one in shared
        ]
        return tuple(dict.fromkeys(names))

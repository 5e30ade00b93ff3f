"""Who guards an asset's keys, and whose they are: other key servers, files encrypted again, another owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sahara_lab.display import Rows
from sahara_lab.errors import InputError, KeyServersUnavailable
from sahara_lab.licensing.access import guards, locate, next_epoch
from sahara_lab.licensing.documents import document_name, read_document
from sahara_lab.licensing.groups import LICENSEES
from sahara_lab.licensing.sharing import Sharing
from sahara_lab.vault import Journal, ReleaseClass, Vault, put_public, reencrypt, share
from sahara_lab.vault.release import exchange


@dataclass(frozen=True)
class Migration:
    """A version whose keys other servers guard: numbers of servers and threshold, before and after."""

    version: str
    epoch: int
    before: tuple[tuple[int, ...], int]
    after: tuple[tuple[int, ...], int]
    changed: bool


class Migrations(Rows):
    """What became of each version."""

    headers = ("Version", "Key epoch", "Guarded before by", "Guarded by", "Changed")
    note = (
        "Until a version was changed, its old shares worked. Those of old epochs are of no use any more: key servers "
        "release keys of the epochs that the chain records. Who could read can read as before."
    )

    def cells(self, value: Migration) -> tuple[object, ...]:
        said = [f"{threshold} of {', '.join(map(str, servers))}" for servers, threshold in (value.before, value.after)]
        return (value.version, value.epoch, *said, "yes" if value.changed else "no need")


@dataclass(frozen=True)
class Reencryption:
    """A version whose files were encrypted again, as another version. ``readers`` lists who can read that one."""

    before: str
    after: str
    files: int
    size: int
    epoch: int
    readers: tuple[str, ...]


class Reencryptions(Rows):
    """What was encrypted again."""

    headers = ("Version", "Encrypted again as", "Files", "Bytes", "Key epoch", "Can read it")
    note = (
        "Keys that anybody kept open nothing of the new version. The old version stays as it is: who has a license or "
        "kept its keys can read it as long as its files are stored."
    )

    def cells(self, value: Reencryption) -> tuple[object, ...]:
        readers = ", ".join(value.readers)
        return (value.before, value.after, value.files, f"{value.size:,}", value.epoch, readers)


@dataclass(frozen=True)
class Handover:
    """A version whose keys the new owner can open; the old one still can until the new one renews them."""

    version: str
    owner: str
    seller: str


class Handovers(Rows):
    """What was handed over."""

    headers = ("Version", "Owner", "Can still read")
    note = "The seller has held these keys. The new owner renews them: sahara-lab rotate; licenses go on as they are."

    def cells(self, value: Handover) -> tuple[object, ...]:
        return (value.version, value.owner, f"{value.seller}, until the keys are renewed")


class Custody(Sharing):
    """One account's decisions about who guards and owns what it owns."""

    def reshare(self, name: str, servers: Sequence[int], threshold: int) -> Migrations:
        """Have other key servers guard the keys; see :meth:`Vaults.reshare`."""
        if len(set(servers)) != len(servers) or not 1 <= threshold <= len(servers):
            raise InputError(f"{threshold} of {len(servers)} different key servers cannot be")
        wanted = guards(self._network, self._chain, servers, threshold)
        self._require_answers(wanted)
        made = []
        for ref in self._owned(name):
            version = self._version(ref)
            before, after = _guarded(version.vault), (tuple(servers), threshold)
            epoch = ref.epoch if before == after else self._renew(version, readers=wanted).epoch
            made.append(Migration(str(ref), epoch, before, after, before != after))
        return Migrations(made)

    def reencrypt(self, name: str, progress: Callable[[int, int], None] | None = None) -> Reencryptions:
        """Encrypt the files of the newest version again; see :meth:`Vaults.reencrypt`."""
        [ref] = self._owned(name, newest=True)
        version = self._version(ref)
        owner = self._wallet
        relative = f"assets/{ref.manifest_hash.hex()[:32]}-again"
        journal = Journal(
            self._profile.private(self._profile.state) / f"reencrypt-{ref.asset}-{ref.version}.journal",
            ref.manifest_hash,
            owner.encryption_public_key,
            owner.encryption_key,
        )
        try:
            packed = reencrypt(
                version.vault,
                journal,
                locate(self._profile, relative),
                epoch=next_epoch(self._chain, ref.asset),
                owner=owner,
                owner_key=owner.encryption_public_key,
                release=self._classes(self._guards(version.vault), version.groups),
                grants=self._grantees(version.shared),
                progress=progress,
            )
            recorded = self._registry.call("versionOf", ref.asset, ref.version)
            digest = bytes(recorded["metadataHash"])
            put_public(packed.location, document_name(digest), read_document(self._profile, recorded))
            entry = (packed.root, packed.manifest_hash, digest, packed.epoch, 0, relative)
            self._sender().send(self._registry, "publishVersion", ref.asset, entry)
        except BaseException:
            journal.close()
            raise
        journal.remove()
        plain = ref.name
        after = self._source.resolve(plain, None)
        readers = [reader.account for reader in self.who_can_read(plain)]
        made = Reencryption(
            before=str(ref),
            after=str(after),
            files=packed.files,
            size=packed.size,
            epoch=packed.epoch,
            readers=tuple(dict.fromkeys(readers)),
        )
        return Reencryptions([made])

    def transfer(self, name: str, to: str) -> Handovers:
        """Give an asset to another account, with its keys; see :meth:`Vaults.transfer`."""
        buyer = self._directory.address(to)
        key = self._directory.encryption_key(to)
        if buyer == self._wallet.address:
            raise InputError("the asset is this account's already")
        refs = self._owned(name)
        for ref in refs:  # keys first: an interruption leaves one owner, who can read
            share(self._open(ref), "", key, buyer, self._wallet)
        self._sender().send(self._registry, "transferFrom", self._wallet.address, buyer, refs[0].asset)
        seller = self._directory.handle(self._wallet.address)
        return Handovers(Handover(str(ref), self._directory.handle(buyer), seller) for ref in refs)

    def _require_answers(self, wanted: ReleaseClass) -> None:
        """See that each server is there and is who it should be, before keys are entrusted to it."""
        for server in wanted.key_servers:
            try:
                status, found = exchange(f"{server.url.rstrip('/')}/v1/info")
            except (OSError, ValueError) as error:
                raise KeyServersUnavailable(
                    f"key server {server.id} at {server.url} does not answer, so nothing was changed"
                ) from error
            if status != 200 or found.get("server") != server.id:
                raise KeyServersUnavailable(f"at {server.url} is not key server {server.id}, so nothing was changed")


def _guarded(vault: Vault) -> tuple[tuple[int, ...], int]:
    """Numbers of the servers that guard a version's keys, and the threshold."""
    for entry in vault.manifest.release:
        if entry.name == LICENSEES:
            return tuple(one.server for one in entry.shares), entry.threshold
    return (), 0

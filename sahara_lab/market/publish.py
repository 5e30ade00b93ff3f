"""Publishing: encrypt a folder or a job's result, describe it, record it on chain, offer it.

Everything that can be refused is checked before anything is written, and the one transaction that makes the
asset exist comes after its files are complete in storage. An interruption before it leaves only files that
nothing points to. A new version lies beside those before it, and of its files only the changed ones are written.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sahara_lab.chain import Chain, Network, Sender, Wallet
from sahara_lab.errors import InputError, JobError, NameTaken, StorageError
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource, next_epoch, release_classes
from sahara_lab.licensing.documents import document_name
from sahara_lab.licensing.limits import RELATIONS
from sahara_lab.licensing.records import AssetNames
from sahara_lab.licensing.service import Licensing
from sahara_lab.licensing.terms import License
from sahara_lab.market.names import checked_name, kind_index
from sahara_lab.profile import Profile

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.licensing.filesystem import LicensedVaultFileSystem
    from sahara_lab.market.metadata import DataStatement
    from sahara_lab.market.sales import Sales
    from sahara_lab.vault import Lazy, Vault
    from sahara_lab.vault.drafts import Index

LOCKED = 600  # seconds to wait for another publication of the same asset on this machine

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Edge:
    """A parent to be linked: its asset id, the license that covers the use (0: own asset), the relation's number."""

    parent: int
    license: int
    relation: int


@dataclass(frozen=True)
class Place:
    """Where a version is written: its URL, what the chain records for it, its key epoch, the version it adds to."""

    url: str
    uri: str
    epoch: int
    base: Vault | None


class Publisher:
    """Publishes assets of one account."""

    def __init__(
        self,
        profile: Profile,
        network: Network,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        sender: Sender,
        sales: Sales,
        licensing: Licensing,
        names: AssetNames,
    ) -> None:
        self._profile = profile
        self._network = network
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._sales = sales
        self._licensing = licensing
        self._names = names
        self._registry = chain.contract("AssetRegistry")

    def publish(
        self,
        source: str | Path | Job,
        *,
        name: str,
        kind: str | None = None,
        license: License | Sequence[License] | None = None,
        royalty: str | None = None,
        title: str | None = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        parents: Sequence[str | tuple[str, str]] = (),
        task: str = "",
        statement: DataStatement | None = None,
        preview: int = 0,
        update: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Publish and return the asset's id; see :meth:`Market.publish`."""
        tell = progress or (lambda text: None)
        offers = _offers(license, royalty)
        content = self._content(source)
        kind = kind or content.kind
        kind_number = kind_index(kind)
        existing = self._existing(name, update or content.draft is not None)
        edges = self._edges([*content.parents, *parents], offers)
        if existing:
            self._check_version(f"{self._wallet.handle}/{name}", existing, edges, offers)
        tell("encrypting")
        said = {
            "title": title, "description": description, "tags": tuple(tags), "task": task, "statement": statement,
            "preview": preview,
        }  # fmt: skip
        asset = self._store(content, name, kind, kind_number, existing, edges, offers, said, tell)
        if content.draft is not None:
            self._files().discard_draft(str(source), content.draft)
        return asset

    # -- steps --------------------------------------------------------------------------------------------------------

    def _content(self, source: Any) -> Content:
        """What ``source`` stands for. Nothing of a draft lies on disk in the clear."""
        if isinstance(source, str) and source.startswith("vault://"):
            files, changes = self._files().draft_files(source)
            return Content(files, "dataset", draft=changes)
        return _content_of(source)

    def _files(self) -> LicensedVaultFileSystem:
        from sahara_lab.licensing.filesystem import LicensedVaultFileSystem

        return LicensedVaultFileSystem(profile=self._profile.name, account=self._wallet.handle)

    def _existing(self, name: str, update: bool) -> int:
        asset = int(self._registry.call("assetOf", self._wallet.address, checked_name(name)))
        if asset and not update:
            raise NameTaken(
                f"you have published {self._wallet.handle}/{name} already",
                hint="Choose another name, or publish a new version with update=True",
            )
        return asset

    def _edges(self, parents: Iterable[str | tuple[str, str]], offers: Sequence[License]) -> list[Edge]:
        """The parents' edges, sorted, under the licenses that the solver chose.

        Raises:
            AccessDenied, LicenseConflict: see :meth:`Check.raise_for_conflicts`.
        """
        check = self._licensing.check(parents, output=offers)
        check.raise_for_conflicts()
        return [Edge(source.asset, source.license, RELATIONS.index(source.relation)) for source in check.sources]

    def _check_version(self, name: str, asset: int, edges: list[Edge], offers: Sequence[License]) -> None:
        """What an asset is made of was settled with its first version, and so was what its terms may be."""
        for offer in offers:
            self._licensing.check_terms(asset, offer)
        recorded = {edge["parent"] for edge in self._registry.call("parentsOf", asset)}
        if further := [edge.parent for edge in edges if edge.parent not in recorded]:
            raise InputError(
                f"{name} was published without the parent {self._names.of(further[0])}, and parents never change",
                hint="Publish it under another name",
            )

    def _store(
        self,
        content: Content,
        name: str,
        kind: str,
        kind_number: int,
        existing: int,
        edges: list[Edge],
        offers: list[License],
        said: dict[str, Any],
        tell: Progress,
    ) -> int:
        from sahara_lab.market.metadata import describe
        from sahara_lab.vault import pack, put_public

        with self._place(name, existing) as place:
            packed = pack(
                content.files,
                place.url,
                creator=self._wallet.address,
                name=name,
                owner=self._wallet,
                owner_key=self._wallet.encryption_public_key,
                release=release_classes(self._network, self._chain),
                chain_id=self._chain.chain_id,
                registry=self._registry.address,
                epoch=place.epoch,
                base=place.base,
            )
            if packed.kept:
                tell(f"{packed.kept} of {packed.files} files have not changed")
            tell("describing")
            document = describe(
                kind,
                content.files,
                name=f"{self._wallet.handle}/{name}",
                offers=offers,
                parents=[self._names.of(edge.parent) for edge in edges],
                facts=content.facts,
                **said,
            )
            digest = hashlib.sha256(document.data).digest()
            put_public(place.url, document_name(digest), document.data)
            tell("recording on chain")
            version = (packed.root, packed.manifest_hash, digest, packed.epoch, 0, place.uri)
            asset = self._record(name, kind_number, existing, version, edges)
        for offer in offers:
            tell(f"offering: {offer.summary}")
            self._sales.offer(asset, offer)
        return asset

    @contextmanager
    def _place(self, name: str, existing: int) -> Iterator[Place]:
        """Where a version is written: beside the versions before it, one writer at a time, or in a folder of its own.

        What an attempt that fails leaves beside other versions is named by nothing, and ``lab.vault.gc`` removes it.
        """
        self._profile.private(self._profile.storage)
        if existing:
            lock = self._profile.private(self._profile.state) / f"publishing-{existing}.lock"
            try:
                with FileLock(str(lock), timeout=LOCKED):
                    yield self._beside(name, existing)
            except Timeout:
                raise StorageError(f"another process has been publishing {name} for {LOCKED} seconds") from None
            return
        relative = f"assets/{secrets.token_hex(16)}"
        folder = self._profile.storage / relative
        try:
            yield Place(folder.as_uri(), relative, 1, None)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _beside(self, name: str, existing: int) -> Place:
        from sahara_lab.licensing.filesystem import backend
        from sahara_lab.vault import open_vault

        source = ChainManifestSource(self._profile, self._network, self._chain, self._directory)
        newest = source.resolve(f"{self._wallet.handle}/{name}", None)
        _, credentials = backend(self._profile, self._wallet.handle)
        uri = self._registry.call("versionOf", existing, newest.version)["uri"]
        epoch = next_epoch(self._chain, existing)  # grants lie by epoch, so each version has its own
        return Place(newest.location, uri, epoch, open_vault(newest, credentials))

    def _record(self, name: str, kind: int, existing: int, version: tuple[Any, ...], edges: list[Edge]) -> int:
        if existing:
            self._sender.send(self._registry, "publishVersion", existing, version)
            return existing
        links = [(edge.parent, edge.license, edge.relation) for edge in edges]
        receipt = self._sender.send(self._registry, "register", name, kind, version, links)
        return int(next(e.args["asset"] for e in receipt.events if e.name == "AssetRegistered"))


# -- what is published ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What to publish: a folder, or files by path; what it came from, facts for its description, a draft's changes."""

    files: Path | Mapping[str, Path | Lazy]
    kind: str
    parents: tuple[tuple[str, str], ...] = ()
    facts: dict[str, Any] | None = None
    draft: Index | None = None


def _content_of(source: Any) -> Content:
    if hasattr(source, "record") and hasattr(source, "weights"):
        return job_content(source)
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"there is no file or folder {str(source)!r}")
    return Content({path.name: path} if path.is_file() else path, "dataset")


def job_content(job: Job) -> Content:
    """A finished job as a model: weights as safetensors and the run manifest. No pickle leaves the house."""
    if job.status not in ("done", "stopped"):
        raise JobError(f"job {job.id} is {job.status}", hint="Only a finished or stopped job can be published")
    if job.weights is None or not job.weights.exists():
        raise JobError(f"job {job.id} left no weights", hint="Run it again; it must call Trainer.fit")
    files: dict[str, Path | Lazy] = {"model.safetensors": job.weights}
    manifest = job.folder / "manifest.json"
    if manifest.exists():
        files["run.json"] = manifest
    record = job.record()
    parents = parents_of(record)
    facts = {
        "job": job.id,
        "metrics": {
            key: value for key, value in (record.get("metrics") or {}).items() if isinstance(value, int | float)
        },
        "workers": record.get("workers"),
        "code_hash": record.get("code_hash"),
    }
    return Content(files, "model", tuple((name, "trained_on") for name in parents), facts)


def parents_of(record: dict[str, Any]) -> list[str]:
    """The assets a job was trained on: those named as inputs and those its workers opened."""
    names = set(record.get("inputs") or ())
    for part in record.get("collected") or ():
        names.update(part.get("accessed", ()))
    return sorted(names)


def _offers(license: License | Sequence[License] | None, royalty: str | None) -> list[License]:
    if license is None:
        return [License.commercial_remix("0", royalty)] if royalty is not None else []
    offers = [license] if isinstance(license, License) else list(license)
    return [offer.with_royalty(royalty) for offer in offers] if royalty is not None else offers

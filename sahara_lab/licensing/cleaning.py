"""Cleaning an asset's storage: what the chain knows of stays, and what nothing names goes, when its owner says so."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sahara_lab.chain import Chain, ChainError
from sahara_lab.display import Rows, format_time
from sahara_lab.errors import AccessDenied, IntegrityError
from sahara_lab.licensing.access import locate
from sahara_lab.licensing.documents import SINGLE, document_name
from sahara_lab.profile import Profile
from sahara_lab.vault import ManifestSource, Storage, Stored, VaultRef, aged, parse_manifest, unreferenced


@dataclass(frozen=True)
class Unused:
    """A file that no version of the asset names; ``size`` in bytes, ``modified`` in seconds since 1970."""

    location: str
    path: str
    size: int
    modified: int


class Unneeded(Rows):
    """What cleaning found, and whether it was removed."""

    headers = ("File", "Bytes", "Written")
    removed = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self)

    @property
    def note(self) -> str:  # type: ignore[override]
        if not self:
            return "Nothing to remove."
        done = "Removed" if self.removed else "Nothing was removed; with dry_run=False (--delete) this would free"
        return f"{done} {self.size:,} bytes in {len(self)} files."

    def cells(self, value: Unused) -> tuple[object, ...]:
        return (f"{value.location.rpartition('/')[2]}/{value.path}", f"{value.size:,}", format_time(value.modified))


class Cleaning:
    """Finds and removes what is left over in the storage of own assets."""

    def __init__(self, profile: Profile, chain: Chain, source: ManifestSource, account: str) -> None:
        self._profile = profile
        self._chain = chain
        self._source = source
        self._account = account

    def gc(self, name: str, *, dry_run: bool, grace: int, old_versions: bool) -> Unneeded:
        """See :meth:`Vaults.gc`."""
        newest = self._source.resolve(name, None)
        if newest.owner.lower() != self._account.lower():
            raise AccessDenied(f"only the owner of {name} can clean its storage")
        places: dict[str, tuple[list[VaultRef], list[VaultRef]]] = defaultdict(lambda: ([], []))
        documents = {SINGLE}
        oldest = self._final(newest) if old_versions else 1
        for ref, document in self._versions(name, newest):
            kept, given_up = places[ref.location]
            (kept if ref.version >= oldest else given_up).append(ref)
            documents.add(document)
        left = [
            (place, file)
            for place, (kept, given_up) in places.items()
            for file in unreferenced(place, kept, documents, grace, given_up)
        ]
        abandoned = list(self._abandoned(newest, set(places), grace))
        inside = [(folder.as_uri(), file) for folder in abandoned for file in _all(folder)]
        if not dry_run:
            for location, file in left:
                Storage(location).remove(file.path)
            for folder in abandoned:
                shutil.rmtree(folder, ignore_errors=True)
        report = Unneeded(Unused(place, f.path, f.size, int(f.modified or 0)) for place, f in left + inside)
        report.removed = not dry_run
        return report

    def _versions(self, name: str, newest: VaultRef) -> Iterator[tuple[VaultRef, str]]:
        """Every version as the newest and as the finalized block have it, with its public document's name."""
        registry = self._chain.contract("AssetRegistry")
        for number in range(1, newest.version + 1):
            ref = self._source.resolve(name, number)
            recorded = [registry.call("versionOf", newest.asset, number)]
            with suppress(ChainError):  # not final yet
                recorded.append(registry.call("versionOf", newest.asset, number, block="finalized"))
            for state in recorded:
                known = replace(
                    ref,
                    epoch=state["epoch"],
                    root=bytes(state["root"]),
                    manifest_hash=bytes(state["manifestHash"]),
                    location=locate(self._profile, state["uri"]),
                )
                yield known, document_name(bytes(state["metadataHash"]))

    def _final(self, newest: VaultRef) -> int:
        """The newest version that no reorganization takes back: what all readers see, or a newer one."""
        registry = self._chain.contract("AssetRegistry")
        for number in range(newest.version, 1, -1):
            with suppress(ChainError):
                registry.call("versionOf", newest.asset, number, block="finalized")
                return number
        return 1

    def _abandoned(self, ref: VaultRef, known: set[str], grace: int) -> Iterator[Path]:
        """Folders of this machine's storage in which a publication of the asset began and never reached the chain."""
        for folder in sorted((self._profile.storage / "assets").glob("*")):
            if folder.as_uri() in known or not folder.is_dir() or folder.stat().st_mtime > time.time() - grace:
                continue
            if len(list(_all(folder))) > len(list(aged(Storage(folder.as_uri()), grace))):
                continue  # something in it is young
            if (folder.name.startswith(".") and ".partial-" in folder.name) or _names(folder, ref):
                yield folder


def _all(folder: Path) -> Iterator[Stored]:
    return Storage(folder.as_uri()).everything()


def _names(folder: Path, ref: VaultRef) -> bool:
    """Whether a folder holds manifests of this asset."""
    for path in (folder / "m").glob("*.json"):
        try:
            manifest = parse_manifest(path.read_bytes())
        except (IntegrityError, OSError):
            return False
        mine = (ref.chain_id, ref.registry.lower(), ref.creator.lower(), ref.name.partition("/")[2])
        if (manifest.chain_id, manifest.registry, manifest.creator, manifest.name) != mine:
            return False
    return (folder / "m").is_dir()

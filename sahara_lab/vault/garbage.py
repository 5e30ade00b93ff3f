"""Files in a vault's storage that no version names: what cut-off publications and renewed keys leave behind."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence

from sahara_lab.vault.manifest import load_manifest, manifest_path
from sahara_lab.vault.storage import Storage, Stored
from sahara_lab.vault.values import VaultRef


def unreferenced(
    location: str,
    versions: Sequence[VaultRef],
    documents: Collection[str],
    older_than: float,
    given_up: Sequence[VaultRef] = (),
) -> list[Stored]:
    """Files of a folder that none of its versions needs.

    Args:
        versions: all that are to stay readable, in every state that readers may still see.
        given_up: versions of which only the manifest stays, so that it can be told what they were.
        documents: names of public documents to keep.
        older_than: seconds; a younger file, or one of unknown age, may belong to a publication under way and is kept.

    Raises:
        IntegrityError: a version's manifest is missing or altered, so that what it needs cannot be known.
    """
    storage = Storage(location)
    needed, epochs = {*documents, *(manifest_path(ref.manifest_hash) for ref in given_up)}, set()
    for ref in versions:
        manifest = load_manifest(storage, ref)
        needed.add(manifest_path(ref.manifest_hash))
        needed.update(entry.path for entry in manifest.nodes.values())
        for entry in manifest.objects.values():
            needed.update((entry.path, entry.hashes_path))
        epochs.add(f"g/{manifest.epoch}/")
    return [
        file
        for file in aged(storage, older_than)
        if file.path not in needed and not file.path.startswith(tuple(epochs))
    ]


def aged(storage: Storage, older_than: float) -> Iterator[Stored]:
    """Files that were written longer ago than this many seconds."""
    latest = time.time() - older_than
    return (file for file in storage.everything() if file.modified is not None and file.modified < latest)

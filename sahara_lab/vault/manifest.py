"""The public manifest: ciphertext facts that anybody may check, and sealed shares that only key servers open."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sahara_lab.errors import InputError, IntegrityError, NotFound
from sahara_lab.signing import canonical_json
from sahara_lab.vault.cobblestone import ALGORITHM, HEADER_SIZE, SEALED_CHUNK
from sahara_lab.vault.merkle import leaf_hash, root_of
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.typed import bytes_of
from sahara_lab.vault.values import VaultRef

FORMAT = "sahara-vault/1"
LEAF_CHUNKS = 4
LEAF = LEAF_CHUNKS * SEALED_CHUNK  # ciphertext of 64 KiB of content
FIRST_LEAF = HEADER_SIZE + LEAF
ID_SIZE = 16

MAX_MANIFEST = 256 << 20
MAX_NODE = 64 << 20
MAX_CLASSES = 64
MAX_SERVERS = 32


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One object: its id, the length of its ciphertext and the root over its leaves."""

    id: bytes
    size: int
    root: bytes

    @property
    def path(self) -> str:
        return f"o/{self.id[:1].hex()}/{self.id.hex()}"

    @property
    def hashes_path(self) -> str:
        """The list of its leaf hashes; only objects of more than one leaf have one."""
        return f"h/{self.id.hex()}"

    @property
    def leaves(self) -> int:
        return max(1, -(-(self.size - HEADER_SIZE) // LEAF))


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """One directory node: its id, length and SHA-256."""

    id: bytes
    size: int
    digest: bytes

    @property
    def path(self) -> str:
        return f"n/{self.id.hex()}"


@dataclass(frozen=True)
class SealedShare:
    """One key server's share of a release key, sealed to that server."""

    index: int
    server: int
    url: str
    sealed: bytes
    digest: bytes


@dataclass(frozen=True)
class Release:
    """An access class: the node's key wrapped under a release key that ``threshold`` of the servers hold together."""

    name: str
    node: bytes
    threshold: int
    commitment: bytes
    wrapped: bytes
    shares: tuple[SealedShare, ...]


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest; every field was checked for form, and the objects against the root."""

    chain_id: int
    registry: str
    creator: str
    name: str
    dataset: bytes
    epoch: int
    previous: bytes | None
    root: bytes
    root_node: bytes
    objects: dict[bytes, ObjectEntry]
    nodes: dict[bytes, NodeEntry]
    release: tuple[Release, ...]

    def scope(self) -> dict[str, Any]:
        """What every key of this vault is bound to; key servers rebuild it from the chain's answer."""
        return scope(self.chain_id, self.registry, self.creator, self.name, self.dataset, self.epoch)

    def object(self, identifier: bytes) -> ObjectEntry:
        """The entry of an object that a directory names.

        Raises:
            IntegrityError: the manifest does not list it.
        """
        try:
            return self.objects[identifier]
        except KeyError:
            raise IntegrityError(f"object {identifier.hex()} is not in the manifest") from None

    def node(self, identifier: bytes) -> NodeEntry:
        """The entry of a directory node.

        Raises:
            IntegrityError: the manifest does not list it.
        """
        try:
            return self.nodes[identifier]
        except KeyError:
            raise IntegrityError(f"directory {identifier.hex()} is not in the manifest") from None

    def encode(self) -> bytes:
        """The manifest's bytes: RFC 8785 JSON."""
        head = canonical_json(
            {
                "format": FORMAT,
                "algorithm": ALGORITHM,
                **self.scope(),
                "previous": self.previous.hex() if self.previous else None,
                "root": self.root.hex(),
                "root_node": self.root_node.hex(),
                "objects": [],
                "nodes": [],
                "release": [
                    {
                        "class": r.name,
                        "node": r.node.hex(),
                        "threshold": r.threshold,
                        "commitment": r.commitment.hex(),
                        "wrapped": r.wrapped.hex(),
                        "shares": [
                            {
                                "index": s.index,
                                "server": s.server,
                                "url": s.url,
                                "sealed": s.sealed.hex(),
                                "digest": s.digest.hex(),
                            }
                            for s in r.shares
                        ],
                    }
                    for r in self.release
                ],
            }
        )
        # The long lists are written in their places: text cannot hold what stands there, its quotes have a backslash.
        before, _, after = head.partition(b',"nodes":[],"objects":[],')
        written = io.BytesIO()  # which gives its bytes away without a copy
        written.write(before + b',"nodes":[')
        _list(written, self.nodes)
        written.write(b'],"objects":[')
        _list(written, self.objects)
        written.write(b"]," + after)
        return written.getvalue()


def _list(written: io.BytesIO, entries: Mapping[bytes, ObjectEntry | NodeEntry]) -> None:
    for number, identifier in enumerate(sorted(entries)):
        entry = entries[identifier]
        digest = entry.root if isinstance(entry, ObjectEntry) else entry.digest
        comma = "," if number else ""
        written.write(f'{comma}["{entry.id.hex()}",{entry.size},"{digest.hex()}"]'.encode())


def scope(chain_id: int, registry: str, creator: str, name: str, dataset: bytes, epoch: int) -> dict[str, Any]:
    """The identity of a vault's keys as canonical fields; addresses in lower case."""
    return {
        "chain_id": chain_id,
        "registry": registry.lower(),
        "creator": creator.lower(),
        "name": name,
        "dataset": dataset.hex(),
        "epoch": epoch,
    }


def vault_root(objects: Sequence[ObjectEntry]) -> bytes:
    """RFC 6962 root of a version: its leaves are ``id || length || root`` of each object, in order of ids."""
    return root_of(leaf_hash(e.id + e.size.to_bytes(8, "big") + e.root) for e in sorted(objects, key=lambda e: e.id))


def manifest_path(manifest_hash: bytes) -> str:
    """Where the manifest with this hash lies. Named by content, so versions and epochs lie side by side."""
    return f"m/{manifest_hash.hex()}.json"


def load_manifest(storage: Storage, ref: VaultRef) -> Manifest:
    """The manifest that the chain anchors, and no other.

    Raises:
        IntegrityError: storage holds another manifest in its place (an older one, for instance), or none.
    """
    path = manifest_path(ref.manifest_hash)
    try:
        data = storage.read(path, 0, MAX_MANIFEST + 1)
    except NotFound:
        raise IntegrityError(f"the manifest of {ref} is missing from its storage {storage.url}") from None
    if hashlib.sha256(data).digest() != ref.manifest_hash:
        raise IntegrityError(
            f"the manifest of {ref} in storage is not the one anchored on chain: altered or rolled back",
            hint="Ask the owner to restore the storage of this version",
        )
    manifest = parse_manifest(data)
    expected = scope(ref.chain_id, ref.registry, ref.creator, ref.name.partition("/")[2], manifest.dataset, ref.epoch)
    if manifest.scope() != expected or manifest.root != ref.root:
        raise IntegrityError(f"the manifest of {ref} was made for another asset, chain or epoch")
    return manifest


def parse_manifest(data: bytes) -> Manifest:
    """Parse and check a manifest's form.

    Raises:
        IntegrityError: it is not a well-formed manifest of a known format.
    """
    try:
        raw = orjson.loads(data)
        if raw["format"] != FORMAT or raw["algorithm"] != ALGORITHM:
            raise IntegrityError(f"the vault's format {raw['format']!r} is not known to this version of Sahara Lab")
        objects = [ObjectEntry(_id(i), _natural(size), _digest(root)) for i, size, root in raw["objects"]]
        nodes = [NodeEntry(_id(i), _natural(size), _digest(digest)) for i, size, digest in raw["nodes"]]
        manifest = Manifest(
            chain_id=_natural(raw["chain_id"]),
            registry=_text(raw["registry"]),
            creator=_text(raw["creator"]),
            name=_text(raw["name"]),
            dataset=_digest(raw["dataset"]),
            epoch=_natural(raw["epoch"]),
            previous=_digest(raw["previous"]) if raw["previous"] is not None else None,
            root=_digest(raw["root"]),
            root_node=_id(raw["root_node"]),
            objects={e.id: e for e in objects},
            nodes={e.id: e for e in nodes},
            release=tuple(_release(entry) for entry in raw["release"][: MAX_CLASSES + 1]),
        )
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise IntegrityError("the manifest is malformed") from error
    if len(manifest.objects) != len(objects) or len(manifest.nodes) != len(nodes):
        raise IntegrityError("the manifest lists an object twice")
    if vault_root(objects) != manifest.root:
        raise IntegrityError("the manifest's root is not the root of its objects")
    if len(manifest.release) > MAX_CLASSES or any(node.size > MAX_NODE for node in nodes):
        raise IntegrityError("the manifest is larger than the format allows")
    return manifest


def _release(raw: dict[str, Any]) -> Release:
    shares = tuple(
        SealedShare(
            index=_natural(s["index"]),
            server=_natural(s["server"]),
            url=_text(s["url"]),
            sealed=bytes_of(s["sealed"], "share"),
            digest=_digest(s["digest"]),
        )
        for s in raw["shares"][: MAX_SERVERS + 1]
    )
    threshold = _natural(raw["threshold"])
    if len(shares) > MAX_SERVERS or [s.index for s in shares] != list(range(1, len(shares) + 1)):
        raise ValueError("shares")
    if not 1 <= threshold <= len(shares):
        raise ValueError("threshold")
    return Release(
        name=_text(raw["class"]),
        node=_id(raw["node"]),
        threshold=threshold,
        commitment=_digest(raw["commitment"]),
        wrapped=bytes_of(raw["wrapped"], "wrapped key"),
        shares=shares,
    )


def _sized(text: Any, size: int) -> bytes:
    value = bytes_of(text, "field")
    if len(value) != size:
        raise ValueError("length")
    return value


def _id(text: Any) -> bytes:
    return _sized(text, ID_SIZE)


def _digest(text: Any) -> bytes:
    return _sized(text, 32)


def _natural(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 2048:
        raise ValueError("text")
    return value

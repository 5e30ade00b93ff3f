"""Directory nodes: each folder is one small encrypted message that holds the names and keys of its children.

Whoever has a node's key can read everything beneath it and nothing beside it, so granting a folder is giving its key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.signing import canonical_json
from sahara_lab.vault.cobblestone import KEY_SIZE, node_context, seal, unseal
from sahara_lab.vault.manifest import ID_SIZE, MAX_NODE, NodeEntry
from sahara_lab.vault.paths import check_component, folded, split_path
from sahara_lab.vault.typed import bytes_of

MAX_SIZE = 2**52  # the format's own limit is 4 PiB


@dataclass(frozen=True, slots=True)
class FileChild:
    """A file in a folder: its object and that object's key."""

    size: int
    object: bytes
    key: bytes = field(repr=False)
    modified: int = 0


@dataclass(frozen=True, slots=True)
class FolderChild:
    """A folder in a folder: its node and that node's key."""

    node: bytes
    key: bytes = field(repr=False)


Children = dict[str, FileChild | FolderChild]


def identifier(child: FileChild | FolderChild) -> bytes:
    """The id under which the manifest lists a file or a folder."""
    return child.object if isinstance(child, FileChild) else child.node


@dataclass(frozen=True)
class Grant:
    """The key of a folder or a file, and where it is mounted; ``size`` in bytes is None for a folder."""

    path: str
    node: bytes
    key: bytes = field(repr=False)
    size: int | None = None
    modified: int = 0

    @classmethod
    def of(cls, path: str, child: FileChild | FolderChild) -> Grant:
        """What is granted to open a file or a folder."""
        if isinstance(child, FileChild):
            return cls(path, child.object, child.key, child.size, child.modified)
        return cls(path, child.node, child.key)

    @property
    def child(self) -> FileChild | FolderChild:
        if self.size is None:
            return FolderChild(self.node, self.key)
        return FileChild(self.size, self.node, self.key, self.modified)

    def encode(self) -> bytes:
        """What is sealed: RFC 8785 JSON."""
        file = {} if self.size is None else {"size": self.size, "modified": self.modified}
        return canonical_json({"path": self.path, "key": self.key.hex(), **file})

    @classmethod
    def decode(cls, node: bytes, plain: bytes) -> Grant:
        """Parse what was sealed; its path is checked, for the owner may be the attacker.

        Raises:
            IntegrityError: it is not a grant.
        """
        try:
            secret = orjson.loads(plain)
            path = "/".join(split_path(secret["path"]))
            size, modified = secret.get("size"), secret.get("modified", 0)
            if size is not None and (type(size) is not int or not 0 <= size < MAX_SIZE):
                raise ValueError("size")
            if type(modified) is not int:
                raise ValueError("modified")
            return cls(path, node, _sized(secret["key"], KEY_SIZE), size, modified)
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise IntegrityError("the grant is malformed") from error


def encode_children(children: Children) -> bytes:
    """A node's plaintext: RFC 8785 JSON, names in order."""
    entries: list[dict[str, Any]] = []
    for name, child in sorted(children.items()):
        if isinstance(child, FileChild):
            entries.append(
                {
                    "name": name,
                    "size": child.size,
                    "object": child.object.hex(),
                    "key": child.key.hex(),
                    "modified": child.modified,
                }
            )
        else:
            entries.append({"name": name, "node": child.node.hex(), "key": child.key.hex()})
    return canonical_json({"v": 1, "entries": entries})


def decode_children(plain: bytes) -> Children:
    """Parse a node's plaintext; names are checked again, for the owner may be the attacker.

    Raises:
        IntegrityError: malformed, or a name that could escape a folder.
    """
    children: Children = {}
    try:
        document = orjson.loads(plain)
        if document["v"] != 1:
            raise ValueError("version")
        spelled: set[str] = set()
        for entry in document["entries"]:
            name = check_component(entry["name"])
            if folded(name) in spelled:
                raise ValueError("a name twice")
            spelled.add(folded(name))
            key = _sized(entry["key"], KEY_SIZE)
            if "node" in entry:
                children[name] = FolderChild(_sized(entry["node"], ID_SIZE), key)
                continue
            size, modified = entry["size"], entry["modified"]
            if type(size) is not int or type(modified) is not int or not 0 <= size < MAX_SIZE:
                raise ValueError("size")
            children[name] = FileChild(size, _sized(entry["object"], ID_SIZE), key, modified)
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise IntegrityError("a folder of this vault is malformed") from error
    return children


def _sized(text: Any, size: int) -> bytes:
    value = bytes_of(text, "field")
    if len(value) != size:
        raise ValueError("length")
    return value


def seal_node(dataset: bytes, identifier: bytes, key: bytes, children: Children) -> tuple[bytes, NodeEntry]:
    """Encrypt a folder; returns its bytes and its entry in the manifest.

    Raises:
        InputError: more children than one node can hold.
    """
    sealed = seal(key, node_context(dataset, identifier), encode_children(children))
    if len(sealed) > MAX_NODE:
        raise InputError(
            f"a folder with {len(children):,} entries is too large", hint="Spread its files over subfolders"
        )
    return sealed, NodeEntry(identifier, len(sealed), hashlib.sha256(sealed).digest())


def open_node(dataset: bytes, entry: NodeEntry, key: bytes, sealed: bytes) -> Children:
    """Decrypt a folder whose bytes must be those the manifest lists.

    Raises:
        IntegrityError: they are not.
    """
    if hashlib.sha256(sealed).digest() != entry.digest:
        raise IntegrityError(f"directory {entry.id.hex()} was altered or truncated in storage")
    return decode_children(unseal(key, node_context(dataset, entry.id), sealed, f"directory {entry.id.hex()}"))

"""Assets, their versions and what they derive from.

Made from the ABI and NatSpec of AssetRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Edge, Version
from sahara_lab.chain.orders import Call


class Approval(NamedTuple):
    """``Approval(address,address,uint256)``."""

    owner: str
    account: str
    id: int


class ApprovalForAll(NamedTuple):
    """``ApprovalForAll(address,address,bool)``."""

    owner: str
    operator: str
    is_approved: bool


class AssetRegistered(NamedTuple):
    """A new asset, with its name among its creator's."""

    asset: int
    creator: str
    kind: int
    name: str


class ParentLinked(NamedTuple):
    """One parent of an asset, announced at registration; `license` is zero for an own parent."""

    asset: int
    parent: int
    relation: int
    license: int


class Transfer(NamedTuple):
    """``Transfer(address,address,uint256)``."""

    from_: str
    to: str
    id: int


class VersionPublished(NamedTuple):
    """A version was added; the first one comes with the registration."""

    asset: int
    version: int
    epoch: int
    root: bytes
    manifest_hash: bytes
    metadata_hash: bytes
    uri: str


class VersionRekeyed(NamedTuple):
    """A version got a new key epoch."""

    asset: int
    version: int
    epoch: int
    manifest_hash: bytes
    uri: str


class AssetRegistry(Handle):
    """Assets, their versions and what they derive from."""

    CONTRACT = "AssetRegistry"

    def LEDGER(self) -> View[str]:
        """``LEDGER()``."""
        return View(self, "LEDGER()")

    def LICENSES(self) -> View[str]:
        """``LICENSES()``."""
        return View(self, "LICENSES()")

    def MAX_PARENTS(self) -> View[int]:
        """``MAX_PARENTS()``."""
        return View(self, "MAX_PARENTS()")

    def MAX_URI_BYTES(self) -> View[int]:
        """``MAX_URI_BYTES()``."""
        return View(self, "MAX_URI_BYTES()")

    def approve(self, account: str, id: int) -> Call:
        """Lets `account` transfer the token; by its holder or an operator of theirs."""
        return Call(self.contract, "approve", (account, id))

    def asset_count(self) -> View[int]:
        """Ids are given out from 1 upward."""
        return View(self, "assetCount()")

    def asset_of(self, creator: str, name: str) -> View[int]:
        """The id, or zero when `creator` has no asset of that name."""
        return View(self, "assetOf(address,string)", creator, name)

    def balance_of(self, owner: str) -> View[int]:
        """``balanceOf(address)``."""
        return View(self, "balanceOf(address)", owner)

    def creator_of(self, asset: int) -> View[str]:
        """Who registered `asset`; does not change when it is sold."""
        return View(self, "creatorOf(uint256)", asset)

    def get_approved(self, id: int) -> View[str]:
        """``getApproved(uint256)``."""
        return View(self, "getApproved(uint256)", id)

    def is_approved_for_all(self, owner: str, operator: str) -> View[bool]:
        """``isApprovedForAll(address,address)``."""
        return View(self, "isApprovedForAll(address,address)", owner, operator)

    def kind_of(self, asset: int) -> View[int]:
        """What sort of thing `asset` is."""
        return View(self, "kindOf(uint256)", asset)

    def name(self) -> View[str]:
        """What the tokens are called."""
        return View(self, "name()")

    def name_of(self, asset: int) -> View[str]:
        """Name among the creator's assets."""
        return View(self, "nameOf(uint256)", asset)

    def owner_of(self, asset: int) -> View[str]:
        """Who owns `asset`."""
        return View(self, "ownerOf(uint256)", asset)

    def parents_of(self, asset: int) -> View[list[Edge]]:
        """Parents, sorted by id."""
        return View(self, "parentsOf(uint256)", asset)

    def publish_version(self, asset: int, next: Version) -> Call:
        """Adds a version; `publishedAt` of the argument is ignored."""
        return Call(self.contract, "publishVersion", (asset, next))

    def register(self, name: str, kind: int, first: Version, parents: Sequence[Edge]) -> Call:
        """Registers an asset with its first version and its parents; the caller becomes creator and owner.

        Parents must be sorted by id, without repeats. The royalty table is frozen here.
        """
        return Call(self.contract, "register", (name, kind, first, parents))

    def rekey_version(self, asset: int, version: int, epoch: int, manifest_hash: bytes, uri: str) -> Call:
        """Records a new key epoch of a version (same ciphertext root, new manifest)."""
        return Call(self.contract, "rekeyVersion", (asset, version, epoch, manifest_hash, uri))

    def safe_transfer_from(self, from_: str, to: str, id: int) -> Call:
        """``safeTransferFrom(address,address,uint256)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, id))

    def safe_transfer_from_with_data(self, from_: str, to: str, id: int, data: bytes) -> Call:
        """``safeTransferFrom(address,address,uint256,bytes)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, id, data))

    def set_approval_for_all(self, operator: str, is_approved: bool) -> Call:
        """``setApprovalForAll(address,bool)``."""
        return Call(self.contract, "setApprovalForAll", (operator, is_approved))

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """``supportsInterface(bytes4)``."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def symbol(self) -> View[str]:
        """Short for their name."""
        return View(self, "symbol()")

    def token_uri(self, asset: int) -> View[str]:
        """The asset's card and newest version, as a JSON document in a `data:` URI."""
        return View(self, "tokenURI(uint256)", asset)

    def transfer_from(self, from_: str, to: str, id: int) -> Call:
        """``transferFrom(address,address,uint256)``."""
        return Call(self.contract, "transferFrom", (from_, to, id))

    def version_count(self, asset: int) -> View[int]:
        """Versions so far."""
        return View(self, "versionCount(uint256)", asset)

    def version_of(self, asset: int, version: int) -> View[Version]:
        """``versionOf(uint256,uint32)``."""
        return View(self, "versionOf(uint256,uint32)", asset, version)

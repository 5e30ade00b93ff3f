"""Assets, their versions and what they derive from.

Made from the ABI and NatSpec of AssetRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Call, Handle, View
from sahara_lab.chain.handles.structs import Edge, Version


class Approval(NamedTuple):
    """``Approval(address,address,uint256)``."""

    owner: str
    approved: str
    token_id: int


class ApprovalForAll(NamedTuple):
    """``ApprovalForAll(address,address,bool)``."""

    owner: str
    operator: str
    approved: bool


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
    token_id: int


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


class Errors:
    """Reasons of a refusal, for :attr:`sahara_lab.errors.ChainError.reason`."""

    ERC721IncorrectOwner = "ERC721IncorrectOwner"
    ERC721InsufficientApproval = "ERC721InsufficientApproval"
    ERC721InvalidApprover = "ERC721InvalidApprover"
    ERC721InvalidOperator = "ERC721InvalidOperator"
    ERC721InvalidOwner = "ERC721InvalidOwner"
    ERC721InvalidReceiver = "ERC721InvalidReceiver"
    ERC721InvalidSender = "ERC721InvalidSender"
    ERC721NonexistentToken = "ERC721NonexistentToken"
    InvalidName = "InvalidName"
    InvalidUri = "InvalidUri"
    LicenseDoesNotCover = "LicenseDoesNotCover"
    NameTaken = "NameTaken"
    NotAssetOwner = "NotAssetOwner"
    ParentsNotSorted = "ParentsNotSorted"
    StaleEpoch = "StaleEpoch"
    TooManyParents = "TooManyParents"
    UnknownAsset = "UnknownAsset"
    UnknownVersion = "UnknownVersion"


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

    def approve(self, to: str, token_id: int) -> Call:
        """``approve(address,uint256)``."""
        return Call(self, "approve(address,uint256)", to, token_id)

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

    def get_approved(self, token_id: int) -> View[str]:
        """``getApproved(uint256)``."""
        return View(self, "getApproved(uint256)", token_id)

    def is_approved_for_all(self, owner: str, operator: str) -> View[bool]:
        """``isApprovedForAll(address,address)``."""
        return View(self, "isApprovedForAll(address,address)", owner, operator)

    def kind_of(self, asset: int) -> View[int]:
        """What sort of thing `asset` is."""
        return View(self, "kindOf(uint256)", asset)

    def name(self) -> View[str]:
        """``name()``."""
        return View(self, "name()")

    def name_of(self, asset: int) -> View[str]:
        """Name among the creator's assets."""
        return View(self, "nameOf(uint256)", asset)

    def owner_of(self, token_id: int) -> View[str]:
        """``ownerOf(uint256)``."""
        return View(self, "ownerOf(uint256)", token_id)

    def parents_of(self, asset: int) -> View[list[Edge]]:
        """Parents, sorted by id."""
        return View(self, "parentsOf(uint256)", asset)

    def publish_version(self, asset: int, next: Version) -> Call:
        """Adds a version; `publishedAt` of the argument is ignored."""
        return Call(self, "publishVersion(uint256,(bytes32,bytes32,bytes32,uint32,uint64,string))", asset, next)

    def register(self, name: str, kind: int, first: Version, parents: Sequence[Edge]) -> Call:
        """Registers an asset with its first version and its parents; the caller becomes creator and owner.

        Parents must be sorted by id, without repeats. The royalty table is frozen here.
        """
        return Call(
            self,
            "register(string,uint8,(bytes32,bytes32,bytes32,uint32,uint64,string),(uint256,uint256,uint8)[])",
            name,
            kind,
            first,
            parents,
        )

    def rekey_version(self, asset: int, version: int, epoch: int, manifest_hash: bytes, uri: str) -> Call:
        """Records a new key epoch of a version (same ciphertext root, new manifest)."""
        return Call(
            self, "rekeyVersion(uint256,uint32,uint32,bytes32,string)", asset, version, epoch, manifest_hash, uri
        )

    def safe_transfer_from(self, from_: str, to: str, token_id: int) -> Call:
        """``safeTransferFrom(address,address,uint256)``."""
        return Call(self, "safeTransferFrom(address,address,uint256)", from_, to, token_id)

    def safe_transfer_from_with_data(self, from_: str, to: str, token_id: int, data: bytes) -> Call:
        """``safeTransferFrom(address,address,uint256,bytes)``."""
        return Call(self, "safeTransferFrom(address,address,uint256,bytes)", from_, to, token_id, data)

    def set_approval_for_all(self, operator: str, approved: bool) -> Call:
        """``setApprovalForAll(address,bool)``."""
        return Call(self, "setApprovalForAll(address,bool)", operator, approved)

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """``supportsInterface(bytes4)``."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def symbol(self) -> View[str]:
        """``symbol()``."""
        return View(self, "symbol()")

    def token_uri(self, token_id: int) -> View[str]:
        """``tokenURI(uint256)``."""
        return View(self, "tokenURI(uint256)", token_id)

    def transfer_from(self, from_: str, to: str, token_id: int) -> Call:
        """``transferFrom(address,address,uint256)``."""
        return Call(self, "transferFrom(address,address,uint256)", from_, to, token_id)

    def version_count(self, asset: int) -> View[int]:
        """Versions so far."""
        return View(self, "versionCount(uint256)", asset)

    def version_of(self, asset: int, version: int) -> View[Version]:
        """``versionOf(uint256,uint32)``."""
        return View(self, "versionOf(uint256,uint32)", asset, version)

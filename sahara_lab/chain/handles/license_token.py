"""Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192).

Made from the ABI and NatSpec of LicenseToken by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import License
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


class LicenseEnded(NamedTuple):
    """The license was given back: it is nobody's, and allows nothing any more."""

    license: int


class LicenseIssued(NamedTuple):
    """A license came into being; `expiresAt` of zero is never."""

    license: int
    asset: int
    holder: str
    terms_id: bytes
    expires_at: int
    royalty_bps: int
    uses: int


class LicenseRenewed(NamedTuple):
    """The same license lasts longer; nothing else about it changed."""

    license: int
    expires_at: int


class Locked(NamedTuple):
    """``Locked(uint256)``."""

    token_id: int


class Transfer(NamedTuple):
    """``Transfer(address,address,uint256)``."""

    from_: str
    to: str
    id: int


class Unlocked(NamedTuple):
    """ERC-5192: the license may change hands."""

    token_id: int


class LicenseToken(Handle):
    """Licenses as ERC-721 tokens; soul-bound unless the terms say transferable (ERC-5192)."""

    CONTRACT = "LicenseToken"

    def MARKET(self) -> View[str]:
        """``MARKET()``."""
        return View(self, "MARKET()")

    def REGISTRY(self) -> View[str]:
        """``REGISTRY()``."""
        return View(self, "REGISTRY()")

    def TERMS(self) -> View[str]:
        """``TERMS()``."""
        return View(self, "TERMS()")

    def approve(self, account: str, id: int) -> Call:
        """Lets `account` transfer the token; by its holder or an operator of theirs."""
        return Call(self.contract, "approve", (account, id))

    def balance_of(self, owner: str) -> View[int]:
        """``balanceOf(address)``."""
        return View(self, "balanceOf(address)", owner)

    def end(self, license: int) -> Call:
        """Ends a license at once and for good; only the market may, for the holder who gives it back."""
        return Call(self.contract, "end", (license,))

    def get(self, license: int) -> View[License]:
        """What a license says, or said before it was given back."""
        return View(self, "get(uint256)", license)

    def get_approved(self, id: int) -> View[str]:
        """``getApproved(uint256)``."""
        return View(self, "getApproved(uint256)", id)

    def has_access(self, account: str, asset: int, use: int) -> View[bool]:
        """Whether `account` owns `asset` or holds an unexpired license for it that allows every bit of `use`.

        The one question that key servers, the vault and the marketplace ask. Compute-only licenses never
        allow READ.
        """
        return View(self, "hasAccess(address,uint256,uint16)", account, asset, use)

    def is_approved_for_all(self, owner: str, operator: str) -> View[bool]:
        """``isApprovedForAll(address,address)``."""
        return View(self, "isApprovedForAll(address,address)", owner, operator)

    def is_firm(self, license: int) -> View[bool]:
        """Whether a license can no longer be given back: it changed hands, or a derivative was registered with
        it.
        """
        return View(self, "isFirm(uint256)", license)

    def issue(self, holder: str, asset: int, terms_id: bytes) -> Call:
        """Issues a license; only the market may."""
        return Call(self.contract, "issue", (holder, asset, terms_id))

    def license_count(self) -> View[int]:
        """Licenses issued so far; ids are given out from 1 upward."""
        return View(self, "licenseCount()")

    def license_for(self, account: str, asset: int, use: int) -> View[int]:
        """The valid license of `account` that allows `use` and expires last; zero when none does."""
        return View(self, "licenseFor(address,uint256,uint16)", account, asset, use)

    def licenses_of(self, account: str, asset: int) -> View[list[int]]:
        """All licenses ever issued to or held by `account` for `asset`, newest last, expired ones included. One
        that left and came back stays where it was.
        """
        return View(self, "licensesOf(address,uint256)", account, asset)

    def locked(self, license: int) -> View[bool]:
        """``locked(uint256)``."""
        return View(self, "locked(uint256)", license)

    def make_firm(self, license: int) -> Call:
        """Makes a license firm: a derivative was registered with it; only the registry may say so."""
        return Call(self.contract, "makeFirm", (license,))

    def name(self) -> View[str]:
        """What the tokens are called."""
        return View(self, "name()")

    def owner_of(self, license: int) -> View[str]:
        """Who holds a license."""
        return View(self, "ownerOf(uint256)", license)

    def promote(self, license: int) -> Call:
        """Makes `license` count for its holder again, should they have sold a better one of the same uses; open
        to anyone.
        """
        return Call(self.contract, "promote", (license,))

    def renew(self, license: int) -> Call:
        """Lets `license` last another duration of its terms, from its end or from now if it has ended; only the
        market may. Uses and royalty share stay as they were frozen.
        """
        return Call(self.contract, "renew", (license,))

    def safe_transfer_from(self, from_: str, to: str, id: int) -> Call:
        """``safeTransferFrom(address,address,uint256)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, id))

    def safe_transfer_from_with_data(self, from_: str, to: str, id: int, data: bytes) -> Call:
        """``safeTransferFrom(address,address,uint256,bytes)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, id, data))

    def seats_taken(self, asset: int, terms_id: bytes) -> View[int]:
        """Licenses issued under `termsId` for `asset` that have not expired, at most the seats that the terms
        allow; zero where they allow any number, which is not counted.
        """
        return View(self, "seatsTaken(uint256,bytes32)", asset, terms_id)

    def set_approval_for_all(self, operator: str, is_approved: bool) -> Call:
        """``setApprovalForAll(address,bool)``."""
        return Call(self.contract, "setApprovalForAll", (operator, is_approved))

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """ERC-165: ERC-721 with metadata, ERC-5192."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def symbol(self) -> View[str]:
        """Short for their name."""
        return View(self, "symbol()")

    def token_uri(self, license: int) -> View[str]:
        """What the license says, as a JSON document in a `data:` URI."""
        return View(self, "tokenURI(uint256)", license)

    def transfer_from(self, from_: str, to: str, id: int) -> Call:
        """``transferFrom(address,address,uint256)``."""
        return Call(self.contract, "transferFrom", (from_, to, id))

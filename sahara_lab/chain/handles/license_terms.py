"""Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`.

Made from the ABI and NatSpec of LicenseTerms by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Call, Handle, View
from sahara_lab.chain.handles.structs import Terms


class TermsRegistered(NamedTuple):
    """Terms that nobody registered before."""

    terms_id: bytes
    terms: Terms


class Errors:
    """Reasons of a refusal, for :attr:`sahara_lab.errors.ChainError.reason`."""

    InvalidTerms = "InvalidTerms"
    UnknownTerms = "UnknownTerms"


class LicenseTerms(Handle):
    """Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`."""

    CONTRACT = "LicenseTerms"

    def MAX_DURATION(self) -> View[int]:
        """Longest duration that is not for ever: one hundred years."""
        return View(self, "MAX_DURATION()")

    def MAX_ROYALTY_BPS(self) -> View[int]:
        """``MAX_ROYALTY_BPS()``."""
        return View(self, "MAX_ROYALTY_BPS()")

    def MAX_TEXT_URI_BYTES(self) -> View[int]:
        """``MAX_TEXT_URI_BYTES()``."""
        return View(self, "MAX_TEXT_URI_BYTES()")

    def get(self, terms_id: bytes) -> View[Terms]:
        """The terms behind an id."""
        return View(self, "get(bytes32)", terms_id)

    def id_of(self, terms: Terms) -> View[bytes]:
        """The id that `terms` have or would have."""
        return View(
            self, "idOf((address,uint256,uint64,uint32,uint16,uint16,bool,bool,bool,bool,string,bytes32))", terms
        )

    def register(self, terms: Terms) -> Call:
        """Stores terms under their content address; storing the same terms twice is no error."""
        return Call(
            self, "register((address,uint256,uint64,uint32,uint16,uint16,bool,bool,bool,bool,string,bytes32))", terms
        )

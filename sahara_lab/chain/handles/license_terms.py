"""Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`.

Made from the ABI and NatSpec of LicenseTerms by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import ILicenseTermsTerms, Price, Rights
from sahara_lab.chain.orders import Call


class TermsRegistered(NamedTuple):
    """Terms that nobody registered before."""

    terms_id: bytes
    terms: ILicenseTermsTerms


class RightsOfResult(NamedTuple):
    """What ``rightsOf(bytes32)`` gives."""

    number: int
    rights: Rights


class LicenseTerms(Handle):
    """Content-addressed license terms: `termsId = keccak256(abi.encode(terms))`."""

    CONTRACT = "LicenseTerms"

    def MAX_DURATION(self) -> View[int]:
        """Longest duration that is not for ever: one hundred years."""
        return View(self, "MAX_DURATION()")

    def MAX_REFUND_WINDOW(self) -> View[int]:
        """``MAX_REFUND_WINDOW()``."""
        return View(self, "MAX_REFUND_WINDOW()")

    def MAX_ROYALTY_BPS(self) -> View[int]:
        """``MAX_ROYALTY_BPS()``."""
        return View(self, "MAX_ROYALTY_BPS()")

    def MAX_TEXT_URI_BYTES(self) -> View[int]:
        """``MAX_TEXT_URI_BYTES()``."""
        return View(self, "MAX_TEXT_URI_BYTES()")

    def get(self, terms_id: bytes) -> View[ILicenseTermsTerms]:
        """The terms behind an id."""
        return View(self, "get(bytes32)", terms_id)

    def id_at(self, number: int) -> View[bytes]:
        """The id of terms by their number."""
        return View(self, "idAt(uint256)", number)

    def id_of(self, terms: ILicenseTermsTerms) -> View[bytes]:
        """The id that `terms` have or would have."""
        return View(
            self, "idOf((address,uint256,uint32,uint64,uint32,uint16,uint16,bool,bool,bool,bool,string,bytes32))", terms
        )

    def price_of(self, terms_id: bytes) -> View[Price]:
        """What a license under these terms costs."""
        return View(self, "priceOf(bytes32)", terms_id)

    def register(self, terms: ILicenseTermsTerms) -> Call:
        """Stores terms under their content address; storing the same terms twice is no error."""
        return Call(self.contract, "register", (terms,))

    def rights_at(self, number: int) -> View[Rights]:
        """`rightsOf` by number; reverts for one that was not given out."""
        return View(self, "rightsAt(uint256)", number)

    def rights_of(self, terms_id: bytes) -> View[RightsOfResult]:
        """What such a license allows; and the number of the terms, counted from 1 as they are registered."""
        return View(self, "rightsOf(bytes32)", terms_id, result=RightsOfResult)

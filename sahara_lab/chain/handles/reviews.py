"""Reviews of assets by who holds a license for them.

Made from the ABI and NatSpec of Reviews by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class ReviewWithdrawn(NamedTuple):
    """The author took their review back."""

    asset: int
    author: str


class Reviewed(NamedTuple):
    """Somebody who holds `license` said what they think; the words are in this event only."""

    asset: int
    author: str
    license: int
    stars: int
    text: str


class ReviewOfResult(NamedTuple):
    """What ``reviewOf(uint256,address)`` gives."""

    stars: int
    license: int


class SummaryOfResult(NamedTuple):
    """What ``summaryOf(uint256)`` gives."""

    count_: int
    stars: int


class Reviews(Handle):
    """Reviews of assets by who holds a license for them."""

    CONTRACT = "Reviews"

    def ASSETS(self) -> View[str]:
        """``ASSETS()``."""
        return View(self, "ASSETS()")

    def LICENSES(self) -> View[str]:
        """``LICENSES()``."""
        return View(self, "LICENSES()")

    def MAX_STARS(self) -> View[int]:
        """``MAX_STARS()``."""
        return View(self, "MAX_STARS()")

    def MAX_TEXT_BYTES(self) -> View[int]:
        """``MAX_TEXT_BYTES()``."""
        return View(self, "MAX_TEXT_BYTES()")

    def REFUNDS(self) -> View[str]:
        """``REFUNDS()``."""
        return View(self, "REFUNDS()")

    def author_of(self, license: int) -> View[str]:
        """Who wrote reviews with a license; zero when nobody did."""
        return View(self, "authorOf(uint256)", license)

    def review(self, license: int, stars: int, text: str) -> Call:
        """Reviews the asset that `license` is for; a review of the same author is replaced.

        license: Held by the caller and final: its price can no longer be given back. It may have ended.

        stars: 1 to 5.

        text: At most 1,024 bytes.
        """
        return Call(self.contract, "review", (license, stars, text))

    def review_of(self, asset: int, author: str) -> View[ReviewOfResult]:
        """``reviewOf(uint256,address)``."""
        return View(self, "reviewOf(uint256,address)", asset, author, result=ReviewOfResult)

    def summary_of(self, asset: int) -> View[SummaryOfResult]:
        """``summaryOf(uint256)``."""
        return View(self, "summaryOf(uint256)", asset, result=SummaryOfResult)

    def withdraw(self, asset: int) -> Call:
        """Takes back the caller's review of `asset`."""
        return Call(self.contract, "withdraw", (asset,))

"""What people say of listings: the market's verbs for reviews, reports and appeals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahara_lab.errors import AccessDenied
from sahara_lab.governance import Action
from sahara_lab.market.reviews import Reviews, Standing

if TYPE_CHECKING:
    from sahara_lab.market.sales import Sales
    from sahara_lab.market.values import Asset


class Opinions:
    """Mixed into :class:`sahara_lab.market.Market`."""

    _standing: Standing
    _sales: Sales

    def get(self, name: str) -> Asset:
        """An asset by its name."""
        raise NotImplementedError

    def reviews(self, name: str) -> Reviews:
        """What license holders say of an asset, newest first.

        Raises:
            NotFound: no such asset.
        """
        return self._standing.reviews(self.get(name).id)

    def decided(self, name: str) -> str:
        """Why the DAO last decided about an asset, in its words; empty where it never did.

        Raises:
            NotFound: no such asset.
        """
        return self._standing.why(self.get(name).id)

    def review(self, name: str, stars: int, text: str = "") -> Reviews:
        """Say what you think of an asset that you hold a license of, for everyone to read; it replaces what you said.

        Args:
            stars: 1 to 5.
            text: at most 1,024 bytes.

        Raises:
            NotFound: you hold no license of it.
            ChainError: the license can still be given back, or the asset is yours.
        """
        asset = self.get(name)
        self._standing.review(asset.name, self._sales.numbers(asset.id), stars, text)
        return self.reviews(name)

    def withdraw_review(self, name: str) -> None:
        """Take your review of an asset back.

        Raises:
            ChainError: you have written none.
        """
        self._standing.withdraw(self.get(name).id)

    def report(self, name: str, reason: str) -> None:
        """Report that something is wrong with an asset; everyone can read the reason, and the DAO decides.

        Args:
            reason: 1 to 512 bytes.

        Raises:
            ChainError: you have reported it since the DAO's last decision.
        """
        self._standing.report(self.get(name).id, reason)

    def appeal(self, name: str, reason: str) -> None:
        """Answer the DAO's decision about an own asset, once for each; everyone can read it.

        Raises:
            ChainError: there is no decision, you have answered it, or the asset is somebody else's.
        """
        self._standing.appeal(self.get(name).id, reason)

    def decision(self, name: str, standing: str, reason: str) -> Action:
        """What ``lab.dao.propose`` takes to decide about a listing.

        Args:
            standing: "clear", "disputed" or "taken down".
        """
        return self._standing.decision(self.get(name).id, standing, reason)

    def verification(self, account: str, reason: str, *, verified: bool = True) -> Action:
        """What ``lab.dao.propose`` takes to vouch for who a publisher is, or to stop doing so."""
        return self._standing.verification(account, verified, reason)

    def _refuse_taken_down(self, asset: Asset) -> None:
        if asset.reputation.standing == "taken down":
            why = self._standing.why(asset.id)
            raise AccessDenied(
                f"the DAO has taken {asset.name} down: {why}",
                hint="Licenses that were bought before stay open; look for another: %sahara search",
            )

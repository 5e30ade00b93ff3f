"""Reviews of an asset, reports of it, and the owner's answer to a decision."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.errors import InputError
from sahara_lab.market.names import AssetName
from sahara_lab.server.handler import SaharaHandler, authorized

MAX_REVIEW = 1_024
MAX_REASON = 512


class ReviewsHandler(SaharaHandler):
    """``GET``, ``POST`` and ``DELETE listings/{owner}/{name}/reviews``: what holders say; say it; take it back."""

    @authenticated
    @authorized("read", "sahara-lab.market")
    async def get(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        self.finish(await self.ask(self.service.reviews, self.account, asset.plain))

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        fields = self.body("stars", "text", limit=MAX_REVIEW)
        if fields["stars"] not in ("1", "2", "3", "4", "5"):
            raise InputError("stars must be 1 to 5")
        stars = int(fields["stars"])
        self.set_status(201)
        self.finish(await self.ask(self.service.review, self.account, asset.plain, stars, fields["text"]))

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def delete(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        self.finish(await self.ask(self.service.withdraw_review, self.account, asset.plain))


class ReportHandler(SaharaHandler):
    """``POST listings/{owner}/{name}/report``: say what is wrong with an asset; the DAO decides."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        reason = self.body("reason", limit=MAX_REASON)["reason"]
        self.finish(await self.ask(self.service.report, self.account, asset.plain, reason))


class AppealHandler(SaharaHandler):
    """``POST listings/{owner}/{name}/appeal``: the owner answers a decision."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        reason = self.body("reason", limit=MAX_REASON)["reason"]
        self.finish(await self.ask(self.service.appeal, self.account, asset.plain, reason))

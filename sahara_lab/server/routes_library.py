"""What the account owns, holds and has earned."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.server.handler import SaharaHandler, authorized


class LibraryHandler(SaharaHandler):
    """``GET mine``: published assets, licenses held, claimable revenue."""

    @authenticated
    @authorized("read", "sahara-lab.library")
    async def get(self) -> None:
        self.finish(await self.ask(self.service.library, self.account))


class ClaimHandler(SaharaHandler):
    """``POST claim``: move the claimable revenue into the account."""

    @authenticated
    @authorized("write", "sahara-lab.library")
    async def post(self) -> None:
        self.body()
        self.finish(await self.ask(self.service.claim, self.account))

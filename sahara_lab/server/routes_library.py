"""What the account owns, holds and has earned."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.market.names import AssetName
from sahara_lab.market.requests import MAX_NOTE_BYTES
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


class StatementHandler(SaharaHandler):
    """``GET statement``: every payment that reached the account's assets, as CSV."""

    @authenticated
    @authorized("read", "sahara-lab.library")
    async def get(self) -> None:
        self.finish(await self.ask(self.service.statement, self.account))


class RequestsHandler(SaharaHandler):
    """``POST requests``: ask the owner of an asset for a license."""

    @authenticated
    @authorized("write", "sahara-lab.library")
    async def post(self) -> None:
        fields = self.body("name", "note", limit=MAX_NOTE_BYTES)
        asset = AssetName.parse(fields["name"])
        self.set_status(201)
        self.finish(await self.ask(self.service.request, self.account, asset.plain, fields["note"]))


class WordHandler(SaharaHandler):
    """``POST reviews/{job}/approve``, ``.../release`` and ``.../refuse``: an owner's word about a job on their data."""

    @authenticated
    @authorized("write", "sahara-lab.library")
    async def post(self, job: str, word: str) -> None:
        self.body()
        self.finish(await self.ask(self.service.say, self.account, job, word))


class AnswerHandler(SaharaHandler):
    """``POST requests/{number}/grant`` and ``.../decline``: an owner's answer."""

    @authenticated
    @authorized("write", "sahara-lab.library")
    async def post(self, number: str, answer: str) -> None:
        self.body()
        self.finish(await self.ask(self.service.answer, self.account, int(number), answer == "grant"))

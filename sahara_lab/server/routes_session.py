"""Who acts, on which network, and whether it is up."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.server.handler import SaharaHandler, authorized


class StatusHandler(SaharaHandler):
    """``GET status``: the network's health, the account, its balance and the accounts to choose from."""

    @authenticated
    @authorized("read", "sahara-lab.session")
    async def get(self) -> None:
        self.finish(await self.ask(self.service.status, self.account))


class NetworkHandler(SaharaHandler):
    """``POST network``: start the embedded network, or attach to it when it runs."""

    @authenticated
    @authorized("execute", "sahara-lab.session")
    async def post(self) -> None:
        self.body()
        self.finish(await self.ask(self.service.start, self.account))

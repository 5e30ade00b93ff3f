"""Training jobs of this machine: what they do now, and stopping them."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.server.handler import SaharaHandler, authorized


class JobsHandler(SaharaHandler):
    """``GET jobs``: the newest jobs first, without their metrics' history."""

    @authenticated
    @authorized("read", "sahara-lab.jobs")
    async def get(self) -> None:
        limit = self.number("limit", 30, 1, 100)
        self.finish(await self.ask(self.service.jobs, limit))


class JobHandler(SaharaHandler):
    """``GET jobs/{id}``: one job with its metrics' history."""

    @authenticated
    @authorized("read", "sahara-lab.jobs")
    async def get(self, job: str) -> None:
        self.finish(await self.ask(self.service.job, job))


class StopHandler(SaharaHandler):
    """``POST jobs/{id}/stop``: ask a job to write a checkpoint and end."""

    @authenticated
    @authorized("execute", "sahara-lab.jobs")
    async def post(self, job: str) -> None:
        self.body()
        self.finish(await self.ask(self.service.stop, job))

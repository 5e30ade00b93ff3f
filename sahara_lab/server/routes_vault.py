"""Vaults: what is in them, who can read them, and the owner's decisions about that."""

from __future__ import annotations

import re
import time

from tornado.web import authenticated

from sahara_lab.errors import InputError
from sahara_lab.market.names import AssetName
from sahara_lab.server.handler import MAX_PATH, SaharaHandler, authorized
from sahara_lab.vault.paths import split_path

MAX_ENTRIES = 1000
MAX_VERSION = 10**9
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


class VaultsHandler(SaharaHandler):
    """``GET vaults``: the account's own vaults and those it is licensed for."""

    @authenticated
    @authorized("read", "sahara-lab.vaults")
    async def get(self) -> None:
        self.finish(await self.ask(self.service.vaults.mine, self.account))


class FolderHandler(SaharaHandler):
    """``GET vaults/{owner}/{name}/files``: one page of a folder."""

    @authenticated
    @authorized("read", "sahara-lab.vaults")
    async def get(self, owner: str, name: str) -> None:
        page = await self.ask(
            self.service.vaults.folder,
            self.account,
            AssetName.parse(f"{owner}/{name}").plain,
            self.number("version", 1, 1, MAX_VERSION),
            "/".join(split_path(self.text("folder", limit=MAX_PATH, strip=False))),
            self.number("offset", 0, 0, MAX_VERSION),
            self.number("limit", 500, 1, MAX_ENTRIES),
        )
        self.finish(page)


class ReadersHandler(SaharaHandler):
    """``GET vaults/{owner}/{name}/readers``: who can read an own vault, why, and until when."""

    @authenticated
    @authorized("read", "sahara-lab.vaults")
    async def get(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}").plain
        self.finish(await self.ask(self.service.vaults.readers, self.account, asset))


class ShareHandler(SaharaHandler):
    """``POST vaults/{owner}/{name}/share``: give an account the keys of an own vault or of a path in it."""

    @authenticated
    @authorized("write", "sahara-lab.vaults")
    async def post(self, owner: str, name: str) -> None:
        fields = self.body("account", "path", "until", limit=MAX_PATH, exact=("path",))
        path = "/".join(split_path(fields["path"]))
        until = fields["until"] or "0"
        if not until.isascii() or not until.isdigit() or (int(until) and not time.time() < int(until) < 2**40):
            raise InputError("the end of the share is not a time to come", hint="Choose a later day, or none")
        asset = AssetName.parse(f"{owner}/{name}").plain
        shared = self.service.vaults.share
        self.finish(await self.ask(shared, self.account, asset, _handle(fields["account"]), path, int(until)))


class UnshareHandler(SaharaHandler):
    """``POST vaults/{owner}/{name}/unshare``: take back what was shared with an account, by new keys."""

    @authenticated
    @authorized("write", "sahara-lab.vaults")
    async def post(self, owner: str, name: str) -> None:
        fields = self.body("account")
        asset = AssetName.parse(f"{owner}/{name}").plain
        self.finish(await self.ask(self.service.vaults.unshare, self.account, asset, _handle(fields["account"])))


class RotateHandler(SaharaHandler):
    """``POST vaults/{owner}/{name}/rotate``: new keys for all versions."""

    @authenticated
    @authorized("write", "sahara-lab.vaults")
    async def post(self, owner: str, name: str) -> None:
        self.body()
        asset = AssetName.parse(f"{owner}/{name}").plain
        self.finish(await self.ask(self.service.vaults.rotate, self.account, asset))


def _handle(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise InputError("account is not a handle or an address", hint='Write a handle, like "carol"')
    return text

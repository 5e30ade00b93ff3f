"""Buying with a wallet in the browser: the server prepares, the wallet signs and sends, the server waits."""

from __future__ import annotations

import re

from tornado.web import authenticated

from sahara_lab.errors import InputError
from sahara_lab.market.names import FLAVORS, AssetName
from sahara_lab.server.handler import ADDRESS, SaharaHandler, authorized, matching
from sahara_lab.units import to_wei

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_SIGNATURE = re.compile(r"0x(?:[0-9a-fA-F]{2}){1,200}")
WISH = ("name", "license", "max_price", "payer")


class CheckoutHandler(SaharaHandler):
    """``POST checkout``: what a wallet signs so that it pays for a license of the account that acts."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self) -> None:
        self.finish(await self.ask(self.service.checkouts.begin, self.account, *self.wish(self.body(*WISH))))

    @staticmethod
    def wish(fields: dict[str, str]) -> tuple[str, str, str, str]:
        """Name, license, cap and payer, checked."""
        if fields["license"] not in FLAVORS:
            raise InputError("license is missing or unknown", hint=f"Use one of: {', '.join(FLAVORS)}")
        to_wei(fields["max_price"])
        payer = matching(ADDRESS, fields["payer"], "payer")
        return AssetName.parse(fields["name"]).plain, fields["license"], fields["max_price"], payer


class TransactionHandler(CheckoutHandler):
    """``POST checkout/transaction``: what the wallet sends, made from what it signed."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self) -> None:
        fields = self.body(*WISH, "deadline", "signature", limit=600)
        if not fields["deadline"].isascii() or not fields["deadline"].isdigit() or len(fields["deadline"]) > 12:
            raise InputError("deadline must be a whole number")
        signature = fields["signature"] and matching(_SIGNATURE, fields["signature"], "signature")
        wish, deadline = self.wish(fields), int(fields["deadline"])
        self.finish(await self.ask(self.service.checkouts.transaction, self.account, wish, deadline, signature))


class OutcomeHandler(SaharaHandler):
    """``POST checkout/outcome``: the license that the wallet's transaction brought, once it is in a block."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self) -> None:
        sent = matching(_HASH, self.body("hash")["hash"], "hash")
        self.finish(await self.ask(self.service.checkouts.outcome, self.account, sent))

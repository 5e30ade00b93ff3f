"""Search, look at, quote and license."""

from __future__ import annotations

from tornado.web import authenticated

from sahara_lab.errors import InputError
from sahara_lab.market.catalog import BAND_NAMES, SORTS
from sahara_lab.market.names import FLAVORS, KINDS, AssetName
from sahara_lab.server.handler import ADDRESS, SaharaHandler, authorized, matching
from sahara_lab.units import to_wei

MAX_PAGE = 10_000
MAX_PER_PAGE = 50


class ListingsHandler(SaharaHandler):
    """``GET listings``: one page of search results with facets."""

    @authenticated
    @authorized("read", "sahara-lab.market")
    async def get(self) -> None:
        max_price = self.text("max_price", limit=40)
        if max_price:
            to_wei(max_price)
        page = await self.ask(
            self.service.search,
            self.account,
            self.text("q"),
            kind=self.choice("kind", KINDS),
            license=self.choice("license", FLAVORS),
            price=self.choice("price", BAND_NAMES),
            max_price=max_price or None,
            task=self.text("task") or None,
            format=self.text("format") or None,
            tag=self.text("tag") or None,
            owner=self.text("owner") or None,
            verified=self.choice("verified", ("yes",)) is not None,
            sort=self.choice("sort", SORTS) or SORTS[0],
            after=self.text("after") or None,
            page=self.number("page", 1, 1, MAX_PAGE),
            per_page=self.number("per_page", 20, 1, MAX_PER_PAGE),
        )
        self.finish(page)


class ListingHandler(SaharaHandler):
    """``GET listings/{owner}/{name}``: everything about one asset, and what the account holds of it."""

    @authenticated
    @authorized("read", "sahara-lab.market")
    async def get(self, owner: str, name: str) -> None:
        asset = AssetName.parse(f"{owner}/{name}")
        self.finish(await self.ask(self.service.asset, self.account, str(asset)))


class QuoteHandler(SaharaHandler):
    """``GET quote``: what a license costs now and who gets it."""

    @authenticated
    @authorized("read", "sahara-lab.market")
    async def get(self) -> None:
        asset = AssetName.parse(self.text("name"))
        payer = self.text("payer", limit=42)
        if payer:
            matching(ADDRESS, payer, "payer")
        license = self.choice("license", FLAVORS)
        self.finish(await self.ask(self.service.quote, self.account, asset.plain, license, payer or None))


class LicenseHandler(SaharaHandler):
    """``POST license``: pay, at most the price of the quote that was shown."""

    @authenticated
    @authorized("write", "sahara-lab.market")
    async def post(self) -> None:
        fields = self.body("name", "license", "max_price")
        asset = AssetName.parse(fields["name"])
        if fields["license"] and fields["license"] not in FLAVORS:
            raise InputError(f"there is no license {fields['license']!r}", hint=f"Use one of: {', '.join(FLAVORS)}")
        if not fields["max_price"]:
            raise InputError("max_price is missing", hint="Ask for a quote first and send its price as max_price")
        to_wei(fields["max_price"])
        grant = await self.ask(
            self.service.license, self.account, asset.plain, fields["license"] or None, fields["max_price"]
        )
        self.set_status(201)
        self.finish(grant)

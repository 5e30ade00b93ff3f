"""What the routes ask for, as plain blocking calls on the SDK; each runs in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from sahara_lab._version import __version__
from sahara_lab.errors import SaharaError
from sahara_lab.profile import Profile, current_account
from sahara_lab.server import serialize
from sahara_lab.server.checkouts import Checkouts
from sahara_lab.server.described import described
from sahara_lab.server.serialize import Json
from sahara_lab.server.uploads import Uploads
from sahara_lab.server.vaults import VaultService

if TYPE_CHECKING:
    from sahara_lab.lab import Lab
    from sahara_lab.market import Asset, Market
    from sahara_lab.rental.journal import Waiting

EMBEDDED = "local"

T = TypeVar("T")


def _connect(profile: str, account: str, start: bool) -> Lab:
    from sahara_lab.lab import connect

    return connect(profile, account, start=start)


class LabService:
    """One ``Lab`` per account, made when first needed and dropped when the network goes away.

    Args:
        profile: the network's name.
        account: acts when a request names none.
        connect: makes a ``Lab`` from profile, account and whether the embedded network may be started.
    """

    def __init__(self, profile: str, account: str, connect: Callable[[str, str, bool], Lab] = _connect) -> None:
        self._profile = Profile(profile)
        self._account = account
        self._connect = connect
        self._labs: dict[str, Lab] = {}
        self._lock = threading.Lock()
        self._block: int | None = None
        self._sales = 0
        self.vaults = VaultService(self._lab)
        self.uploads = Uploads(self._lab)
        self.checkouts = Checkouts(self._lab)

    def forget(self) -> None:
        """Drop what was connected: the next request attaches anew, perhaps to a network that came back elsewhere."""
        with self._lock:
            self._labs.clear()

    def _lab(self, account: str | None, *, start: bool = False) -> Lab:
        handle = account or self._account
        with self._lock:
            known = self._labs.get(handle)
        if known is not None and not start:
            return known
        made = self._connect(self._profile.name, handle, start)
        with self._lock:
            # Two requests may have connected at once; both keep the first one's Lab and its caches.
            return self._labs.setdefault(handle, made) if not start else self._replace(handle, made)

    def _replace(self, handle: str, made: Lab) -> Lab:
        self._labs.clear()
        self._labs[handle] = made
        return made

    # -- session ------------------------------------------------------------------------------------------------------

    def status(self, account: str | None) -> Json:
        """Never fails because of the network: that it is down is the answer."""
        handle = account or self._account
        try:
            lab = self._lab(handle)
            balance = lab.wallet.balance()
            return {
                "version": __version__,
                "network": {
                    "name": self._profile.name,
                    "up": True,
                    "embedded": self._profile.name == EMBEDDED,
                    "message": "",
                    "hint": "",
                    "recovered": lab.network.recovered or "",
                    "block": lab.chain.block("latest").number,
                    "chain": lab.chain.chain_id,
                    # The address of another node may hold a key to a paid service.
                    "rpc": lab.chain.rpc.url if self._profile.name == EMBEDDED else "",
                },
                "account": handle,
                "default_account": current_account(),
                "address": lab.wallet.address,
                "accounts": lab.wallet.accounts,
                "balance": serialize.amount(balance.tokens),
            }
        except SaharaError as error:
            if error.code not in ("network", "key-servers"):
                raise
            self.forget()
            return self._down(handle, error)

    def _down(self, handle: str, error: SaharaError) -> Json:
        return {
            "version": __version__,
            "network": {
                "name": self._profile.name,
                "up": False,
                "embedded": self._profile.name == EMBEDDED,
                "message": error.message,
                "hint": error.hint or "Run: sahara-lab doctor",
                "recovered": "",
                "block": 0,
                "chain": 0,
                "rpc": "",
            },
            "account": handle,
            "default_account": current_account(),
            "address": "",
            "accounts": sorted(path.stem for path in self._profile.keystores.glob("[!.]*.json")),
            "balance": None,
        }

    def start(self, account: str | None) -> Json:
        """Start the embedded network, or attach to the one that runs."""
        self._lab(account, start=True)
        return self.status(account)

    def pulse(self) -> dict[str, object]:
        """What changes when something of the network, the market, the jobs or what waits for an owner's word does.

        It attaches to nothing by itself.
        """
        return {"jobs": self._jobs_pulse(), "reviews": self._reviews_pulse(), **self._chain_pulse()}

    def _jobs_pulse(self) -> int:
        """Changes whenever a job writes something."""
        files = (file for name in ("record.json", "events.jsonl") for file in self._profile.jobs.glob(f"*/{name}"))
        return hash(tuple(sorted((str(file), file.stat().st_mtime_ns) for file in files)))

    def _reviews_pulse(self) -> object:
        """Changes with what waits for an owner's word; loads nothing where no account has a machine."""
        return self._waiting.now() if any(self._profile.folder.glob("provider-*")) else frozenset()

    @cached_property
    def _waiting(self) -> Waiting:
        from sahara_lab.rental.journal import Waiting

        return Waiting(self._profile.folder)

    def _chain_pulse(self) -> dict[str, object]:
        with self._lock:
            lab = next(iter(self._labs.values()), None)
        known = self._profile.network_file
        if lab is None:
            return {"network": known.stat().st_mtime_ns if known.exists() else None, "market": self._sales}
        try:
            block = lab.chain.block("latest").number
            seen, self._block = self._block, block
            # Whatever came before the first look, or was undone, may have been of the market.
            unknown = seen is None or block < seen
            if unknown or (block != seen and lab.chain.rpc("eth_getLogs", _of_market(lab, (seen or 0) + 1, block))):
                self._sales += 1
        except SaharaError:
            self.forget()
            return {"network": "away"}
        return {"network": block, "market": self._sales}

    # -- market -------------------------------------------------------------------------------------------------------

    def search(self, account: str | None, text: str, **options: Any) -> Json:
        return serialize.page(self._lab(account).market.search(text, **options))

    def asset(self, account: str | None, name: str) -> Json:
        market = self._lab(account).market
        asset = market.get(name)
        held = [grant for grant in market.licenses() if grant.asset_id == asset.id]
        return {
            **serialize.asset(asset, held),
            **described(market.document(asset)),
            "decided": market.decided(asset.name) if asset.reputation.warning else "",
            "alike": market.listings.alike(asset.owner),
            "family": serialize.lineage(market.lineage(asset)),
            "owned": (owned := asset.owner == (account or self._account)),
            "earned": self._earned(market, asset) if owned else None,
        }

    @staticmethod
    def _earned(market: Market, asset: Asset) -> Json:
        """What the account got and can claim for one of its assets, and how often it was licensed for money."""
        line = next((line for line in market.earnings().lines if line.asset == asset.name), None)
        return {
            "received": serialize.amount(line.received if line else 0),
            "claimable": serialize.amount(line.claimable if line else 0),
            "sales": sum(sale.asset == asset.name for sale in market.sales()),
        }

    def quote(self, account: str | None, name: str, license: str | None, payer: str | None) -> Json:
        return serialize.quote(self._lab(account).market.quote(name, license, payer=payer))

    def license(self, account: str | None, name: str, license: str | None, max_price: str) -> Json:
        return serialize.grant(self._lab(account).market.license(name, license=license, max_price=max_price))

    # -- opinions -----------------------------------------------------------------------------------------------------

    def reviews(self, account: str | None, name: str) -> Json:
        return serialize.reviews(self._lab(account).market.reviews(name), account or self._account)

    def review(self, account: str | None, name: str, stars: int, text: str) -> Json:
        return serialize.reviews(self._lab(account).market.review(name, stars, text), account or self._account)

    def withdraw_review(self, account: str | None, name: str) -> Json:
        self._lab(account).market.withdraw_review(name)
        return self.reviews(account, name)

    def report(self, account: str | None, name: str, reason: str) -> Json:
        self._lab(account).market.report(name, reason)
        return {}

    def appeal(self, account: str | None, name: str, reason: str) -> Json:
        self._lab(account).market.appeal(name, reason)
        return {}

    # -- library ------------------------------------------------------------------------------------------------------

    def library(self, account: str | None) -> Json:
        lab = self._lab(account)
        market = lab.market
        return {
            "published": [serialize.listing(item) for item in market.mine().items],
            "licenses": [serialize.grant(grant) for grant in market.licenses()],
            "earnings": serialize.earnings(market.earnings()),
            "requests": [serialize.request(one) for one in market.requests()],
            "asked": [serialize.request(one) for one in market.requests(sent=True)],
            "reviews": [serialize.job_review(one) for one in lab.machine.review()],
        }

    def statement(self, account: str | None) -> Json:
        """Every payment that reached the account's assets, as a file of text."""
        return {"csv": self._lab(account).market.statement().csv()}

    def request(self, account: str | None, name: str, note: str) -> Json:
        return serialize.request(self._lab(account).market.request(name, note=note))

    def answer(self, account: str | None, number: int, grant: bool) -> Json:
        market = self._lab(account).market
        if grant:
            market.grant(number)
        else:
            market.decline(number)
        return self.library(account)

    def say(self, account: str | None, job: str, word: str) -> Json:
        """An owner's word about a stranger's code on data that must not leave, or about its results."""
        reviews = self._lab(account).machine.reviews
        words = {"approve": reviews.approve, "release": reviews.release, "refuse": reviews.refuse}
        words[word](job)
        return self.library(account)

    def claim(self, account: str | None) -> Json:
        self._lab(account).market.claim()
        return self.library(account)

    # -- jobs: of this machine, not of an account, and visible while the network is down -------------------------------

    def jobs(self, limit: int) -> Json:
        from sahara_lab.compute import Compute

        return {"jobs": [serialize.job(job) for job in Compute(self._profile.jobs).jobs()[:limit]]}

    def job(self, id: str) -> Json:
        from sahara_lab.compute import Compute

        return serialize.job_detail(Compute(self._profile.jobs).job(id))

    def stop(self, id: str) -> Json:
        from sahara_lab.compute import Compute

        job = Compute(self._profile.jobs).job(id)
        job.stop()
        return serialize.job_detail(job)


def _of_market(lab: Lab, first: int, last: int) -> Json:
    """The query for whatever changes what is listed, held or earned."""
    names = ("AssetRegistry", "Market", "LicenseToken", "RoyaltyLedger", "Reviews", "Moderation")
    addresses = [lab.chain.addresses[name] for name in names if name in lab.chain.addresses]
    return {"address": addresses, "fromBlock": hex(first), "toBlock": hex(last)}

"""The market as one account sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain, Network, Sender, Wallet
from sahara_lab.chain.abi import checksum
from sahara_lab.errors import InputError
from sahara_lab.identity import Directory
from sahara_lab.licensing.records import AssetNames
from sahara_lab.licensing.service import Licensing, Parents
from sahara_lab.licensing.terms import READ, License, use_mask
from sahara_lab.market.assets import Assets
from sahara_lab.market.collections import Collection
from sahara_lab.market.earning import Earning
from sahara_lab.market.lineage import Lineage, Lineages
from sahara_lab.market.opened import OpenedAssets, opened
from sahara_lab.market.opinions import Opinions
from sahara_lab.market.publish import Progress, Publisher
from sahara_lab.market.requests import Request, RequestList
from sahara_lab.market.revenue import Revenue
from sahara_lab.market.reviews import Standing
from sahara_lab.market.sales import Sales
from sahara_lab.market.values import (
    Asset,
    Grants,
    LicenseGrant,
    Quote,
)
from sahara_lab.profile import Profile
from sahara_lab.units import Wei, to_wei

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.market.checkout import Checkout
    from sahara_lab.market.indexing import Indexer
    from sahara_lab.market.listings import Listings, Page
    from sahara_lab.market.metadata import DataStatement
    from sahara_lab.market.proposals import Proposal
    from sahara_lab.market.searches import SavedSearches


class Market(Opinions, Earning):
    """Publish, search, quote, license, earn."""

    def __init__(
        self,
        profile: Profile,
        network: Network,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        sender: Sender,
        sales: Sales,
        licensing: Licensing,
        names: AssetNames,
    ) -> None:
        self._profile = profile
        self._network = network
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sales = sales
        self._licensing = licensing
        self._names = names
        self._revenue = Revenue(chain, directory, wallet.address, sender, network.deployed_block, names, sales.refunds)
        self._publisher = Publisher(profile, network, chain, directory, wallet, sender, sales, licensing, names)
        self._registry = chain.contract("AssetRegistry")
        self._standing = Standing(chain, directory, sender, wallet.address, network.deployed_block)
        self._listings: Listings | None = None

    # -- publish ------------------------------------------------------------------------------------------------------

    def publish(
        self,
        source: str | Path | Job,
        *,
        name: str,
        kind: str | None = None,
        license: License | Sequence[License] | None = None,
        royalty: str | None = None,
        title: str | None = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        parents: Parents | str | None = None,
        task: str = "",
        statement: DataStatement | None = None,
        preview: int = 0,
        update: bool = False,
        progress: Progress | None = None,
    ) -> Asset:
        """Encrypt, describe, record and offer a folder, a file or a finished training job.

        Args:
            source: a path; a job, whose result and parents are published as a model; or ``vault://me/name``, whose
                draft (files written there with fsspec) becomes a version.
            name: the part after the slash; the account's handle comes before it.
            kind: "dataset" for files and "model" for jobs when left out.
            license: terms on offer; without any, nobody but the owner can open it.
            royalty: share of revenue that derivatives owe ("5%"), set on the terms on offer.
            parents: assets this one derives from, or ``(asset, relation)`` pairs; "opened" for all that :meth:`opened`
                lists. A job brings its own. Left out, there are none, and a warning names what this session opened.
            task: what it is for, in a word of its field ("image-classification"); searches filter by it.
            statement: where the data comes from, on what consent, and what it is good for; shown as your claims.
            preview: rows of each table of a data set that everyone may see, at most ten; none unless you say so.
            update: publish a new version of an asset of that name.
            progress: told in words what is being done.

        Raises:
            InputError: an empty folder, a link out of the folder, a bad name.
            NameTaken: the account has an asset of that name.
            AccessDenied: a parent is neither owned nor licensed for the relation.
            LicenseConflict: the parents, or the terms on offer, do not go together; see ``lab.licensing.check``.
        """
        asset = self._publisher.publish(
            source, name=name, kind=kind, license=license, royalty=royalty, title=title, description=description,
            tags=tags, parents=parents, task=task, statement=statement, preview=preview, update=update,
            progress=progress,
        )  # fmt: skip
        self.refresh()
        return self.get(self._names.of(asset))

    def opened(self) -> OpenedAssets:
        """What this notebook opened through ``vault://``, and for what; ``parents="opened"`` stands for it."""
        return opened()

    def lineage(self, asset: Asset | str) -> Lineage:
        """What an asset was made of and what was made of it; ``prov()`` of it is W3C PROV-O in JSON-LD.

        Raises:
            NotFound: no such asset.
        """
        identity = asset.id if isinstance(asset, Asset) else self.get(asset).id
        return Lineages(self._chain, self._directory, self._names, self._network.deployed_block).of(identity)

    def propose(self, source: str | Path) -> Proposal:
        """What a listing of a folder, a Hugging Face snapshot or a Croissant file could say, to be checked.

        ``lab.market.publish(proposal.source, **proposal.listing, license=...)`` publishes it as it is.

        Raises:
            InputError: there is no such file or folder.
        """
        from sahara_lab.market.proposals import propose

        return propose(Path(source).expanduser())

    # -- find ---------------------------------------------------------------------------------------------------------

    @property
    def listings(self) -> Listings:
        """The local catalog of what the chain lists."""
        if self._listings is None:
            from sahara_lab.market.listings import Listings

            self._listings = Listings(self._profile, self._chain, self._network.deployed_block)
        return self._listings

    @property
    def index(self) -> Indexer:
        """What brings the chain and the public documents into the local catalog: its status, and its repair."""
        return self.listings.indexer

    @property
    def _assets(self) -> Assets:
        return Assets(self._chain, self._directory, self._sales, self._names, self.listings, self._standing)

    def refresh(self) -> None:
        """Read what changed on chain into the local catalog."""
        self.listings.sync()

    def search(
        self,
        text: str = "",
        *,
        kind: str | None = None,
        license: str | None = None,
        price: str | None = None,
        max_price: str | int | None = None,
        task: str | None = None,
        format: str | None = None,
        tag: str | None = None,
        owner: str | None = None,
        verified: bool = False,
        sort: str = "relevance",
        page: int = 1,
        after: str | None = None,
        per_page: int = 20,
    ) -> Page:
        """Listings that fit, with facets.

        Args:
            text: words; "words in quotation marks" must follow each other.
            license: a flavor as shown ("Commercial"), or the first words of several ("commercial").
            price: a band of prices as ``page.facets["price"]`` names it: "free", "1 to 10".
            max_price: in whole tokens.
            verified: only of publishers that the DAO vouches for.
            sort: "relevance", "newest", "price", "popular" (most licensed), "reputation" (best reviewed) or "name".
            after: ``page.next`` of the page before.

        Raises:
            InputError: an unknown kind, band or sort, or a page out of range.
        """
        cap = None if max_price is None else to_wei(max_price)
        self.refresh()
        found = self.listings.search(
            text, cap, kind=kind, license=license, price=price, task=task, format=format, tag=tag, owner=owner,
            sort=sort, page=page, after=after, per_page=per_page, verified=verified, reader=self._wallet.handle,
            vouched=[self._directory.handle(account) for account in self._standing.verified()],
        )  # fmt: skip
        owners = [self._directory.address(item.owner) for item in found.items]
        known = self._standing.of([item.id for item in found.items], owners)
        return found.with_reputations(known, self._wallet.handle)

    @property
    def searches(self) -> SavedSearches:
        """Searches that are kept by name on this machine."""
        from sahara_lab.market.searches import SavedSearches

        return SavedSearches(self._profile.private(self._profile.folder) / "searches.json", self.search)

    def mine(self) -> Page:
        """Assets that the account owns, newest first."""
        return self.search(owner=self._wallet.handle, sort="newest", per_page=100)

    def get(self, name: str) -> Asset:
        """An asset by ``owner/name[@version]``, straight from the chain.

        Raises:
            NotFound: no such owner, asset or version.
        """
        return self._assets.get(name)

    def document(self, asset: Asset | str) -> dict[str, Any]:
        """The public document about an asset: Croissant, a model card, or plain schema.org.

        Everything in it is its publisher's claim. Empty when it is away or is not the one that the chain records.
        """
        return self._assets.document(self.get(asset) if isinstance(asset, str) else asset)

    def may_use(self, asset: Asset | str, use: str) -> bool:
        """Whether the account owns the asset or holds a valid license for ``use`` that lets it read."""
        identity = asset.id if isinstance(asset, Asset) else self.get(asset).id
        mask = use_mask(use) | READ
        return bool(
            self._chain.contract("LicenseToken").call(
                "hasAccess", self._wallet.address, identity, mask, block="pending"
            )
        )

    def trains_on_site(self, asset: Asset | str) -> bool:
        """Whether the account may train on an asset where it lies, and may not read it: a compute-only license."""
        found = asset if isinstance(asset, Asset) else self.get(asset)
        licenses = self._chain.contract("LicenseToken")
        account = self._wallet.address
        calls = [(licenses, "hasAccess", (account, found.id, mask)) for mask in (use_mask("training"), READ)]
        training, reading = self._chain.batch_call(calls)
        return bool(training and not reading)

    # -- license ------------------------------------------------------------------------------------------------------

    def quote(self, name: str, license: License | str | None = None, *, payer: str | None = None) -> Quote:
        """What a license costs and who gets it, to the wei.

        Args:
            license: a flavor's name or terms; the cheapest offer when left out.
            payer: the address that would pay, where that is not this account.

        Raises:
            NotFound: unknown asset, or not offered on those terms.
        """
        asset = self.get(name)
        given = self._sales.quote(asset.id, asset.name, license, checksum(payer) if payer else None)
        return replace(given, reputation=asset.reputation)

    def terms(self, name: str, license: License | str | None = None) -> License:
        """The terms of an offer; ``in_words`` says what they let a holder do.

        Args:
            license: a flavor's name or terms; the cheapest offer when left out.

        Raises:
            NotFound: unknown asset, or not offered on those terms.
        """
        asset = self.get(name)
        return self._sales.choose(asset.id, asset.name, license)

    def license(
        self, name: str, *, license: License | str | None = None, max_price: str | int | None = None
    ) -> LicenseGrant:
        """Pay the quote and receive a license; a valid one on the same terms is returned instead.

        Args:
            max_price: the most to pay, in whole tokens; nothing is paid without it.

        Raises:
            PriceError: the price is above the cap, or there is no cap.
            FundsError: the balance does not cover the price.
            AccessDenied: the DAO has taken the listing down.
            IntegrityError: its public document is not the one that its publisher recorded.
        """
        asset = self.get(name)
        if asset.owner == self._wallet.handle:
            raise InputError(f"{asset.name} is yours; its owner needs no license")
        self._refuse_taken_down(asset)
        self._assets.require_recorded(asset)
        return self._sales.buy(asset.id, asset.name, license, max_price)

    def checkout(
        self, name: str, payer: str, *, license: License | str | None = None, max_price: str | int | None = None
    ) -> Checkout:
        """A license for this account that ``payer`` pays, an address whose wallet is elsewhere, as in a browser.

        Args:
            max_price: the most to pay, in whole tokens.

        Raises:
            PriceError: the price is above the cap, or there is no cap.
            FundsError: the payer's balance does not cover the price.
        """
        from sahara_lab.market.checkout import Checkout

        asset, address = self.get(name), checksum(payer)
        self._refuse_taken_down(asset)
        self._assets.require_recorded(asset)
        quote = self._sales.quote(asset.id, asset.name, license, payer=address)
        cap = self._sales.cap(asset.name, quote.price, max_price, "license", address)
        return Checkout.begin(self._chain, self._sales, quote, address, self._wallet.address, cap)

    def paid_elsewhere(self, tx_hash: str, timeout: float = 60.0) -> LicenseGrant:
        """The license that a transaction of another wallet brought, once it is in a block."""
        from sahara_lab.market.checkout import license_of

        return self._sales.grant(license_of(self._chain, tx_hash, timeout), tx_hash)

    def renew(self, name: str, *, max_price: str | int | None = None) -> LicenseGrant:
        """Pay for another duration of a license held, at the price of its terms; the new time follows the old.

        Args:
            max_price: the most to pay, in whole tokens; nothing is paid without it.

        Raises:
            NotFound: no license of the asset that ends is held.
            ChainError: the owner offers its terms no longer, or their seats are limited.
            PriceError: the price is above the cap, or there is no cap.
            FundsError: the balance does not cover the price.
        """
        asset = self.get(name)
        return self._sales.renew(asset.id, asset.name, max_price)

    def refund(self, name: str) -> Wei:
        """Give back a license bought within its terms' refund window: access ends at once, and who paid for it gets all
        of the price again. Returns wei.

        Raises:
            NotFound: no license of the asset is held for which anything waits.
            ChainError: the license changed hands, a derivative was published with it, or its window has closed.
        """
        asset = self.get(name)
        return self._sales.refunds.refund(self._sales.numbers(asset.id), asset.name)

    def give(self, name: str, account: str, *, license: License | str | None = None) -> LicenseGrant:
        """Give an account a license of an own asset, without payment, under one of its offers.

        Args:
            license: a flavor's name or terms; the cheapest offer when left out.

        Raises:
            InputError: the asset belongs to someone else.
            NotFound: no such account, or the asset is not offered on those terms.
        """
        asset = self._own(name, "give licenses of it")
        return self._sales.give(asset.id, asset.name, account, license)

    def offer(self, name: str, license: License) -> License:
        """Offer an own asset under further terms.

        Raises:
            InputError: the asset belongs to someone else.
            LicenseConflict: the license of something it is made of forbids them.
        """
        asset = self._own(name, "offer it")
        self._licensing.check_terms(asset.id, license)
        return self._sales.offer(asset.id, license)

    def withdraw(self, name: str, license: License | str | None = None) -> License:
        """Offer an own asset under some terms no longer; licenses that were sold stay valid.

        Args:
            license: a flavor's name or terms; the cheapest offer when left out.

        Raises:
            InputError: the asset belongs to someone else.
            NotFound: it is not offered on those terms.
        """
        asset = self._own(name, "withdraw an offer")
        return self._sales.withdraw(asset.id, asset.name, license)

    def request(self, name: str, *, note: str = "", license: License | str | None = None) -> Request:
        """Ask the owner of an asset for a license; it binds nobody. Everyone can read the note.

        Args:
            note: what it is for, at most 512 bytes.
            license: a flavor's name among the offers, or terms of one's own; the cheapest offer when left out, or free
                research where nothing is offered.

        Raises:
            InputError: an own asset, or a note that is too long.
        """
        asset = self.get(name)
        if asset.owner == self._wallet.handle:
            raise InputError(f"{asset.name} is yours; its owner needs no license")
        return self._sales.request(asset.id, asset.name, note, license)

    def requests(self, *, sent: bool = False) -> RequestList:
        """Open requests for own assets, newest first; ``sent``: what the account asked for and what became of it."""
        if sent:
            return self._sales.requests.sent_by(self._wallet.address)
        own, _ = self._family()
        return self._sales.requests.of(set(own))

    def grant(self, request: Request | int) -> LicenseGrant:
        """Issue the license that was asked for, without payment.

        Args:
            request: one of :meth:`requests`, or its number.

        Raises:
            NotFound: no such request.
            InputError: it was answered already, or is for somebody else's asset.
            LicenseConflict: the license of something the asset is made of forbids the terms.
        """
        found = self._open_request(request)
        self._licensing.check_terms(found.asset_id, found.terms)
        return self._sales.answer(found)

    def decline(self, request: Request | int) -> None:
        """Say no to a request, for who asked to see; raises as :meth:`grant` does."""
        self._sales.requests.decline(self._open_request(request))

    def _open_request(self, request: Request | int) -> Request:
        found = self._sales.requests.find(request if isinstance(request, int) else request.number)
        if found.status != "open":
            raise InputError(f"request {found.number} was {found.status} already")
        self._own(found.asset, "answer requests for it")
        return found

    def collection(self, name: str) -> Collection:
        """A collection, to look at its members, join or leave it, weigh them, and pass on what they earned.

        Raises:
            NotFound: no such asset.
            InputError: it is of another kind.
        """
        asset = self.get(name)
        if asset.kind != "collection":
            raise InputError(f"{asset.name} is a {asset.kind}", hint='Publish one with kind="collection"')
        return Collection(asset.name, asset.id, self._revenue.shares, lambda text: self.get(text).id, self._names.of)

    def _own(self, name: str, what: str) -> Asset:
        asset = self.get(name)
        if asset.owner != self._wallet.handle:
            raise InputError(f"{asset.name} belongs to {asset.owner}", hint=f"Only its owner can {what}")
        return asset

    def licenses(self, account: str | None = None) -> Grants:
        """Licenses that an account holds, newest first, expired ones included."""
        return self._sales.licenses(account)

    def __repr__(self) -> str:
        return f"<Market for {self._wallet.handle}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = self.search(sort="newest")._repr_mimebundle_()
        return bundle

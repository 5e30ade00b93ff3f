"""Offers, quotes and licenses: the market's side that moves money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sahara_lab.chain import Chain, Receipt, Sender, Wallet
from sahara_lab.errors import FundsError, InputError, NotFound, PriceError
from sahara_lab.identity import Directory
from sahara_lab.licensing.records import AssetNames, Terms
from sahara_lab.licensing.terms import License
from sahara_lab.market.gas import cost_of_purchase
from sahara_lab.market.refunds import Refunds
from sahara_lab.market.requests import Request, Requests
from sahara_lab.market.values import Grants, LicenseGrant, Quote, QuoteLine
from sahara_lab.units import Wei, format_tokens, to_wei

PERMIT_LIFETIME = 600  # seconds a payment permit is good for


class Sales:
    """Offers, quotes and purchases of one account."""

    def __init__(
        self,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        sender: Sender,
        from_block: int,
        terms: Terms,
        names: AssetNames,
    ) -> None:
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._from_block = from_block
        self._market = chain.contract("Market")
        self._licenses = chain.contract("LicenseToken")
        self._ledger = chain.contract("RoyaltyLedger")
        self._token = chain.contract("SaharaToken")
        self.terms = terms
        self.full_name = names.of
        self.refunds = Refunds(chain, sender, from_block)
        self.requests = Requests(chain, sender, from_block, names.of, directory.handle, terms.get)

    # -- offers -------------------------------------------------------------------------------------------------------

    def offers(self, asset: int) -> tuple[License, ...]:
        """The terms on offer, cheapest first."""
        found = [self.terms.get(terms_id) for terms_id in self._market.call("offersOf", asset)]
        return tuple(sorted(found, key=lambda license: license.price))

    def offer(self, asset: int, license: License) -> License:
        """Offer an own asset under ``license``; offering the same terms twice changes nothing."""
        currency = self._token.address
        terms_id = self.terms.identify(license, currency)
        if not self._market.call("isOffered", asset, terms_id):
            self._sender.send(self._chain.contract("LicenseTerms"), "register", license.to_struct(currency))
            self._sender.send(self._market, "setOffer", asset, terms_id, True)
        return self.terms.get(terms_id)

    def withdraw(self, asset: int, name: str, license: License | str | None) -> License:
        """Offer an own asset under these terms no longer; licenses that were sold stay."""
        terms = self.choose(asset, name, license)
        self._sender.send(self._market, "setOffer", asset, terms.terms_id, False)
        return terms

    # -- quotes and purchases -----------------------------------------------------------------------------------------

    def quote(self, asset: int, name: str, license: License | str | None = None, payer: str | None = None) -> Quote:
        """What a license costs and who gets it.

        Args:
            license: one of the asset's offers, or a flavor's name; the cheapest when left out.
            payer: the address that would pay; the account's own when left out.

        Raises:
            NotFound: the asset is not offered, or not on those terms.
        """
        terms = self.choose(asset, name, license)
        offered = self._market.call("quote", asset, terms.terms_id)
        shared = self._chain.batch_call([(self._ledger, "isShared", (payee,)) for payee in offered["payees"]])
        accounts = [
            "its members" if is_shared else self._directory.handle(account)
            for account, is_shared in zip(offered["accounts"], shared, strict=True)
        ]
        lines = [
            QuoteLine(self.full_name(payee), account, Wei(amount))
            for payee, account, amount in zip(offered["payees"], accounts, offered["amounts"], strict=True)
        ]
        return Quote(
            asset=name,
            asset_id=asset,
            terms=terms,
            price=Wei(offered["price"]),
            fee=Wei(offered["fee"]),
            lines=tuple(lines),
            balance=Wei(self._token.call("balanceOf", payer or self._wallet.address)),
            buyer=self._directory.handle(payer) if payer else self._wallet.handle,
            gas=cost_of_purchase(self._chain, payer or self._wallet.address, asset, terms.terms_id, offered["price"]),
        )

    def choose(self, asset: int, name: str, license: License | str | None) -> License:
        """One of an asset's offers: the named one, or the cheapest.

        Raises:
            NotFound: it is not offered, or not on those terms.
        """
        offers = self.offers(asset)
        if not offers:
            raise NotFound(
                f"{name} is not offered for licensing", hint="Ask its owner, or look for another: %sahara search"
            )
        if license is None:
            return offers[0]
        for offer in offers:
            if isinstance(license, str):
                fits = offer.flavor.lower().replace("-", " ") == license.lower().replace("-", " ")
            else:  # terms are exact: nobody who names a price and a duration gets others of the same flavor
                fits = replace(offer, currency=license.currency) == license
            if fits:
                return offer
        wanted = repr(license) if isinstance(license, str) else license.summary
        offered = "; ".join(offer.summary for offer in offers)
        raise NotFound(f"{name} is not offered under {wanted}", hint=f"It is offered under: {offered}")

    def buy(self, asset: int, name: str, license: License | str | None, max_price: str | int | None) -> LicenseGrant:
        """Pay the quote and receive the license, in one transaction.

        A free license needs no cap. A valid license already held on the same terms is returned, not bought again.

        Args:
            max_price: the most to pay, in whole tokens.

        Raises:
            PriceError: the price is above the cap, or there is no cap.
            FundsError: the balance does not cover the price.
        """
        quote = self.quote(asset, name, license)
        # Read before looking for a license: a purchase that came in between has either its name or left its license.
        purpose = self._purpose(quote)
        if held := self._held(quote):
            return held
        cap = self.cap(name, quote.price, max_price, "license")
        receipt = self._purchase(quote, cap, purpose)
        issued = next(event for event in receipt.events if event.name == "LicenseIssued")
        grant = self.grant(issued.args["license"], receipt.tx_hash)
        if receipt.resumed and grant.expired:
            return self.buy(asset, name, license, max_price)
        return grant

    def renew(self, asset: int, name: str, max_price: str | int | None) -> LicenseGrant:
        """Pay for another duration of the newest license held that ends; the license stays the same one.

        Raises:
            NotFound: no license of the asset that ends is held.
            ChainError: the owner offers its terms no longer, or their seats are limited.
            PriceError, FundsError: as for :meth:`buy`.
        """
        held = [grant for number in self.numbers(asset) if (grant := self.grant(number)).expires_at]
        if not held:
            raise NotFound(f"you hold no license for {name} that ends", hint=f"Get one: %sahara license {name}")
        grant, price = held[0], held[0].terms.price
        cap = self.cap(name, price, max_price, "renew")
        if self._token.call("allowance", self._wallet.address, self._market.address) < price:
            self._sender.send(self._token, "approve", self._market.address, price)
        # The present end is in the name: renewing again later is another purchase, doing this one again is not.
        intent = f"renew {grant.id} {grant.expires_at}"
        receipt = self._sender.send(self._market, "renew", grant.id, cap, intent=intent)
        return self.grant(grant.id, receipt.tx_hash)

    def give(self, asset: int, name: str, account: str, license: License | str | None) -> LicenseGrant:
        """Issue a license of an own asset without payment, under one of its offers."""
        terms = self.choose(asset, name, license)
        receipt = self._sender.send(self._market, "grant", asset, terms.terms_id, self._directory.address(account))
        issued = next(event for event in receipt.events if event.name == "LicenseIssued")
        return self.grant(issued.args["license"], receipt.tx_hash)

    def request(self, asset: int, name: str, note: str, license: License | str | None) -> Request:
        """Ask for a license under an offer, under terms of one's own, or for research where nothing is offered."""
        if license is None and not self.offers(asset):
            license = License.non_commercial_research()
        if isinstance(license, License):
            currency = self._token.address
            terms_id = self.terms.identify(license, currency)
            self._sender.send(self._chain.contract("LicenseTerms"), "register", license.to_struct(currency))
        else:
            terms_id = self.choose(asset, name, license).terms_id
        self.requests.send(asset, terms_id, note)
        newest: Request = self.requests.sent_by(self._wallet.address)[0]
        return newest

    def answer(self, request: Request) -> LicenseGrant:
        """Grant what was asked for."""
        receipt = self.requests.grant(request)
        issued = next(event for event in receipt.events if event.name == "LicenseIssued")
        return self.grant(issued.args["license"], receipt.tx_hash)

    def cap(self, name: str, price: Wei, max_price: str | int | None, verb: str, payer: str | None = None) -> Wei:
        """The most to pay, in wei; raises when the price is above it or above the payer's balance."""
        cap = to_wei(max_price) if max_price is not None else Wei(0)
        if price > cap:
            asked = "no cap was given" if max_price is None else f"your cap is {format_tokens(cap)}"
            raise PriceError(
                f"a license for {name} costs {format_tokens(price)} and {asked}",
                hint=f'Allow it: lab.market.{verb}("{name}", max_price="{format_tokens(price, "")}")',
            )
        balance = Wei(self._token.call("balanceOf", payer or self._wallet.address))
        if balance < price:
            who = self._directory.handle(payer) if payer else self._wallet.handle
            raise FundsError(
                f"a license for {name} costs {format_tokens(price)} and {who} has {format_tokens(balance)}",
                hint="Ask for a transfer, or choose cheaper terms",
            )
        return cap

    def _held(self, quote: Quote) -> LicenseGrant | None:
        for number in self.numbers(quote.asset_id):
            grant = self.grant(number)
            if (
                grant.terms.terms_id == quote.terms.terms_id
                and not grant.expired
                and grant.holder == self._wallet.handle
            ):
                return grant
        return None

    def _purpose(self, quote: Quote) -> tuple[str, int]:
        """The name of this purchase, and the number of the permit that pays for it.

        A permit signed again has other bytes: without a name, a purchase that still waits for its block would be made
        twice. What the chain counts, permits or licenses of the asset, tells it from a later one.
        """
        if quote.price:
            number = int(self._token.call("nonces", self._wallet.address))
        else:
            number = len(self._licenses.call("licensesOf", self._wallet.address, quote.asset_id))
        return f"license {quote.asset_id} {quote.terms.terms_id.hex()} {number}", number

    def _purchase(self, quote: Quote, cap: Wei, purpose: tuple[str, int]) -> Receipt:
        intent, number = purpose
        identity = (quote.asset_id, quote.terms.terms_id, max(cap, quote.price), self._wallet.address)
        if quote.price == 0:
            return self._sender.send(self._market, "buy", *identity, intent=intent)
        deadline = self._chain.block("pending").timestamp + PERMIT_LIFETIME
        signature = self._wallet.sign_typed_data(self.permit(self._wallet.address, quote.price, deadline, number))
        r, s, v = signature[:32], signature[32:64], signature[64]
        return self._sender.send(self._market, "buyWithPermit", *identity, deadline, v, r, s, intent=intent)

    def permit(self, owner: str, amount: int, deadline: int, number: int) -> dict[str, Any]:
        """The ERC-2612 permit of ``owner`` that lets the market take the price, once."""
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Permit": [
                    {"name": "owner", "type": "address"},
                    {"name": "spender", "type": "address"},
                    {"name": "value", "type": "uint256"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "deadline", "type": "uint256"},
                ],
            },
            "primaryType": "Permit",
            "domain": {
                "name": self._token.call("name"),
                "version": "1",
                "chainId": self._chain.chain_id,
                "verifyingContract": self._token.address,
            },
            "message": {
                "owner": owner,
                "spender": self._market.address,
                "value": amount,
                "nonce": number,
                "deadline": deadline,
            },
        }

    # -- licenses held ------------------------------------------------------------------------------------------------

    def numbers(self, asset: int) -> list[int]:
        """Licenses of an asset that came to the account and were not given back, newest first."""
        numbers = self._licenses.call("licensesOf", self._wallet.address, asset)
        ended = self._ended() if numbers else set()
        return [number for number in reversed(numbers) if number not in ended]

    def _ended(self) -> set[int]:
        return {event.args["license"] for event in self._licenses.logs("LicenseEnded", self._from_block, "latest")}

    def grant(self, number: int, tx_hash: str = "") -> LicenseGrant:
        """A license by its number."""
        held = self._licenses.call("get", number)
        return LicenseGrant(
            id=number,
            asset=self.full_name(held["asset"]),
            asset_id=held["asset"],
            holder=self._directory.handle(self._licenses.call("ownerOf", number)),
            terms=self.terms.get(held["termsId"]),
            issued_at=held["issuedAt"],
            expires_at=held["expiresAt"],
            royalty_bps=held["royaltyBps"],
            tx_hash=tx_hash,
        )

    def licenses(self, account: str | None = None) -> Grants:
        """All licenses that an account holds, newest first, expired ones included."""
        address = self._directory.address(account) if account else self._wallet.address
        issued = self._licenses.logs("LicenseIssued", self._from_block, "latest")
        ended = self._ended()
        mine = [event.args["license"] for event in issued if event.args["holder"] == address]
        return Grants(self.grant(number) for number in reversed(mine) if number not in ended)

    def transfer(self, to: str, amount: str | int) -> Receipt:
        """Send whole tokens to a handle or an address."""
        wei = to_wei(amount)
        if wei == 0:
            raise InputError("the amount must be more than zero")
        balance = self._token.call("balanceOf", self._wallet.address)
        if wei > balance:
            raise FundsError(f"{self._wallet.handle} has {format_tokens(balance)}, not {format_tokens(wei)}")
        return self._sender.send(self._token, "transfer", self._directory.address(to), wei)

"""Reviews of assets by license holders, verified publishers, reports, and listings that the DAO disputes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Contract, Event, EventLog, Position, Sender
from sahara_lab.display import Rows, format_time, plain
from sahara_lab.errors import ChainError, InputError, NetworkError, NotFound
from sahara_lab.governance import Action
from sahara_lab.identity import Directory

STANDINGS = ("clear", "disputed", "taken down")
MAX_TEXT_BYTES = 1_024


@dataclass(frozen=True)
class Review:
    """What a license holder says of an asset.

    Attributes:
        stars: 1 to 5.
        paid: whether the license behind it was bought for a price; a license costs nothing to whom the owner gives it.
    """

    author: str
    stars: int
    text: str
    license: int
    paid: bool
    time: int


class Reviews(Rows):
    """Reviews of one asset, newest first."""

    headers = ("Stars", "By", "License", "Says", "When")
    title = "Reviews"

    @property
    def mean(self) -> float | None:
        """The mean of all stars; None without reviews."""
        return sum(one.stars for one in self) / len(self) if self else None

    @property
    def paid(self) -> int:
        """How many have a license behind them that was paid for."""
        return sum(one.paid for one in self)

    def cells(self, value: Review) -> tuple[object, ...]:
        bought = "bought" if value.paid else "given or free"
        return ("★" * value.stars + "☆" * (5 - value.stars), value.author, bought, value.text, format_time(value.time))


@dataclass(frozen=True)
class Reputation:
    """What people may know of a listing before they buy.

    Attributes:
        verified: the DAO vouches for who its owner is.
        reviews, stars: how many reviews there are, and the sum of their stars.
        standing: "clear", "disputed" or "taken down".
        appealed: the owner has answered the DAO's decision.
        reports: accounts that reported it since the last decision.
    """

    verified: bool = False
    reviews: int = 0
    stars: int = 0
    standing: str = "clear"
    appealed: bool = False
    reports: int = 0

    @property
    def mean(self) -> float | None:
        return self.stars / self.reviews if self.reviews else None

    @property
    def stars_text(self) -> str:
        """Like "★ 4.5 (12)"; empty without reviews."""
        return f"★ {self.mean:.1f} ({self.reviews})" if self.mean is not None else ""

    @property
    def warning(self) -> str:
        """What a buyer has to know; empty when all is well."""
        if self.standing == "clear":
            return ""
        said = "The DAO disputes this listing" if self.standing == "disputed" else "The DAO has taken this listing down"
        return f"{said}{'; its owner has appealed' if self.appealed else ''}."

    @property
    def summary(self) -> str:
        """All of it in one line; empty when there is nothing to say."""
        parts = [self.stars_text, "verified publisher" if self.verified else ""]
        parts += [f"{self.reports} report{'s' if self.reports > 1 else ''}"] if self.reports else []
        return ", ".join(part for part in [*parts, self.warning.rstrip(".")] if part)


class Standing:
    """Reads and writes reviews, reports and decisions, by the account of ``sender``.

    Networks founded without these contracts have no reviews, and every listing there is clear.
    """

    def __init__(self, chain: Chain, directory: Directory, sender: Sender, account: str, from_block: int) -> None:
        self._chain = chain
        self._directory = directory
        self._sender = sender
        self._account = account
        self._from_block = from_block
        self._publishers: Publishers | None = None

    @property
    def _reviews(self) -> Contract:
        return self._contract("Reviews")

    @property
    def _moderation(self) -> Contract:
        return self._contract("Moderation")

    def _contract(self, name: str) -> Contract:
        try:
            return self._chain.contract(name)
        except NetworkError:
            raise NetworkError(
                "this network was founded without reviews and reports",
                hint="The DAO can add them: lab.dao.propose_module",
            ) from None

    # -- reading ------------------------------------------------------------------------------------------------------

    def why(self, asset: int) -> str:
        """The reason of the DAO's last decision about an asset."""
        decisions = self._moderation.logs("StandingChanged", self._from_block, "latest")
        return next((plain(one.args["reason"]) for one in reversed(decisions) if one.args["asset"] == asset), "")

    def verified(self) -> list[str]:
        """The addresses of publishers that the DAO vouches for."""
        if "Moderation" not in self._chain.addresses:
            return []
        if self._publishers is None:
            self._publishers = Publishers(self._chain, self._from_block)
        return self._publishers.look()

    def of(self, assets: list[int], owners: list[str]) -> list[Reputation]:
        """The reputation of many assets, whose owners' addresses are given, in one request."""
        if not {"Reviews", "Moderation"} <= self._chain.addresses.keys():
            return [Reputation()] * len(assets)
        calls: list[tuple[Contract, str, tuple[Any, ...]]] = []
        for asset, owner in zip(assets, owners, strict=True):
            calls += [
                (self._moderation, "isVerified", (owner,)),
                (self._moderation, "listingOf", (asset,)),
                (self._reviews, "summaryOf", (asset,)),
            ]
        answers = self._chain.batch_call(calls)
        found = []
        for index in range(len(assets)):
            verified, listing, summary = answers[3 * index : 3 * index + 3]
            count, stars = summary.values() if isinstance(summary, dict) else summary
            standing = STANDINGS[listing["standing"]]
            found.append(Reputation(verified, count, stars, standing, listing["appealed"], listing["reports"]))
        return found

    def reviews(self, asset: int) -> Reviews:
        """What stands, newest first."""
        if "Reviews" not in self._chain.addresses:
            return Reviews()
        standing: dict[str, Event] = {}
        events = [
            event
            for name in ("Reviewed", "ReviewWithdrawn")
            for event in self._reviews.logs(name, self._from_block, "latest")
            if event.args["asset"] == asset
        ]
        for event in sorted(events, key=lambda event: (event.block_number, event.log_index)):
            standing.pop(event.args["author"], None)
            if event.name == "Reviewed":
                standing[event.args["author"]] = event
        sold = self._chain.contract("Market").logs("LicenseSold", self._from_block, "latest") if standing else []
        bought = {event.args["license"] for event in sold if event.args["price"]}
        numbers = [event.block_number for event in standing.values()]
        times = [block.timestamp if block else 0 for block in self._chain.blocks(numbers)]
        return Reviews(
            Review(
                author=self._directory.handle(event.args["author"]),
                stars=event.args["stars"],
                text=plain(event.args["text"]),
                license=event.args["license"],
                paid=event.args["license"] in bought,
                time=time,
            )
            for event, time in reversed(list(zip(standing.values(), times, strict=True)))
        )

    # -- saying something ---------------------------------------------------------------------------------------------

    def review(self, name: str, licenses: list[int], stars: int, text: str) -> None:
        """Review the asset of that name with one of ``licenses``, the newest that may."""
        if not 1 <= stars <= 5:
            raise InputError(f"stars are 1 to 5, not {stars}")
        if (size := len(text.encode())) > MAX_TEXT_BYTES:
            raise InputError(f"the text is {size} bytes long; {MAX_TEXT_BYTES} are allowed")
        if not licenses:
            raise NotFound(f"you hold no license for {name}", hint=f"Reviews are by holders: %sahara license {name}")
        refusal: ChainError | None = None
        for number in licenses:
            data = (number, stars, text)
            try:
                self._reviews.call("review", *data, sender=self._account, block="pending")
            except ChainError as error:  # another license may do
                refusal = refusal or error
                continue
            self._sender.send(self._reviews, "review", *data)
            return
        if refusal:
            raise refusal

    def withdraw(self, asset: int) -> None:
        self._sender.send(self._reviews, "withdraw", asset)

    def report(self, asset: int, reason: str) -> None:
        self._sender.send(self._moderation, "report", asset, _reason(reason))

    def appeal(self, asset: int, reason: str) -> None:
        self._sender.send(self._moderation, "appeal", asset, _reason(reason))

    # -- what the DAO decides -----------------------------------------------------------------------------------------

    def decision(self, asset: int, standing: str, reason: str) -> Action:
        """What a proposal does to decide about a listing."""
        if standing not in STANDINGS:
            raise InputError(f"there is no standing {standing!r}", hint=f"Use one of: {', '.join(STANDINGS)}")
        return Action("Moderation", "setStanding", (asset, STANDINGS.index(standing), _reason(reason)))

    def verification(self, account: str, verified: bool, reason: str) -> Action:
        """What a proposal does to vouch for a publisher, or to stop doing so."""
        return Action("Moderation", "setVerified", (self._directory.address(account), verified, _reason(reason)))


class Publishers:
    """Who is verified, kept from one look to the next; only what happened since is asked for."""

    def __init__(self, chain: Chain, from_block: int) -> None:
        self._log = EventLog(chain, ["Moderation"], from_block)
        self._position: Position | None = None
        self._verified: dict[str, None] = {}
        self._lock = threading.Lock()

    def look(self) -> list[str]:
        """The addresses, the longest verified first."""
        with self._lock:
            more = True
            while more:
                batch = self._log.read(self._position)
                if batch.rolled_back_to is not None:  # decisions are few: read them all again
                    self._position, self._verified = None, {}
                    continue
                for event in batch.events:
                    if event.name == "PublisherVerified":
                        self._verified.pop(event.args["publisher"], None)
                        if event.args["verified"]:
                            self._verified[event.args["publisher"]] = None
                self._position, more = batch.position or self._position, batch.more
            return list(self._verified)


def _reason(text: str) -> str:
    size = len(text.encode())
    if not 1 <= size <= 512:
        raise InputError(f"the reason has {size} bytes; 1 to 512 are allowed", hint="Say in a sentence what is wrong")
    return text

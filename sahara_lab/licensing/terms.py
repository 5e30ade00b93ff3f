"""License terms: what a license allows, costs and owes, in the words of ERC-7517.

Terms are content-addressed on chain (``keccak256(abi.encode(terms))``), so two owners who offer the
same terms share one id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import InputError
from sahara_lab.licensing.texts import hash_of, text_of
from sahara_lab.units import Wei, format_share, format_tokens, to_basis_points, to_wei

if TYPE_CHECKING:
    from sahara_lab.licensing.words import InWords

INFERENCE = 1
TRAINING = 2
GENERATIVE_TRAINING = 4
REDISTRIBUTION = 8
COMMERCIAL = 16
DERIVATIVE = 32
READ = 64

USES: dict[str, int] = {
    "inference": INFERENCE,
    "training": TRAINING,
    "generative training": GENERATIVE_TRAINING,
    "redistribution": REDISTRIBUTION,
    "commercial": COMMERCIAL,
    "derivative": DERIVATIVE,
    "read": READ,
}

MAX_REFUND_WINDOW = 30 * 86_400  # seconds

ZERO_ADDRESS = "0x" + "0" * 40

_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}

#: The uses that each named flavor allows.
FLAVOR_USES = {
    "Open Use": INFERENCE | TRAINING | GENERATIVE_TRAINING | REDISTRIBUTION | COMMERCIAL | DERIVATIVE | READ,
    "Non-Commercial Research": INFERENCE | TRAINING | READ,
    "Commercial": INFERENCE | TRAINING | GENERATIVE_TRAINING | COMMERCIAL | READ,
    "Commercial Remix": INFERENCE | TRAINING | GENERATIVE_TRAINING | COMMERCIAL | DERIVATIVE | READ,
    "Compute-Only": INFERENCE | TRAINING,
}

#: Fields that no contract can check; shown as such wherever terms are shown.
NOT_ENFORCED = ("attribution", "reciprocity", "redistribution", "inference", "commercial")


def seconds(duration: str | int | None) -> int:
    """A duration as typed ("30 days", 3600, None for ever) in seconds.

    Raises:
        InputError: not a positive duration.
    """
    if duration is None:
        return 0
    if isinstance(duration, int) and not isinstance(duration, bool):
        amount, factor = duration, 1
    else:
        match = re.fullmatch(r"\s*(\d+)\s*([a-z]+?)s?\s*", str(duration).lower())
        if not match or match[2] not in _UNITS:
            raise InputError(f"duration {duration!r} is not understood", hint='Write it like "30 days" or "1 year"')
        amount, factor = int(match[1]), _UNITS[match[2]]
    if not 0 < amount * factor < 2**40:
        raise InputError(f"duration {duration!r} is out of range", hint='Write it like "30 days", or leave it out')
    return amount * factor


def format_duration(amount: int) -> str:
    """Seconds as a person reads them; zero is for ever."""
    if amount == 0:
        return "for ever"
    for name, size in reversed(_UNITS.items()):
        if amount % size == 0 and name not in ("week", "month"):  # who wrote "30 days" reads 30 days
            count = amount // size
            return f"{count} {name}{'s' if count != 1 else ''}"
    return f"{amount} seconds"


@dataclass(frozen=True)
class License:
    """Terms on which an asset is licensed. Build them with one of the named flavors.

    Attributes:
        flavor: the name people know the terms by.
        price: wei of the currency, for one license.
        duration: seconds a license lasts; 0 is for ever.
        refund_window: seconds in which a license bought can be given back for its price; 0 for none.
        seats: licenses that may be valid at once; 0 is no limit.
        royalty_bps: what a derivative owes of its revenue, in basis points.
        uses: bit mask of the uses allowed.
        confined: compute-only: no key is released to the holder.
        reciprocal: share-alike: what is made of the asset must allow the same uses, shared alike.
        recorded_hash: of the legal text, for terms read from the chain.
    """

    flavor: str
    price: Wei
    duration: int = 0
    refund_window: int = 0
    seats: int = 0
    royalty_bps: int = 0
    uses: int = READ
    transferable: bool = False
    attribution: bool = True
    reciprocal: bool = False
    confined: bool = False
    text_uri: str = ""
    currency: str = ZERO_ADDRESS
    terms_id: bytes = field(default=b"", compare=False, repr=False)
    recorded_hash: bytes = field(default=b"", compare=False, repr=False)

    @classmethod
    def _of(
        cls,
        flavor: str,
        price: str | int,
        duration: str | int | None,
        seats: int,
        royalty: str | int,
        refund_window: str | int | None = None,
        alike: bool = False,
    ) -> License:
        if not 0 <= seats < 2**32:
            raise InputError(f"seats must lie between 0 and {2**32 - 1}")
        made = cls(
            flavor=flavor,
            price=to_wei(price),
            duration=seconds(duration),
            refund_window=seconds(refund_window),
            seats=seats,
            royalty_bps=to_basis_points(royalty),
            uses=FLAVOR_USES[flavor],
            confined=flavor == "Compute-Only",
            reciprocal=alike,
            text_uri=f"sahara:license/{flavor.lower().replace(' ', '-')}{'/alike' if alike else ''}/1",
        )
        if made.refund_window:
            _check_refund_window(made)
        return made

    @classmethod
    def open_use(cls, *, alike: bool = False) -> License:
        """Free, for any use, with attribution; ``alike``: what is made of it must be shared in the same way."""
        return cls._of("Open Use", 0, None, 0, 0, alike=alike)

    @classmethod
    def non_commercial_research(
        cls,
        price: str | int = 0,
        *,
        duration: str | int | None = None,
        seats: int = 0,
        refund_window: str | int | None = None,
    ) -> License:
        """Read and train for research; price in whole tokens ("5")."""
        return cls._of("Non-Commercial Research", price, duration, seats, 0, refund_window)

    @classmethod
    def commercial(
        cls,
        price: str | int,
        *,
        duration: str | int | None = None,
        seats: int = 0,
        refund_window: str | int | None = None,
    ) -> License:
        """Commercial use without published derivatives; ``refund_window`` like "7 days" lets buyers give it back."""
        return cls._of("Commercial", price, duration, seats, 0, refund_window)

    @classmethod
    def commercial_remix(
        cls,
        price: str | int,
        royalty: str | int = "10%",
        *,
        duration: str | int | None = None,
        seats: int = 0,
        refund_window: str | int | None = None,
        alike: bool = False,
    ) -> License:
        """Commercial use; derivatives may be sold and owe ``royalty`` of their revenue.

        Args:
            alike: what is made of the asset must be offered under terms that allow the same, shared alike.
        """
        return cls._of("Commercial Remix", price, duration, seats, royalty, refund_window, alike)

    @classmethod
    def compute_only(
        cls,
        price: str | int,
        *,
        duration: str | int | None = None,
        seats: int = 0,
        refund_window: str | int | None = None,
    ) -> License:
        """Train where the data lies; no key is released to the holder."""
        return cls._of("Compute-Only", price, duration, seats, 0, refund_window)

    @classmethod
    def named(cls, flavor: str, price: str | int = 0, royalty: str | int = 0) -> License:
        """Terms by the name of their flavor; price and royalty are taken where the flavor has them.

        Raises:
            InputError: no such flavor, or an amount that is none.
        """
        makers: dict[str, Callable[[], License]] = {
            "Open Use": cls.open_use,
            "Non-Commercial Research": lambda: cls.non_commercial_research(price),
            "Commercial": lambda: cls.commercial(price),
            "Commercial Remix": lambda: cls.commercial_remix(price, royalty),
            "Compute-Only": lambda: cls.compute_only(price),
        }
        if flavor not in makers:
            raise InputError(f"there is no license {flavor!r}", hint=f"Use one of: {', '.join(makers)}")
        return makers[flavor]()

    @classmethod
    def choose(
        cls,
        use: str,
        price: str | int = "free",
        back: str = "nothing",
        lasts: str | int = "for ever",
        *,
        seats: int = 0,
        refund_window: str | int | None = None,
    ) -> License:
        """The license that fits four answers; :data:`sahara_lab.licensing.chooser.QUESTIONS` asks for them.

        Args:
            use: what people may do with it: "study", "work", "build", "anything" or "compute".
            price: "free", or whole tokens ("25").
            back: what is asked of those who make something of it: "nothing", "alike", or a share ("10%").
            lasts: "for ever", or a time ("1 year").
            seats: licenses that may be valid at once; 0 is no limit.
            refund_window: how long it can be given back, like "7 days".

        Raises:
            InputError: an answer that is none, or answers that contradict each other.
        """
        from sahara_lab.licensing.chooser import choose

        return choose(use, price, back, lasts, seats=seats, refund_window=refund_window)

    @classmethod
    def asked(
        cls, price: str | None, royalty: str, *, open_use: bool, use: str | None, back: str | None, lasts: str | int
    ) -> License | None:
        """The license that the options of a publishing command stand for; None when nothing is to be offered."""
        if use:
            return cls.choose(use, price or "free", back or ("nothing" if use != "build" else royalty), lasts)
        if open_use:
            return cls.open_use()
        return cls.commercial_remix(price, royalty) if price is not None else None

    def allows(self, use: str) -> bool:
        """Whether the terms allow ``use`` ("training", "derivative", …)."""
        return bool(self.uses & use_mask(use))

    @property
    def allowed(self) -> list[str]:
        return [name for name, bit in USES.items() if self.uses & bit]

    @property
    def text(self) -> str:
        """The legal text; empty for terms that are none of the named flavors."""
        return text_of(self.flavor, self.reciprocal)

    @property
    def text_hash(self) -> bytes:
        """SHA-256 of the legal text, 32 bytes: what the chain has of it."""
        return hash_of(self.text) if self.text else self.recorded_hash or hash_of("")

    @property
    def in_words(self) -> InWords:
        """What a holder may do, may not and must, in plain words."""
        from sahara_lab.licensing.words import in_words

        return in_words(self)

    @property
    def refund_text(self) -> str:
        """Whether and how long a license can be given back, in plain words."""
        if not self.refund_window:
            return "no: the sale is final"
        length = format_duration(self.refund_window)
        return f"all of the price, within {length}, unless the license changed hands or a derivative was published"

    @property
    def summary(self) -> str:
        parts = [self.flavor, "free" if self.price == 0 else format_tokens(self.price)]
        if self.duration:
            parts.append(format_duration(self.duration))
        if self.royalty_bps:
            parts.append(f"{format_share(self.royalty_bps)} royalty")
        if self.reciprocal:
            parts.append("shared alike")
        if self.seats:
            parts.append(f"{self.seats} seats")
        if self.refund_window:
            parts.append(f"refundable for {format_duration(self.refund_window)}")
        return ", ".join(parts)

    def to_struct(self, currency: str) -> tuple[Any, ...]:
        """The terms as the contract's ``Terms`` struct."""
        return (
            currency, self.price, self.refund_window, self.duration, self.seats, self.royalty_bps, self.uses,
            self.transferable, self.attribution, self.reciprocal, self.confined, self.text_uri,
            self.text_hash,
        )  # fmt: skip

    @classmethod
    def from_struct(cls, struct: dict[str, Any], terms_id: bytes = b"") -> License:
        """Terms read back from the chain; terms that are none of the named flavors are called "Custom"."""
        flavor = next((name for name in FLAVOR_USES if _matches(name, struct)), "Custom")
        return cls(
            flavor=flavor,
            price=Wei(struct["price"]),
            duration=struct["duration"],
            refund_window=struct["refundWindow"],
            seats=struct["seats"],
            royalty_bps=struct["royaltyBps"],
            uses=struct["uses"],
            transferable=struct["transferable"],
            attribution=struct["attribution"],
            reciprocal=struct["reciprocal"],
            confined=struct["computeOnly"],
            text_uri=struct["textUri"],
            currency=struct["currency"],
            terms_id=terms_id,
            recorded_hash=bytes(struct["textHash"]),
        )

    def with_royalty(self, royalty: str | int) -> License:
        """The same terms with another royalty ("5%")."""
        return replace(self, royalty_bps=to_basis_points(royalty), terms_id=b"")

    def __str__(self) -> str:
        return self.summary

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from sahara_lab.display import bundle, card

        rows = [
            ("Price", "free" if self.price == 0 else format_tokens(self.price)),
            ("Lasts", format_duration(self.duration)),
            ("Refund", self.refund_text),
            ("Royalty of derivatives", format_share(self.royalty_bps)),
            ("Allows", ", ".join(self.allowed)),
            ("SHA-256 of the text", self.text_hash.hex()),
            ("Not enforced by contract", ", ".join(NOT_ENFORCED)),
        ]
        return bundle(self.summary, card(self.flavor, rows, badge="license", footer=self.text))


def _check_refund_window(license: License) -> None:
    """Refuse a window that the contract would refuse; see ``LicenseTerms.sol``."""
    if license.price == 0:
        raise InputError("a free license has nothing to refund", hint="Leave refund_window out")
    if license.refund_window > MAX_REFUND_WINDOW:
        raise InputError("a refund window lasts at most 30 days")
    if license.duration and license.refund_window >= license.duration:
        raise InputError("a refund window must be shorter than the license")


def _matches(flavor: str, struct: dict[str, Any]) -> bool:
    text_hash = hash_of(text_of(flavor, struct["reciprocal"]))
    return bool(struct["uses"] == FLAVOR_USES[flavor] and bytes(struct["textHash"]) == text_hash)


def use_mask(use: str) -> int:
    """The bit of a use by name.

    Raises:
        InputError: no such use.
    """
    try:
        return USES[use.replace("_", " ").replace("-", " ").lower()]
    except KeyError:
        raise InputError(f"there is no use called {use!r}", hint=f"Uses are: {', '.join(USES)}") from None

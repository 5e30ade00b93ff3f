"""What a training job takes, costs and makes its result owe, before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sahara_lab.display import bundle, card, text_card
from sahara_lab.units import format_share, format_tokens

if TYPE_CHECKING:
    from sahara_lab.compute import Options
    from sahara_lab.compute.probing import Probe
    from sahara_lab.market import Market


@dataclass(frozen=True)
class InputTerms:
    """One input: what a license for training still costs (0: held), and what share of revenue the result will owe.

    ``owner`` is who has the data, where it may be trained on there only; else empty.
    """

    asset: str
    owes_bps: int
    price: int
    flavor: str
    owner: str = ""


@dataclass(frozen=True)
class TrainingQuote:
    """The price of a job in wei, its resources and time, and the royalties of what it makes.

    ``compute_price`` is zero on machines of one's own; who rents machines puts the price of the lease there. ``rate``
    is the price of a worker second, in wei, on the machine of the owner of data that must not leave.
    """

    options: Options
    inputs: tuple[InputTerms, ...]
    probe: Probe | None = None
    compute_price: int = 0
    rate: int = 0

    @property
    def price(self) -> int:
        """What is paid before the first step, in wei."""
        return self.compute_price + sum(item.price for item in self.inputs)

    @property
    def resources(self) -> str:
        """Workers, devices and place, in words."""
        options = self.options
        each = [f"{options.cpus:g} cores" if options.cpus else "", "1 GPU" if options.gpus else ""]
        of = f" of {' and '.join(filter(None, each))}" if any(each) else ""
        here = f"the cluster at {options.cluster}" if options.cluster else "this machine"
        place = f"{self._stays[0].owner}'s machine" if self._stays else here
        return f"{options.workers} worker{'s' * (options.workers != 1)}{of} on {place}"

    @property
    def _stays(self) -> list[InputTerms]:
        """Inputs that may be trained on where they lie only."""
        return [item for item in self.inputs if item.owner]

    def rows(self) -> list[tuple[str, object]]:
        owed = [f"{format_share(item.owes_bps)} to {item.asset}" for item in self.inputs if item.owes_bps]
        bought = [f"{item.flavor} of {item.asset}, {format_tokens(item.price)}" for item in self.inputs if item.price]
        return [
            ("Resources", self.resources),
            ("Time", str(self.probe) if self.probe is not None else "not probed"),
            ("Compute", self._compute),
            ("Licenses to buy", ", ".join(bought) or "none"),
            ("Pays at most", format_tokens(self.price)),
            ("Result will owe", ", ".join(owed) or "nothing"),
            *self._place_rows(),
        ]

    @property
    def _compute(self) -> str:
        if not self._stays:
            return format_tokens(self.compute_price)
        return f"{format_tokens(self.rate)} a worker second, within --max-price" if self.rate else "not offered now"

    def _place_rows(self) -> list[tuple[str, object]]:
        if not self._stays:
            return []
        owner, names = self._stays[0].owner, ", ".join(item.asset for item in self._stays)
        return [
            ("Compute-to-data", f"{names} is licensed compute-only: the job goes to {owner}, and the data stays there"),
            ("Before and after", f"{owner} approves the code before it runs, and releases its results"),
        ]

    def __str__(self) -> str:
        return f"quote: {', '.join(f'{name.lower()} {value}' for name, value in self.rows())}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(text_card("Quote of a training", self.rows()), card("Quote of a training", self.rows()))


def input_terms(market: Market, names: Sequence[str]) -> tuple[InputTerms, ...]:
    """For each input, the license that training on it goes by: one that is held, else the cheapest on offer.

    Raises:
        AccessDenied: no license for training is held or offered.
    """
    from sahara_lab.errors import AccessDenied

    found = []
    held = market.licenses() if names else []
    for name in names:
        asset = market.get(name)
        on_site = market.trains_on_site(asset)
        if on_site or market.may_use(asset, "training"):
            grants = [grant for grant in held if grant.asset_id == asset.id and grant.status == "valid"]
            best = min(grants, key=lambda grant: grant.royalty_bps, default=None)
            found.append(
                InputTerms(
                    asset.name,
                    best.royalty_bps if best else 0,
                    0,
                    best.terms.flavor if best else "",
                    asset.owner if on_site else "",
                )
            )
            continue
        offers = [offer for offer in asset.offers if "training" in offer.allowed]
        if not offers:
            raise AccessDenied(
                f"{asset.name} is not offered for training", hint=f"Ask its owner: %sahara request {asset.name}"
            )
        offer = min(offers, key=lambda offer: offer.price)
        price = market.quote(asset.name, offer).price
        owner = asset.owner if offer.confined else ""
        found.append(InputTerms(asset.name, offer.royalty_bps, int(price), offer.flavor, owner))
    return tuple(found)

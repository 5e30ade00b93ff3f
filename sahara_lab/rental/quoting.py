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
    """One input: what a license for training still costs (0: held), and what share of revenue the result will owe."""

    asset: str
    owes_bps: int
    price: int
    flavor: str


@dataclass(frozen=True)
class TrainingQuote:
    """The price of a job in wei, its resources and time, and the royalties of what it makes.

    ``compute_price`` is zero on machines of one's own; who rents machines puts the price of the lease there.
    """

    options: Options
    inputs: tuple[InputTerms, ...]
    probe: Probe | None = None
    compute_price: int = 0

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
        where = f"the cluster at {options.cluster}" if options.cluster else "this machine"
        return f"{options.workers} worker{'s' * (options.workers != 1)}{of} on {where}"

    def rows(self) -> list[tuple[str, object]]:
        owed = [f"{format_share(item.owes_bps)} to {item.asset}" for item in self.inputs if item.owes_bps]
        bought = [f"{item.flavor} of {item.asset}, {format_tokens(item.price)}" for item in self.inputs if item.price]
        return [
            ("Resources", self.resources),
            ("Time", str(self.probe) if self.probe is not None else "not probed"),
            ("Compute", format_tokens(self.compute_price)),
            ("Licenses to buy", ", ".join(bought) or "none"),
            ("Pays at most", format_tokens(self.price)),
            ("Result will owe", ", ".join(owed) or "nothing"),
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
        if market.may_use(asset, "training"):
            grants = [grant for grant in held if grant.asset_id == asset.id and grant.status == "valid"]
            best = min(grants, key=lambda grant: grant.royalty_bps, default=None)
            found.append(InputTerms(asset.name, best.royalty_bps if best else 0, 0, best.terms.flavor if best else ""))
            continue
        offers = [offer for offer in asset.offers if "training" in offer.allowed]
        if not offers:
            raise AccessDenied(
                f"{asset.name} is not offered for training", hint=f"Ask its owner: %sahara request {asset.name}"
            )
        offer = min(offers, key=lambda offer: offer.price)
        price = market.quote(asset.name, offer).price
        found.append(InputTerms(asset.name, offer.royalty_bps, int(price), offer.flavor))
    return tuple(found)

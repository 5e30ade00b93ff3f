"""Which of the machines on offer: those that have what is wanted, in the order of what matters.

A provider is named by its handle, or chosen: ``any`` is the cheapest with room, ``any:reputation`` and ``any:speed``
the first by that, ``any:gpu`` the cheapest with a GPU; words are joined by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sahara_lab.errors import InputError
from sahara_lab.rental.offers import ZERO, Offer, Offers
from sahara_lab.rental.sandbox import UNSAFE
from sahara_lab.units import Wei

ANY: Final = "any"
_GPU: Final = "gpu"


def reputation(offer: Offer) -> float:
    """How much of what the provider did was right, from 0 to 1; little is known of who did little.

    Jobs and recomputed segments count alike: good / (good + bad + 2), so that one job done is no better than a long
    record with a flaw. Both can be bought by renting from oneself; stake cannot, which decides between equals.
    """
    good, bad = offer.completed + offer.passed, offer.ended_badly + offer.failed
    return good / (good + bad + 2)


_ORDERS: Final[dict[str, Callable[[Offer], Any]]] = {
    "price": lambda offer: (offer.rate, offer.provider),
    "speed": lambda offer: (-len(offer.hardware.gpus), -offer.hardware.gflops, offer.rate, offer.provider),
    "reputation": lambda offer: (-reputation(offer), -offer.staked, offer.rate, offer.provider),
}
ORDERS: Final = tuple(_ORDERS)


@dataclass(frozen=True)
class Wanted:
    """What a machine has to have. Sizes in bytes, amounts in wei; what is left out does not matter.

    Attributes:
        gpus: at least so many. ``gpu``: and this in the name of each.
        done: at least so many jobs completed.
        isolated: strangers' code runs behind a wall there.
    """

    cores: int = 0
    memory: int = 0
    gpus: int = 0
    gpu: str = ""
    most: Wei | None = None
    stake: Wei = ZERO
    done: int = 0
    isolated: bool = False

    def fits(self, offer: Offer) -> bool:
        """Whether an offer has it."""
        machine = offer.hardware
        named = [name for name in machine.gpus if self.gpu.lower() in name.lower()]
        return (
            machine.cores >= self.cores
            and machine.memory >= self.memory
            and len(named) >= max(self.gpus, 1 if self.gpu else 0)
            and (self.most is None or offer.rate <= self.most)
            and offer.staked >= self.stake
            and offer.completed >= self.done
            and not (self.isolated and offer.isolation.startswith(UNSAFE))
        )


def matching(offers: Iterable[Offer], wanted: Wanted, order: str = "price") -> Offers:
    """Those offers that have what is wanted, the best first.

    Raises:
        InputError: there is no such order.
    """
    if order not in _ORDERS:
        raise InputError(f"machines have no order by {order!r}", hint=f"There is: {', '.join(ORDERS)}")
    return Offers(sorted(filter(wanted.fits, offers), key=_ORDERS[order]))


def chosen_by(provider: str) -> tuple[Wanted, str] | None:
    """What is wanted where a provider is to be chosen, and by which order; None where it is named.

    Raises:
        InputError: a word after ``any:`` is not known.
    """
    name, _, words = provider.partition(":")
    if name != ANY:
        return None
    wanted, order = Wanted(), "price"
    for word in filter(None, words.split(",")):
        if word == _GPU:
            wanted = Wanted(gpus=1)
        elif word in _ORDERS:
            order = word
        else:
            raise InputError(f"a machine is not chosen by {word!r}", hint=f"Write any:{', any:'.join((*ORDERS, _GPU))}")
    return wanted, order

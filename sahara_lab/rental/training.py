"""Training jobs of one account: inputs are licensed, workers get a reader's session, parents are recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import AccessDenied, JobError, PriceError
from sahara_lab.licensing.vaults import Vaults
from sahara_lab.market.names import AssetName
from sahara_lab.profile import Profile
from sahara_lab.rental.quoting import TrainingQuote, input_terms
from sahara_lab.units import Wei, to_tokens, to_wei

if TYPE_CHECKING:
    from collections.abc import Callable

    from sahara_lab.compute import Compute, Job
    from sahara_lab.market import Market
    from sahara_lab.rental.offers import Offers, Providers
    from sahara_lab.rental.rentals import Rentals, RentQuote

_TRAIN = """\
import pytorch_lightning as pl

trainer = pl.Trainer(**trainer_kwargs)
trainer.fit(model, *data) if isinstance(data, tuple) else trainer.fit(model, data)
"""
_URL = re.compile(r"vault://([A-Za-z0-9-]{3,42}/[a-z0-9][a-z0-9._-]{0,63}(?:@\d{1,9})?)")


def collect_accessed() -> dict[str, Any]:
    """Run in a worker at the end: the assets it opened, so that a job's parents need no declaring."""
    from sahara_lab.vault import accessed

    return {"accessed": sorted(accessed())}


class Training:
    """Runs cells and models on this machine's workers, or on a provider's."""

    def __init__(
        self,
        profile: Profile,
        account: str,
        vaults: Vaults,
        market: Market,
        rentals: Callable[[], Rentals],
        offers: Callable[[], Providers],
    ) -> None:
        self._profile = profile
        self._account = account
        self._vaults = vaults
        self._market = market
        self._rentals = rentals
        self._offers = offers
        self._compute: Compute | None = None

    @property
    def backend(self) -> Compute:
        """The compute floor's own door, for what this one does not wrap."""
        if self._compute is None:
            from sahara_lab.compute import Compute

            self._compute = Compute(self._profile.jobs)
        return self._compute

    def run_cell(
        self,
        source: str,
        namespace: dict[str, Any],
        *,
        inputs: tuple[str, ...] | list[str] = (),
        name: str | None = None,
        max_price: str | None = None,
        resume: str | None = None,
        provider: str | None = None,
        **options: Any,
    ) -> Job:
        """Run a cell of ordinary Lightning code on workers.

        Args:
            inputs: assets the cell trains on; ``vault://`` URLs in the source count without being named.
            max_price: the most to spend, in whole tokens, on licenses that the inputs still need and on a provider's
                machine; nothing without it.
            resume: a job whose checkpoint to go on from.
            provider: whose machine: a handle, or "any" for the cheapest with room; this machine when left out.
            options: those of :class:`sahara_lab.compute.Options`: ``workers``, ``gpus``, ``precision``, …

        Raises:
            AccessDenied: an input is not licensed for training and no cap allows buying the license.
            PriceError: the cap is too low.
            JobError: the cell cannot be sent to the workers.
        """
        if provider is not None:
            return self._rent(source, namespace, provider, _rented_workers(options), inputs, name, max_price, resume)
        wanted = self._licensed([*inputs, *_URL.findall(source)], max_price)
        return self.backend.run_cell(
            source, namespace, inputs=wanted, name=name, resume=resume, **self._hooks(), **options
        )

    def estimate(
        self,
        source: str,
        namespace: dict[str, Any],
        *,
        inputs: tuple[str, ...] | list[str] = (),
        probe: bool = True,
        **options: Any,
    ) -> TrainingQuote:
        """What running a cell would take, cost and make its result owe. Buys nothing.

        Args:
            probe: run the cell's first steps to estimate its time, where its inputs are licensed already.

        Raises:
            AccessDenied: an input is not offered for training.
        """
        from sahara_lab.compute import Options

        terms = input_terms(self._market, _named([*inputs, *_URL.findall(source)]))
        chosen = Options.of(options)
        found = None
        if probe and not any(item.price for item in terms):
            found = self.backend.probe(source, namespace, **self._hooks(), **options)
        return TrainingQuote(chosen, terms, found)

    def train(
        self,
        model: Any,
        data: Any,
        *,
        inputs: tuple[str, ...] | list[str] = (),
        name: str | None = None,
        max_price: str | None = None,
        resume: str | None = None,
        provider: str | None = None,
        **given: Any,
    ) -> Job:
        """Fit a LightningModule.

        Args:
            given: options of :class:`sahara_lab.compute.Options` ("workers", "precision", …); whatever else there is
                goes to ``pl.Trainer`` ("max_epochs", …). The other arguments are those of :meth:`run_cell`.
        """
        from sahara_lab.compute.options import NAMES

        options = {name: value for name, value in given.items() if name in NAMES}
        trainer = {name: value for name, value in given.items() if name not in NAMES}
        if provider is not None:
            values = {"model": model, "data": data, "trainer_kwargs": trainer}
            return self._rent(_TRAIN, values, provider, _rented_workers(options), inputs, name, max_price, resume)
        wanted = self._licensed(list(inputs), max_price)
        return self.backend.train(
            model, data, trainer, inputs=wanted, name=name, resume=resume, **self._hooks(), **options
        )

    def jobs(self) -> list[Job]:
        """Every job of this machine, newest first."""
        return [self._rentals().job(job) for job in self.backend.jobs()]

    def job(self, id: str) -> Job:
        """A job by its id, from this session or an earlier one."""
        return self._rentals().job(self.backend.job(id))

    def providers(self) -> Offers:
        """Machines of others that can be rented, with hardware, price, stake and track record; the cheapest first."""
        return self._offers().all()

    def quote(self, provider: str, *, max_price: str, workers: int = 2) -> RentQuote:
        """What training on a provider's machine would cost; spends nothing.

        Raises:
            PriceError, NotFound, JobError, NetworkError: it would not do.
        """
        return self._rentals().quote(provider, max_price=max_price, workers=workers)

    def recover(self) -> list[Any]:
        """Bring rented jobs to their end that a crash left behind: their results, their deposits, their vouchers."""
        return list(self._rentals().recover())

    def _rent(
        self,
        source: str,
        namespace: dict[str, Any],
        provider: str,
        workers: int,
        inputs: tuple[str, ...] | list[str],
        name: str | None,
        max_price: str | None,
        resume: str | None,
    ) -> Job:
        """Rent for what the cap leaves after the licenses, which are bought once the provider has answered."""
        if resume is not None:
            raise JobError("a job on a provider's machine begins anew", hint="Leave --resume or --provider out")
        if max_price is None:
            raise PriceError("a provider's machine needs a cap", hint="Add --max-price, in tokens")
        cap = to_wei(max_price)
        names = [*inputs, *_URL.findall(source)]
        left = Wei(cap - self._licenses_cost(names))
        if left <= 0:
            raise PriceError(f"the licenses alone take the cap of {max_price}", hint="Raise --max-price")
        self._rentals().quote(provider, max_price=left, workers=workers)
        wanted = self._licensed(names, str(to_tokens(Wei(cap - left))))
        return self._rentals().rent(
            source, namespace, provider=provider, max_price=left, workers=workers, inputs=wanted, name=name
        )

    def _licenses_cost(self, names: list[str]) -> Wei:
        """What the licenses cost that inputs still need."""
        total = 0
        for text in dict.fromkeys(AssetName.parse(name).plain for name in names):
            if not self._market.may_use(self._market.get(text), "training"):
                total += self._market.quote(text).price
        return Wei(total)

    def warm(self, workers: int = 2, **options: Any) -> None:
        """Start the workers before the first cell needs them."""
        self.backend.warm(workers, **options)

    def shutdown(self) -> None:
        """Stop the workers and free their memory."""
        self.backend.shutdown()

    @property
    def folder(self) -> Path:
        return self._profile.jobs

    def _hooks(self) -> dict[str, Any]:
        return {"setup": self._vaults.session_setup(), "collect": collect_accessed}

    def _licensed(self, names: list[str], max_price: str | None) -> list[str]:
        """Pin every input to a version, and see that each may be trained on."""
        pinned = []
        for name in _named(names):
            wanted = AssetName.parse(name)
            asset = self._market.get(str(wanted))
            if not self._market.may_use(asset, "training"):
                if max_price is None:
                    raise AccessDenied(
                        f"{self._account} may not train on {wanted.plain}",
                        hint=f"Run: %sahara license {wanted.plain}, or give --max-price",
                    )
                self._market.license(wanted.plain, max_price=max_price)
            pinned.append(f"{asset.name}@{asset.version}")
        return sorted(set(pinned))


def _named(names: list[str]) -> list[str]:
    """Each input once, as ``owner/name[@version]``."""
    return list(dict.fromkeys(str(AssetName.parse(text)) for text in names))


def _rented_workers(options: dict[str, Any]) -> int:
    """Of the options of a job, what a rented machine takes: the number of workers."""
    others = sorted(name for name, value in options.items() if value is not None and name != "workers")
    if others:
        raise JobError(
            f"a rented machine does not take {', '.join(f'--{name}' for name in others)}",
            hint="Say it in the cell's Trainer(...)",
        )
    return int(options.get("workers") or 2)

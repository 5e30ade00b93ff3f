"""Training jobs of one account: inputs are licensed, workers get a reader's session, parents are recorded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import AccessDenied, JobError, PriceError
from sahara_lab.licensing.vaults import Vaults
from sahara_lab.market.names import AssetName
from sahara_lab.profile import Profile
from sahara_lab.rental.matching import chosen_by
from sahara_lab.rental.quoting import TrainingQuote, input_terms
from sahara_lab.units import Wei, to_tokens, to_wei

if TYPE_CHECKING:
    from collections.abc import Callable

    from sahara_lab.compute import Compute, Job
    from sahara_lab.compute.verification import Tolerance, Verdict
    from sahara_lab.market import Asset, Market
    from sahara_lab.rental.offers import Offers, Providers
    from sahara_lab.rental.recompute import Recomputed
    from sahara_lab.rental.rentals import Rentals, RentQuote

_TRAIN = """\
import pytorch_lightning as pl

trainer = pl.Trainer(**trainer_kwargs)
trainer.fit(model, *data) if isinstance(data, tuple) else trainer.fit(model, data)
"""
_RENTED = ("workers", "segments", "seed")
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
        recompute: bool = False,
        **options: Any,
    ) -> Job:
        """Run a cell of ordinary Lightning code on workers.

        Args:
            inputs: assets the cell trains on; ``vault://`` URLs in the source count without being named.
            max_price: the most to spend, in whole tokens, on licenses that the inputs still need and on a provider's
                machine; nothing without it.
            resume: a job whose checkpoint to go on from.
            provider: whose machine: a handle, or "any" for the cheapest with room ("any:reputation", "any:speed" and
                "any:gpu" choose by that); when left out, this machine, or that of the owner of
                inputs that are licensed compute-only.
            recompute: have this machine run a rented job again before it is paid in full; other weights are disputed.
            options: those of :class:`sahara_lab.compute.Options`: ``workers``, ``gpus``, ``precision``, …

        Raises:
            AccessDenied: an input is not licensed for training and no cap allows buying the license.
            PriceError: the cap is too low.
            JobError: the cell cannot be sent to the workers.
        """
        provider = self.goes_to(source, inputs, provider)[0]
        if provider is not None:
            rented = _rented(options)
            return self._rent(source, namespace, provider, rented, inputs, name, max_price, resume, recompute)
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
        terms = input_terms(self._market, _named([*inputs, *_URL.findall(source)]))
        chosen = self.backend.options(options)
        owner, _ = self.goes_to(source, inputs)
        if owner is not None:
            rates = [offer.rate for offer in self.providers() if offer.provider == owner]
            return TrainingQuote(chosen, terms, rate=rates[0] if rates else 0)
        found = None
        if probe and not any(item.price for item in terms):
            found = self.backend.probe(source, namespace, **self._hooks(), **options)
        return TrainingQuote(chosen, terms, found)

    def goes_to(
        self, source: str, inputs: tuple[str, ...] | list[str] = (), provider: str | None = None
    ) -> tuple[str | None, list[str]]:
        """Whose machine a cell runs on, None for this one, and which of its inputs stay there (compute-only licenses).

        Raises:
            JobError: the data stays with somebody else than ``provider``, or with several owners.
        """
        stays = self._stays(_named([*inputs, *_URL.findall(source)]))
        owners = sorted({owner for _, owner in stays})
        if not stays:
            return provider, []
        if len(owners) > 1:
            raise JobError(
                f"no machine has all data: {', '.join(name for name, _ in stays)} stay with {' and '.join(owners)}",
                hint="Train on the data of one owner at a time",
            )
        if provider not in (None, owners[0]) and chosen_by(provider) is None:
            raise JobError(
                f"the data of {stays[0][0]} stays with {owners[0]}: {provider} has not got it",
                hint=f"Leave --provider out, or say --provider {owners[0]}",
            )
        return owners[0], [name for name, _ in stays]

    def _stays(self, names: list[str]) -> list[tuple[str, str]]:
        """Those of some assets that are, or would be by the license to buy, trained on where they lie; and owners."""
        found = []
        for name in names:
            asset = self._market.get(name)
            if self._market.trains_on_site(asset):
                found.append((name, asset.owner))
            elif asset.offers and not self._market.may_use(asset, "training"):
                cheapest = min(asset.offers, key=lambda offer: offer.price)  # what _licensed would buy
                if cheapest.confined:
                    found.append((name, asset.owner))
        return found

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
        recompute: bool = False,
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
            rented = _rented(options)
            return self._rent(_TRAIN, values, provider, rented, inputs, name, max_price, resume, recompute)
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

    def providers(self, *, order: str = "price", **wanted: Any) -> Offers:
        """Machines of others that can be rented, with hardware, price, stake and track record.

        Args:
            order: ``price`` (the cheapest first), ``speed`` or ``reputation``.
            wanted: what a machine has to have, as :class:`sahara_lab.rental.matching.Wanted` says: ``cores``,
                ``memory`` (bytes), ``gpus``, ``gpu`` (part of its name), ``most`` (wei a worker second), ``stake``,
                ``done`` (jobs), ``isolated``.

        Raises:
            InputError: there is no such order.
        """
        from sahara_lab.rental.matching import Wanted, matching

        return matching(self._offers().all(), Wanted(**wanted), order)

    def quote(
        self, provider: str, *, max_price: str, workers: int = 2, on_site: tuple[str, ...] | list[str] = ()
    ) -> RentQuote:
        """What training on a provider's machine would cost; spends nothing.

        Args:
            on_site: inputs that stay there, as :meth:`goes_to` tells.

        Raises:
            PriceError, NotFound, JobError, NetworkError: it would not do.
        """
        found = self._rentals().quote(provider, max_price=max_price, workers=workers)
        return replace(found, on_site=tuple(on_site))

    def recover(self) -> list[Any]:
        """Bring rented jobs to their end that a crash left behind: their results, their deposits, their vouchers."""
        return list(self._rentals().recover())

    def _rent(
        self,
        source: str,
        namespace: dict[str, Any],
        provider: str,
        rented: dict[str, Any],
        inputs: tuple[str, ...] | list[str],
        name: str | None,
        max_price: str | None,
        resume: str | None,
        recompute: bool,
    ) -> Job:
        """Rent for what the cap leaves after the licenses, which are bought once the provider has answered."""
        if resume is not None:
            raise JobError("a job on a provider's machine begins anew", hint="Leave --resume or --provider out")
        if max_price is None:
            raise PriceError("a provider's machine needs a cap", hint="Add --max-price, in tokens")
        cap = to_wei(max_price)
        names = [*inputs, *_URL.findall(source)]
        _, stays = self.goes_to(source, inputs, provider)
        left = Wei(cap - self._licenses_cost(names))
        if left <= 0:
            raise PriceError(f"the licenses alone take the cap of {max_price}", hint="Raise --max-price")
        self._rentals().quote(provider, max_price=left, workers=rented["workers"])
        wanted = self._licensed(names, str(to_tokens(Wei(cap - left))))
        return self._rentals().rent(
            source,
            namespace,
            provider=provider,
            max_price=left,
            **rented,
            inputs=wanted,
            name=name,
            recompute=recompute,
            on_site=[one for one in wanted if AssetName.parse(one).plain in {AssetName.parse(n).plain for n in stays}],
        )

    def recompute(self, job: Job | str) -> Recomputed:
        """Run a finished rented job again on this machine, and say whether its weights are the same to the last bit.

        Raises:
            JobError: it was not rented, left no weights, or does not come to its end here.
        """
        from sahara_lab.rental.rentals import RentedJob

        found = self.job(job if isinstance(job, str) else job.id)
        if not isinstance(found, RentedJob):
            raise JobError(f"job {found.id} ran on this machine's own workers", hint="Name a job on a provider's")
        return self._rentals().recompute(found)

    def verify(
        self,
        job: Job | str,
        *,
        segment: int | None = None,
        seed: str | None = None,
        tolerance: Tolerance | None = None,
    ) -> Verdict:
        """Compute one segment of a finished job, from a checkpoint that it kept to the next, again on this machine.

        Args:
            segment: its number, counted from 1; ``seed`` chooses it when left out.
            seed: anything that the one who ran the job could not know before.
            tolerance: how far numbers may be off where threads, hardware or software are not the same.

        Returns the verdict; its text is one line. That of a rented job is recorded on chain (ERC-8004).

        Raises:
            JobError: the job kept no segments (train with ``segments=8``), or one cannot be computed here.
            IntegrityError: the manifest or a checkpoint is not what it was.
        """
        from sahara_lab.rental.rentals import RentedJob

        found = self.job(job if isinstance(job, str) else job.id)
        if isinstance(found, RentedJob):
            return self._rentals().verify(found, segment=segment, seed=seed, tolerance=tolerance)
        return self.backend.verify(
            found, segment=segment, seed=seed, tolerance=tolerance, setup=self._vaults.session_setup()
        )

    def _licenses_cost(self, names: list[str]) -> Wei:
        """What the licenses cost that inputs still need."""
        total = 0
        for text in dict.fromkeys(AssetName.parse(name).plain for name in names):
            if not self._may_train(text):
                total += self._market.quote(text).price
        return Wei(total)

    def _may_train(self, asset: Asset | str) -> bool:
        """Whether a license to train is held, be it to read or where the data lies."""
        found = self._market.get(asset) if isinstance(asset, str) else asset
        return self._market.may_use(found, "training") or self._market.trains_on_site(found)

    def warm(self, workers: int = 2, **options: Any) -> None:
        """Start the workers before the first cell needs them."""
        self.backend.warm(workers, **options)

    def use_cluster(self, address: str | None, token_file: Path | str | None = None) -> None:
        """Train on a Ray cluster of one's own from now on; see :meth:`sahara_lab.compute.Compute.use_cluster`."""
        self.backend.use_cluster(address, token_file)

    @property
    def cluster(self) -> str | None:
        """Address of the Ray cluster that cells train on; None: this machine."""
        return self.backend.cluster

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
            if not self._may_train(asset):
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


def _rented(options: dict[str, Any]) -> dict[str, Any]:
    """Of the options of a job, what a rented machine takes."""
    others = sorted(name for name, value in options.items() if value is not None and name not in _RENTED)
    if others:
        raise JobError(
            f"a rented machine does not take {', '.join(f'--{name}' for name in others)}",
            hint="Say it in the cell's Trainer(...)",
        )
    from sahara_lab.compute.options import Options

    chosen = Options.of(options)
    return {"workers": chosen.workers, "segments": chosen.segments, "seed": chosen.seed}

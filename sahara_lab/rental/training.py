"""Training jobs of one account: inputs are licensed, workers get a reader's session, parents are recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import AccessDenied
from sahara_lab.licensing.vaults import Vaults
from sahara_lab.market.names import AssetName
from sahara_lab.profile import Profile

if TYPE_CHECKING:
    from sahara_lab.compute import Compute, Job
    from sahara_lab.market import Market

_URL = re.compile(r"vault://([A-Za-z0-9-]{3,42}/[a-z0-9][a-z0-9._-]{0,63}(?:@\d{1,9})?)")


def collect_accessed() -> dict[str, Any]:
    """Run in a worker at the end: the assets it opened, so that a job's parents need no declaring."""
    from sahara_lab.vault import accessed

    return {"accessed": sorted(accessed())}


class Training:
    """Runs cells and models on this machine's workers."""

    def __init__(self, profile: Profile, account: str, vaults: Vaults, market: Market) -> None:
        self._profile = profile
        self._account = account
        self._vaults = vaults
        self._market = market
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
        workers: int = 2,
        inputs: tuple[str, ...] | list[str] = (),
        name: str | None = None,
        max_price: str | None = None,
        resume: str | None = None,
    ) -> Job:
        """Run a cell of ordinary Lightning code on ``workers`` workers.

        Args:
            inputs: assets the cell trains on; ``vault://`` URLs in the source count without being named.
            max_price: the most to spend, in whole tokens, on licenses that the inputs still need; nothing without it.

        Raises:
            AccessDenied: an input is not licensed for training and no cap allows buying the license.
            JobError: the cell cannot be sent to the workers.
        """
        wanted = self._licensed([*inputs, *_URL.findall(source)], max_price)
        return self.backend.run_cell(
            source, namespace, workers=workers, inputs=wanted, name=name, resume=resume, **self._hooks()
        )

    def train(
        self,
        model: Any,
        data: Any,
        *,
        workers: int = 2,
        inputs: tuple[str, ...] | list[str] = (),
        name: str | None = None,
        max_price: str | None = None,
        **trainer: Any,
    ) -> Job:
        """Fit a LightningModule; ``trainer`` are arguments of ``pl.Trainer`` ("max_epochs", …)."""
        wanted = self._licensed(list(inputs), max_price)
        return self.backend.train(model, data, trainer, workers=workers, inputs=wanted, name=name, **self._hooks())

    def jobs(self) -> list[Job]:
        """Every job of this machine, newest first."""
        return self.backend.jobs()

    def job(self, id: str) -> Job:
        """A job by its id, from this session or an earlier one."""
        return self.backend.job(id)

    def warm(self, workers: int = 2) -> None:
        """Start the workers before the first cell needs them."""
        self.backend.warm(workers)

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
        for text in dict.fromkeys(names):
            wanted = AssetName.parse(text)
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

"""What a dashboard shows, read once: plain values, so that drawing needs neither chain nor files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sahara_lab.compute import progress_of
from sahara_lab.market.publish import parents_of
from sahara_lab.units import Wei

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sahara_lab.compute import Job
    from sahara_lab.governance import Parameter, Proposal
    from sahara_lab.lab import Lab
    from sahara_lab.market.values import Earnings, LicenseGrant, Sale
    from sahara_lab.serving.ledger import UsageRow

JOBS_SHOWN = 8
PROPOSALS_SHOWN = 5
USAGE_SHOWN = 10


@dataclass(frozen=True)
class JobLine:
    """A training job at the moment of reading."""

    id: str
    name: str
    status: str
    inputs: tuple[str, ...]
    metrics: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Board:
    """An account at one moment."""

    account: str
    address: str
    read_at: float
    tokens: Wei
    power: Wei
    earnings: Earnings
    licenses: Sequence[LicenseGrant]
    sales: Sequence[Sale]
    jobs: tuple[JobLine, ...]
    jobs_total: int
    proposals: tuple[Proposal, ...]
    proposals_total: int
    parameters: tuple[Parameter, ...]
    usage: tuple[UsageRow, ...] = ()

    @property
    def received(self) -> Wei:
        """What all own assets were ever paid."""
        return Wei(sum(line.received for line in self.earnings.lines))

    @property
    def valid_licenses(self) -> int:
        return sum(not grant.expired for grant in self.licenses)

    @property
    def open_votes(self) -> int:
        """Proposals that this account can vote on and has not."""
        return sum(proposal.state == "active" and not proposal.my_vote for proposal in self.proposals)

    @property
    def running_jobs(self) -> int:
        return sum(job.status in ("starting", "running", "stopping") for job in self.jobs)


def read(lab: Lab) -> Board:
    """Read everything that the dashboard shows for the account of ``lab``."""
    jobs = lab.compute.jobs()
    proposals = lab.dao.proposals()
    return Board(
        account=lab.account,
        address=lab.wallet.address,
        read_at=time.time(),
        tokens=lab.wallet.balance().tokens,
        power=lab.dao.power(),
        earnings=lab.market.earnings(),
        licenses=lab.market.licenses(),
        sales=lab.market.sales(),
        jobs=tuple(_job(job) for job in jobs[:JOBS_SHOWN]),
        jobs_total=len(jobs),
        proposals=tuple(proposals[:PROPOSALS_SHOWN]),
        proposals_total=len(proposals),
        parameters=tuple(lab.dao.parameters()),
        usage=tuple(lab.serving.usage()[:USAGE_SHOWN]),
    )


def _job(job: Job) -> JobLine:
    progress = progress_of(job.events(0)[0], job.record())
    shown = tuple((name, progress.values[name]) for name in progress.main_metrics()[-2:])
    return JobLine(job.id, job.name or "", job.status, tuple(parents_of(job.record())), shown)

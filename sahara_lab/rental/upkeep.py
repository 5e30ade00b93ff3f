"""What a provider does without being asked: stop who does not pay, settle, submit, complete, claim.

Each step follows from a job's journal and the chain's own record of it, so that a provider that was killed goes on.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.compute.verification.attestation import Tee, attest
from sahara_lab.errors import SaharaError
from sahara_lab.rental.escrow import Escrow, EscrowJob
from sahara_lab.rental.manifest import as_text, digest, sign_manifest
from sahara_lab.rental.offers import Offer
from sahara_lab.rental.on_site import OnSite
from sahara_lab.rental.sandbox import Isolation
from sahara_lab.rental.tenancy import Tenancy

_log = logging.getLogger(__name__)

SUBMIT_BEFORE = 60  # seconds before the deadline at which a job is stopped, to be submitted in time
CHAIN_EVERY = 5.0
WATCH_EVERY = 2.0
#: job, client, a random number; gives the request's hash in hex, or nothing.
AskCheck = Callable[[int, str, str], str]
GONE_AFTER = 600.0  # seconds without a renter, after which a job that does not run is concluded
SETTLE_EVERY = 600.0


@dataclass(frozen=True)
class House:
    """What a provider decided about its machine."""

    memory: int  # bytes for each worker
    disk: int  # bytes for each job
    unsafe: bool = False
    settle_every: float = SETTLE_EVERY
    gone_after: float = GONE_AFTER
    tee: Tee | None = None


class Upkeep:
    """Looks after the jobs of one provider.

    Args:
        jobs: those at hand; what is concluded is taken out.
        on_site: says whether results on data that must not leave are released.
        describe: opens the description in a job's package.
        draining: whether no more jobs are taken.
        ask_check: asks a job's client on chain to check it; gets a number that makes asking twice one request.
    """

    def __init__(
        self,
        jobs: dict[int, Tenancy],
        chain: Chain,
        wallet: Wallet,
        escrow: Escrow,
        offer: Offer,
        isolation: Isolation,
        house: House,
        on_site: OnSite,
        describe: Callable[[Tenancy], dict[str, Any]],
        draining: Callable[[], bool],
        clock: Callable[[], float],
        ask_check: AskCheck | None = None,
    ) -> None:
        self.jobs = jobs
        self._chain = chain
        self._wallet = wallet
        self._escrow = escrow
        self._offer = offer
        self._isolation = isolation
        self._house = house
        self._on_site = on_site
        self._describe = describe
        self._draining = draining
        self._clock = clock
        self._ask = ask_check
        self._contract = chain.contract("ComputeEscrow")
        self._looked: dict[int, float] = {}
        self._watched = self._settled = clock()

    def tick(self) -> None:
        """Do what is due: stop who does not pay, settle, submit, complete, claim. Called about once a second."""
        watch = self._clock() - self._watched >= WATCH_EVERY
        if watch:
            self._watched = self._clock()
        for job in list(self.jobs.values()):
            try:
                self._look_after(job, watch)
            except SaharaError as error:
                _log.warning("job %s: %s", f"{job.id:#x}"[:12], error)
        if self._clock() - self._settled >= self._house.settle_every:
            self._settled = self._clock()
            for job in list(self.jobs.values()):
                self._settle(job)

    def _look_after(self, job: Tenancy, watch: bool) -> None:
        if job.phase == "running":
            self._guard(job, watch)
        chain_due = self._clock() - self._looked.get(job.id, -CHAIN_EVERY) >= CHAIN_EVERY
        if job.phase == "ended" and (not job.on_site or self._released(job, chain_due)):
            self._end(job)
        elif chain_due:
            self._looked[job.id] = self._clock()
            self._follow_chain(job)

    def _guard(self, job: Tenancy, watch: bool) -> None:
        owed = job.used() - job.acknowledged
        if owed > 2 * self._offer.heartbeat * job.workers:
            job.stop("no voucher came for two heartbeats")
            if owed > 4 * self._offer.heartbeat * job.workers:
                job.kill("no voucher came for four heartbeats")
        if job.used() >= int(job.state["most"]):
            job.stop("the budget is used up")
        if job.overdue:
            job.kill("the job went on after it had said that it was done")
        if watch and (excess := job.overuse(self._house.memory * job.workers, self._house.disk)):
            job.kill(excess)

    def _released(self, job: Tenancy, chain_due: bool) -> bool:
        """Whether the results of a job on data that must not leave are released, or never will be."""
        if job.state.get("fault"):
            return True  # there are none
        over = chain_due and self._escrow.job(job.id).deadline - now(self._chain) < SUBMIT_BEFORE
        return self._on_site.passes(job, over=over)

    def _end(self, job: Tenancy) -> None:
        """The job has run: wait for its last voucher, settle, then say so on chain, with a signed manifest."""
        patience = 2 * self._offer.heartbeat + 5
        if job.acknowledged < job.used() and time.time() - float(job.state["ended_at"]) < patience:
            return
        self._settle(job)
        if job.state.get("fault"):  # nobody knows what became of it: the renter owes nothing more
            if self._escrow.job(job.id).status == "funded":
                self._escrow.reject(job.id)
            job.write(phase="submitted")
            return
        record = job.state["record"]
        if not job.state.get("envelope"):
            self._ask_check(job)
            document = self._manifest(job, record)
            document["attestation"] = attest(document, self._house.tee)
            envelope = sign_manifest(document, self._wallet, self._chain.chain_id, self._contract.address)
            job.write(envelope=envelope.decode())
        found = self._escrow.job(job.id)
        if found.status == "funded" and now(self._chain) < found.deadline:
            left = [*job.state["outputs"].values(), *job.state.get("edges", [])]
            hashes = [bytes.fromhex(out["sha256"]) for out in left]
            self._escrow.submit(job.id, digest(job.state["envelope"].encode()), hashes)
        job.write(phase="submitted")
        shutil.rmtree(job.folder / "work", ignore_errors=True)

    def _ask_check(self, job: Tenancy) -> None:
        """Ask the client on chain to check a job that kept segments, so that what it finds is recorded there."""
        if self._ask is None or not job.state.get("edges") or job.state.get("check"):
            return
        if not job.state.get("check_nonce"):
            job.write(check_nonce=secrets.token_hex(16))  # first, so that asking again after a crash asks once
        job.write(check=self._ask(job.id, job.state["client"], job.state["check_nonce"]))

    def _follow_chain(self, job: Tenancy) -> None:
        found = self._escrow.job(job.id)
        over = found.deadline - now(self._chain)
        if found.status in ("completed", "rejected", "expired"):
            job.kill(f"the job is {found.status} in the escrow")
            self._escrow.claim()
            job.write(phase="closed", outcome=found.status)
            self.jobs.pop(job.id, None)
        elif job.phase == "running":
            if over < SUBMIT_BEFORE:
                job.stop("its deadline has come")
        elif job.phase in ("taken", "accepting", "waiting"):
            self._conclude_if_gone(job, found, over)
        elif found.status in ("funded", "disputed"):
            if over <= 0:
                self._escrow.refund(job.id)
        elif found.status == "submitted" and over <= 0:
            self._escrow.complete(job.id)

    def _conclude_if_gone(self, job: Tenancy, found: EscrowJob, over: int) -> None:
        """Nobody came to begin a job, or to begin it again: give the renter back what was not used."""
        reviewed = bool(job.on_site) and job.phase == "taken"  # a person takes longer than a renter's kernel lives
        quiet = 0.0 if reviewed else self._clock() - job.touched
        if quiet < self._house.gone_after and over > SUBMIT_BEFORE and not self._draining():
            return
        if not found.accepted and job.phase == "taken":
            job.write(phase="closed", outcome="never begun")
            self.jobs.pop(job.id, None)
            return
        self._settle(job)
        if found.status == "funded" and now(self._chain) < found.deadline:
            self._escrow.reject(job.id)

    def _settle(self, job: Tenancy) -> None:
        voucher = job.voucher
        if voucher is None or job.phase in ("submitted", "closed"):
            return
        if self._escrow.job(job.id).resource_seconds < voucher.resource_seconds:
            self._escrow.settle(voucher)

    def _manifest(self, job: Tenancy, record: dict[str, Any]) -> dict[str, Any]:
        content = self._describe(job)
        return {
            "v": 1,
            "kind": "sahara-lab/rented-run",
            "job": f"{job.id:#066x}",
            "provider": self._wallet.address,
            "client": job.state["client"],
            "status": str(record.get("status")),
            "code": {"sha256": hashlib.sha256(str(content["source"]).encode()).hexdigest()},
            "package": {"sha256": hashlib.sha256(job.package_file.read_bytes()).hexdigest()},
            "environment": as_text(record.get("versions", {})),
            "inputs": [str(name) for name in content["inputs"]],
            "collected": as_text(record.get("collected", [])),
            "parameters": as_text(
                {"workers": job.workers, "threads": int(content["threads"]), "trainer": record.get("trainer", {})}
            ),
            "metrics": as_text(record.get("metrics", {})),
            "steps": as_text(record.get("step")),
            "outputs": job.state["outputs"],
            "resource_seconds": job.used(),
            "hardware": {"cpu": self._offer.hardware.cpu, "gpus": list(self._offer.hardware.gpus)},
            "isolation": self._isolation.kind,
            "on_site": job.on_site,
            "pins": as_text(record.get("pins", {})),
            "segments": job.state.get("edges", []),
            "tolerance": as_text(content.get("tolerance")),
            "check": job.state.get("check", ""),
        }

    def close(self, patience: float = 60.0) -> None:
        """Stop what runs, with its results kept, and give renters ``patience`` seconds for their last vouchers."""
        for job in list(self.jobs.values()):
            job.stop("the provider is going down for a while")
        until = self._clock() + patience
        while self._clock() < until and any(map(_unfinished, list(self.jobs.values()))):
            self.tick()
            time.sleep(0.2)
        for job in list(self.jobs.values()):
            job.kill("the provider has gone down")


def _unfinished(job: Tenancy) -> bool:
    """Whether a job still does something by itself: runs, or waits for its last voucher and not for a person."""
    return job.phase == "running" or (job.phase == "ended" and job.state.get("gate") != "waiting")


def now(chain: Chain) -> int:
    """The chain's time, or this machine's where no block was made for a while."""
    return max(int(time.time()), int(chain.block().timestamp))

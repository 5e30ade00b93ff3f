"""Offering this machine: it is measured, registered with its price, and takes jobs behind a wall until it leaves."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain, Network, Wallet
from sahara_lab.compute.verification.attestation import TEE, Attestation, SimulatedTee
from sahara_lab.display import bundle, card, text_card
from sahara_lab.errors import FundsError, InputError, JobError
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.profile import Profile
from sahara_lab.rental.escrow import Escrow
from sahara_lab.rental.gate import MOST_BYTES
from sahara_lab.rental.guarding import Guard
from sahara_lab.rental.journal import read_state, write_state
from sahara_lab.rental.offers import Offer, Providers, measure
from sahara_lab.rental.provider import Provider
from sahara_lab.rental.sandbox import find_isolation
from sahara_lab.rental.staking import Staking
from sahara_lab.rental.upkeep import House
from sahara_lab.units import Wei, format_tokens, to_bytes, to_wei

if TYPE_CHECKING:
    from sahara_lab.rental.reviewing import Reviewing, Reviews

DAEMON, DRAINING = "daemon.json", "draining"
HEARTBEAT = 10
_SPARED = 0.8  # of the machine's memory, what jobs may have
_DISK = 0.5  # of what is free, what jobs may fill


@dataclass(frozen=True)
class MachineStatus:
    """What this machine's offer is and whether it is being served."""

    offer: Offer | None
    running: bool
    draining: bool
    isolation: str
    jobs: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        if self.offer is None:
            return "this account offers no machine"
        state = "draining" if self.draining else "taking jobs" if self.running else "not running"
        return f"{self.offer}; {state}, {len(self.jobs)} jobs at hand"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [("Isolation here", self.isolation)]
        if self.offer is not None:
            rows += [
                ("Hardware", str(self.offer.hardware)),
                ("Address", self.offer.url),
                ("Workers", self.offer.workers),
                ("A worker second", format_tokens(self.offer.rate)),
                ("Track record", self.offer.track_record),
            ]
        rows += [(str(job["name"] or job["job"][:12]), f"{job['phase']}, {job['used']} s used") for job in self.jobs]
        state = "draining" if self.draining else "taking jobs" if self.running else "not running"
        return bundle(text_card(self, rows), card("Provider", rows, badge=state))


class Machine:
    """This machine as its owner offers it. One daemon an account; its folder is ``provider-HANDLE`` in the profile."""

    def __init__(
        self,
        profile: Profile,
        network: Network,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        escrow: Callable[[], Escrow],
        staking: Callable[[], Staking],
        providers: Providers,
    ) -> None:
        self._profile = profile
        self._network = network
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._escrow = escrow
        self._staking = staking
        self._providers = providers
        self.folder = profile.folder / f"provider-{wallet.handle}"

    def join(
        self,
        *,
        rate: str,
        stake: str = "0",
        workers: int | None = None,
        host: str = "127.0.0.1",
        port: int = 8500,
        url: str | None = None,
        heartbeat: int = HEARTBEAT,
        unsafe_no_isolation: bool = False,
        simulated_tee: bool = False,
        tell: Callable[[str], None] = print,
        house: House | None = None,
    ) -> None:
        """Measure and register this machine, then serve until told to end (SIGTERM, Ctrl-C).

        Args:
            rate: price of one worker for one second, in whole tokens.
            stake: what stands behind each job; what is missing for as many jobs as workers is staked now.
            workers: how many run at the same time; one for each core when left out.
            url: where renters reach it, when that is not the loopback address it listens on.
            unsafe_no_isolation: run strangers' code without a wall; it can then do all that this user can.
            simulated_tee: put reports of a SIMULATED trusted machine into manifests, to try programs that read them.
            tell: told each step.

        Raises:
            JobError: the host offers no isolation, or the daemon runs already.
            FundsError: the account has not got the stake.
        """
        from filelock import FileLock, Timeout

        from sahara_lab.rental.provider_app import serve

        isolation = find_isolation()
        tee = SimulatedTee() if simulated_tee else None
        tell(f"isolation: {isolation}")
        if tee is not None:
            tell(f"attestation: {Attestation(TEE, tee.maker)}")
        if os.geteuid() == 0:
            tell("this runs as root; a user of its own for the provider would be a second wall")
        self._profile.private(self.folder)
        lock = FileLock(str(self.folder / "daemon.lock"), mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise JobError(f"{self._wallet.handle}'s machine is being served already") from None
        try:
            hardware = measure(self.folder)
            tell(f"measured: {hardware}")
            offer = Offer(
                provider=self._wallet.handle,
                agent=0,
                url=url or f"http://{host}:{port}",
                rate=to_wei(rate),
                workers=hardware.cores if workers is None else workers,
                stake=to_wei(stake),
                heartbeat=heartbeat,
                isolation=isolation.kind,
                hardware=hardware,
                tee=tee.maker if tee else "",
            )
            Offer.decode(offer.encode(), offer.provider, 0)
            limits = house or House(
                memory=int(hardware.memory * _SPARED) // offer.workers,
                disk=int(hardware.disk * _DISK) // offer.workers,
                unsafe=unsafe_no_isolation,
                tee=tee,
            )
            provider = Provider(
                self._profile,
                ChainManifestSource(self._profile, self._network, self._chain, self._directory),
                self._chain,
                self._directory,
                self._wallet,
                self._escrow(),
                offer,
                isolation,
                limits,
                self.folder,
                self._network.deployed_block,
                ask_check=self._providers.ask_check,
            )
            (self.folder / DRAINING).unlink(missing_ok=True)
            self._put_up_stake(offer, tell)

            def ready() -> None:
                agent = self._providers.announce(offer)
                write_state(self.folder / DAEMON, {"pid": os.getpid(), "url": offer.url, "agent": agent})
                tell(f"taking jobs at {offer.url} as agent {agent}, {format_tokens(offer.rate)} a worker second")
                for job in provider.status():
                    tell(f"going on with job {job['job'][:12]}: {job['phase']}")

            serve(provider, host, port, ready=ready)
            tell("stopped; jobs that had not ended go on when the provider comes back")
        finally:
            (self.folder / DAEMON).unlink(missing_ok=True)
            lock.release()

    def _put_up_stake(self, offer: Offer, tell: Callable[[str], None]) -> None:
        """Stake what is missing for as many jobs as there are workers."""
        if not offer.stake:
            return
        missing = offer.stake * offer.workers - self._staking().status().total
        if missing > 0:
            tell(f"staking {format_tokens(Wei(missing))} behind this machine")
            text = format_tokens(Wei(missing), "").strip().replace(",", "")
            try:
                self._staking().stake(text)
            except FundsError as error:
                raise FundsError(f"the stake cannot be put up: {error.message}", hint="Ask for less --stake") from error

    def status(self) -> MachineStatus:
        """What is registered, whether it is being served, and the jobs at hand by their journals."""
        offers = [offer for offer in self._providers.all() if offer.provider == self._wallet.handle]
        return MachineStatus(
            offer=offers[0] if offers else None,
            running=self._daemon() is not None,
            draining=(self.folder / DRAINING).exists(),
            isolation=str(find_isolation()),
            jobs=tuple(self._jobs()),
        )

    @cached_property
    def reviews(self) -> Reviewing:
        """Jobs on own data that must not leave: their code, their results, and what was approved."""
        from sahara_lab.rental.reviewing import Reviewing

        source = ChainManifestSource(self._profile, self._network, self._chain, self._directory)
        return Reviewing(source, self._chain, self._directory, self._wallet, self.folder)

    def review(self) -> Reviews:
        """What waits for this account's word: strangers' code that is to run on its data, and results of such code."""
        return self.reviews.all()

    def guard(self, asset: str, canaries: Sequence[Sequence[Any]] = (), most: str | int = MOST_BYTES) -> Guard:
        """Say what must not leave with results of jobs on an own asset; replaces what was said before.

        Args:
            canaries: rows of the data that are looked for in results; a result that holds one is not released.
            most: size of all results of a job together, like "16 MB".

        Raises:
            AccessDenied: the asset belongs to another account.
            InputError: a row is too common to be looked for.
        """
        return self.reviews.guard(asset, canaries, to_bytes(most))

    def drain(self) -> None:
        """Take no more jobs; those that run go on to their end.

        Raises:
            InputError: the daemon does not run.
        """
        if self._daemon() is None:
            raise InputError("this machine is not being served", hint="Run: sahara-lab provider join")
        (self.folder / DRAINING).touch()

    def leave(self) -> bool:
        """Take the offer back; whether there was one. Stake stays until it is unstaked.

        Raises:
            JobError: jobs are at hand still.
        """
        open_jobs = list(self._jobs())
        if open_jobs:
            raise JobError(
                f"{len(open_jobs)} jobs are not concluded",
                hint="Run: sahara-lab provider drain, and wait for their end",
            )
        return self._providers.withdraw()

    def _daemon(self) -> dict[str, Any] | None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            found: dict[str, Any] = json.loads((self.folder / DAEMON).read_text())
            os.kill(int(found["pid"]), 0)
            return found
        return None

    def _jobs(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted(self.folder.glob("jobs/*/state.json")):
            with contextlib.suppress(Exception):
                state = read_state(Path(path))
                if state["phase"] != "closed":
                    found.append({"job": f"0x{path.parent.name}", **{k: state[k] for k in ("name", "phase", "used")}})
        return found

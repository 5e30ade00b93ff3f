"""Renting: a quote before anything is spent, then a job on somebody else's machine that looks like any other."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.compute import Job, capture
from sahara_lab.compute.link import Link
from sahara_lab.compute.record import FINAL, JobFolder, Record, new_job_id, now
from sahara_lab.compute.verification import Tolerance
from sahara_lab.compute.verification.attestation import RECOMPUTED, attestation_of
from sahara_lab.display import bundle, card, text_card
from sahara_lab.errors import JobError, NetworkError, PriceError, SaharaError
from sahara_lab.identity import Directory
from sahara_lab.licensing.terms import format_duration
from sahara_lab.rental.delivery import RESULTS
from sahara_lab.rental.escrow import BOND_BPS, Escrow
from sahara_lab.rental.gateway import Gateway
from sahara_lab.rental.journal import write_state
from sahara_lab.rental.matching import chosen_by, matching
from sahara_lab.rental.offers import Offer, Providers
from sahara_lab.rental.renting import PACKAGE, PATIENCE, STATE, STOP, Rental, drive_in_background
from sahara_lab.rental.sandbox import UNSAFE
from sahara_lab.rental.sealed import binding, job_key, seal_package
from sahara_lab.units import Wei, format_tokens, to_tokens, to_wei

if TYPE_CHECKING:
    from sahara_lab.compute.verification import Verdict
    from sahara_lab.licensing.vaults import Vaults
    from sahara_lab.rental.recompute import Recomputed

LASTS = 24 * 3600
_MARGIN = 2 * 3600
_REVIEWED_WITHIN = 3 * 24 * 3600  # that the owner of data has to look at code, and again at results


@dataclass(frozen=True)
class RentQuote:
    """What renting would cost, before anything is spent. Amounts in wei.

    Attributes:
        deposit: what goes into the escrow; what is not used comes back.
        bond: kept back from the cap, for a dispute.
        seconds: how long the workers run for the deposit.
        on_site: inputs whose data stays with the provider, who owns it.
    """

    offer: Offer
    workers: int
    deposit: Wei
    bond: Wei
    seconds: int
    on_site: tuple[str, ...] = ()

    @property
    def each_minute(self) -> Wei:
        return Wei(60 * self.workers * self.offer.rate)

    def __str__(self) -> str:
        return (
            f"{self.workers} workers of {self.offer.provider} for {format_tokens(self.each_minute)} a minute, paid as "
            f"they run; {format_tokens(self.deposit)} is deposited, for at most {format_duration(self.seconds)}, and "
            f"what is not used comes back. {format_tokens(self.offer.stake)} of the provider's stake stands behind it. "
            f"Isolation: {self.offer.isolation}. Attestation: {self.offer.attestation}. "
            f"The provider can see the code and the inputs' data"
            f"{'. ' + self._stays if self.on_site else ''}"
        )

    @property
    def _stays(self) -> str:
        return (
            f"The data of {', '.join(self.on_site)} stays with {self.offer.provider}, who approves the code before it "
            "runs and releases its results"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Machine", str(self.offer.hardware)),
            ("Workers", self.workers),
            ("Each minute", format_tokens(self.each_minute)),
            ("Deposit", format_tokens(self.deposit)),
            ("At most", format_duration(self.seconds)),
            ("Provider's stake behind it", format_tokens(self.offer.stake)),
            ("Track record", self.offer.track_record),
            ("Isolation", self.offer.isolation),
            ("Attestation", self.offer.attestation),
            *([("Data", self._stays)] if self.on_site else []),
        ]
        return bundle(text_card(self, rows), card(self.offer.provider, rows, badge="rent"))


class RentedJob(Job):
    """A job on a provider's machine. Its folder is here; what drives it is this process, or the next that asks."""

    def __init__(self, folder: JobFolder, link: Callable[[str | None], Link], drive: Callable[[], object]) -> None:
        super().__init__(folder, link)
        self._drive = drive

    def record(self) -> Record:
        return self._folder.read()

    @property
    def cost(self) -> str | None:
        """What was signed for so far, or was paid."""
        cost = self._folder.read().get("cost")
        return None if cost is None else str(cost)

    @property
    def provider(self) -> str:
        return str(self._folder.read()["provider"])

    @property
    def verdict(self) -> str | None:
        """What computing a segment of it again has shown, in one line."""
        found = self._folder.read().get("verdict")
        return None if found is None else str(found["text"])

    @property
    def attestation(self) -> str:
        """What speaks for the result: ``none``, ``recomputed`` (a segment of it), or a trusted machine's report."""
        found = self._folder.read().get("verdict")
        if found is not None and found["attestation"] == RECOMPUTED:
            return RECOMPUTED
        manifest = json.loads(self._folder.manifest.read_bytes()) if self._folder.manifest.exists() else {}
        return str(attestation_of(manifest))

    @property
    def results(self) -> list[Path]:
        """Files that the job left beside its weights and were released: safetensors, JSON and CSV."""
        return sorted((self._folder.path / RESULTS).glob("[!.]*"))

    def stop(self, *, force: bool = False) -> None:
        """Stop paying: the workers stop at an agreed step, results are fetched, and the rest of the deposit comes back.

        Args:
            force: makes no difference here: the provider's workers stop within seconds, or are not paid.
        """
        if not self.finished:
            (self._folder.path / STOP).touch()
            self.resume()

    def resume(self) -> RentedJob:
        """See that something drives the job, after a restart of the kernel for example."""
        if not self.finished:
            self._drive()
        return self

    def wait(self, on_event: Callable[[dict[str, Any]], None] | None = None, timeout: float | None = None) -> RentedJob:
        self.resume()
        super().wait(on_event, timeout)
        return self

    def watch(
        self, on_event: Callable[[dict[str, Any]], None] | None = None, on_stop: Callable[[], None] | None = None
    ) -> RentedJob:
        self.resume()
        super().watch(on_event, on_stop)
        return self

    @property
    def finished(self) -> bool:
        return str(self._folder.read()["status"]) in FINAL


class Rentals:
    """The jobs that one account has on others' machines."""

    def __init__(
        self,
        jobs: Path,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        escrow: Callable[[], Escrow],
        providers: Providers,
        vaults: Vaults,
    ) -> None:
        self._jobs = jobs
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._escrow = escrow
        self._providers = providers
        self._vaults = vaults
        self._driving: dict[str, Any] = {}

    def quote(self, provider: str, *, max_price: str | Wei, workers: int = 2) -> RentQuote:
        """What :meth:`rent` with the same arguments would do; spends nothing.

        Args:
            provider: a handle or address, or "any" for the cheapest that has room; "any:reputation", "any:speed" and
                "any:gpu" choose by that.
            max_price: the most to spend, in whole tokens; a bond for a dispute is kept back from it.

        Raises:
            PriceError: the cap does not pay for half a minute there.
            NotFound: there is no such provider.
            JobError: none has room for the workers.
            NetworkError: it does not answer.
        """
        cap = to_wei(max_price) if isinstance(max_price, str) else max_price
        chosen = chosen_by(provider)
        if chosen is None:
            offer = self._providers.get(provider)
            self._ask(offer, workers)
            return self._quoted(offer, workers, cap)
        why: list[str] = []
        for offer in matching(self._providers.all(), *chosen):
            if offer.isolation.startswith(UNSAFE):
                why.append(f"{offer.provider}: no isolation, so it must be named")
                continue
            try:
                self._ask(offer, workers)
                return self._quoted(offer, workers, cap)
            except SaharaError as error:
                why.append(f"{offer.provider}: {error.message}")
                if isinstance(error, PriceError) and chosen[1] == "price":
                    break  # all that follow are dearer
        reasons = "; ".join(why[:3]) or "none is registered that has what is wanted"
        raise JobError(f"no provider can take {workers} workers now ({reasons})", hint="See: sahara-lab provider list")

    def _ask(self, offer: Offer, workers: int) -> None:
        """See that a provider answers as it registered, and has room."""
        info = Gateway(offer.url, 0, bytes(32)).info()
        escrow = self._chain.contract("ComputeEscrow").address
        if info.get("provider") != self._directory.address(offer.provider) or info.get("escrow") != escrow:
            raise NetworkError(f"at {offer.url} is somebody else than {offer.provider}")
        if str(info.get("rate")) != str(offer.rate):
            raise PriceError(f"{offer.provider} asks another price than it registered")
        free = info.get("free")
        if not isinstance(free, int) or free < workers:
            raise JobError(f"{offer.provider} has {free} workers free of {offer.workers}, not {workers}")

    @staticmethod
    def _quoted(offer: Offer, workers: int, cap: Wei) -> RentQuote:
        deposit = Wei(cap * 10_000 // (10_000 + BOND_BPS))
        seconds = deposit // (offer.rate * workers)
        if seconds < max(30, 3 * offer.heartbeat):
            dear = format_tokens(Wei(60 * workers * offer.rate))
            raise PriceError(
                f"{workers} workers of {offer.provider} cost {dear} a minute: a cap of {format_tokens(cap)} is too low",
                hint="Raise --max-price, or take fewer --workers",
            )
        return RentQuote(offer, workers, deposit, Wei(cap - deposit), min(int(seconds), LASTS))

    def rent(
        self,
        source: str,
        namespace: Mapping[str, Any],
        *,
        provider: str,
        max_price: str | Wei,
        workers: int = 2,
        inputs: Sequence[str] = (),
        name: str | None = None,
        recompute: bool = False,
        segments: int | None = None,
        seed: int | None = None,
        on_site: Sequence[str] = (),
    ) -> RentedJob:
        """Run a cell on a provider's machine and return its job once the budget is deposited.

        Args:
            inputs: assets as ``owner/name@version``; the provider's workers get their keys and no others.
            recompute: before the job is complete, run it again here; other weights are disputed.
            segments: keep up to so many checkpoints; before the job is complete, the run from one to the next, chosen
                by a block's hash, is computed again here, and disputed if it is not the same.
            seed: makes the run repeatable; one is chosen when left out.
            on_site: those of the inputs that stay with the provider, who owns them, approves the cell and releases
                its results. Nothing but the cell is sent then, for a person has to be able to read it.

        Raises:
            PriceError, NotFound, NetworkError: as for :meth:`quote`.
            JobError: the cell cannot be sent.
            FundsError: the balance is smaller than the deposit.
        """
        captured = capture(source, {} if on_site else namespace)
        if on_site:
            _require_whole(source, namespace, recompute or segments is not None)
        quote = self.quote(provider, max_price=max_price, workers=workers)
        offer, escrow = quote.offer, self._escrow()
        folder = JobFolder(self._jobs / new_job_id())
        job_id = escrow.job_id(folder.id)
        address = self._directory.address(offer.provider)
        package = seal_package(
            self._directory.encryption_key(offer.provider),
            binding(self._chain.chain_id, self._chain.contract("ComputeEscrow").address, job_id, address),
            job_key(self._wallet.encryption_key, job_id),
            {
                "v": 1,
                "source": source,
                "sources": dict(captured.sources),
                "names": base64.b64encode(captured.blob).decode(),
                "workers": workers,
                "threads": max(1, offer.hardware.cores // offer.workers),
                "inputs": list(inputs),
                "on_site": list(on_site),
                "name": name,
                "seed": secrets.randbits(32) if seed is None else seed,
                "segments": segments,
                "tolerance": Tolerance().as_json(),
            },
        )
        folder.create(_record(folder.id, name, workers, inputs, captured.names, offer), source)
        (folder.path / PACKAGE).write_bytes(package)
        state = _state(folder.id, job_id, quote, package, list(inputs), captured.names)
        if on_site:
            state["lasts"] += _REVIEWED_WITHIN
        state |= {"recompute": recompute, "segments": segments or 0, "on_site": list(on_site)}
        write_state(folder.path / STATE, {**state, "block": self._chain.block().number})
        rental = self._rental(folder)
        try:
            rental.open()
        except BaseException as error:
            self._abandon(rental, error)
            raise
        return self._job(folder).resume()

    def jobs(self) -> list[RentedJob]:
        """The rented jobs of this machine, newest first."""
        found = sorted(self._jobs.glob(f"*/{STATE}"), reverse=True)
        return [self._job(JobFolder(path.parent)) for path in found]

    def job(self, job: Job) -> Job:
        """A job as a rented one, if it is."""
        return self._job(JobFolder(job.folder)) if (job.folder / STATE).exists() else job

    def recover(self) -> list[RentedJob]:
        """Bring to their end what a crash left behind; returns the jobs that are driven again."""
        left = []
        for job in self.jobs():
            rental = self._rental(JobFolder(job.folder))
            if not rental.closed and rental.id == self._escrow().job_id(rental.state["name"]):
                self._drive(JobFolder(job.folder))
                left.append(job)
        return left

    def _rental(self, folder: JobFolder) -> Rental:
        return Rental(
            folder, self._chain, self._directory, self._wallet, self._escrow(), self._keys, self._refs,
            self._providers.answer_check,
        )  # fmt: skip

    def _keys(self, inputs: list[str]) -> list[dict[str, Any]]:
        from sahara_lab.rental.reading import key_of

        return [key_of(self._vaults.vault(name, use="training")) for name in inputs]

    def _refs(self, inputs: list[str]) -> list[dict[str, Any]]:
        from sahara_lab.rental.reading import ref_to_json

        refs = [self._vaults.vault(name).ref for name in inputs]
        return [ref_to_json(ref, ref.location) for ref in refs]

    def recompute(self, job: RentedJob) -> Recomputed:
        """Run a finished job again on this machine, and compare its weights with those that were delivered.

        Raises:
            JobError: it did not come to its end, or there are no weights.
        """
        return self._rental(JobFolder(job.folder)).recompute()

    def verify(self, job: RentedJob, **given: Any) -> Verdict:
        """Compute a segment of a finished job again on this machine; see :meth:`Rental.verify`."""
        return self._rental(JobFolder(job.folder)).verify(**given)

    def _job(self, folder: JobFolder) -> RentedJob:
        return RentedJob(folder, lambda _: Link(self._jobs), lambda: self._drive(folder))

    def _drive(self, folder: JobFolder) -> None:
        thread = self._driving.get(folder.id)
        if thread is None or not thread.is_alive():
            self._driving[folder.id] = drive_in_background(self._rental(folder))

    def _abandon(self, rental: Rental, error: BaseException) -> None:
        """Opening failed or was interrupted: nothing was handed over, so all that was deposited comes back."""
        (rental.folder.path / STOP).touch()
        if isinstance(error, SaharaError) and not isinstance(error, NetworkError):
            rental.say("failed", str(error), finished=now(), error=_error(str(error)))
            if rental._contract.call("getJob", rental.id)["status"] == 0:
                rental.write(phase="closed", outcome="never opened")
                return
        self._drive(rental.folder)


def _require_whole(source: str, namespace: Mapping[str, Any], recompute: bool) -> None:
    """See that a cell needs nothing of the notebook.

    Raises:
        JobError: it uses variables, which travel as a pickle that nobody can read.
    """
    if recompute:
        raise JobError(
            "a job on data that is not here cannot be run again here", hint="Leave --recompute and --segments out"
        )
    used = [item.name for item in capture(source, namespace).names]
    if used:
        raise JobError(
            f"the cell uses {', '.join(used[:5])} from the notebook; the data's owner has to read all that runs on it",
            hint="Write it into the cell",
        )


def _record(id: str, name: str | None, workers: int, inputs: Sequence[str], captured: Any, offer: Offer) -> Record:
    return {
        "v": 1,
        "id": id,
        "name": name,
        "status": "starting",
        "message": "",
        "created": now(),
        "created_at": time.time(),
        "workers": workers,
        "provider": offer.provider,
        "inputs": list(inputs),
        "captured": [{"name": item.name, "type": item.type, "size": item.size} for item in captured],
        "cwd": str(Path.cwd()),
        "resume": None,
        "metrics": {},
        "error": None,
        "client": 0,
        "keeper": None,
        "cost": "0 SAHARA",
    }


def _state(id: str, job_id: int, quote: RentQuote, package: bytes, inputs: list[str], captured: Any) -> dict[str, Any]:
    import hashlib

    offer = quote.offer
    return {
        "v": 1,
        "phase": "open",
        "name": id,
        "job_id": f"{job_id:#066x}",
        "provider": offer.provider,
        "url": offer.url,
        "rate": str(to_tokens(offer.rate)),
        "rate_wei": str(offer.rate),
        "budget": str(to_tokens(quote.deposit)),
        "stake": str(to_tokens(offer.stake)),
        "lasts": quote.seconds + _MARGIN,
        "heartbeat": offer.heartbeat,
        "patience": PATIENCE,
        "workers": quote.workers,
        "inputs": inputs,
        "spec": hashlib.sha256(package).hexdigest(),
        "classes": sorted({item.type for item in captured} | {item.name for item in captured}),
        "signed": 0,
        "counted": 0.0,
        "counted_at": time.time(),
    }


def _error(message: str) -> dict[str, Any]:
    return {"message": message, "line": None, "traceback": None, "type": None}

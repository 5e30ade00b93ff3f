"""A machine for rent: takes jobs that the escrow has funded, runs them behind a wall, is paid by voucher.

Every answer to a renter and every step on chain follows from a job's journal and the chain's own record of it, so that
a provider that was killed goes on where it was. Specified in docs/spec/renting.md.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sahara_lab.chain import Chain, Wallet
from sahara_lab.chain.client import decode_log
from sahara_lab.compute.options import MOST_SEGMENTS
from sahara_lab.errors import AccessDenied, InputError, IntegrityError, JobError, NotFound, SaharaError
from sahara_lab.identity import Directory
from sahara_lab.identity.directory import ZERO_ADDRESS
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.profile import Profile
from sahara_lab.rental import sandbox
from sahara_lab.rental.approvals import code_digest
from sahara_lab.rental.escrow import Escrow, EscrowJob
from sahara_lab.rental.journal import write_state
from sahara_lab.rental.offers import Offer
from sahara_lab.rental.on_site import Input, OnSite
from sahara_lab.rental.reading import pinned, ref_to_json
from sahara_lab.rental.sandbox import Isolation
from sahara_lab.rental.sealed import MOST_PACKAGE, Line, binding, open_package, opening
from sahara_lab.rental.tenancy import PAGE, Tenancy
from sahara_lab.rental.upkeep import AskCheck, House, Upkeep, now
from sahara_lab.rental.vouchers import UsageVoucher, typed_data
from sahara_lab.units import format_tokens

_log = logging.getLogger(__name__)

MOST_HOLDBACK_BPS = 2_000
MOST_LINES = 8
MOST_INPUTS = 64
_NO_NAMES = base64.b64encode(pickle.dumps({})).decode()
LEAST_TIME = 120  # seconds that a job must have before its deadline when it is taken


class Provider:
    """The jobs on one machine. ``folder`` holds their journals; nothing in it opens without the wallet."""

    def __init__(
        self,
        profile: Profile,
        source: ChainManifestSource,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        escrow: Escrow,
        offer: Offer,
        isolation: Isolation,
        house: House,
        folder: Path,
        from_block: int = 0,
        clock: Callable[[], float] = time.monotonic,
        ask_check: AskCheck | None = None,
    ) -> None:
        if not isolation.safe and not house.unsafe:
            raise JobError(
                f"this machine cannot keep strangers' code apart from you: {isolation.detail}",
                hint="Install bubblewrap; or, knowing that their code can do all that you can: --unsafe-no-isolation",
            )
        self.offer = offer
        self.isolation = isolation
        self._profile = profile
        self._source = source
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._escrow = escrow
        self._house = house
        self._from_block = from_block
        self._clock = clock
        self._contract = chain.contract("ComputeEscrow")
        self._jobs_folder = profile.private(folder) / "jobs"
        self._jobs_folder.mkdir(exist_ok=True)
        self._drain_file = folder / "draining"
        self._on_site = OnSite(source, chain, directory, wallet, isolation, folder)
        self._lock = threading.RLock()
        self._keys: dict[int, tuple[bytes, dict[str, Any]]] = {}
        self._lines: dict[int, list[Line]] = {}
        self._asked: set[tuple[int, bytes]] = set()
        self.jobs: dict[int, Tenancy] = {}
        for path in sorted(self._jobs_folder.glob("*/state.json")):
            self._restore(path.parent)
        self._upkeep = Upkeep(
            self.jobs,
            chain,
            wallet,
            escrow,
            offer,
            isolation,
            house,
            self._on_site,
            lambda job: self._opened(job)[1],
            lambda: self.draining,
            clock,
            ask_check,
        )

    def _restore(self, folder: Path) -> None:
        """A job of before a crash: its processes are gone and its keys with them, its journal is not."""
        try:
            job = self._tenancy(folder)
        except IntegrityError as error:
            _log.error("%s", error)
            return
        if job.phase in ("accepting", "running"):
            # What ran since the last voucher is not counted: nobody can say how long that was.
            job.write(phase="waiting", used=job.acknowledged)
        if job.phase != "closed":
            self.jobs[job.id] = job

    def _tenancy(self, folder: Path) -> Tenancy:
        return Tenancy(folder, self.isolation, unsafe=self._house.unsafe, clock=self._clock)

    # -- what anyone may ask ------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        return self._drain_file.exists()

    def drain(self, on: bool = True) -> None:
        """Take no more jobs; those that run go on."""
        self._drain_file.touch() if on else self._drain_file.unlink(missing_ok=True)

    @property
    def busy(self) -> int:
        """Workers that run or are promised."""
        return sum(job.workers for job in list(self.jobs.values()) if job.phase in ("accepting", "running", "waiting"))

    @property
    def free(self) -> int:
        return max(0, self.offer.workers - self.busy)

    def info(self) -> dict[str, Any]:
        """What this machine is and does now."""
        return {
            "v": 1,
            "provider": self._wallet.address,
            "chain_id": self._chain.chain_id,
            "escrow": self._contract.address,
            "rate": str(self.offer.rate),
            "stake": str(self.offer.stake),
            "heartbeat": self.offer.heartbeat,
            "workers": self.offer.workers,
            "free": 0 if self.draining else self.free,
            "draining": self.draining,
            "isolation": self.isolation.kind,
            "memory": self._house.memory,
            "disk": self._house.disk,
            "jobs": len(self.jobs),
            "time": int(time.time()),
        }

    # -- taking a job -------------------------------------------------------------------------------------------------

    def check(self, job_id: int) -> EscrowJob:
        """Whether a job in the escrow is one this machine would take now.

        Raises:
            NotFound: the escrow has no such job.
            AccessDenied: it is not for this provider, not funded, or its terms are not those offered.
            JobError: there is no room.
        """
        job = self._escrow.job(job_id)
        if self._directory.address(job.provider) != self._wallet.address:
            raise AccessDenied("the job is for another provider")
        if job_id in self.jobs:
            return job
        if job.status != "funded" or job.accepted:
            raise AccessDenied(f"the job is {job.status}, and has to be funded", hint="Fund it in the escrow first")
        self._check_terms(job)
        if self.draining:
            raise JobError("this provider takes no more jobs: it is draining", hint="Take another one")
        return job

    def _check_terms(self, job: EscrowJob) -> None:
        offered = self.offer
        if job.rate < offered.rate:
            raise AccessDenied(f"the price here is {format_tokens(offered.rate)} a worker second")
        if job.stake > offered.stake:
            raise AccessDenied(f"at most {format_tokens(offered.stake)} of stake stands behind a job here")
        if job.holdback_bps > MOST_HOLDBACK_BPS:
            raise AccessDenied(f"at most {MOST_HOLDBACK_BPS // 100}% may be held back here")
        if job.evaluator != self._directory.handle(self._chain.addresses["SaharaTimelock"]):
            raise AccessDenied("disputes about jobs here are judged by the DAO")
        if job.deadline - now(self._chain) < LEAST_TIME:
            raise AccessDenied("the job's deadline is too near")
        if job.budget < job.rate * offered.heartbeat:
            raise AccessDenied("the budget does not pay for one heartbeat")

    def take(self, job_id: int, package: bytes) -> dict[str, Any]:
        """Take the package of a funded job: it must be the one that the renter wrote into the escrow.

        Raises:
            AccessDenied, JobError, NotFound: as for :meth:`check`.
            IntegrityError: it is another package, or sealed to somebody else.
        """
        found = self.check(job_id)
        with self._lock:
            if job_id in self.jobs:
                return {"phase": self.jobs[job_id].phase}
            if len(package) > MOST_PACKAGE or hashlib.sha256(package).digest() != self._spec(job_id):
                raise IntegrityError("this is not the package that the renter wrote into the escrow")
            key, content = open_package(self._wallet.encryption_key, self._bound(job_id), package)
            workers = int(content.get("workers", 0))
            if not 1 <= workers <= self.free:
                raise JobError(f"{workers} workers are not free here", hint=f"Free now: {self.free}")
            for name in content["inputs"][:MOST_INPUTS]:
                self._input(str(name))
            if len(content["inputs"]) > MOST_INPUTS:
                raise InputError(f"a job has at most {MOST_INPUTS} inputs")
            on_site = [str(name) for name in content.get("on_site", [])]
            if not set(on_site) <= {str(name) for name in content["inputs"]}:
                raise InputError("what must not leave is not among the job's inputs")
            if on_site:
                self._on_site.check(on_site, self._directory.address(found.client))
            folder = self._jobs_folder / f"{job_id:064x}"
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "package").write_bytes(package)
            state = {
                "phase": "taken",
                "client": self._directory.address(found.client),
                "workers": workers,
                "rate": str(found.rate),
                "most": found.budget // found.rate,
                "used": 0,
                "name": str(content.get("name") or "")[:100],
                "taken_at": time.time(),
                "on_site": on_site,
                "segments": 0 if on_site else min(int(content.get("segments") or 0), MOST_SEGMENTS),
                "code": code_digest(str(content["source"])).hex(),
            }
            write_state(folder / "state.json", state)
            self.jobs[job_id] = self._tenancy(folder)
            self._keys[job_id] = (key, content)
        return {"phase": "taken"}

    def _spec(self, job_id: int) -> bytes:
        """What the renter wrote into the escrow about the job, by the chain's own index of jobs."""
        topic = self._contract.abi.events["JobCreated"].topic
        query = {
            "address": self._contract.address,
            "fromBlock": hex(self._from_block),
            "toBlock": "latest",
            "topics": [topic, f"{job_id:#066x}"],
        }
        logs = self._chain.rpc("eth_getLogs", query)
        events = [decode_log({self._contract.address.lower(): self._contract}, log) for log in logs]
        specs = [event.args["terms"]["spec"] for event in events if event is not None]
        if not specs:
            raise NotFound("the escrow's record of the job is not to be found")
        return bytes(specs[0])

    def _bound(self, job_id: int) -> bytes:
        return binding(self._chain.chain_id, self._contract.address, job_id, self._wallet.address)

    def _opened(self, job: Tenancy) -> tuple[bytes, dict[str, Any]]:
        """A job's key and description; opened again from its package after a crash."""
        if job.id not in self._keys:
            package = job.package_file.read_bytes()
            self._keys[job.id] = open_package(self._wallet.encryption_key, self._bound(job.id), package)
        return self._keys[job.id]

    def _input(self, name: str) -> tuple[dict[str, Any], Path]:
        """A version as the chain anchors it, and the folder with its ciphertext.

        Anyone can write any location on chain, so only what lies in this network's own storage is shown to a job.

        Raises:
            AccessDenied: it lies elsewhere.
        """
        plain, version = pinned(name)
        ref = self._source.resolve(plain, version)
        place = Path(unquote(urlsplit(ref.location).path)).resolve()
        inside = ref.location.startswith("file://") and place.is_relative_to(self._profile.storage.resolve())
        if not inside or not place.is_dir() or place == self._profile.storage.resolve():
            raise AccessDenied(f"this provider cannot reach the files of {name}", hint="Take another provider")
        return ref_to_json(ref, place.as_uri()), place

    # -- a job's messages ---------------------------------------------------------------------------------------------

    def open_line(self, job_id: int, asked: bytes) -> bytes:
        """Open a line for a job's messages; both sides' numbers are in it, so that no message of before is good on it.

        Raises:
            NotFound: there is no such job here.
            IntegrityError: not the renter asks, or an asking is repeated.
        """
        job = self._job(job_id)
        key, _ = self._opened(job)
        nonce, mine = opening(key, job_id, asked), os.urandom(16)
        with self._lock:
            if (job_id, nonce) in self._asked:
                raise IntegrityError("that line was opened before")
            self._asked.add((job_id, nonce))
            lines = self._lines.setdefault(job_id, [])
            lines.append(Line(key, job_id, nonce + mine, renter=False))
            del lines[:-MOST_LINES]
        return mine

    def message(self, job_id: int, data: bytes) -> bytes:
        """Answer one message of a job's renter.

        Raises:
            NotFound: there is no such job here.
            IntegrityError: it is not from the renter, or was sent before.
        """
        job = self._job(job_id)
        for line in reversed(list(self._lines.get(job_id, []))):
            try:
                number, content = line.open(data)
            except IntegrityError:
                continue
            try:
                answer = self._answer(job, content)
            except SaharaError as error:
                answer = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
            return line.seal(answer, number)
        raise IntegrityError("the message does not open: it is not of this job, or was sent before")

    def _job(self, job_id: int) -> Tenancy:
        job = self.jobs.get(job_id)
        if job is None and (self._jobs_folder / f"{job_id:064x}" / "state.json").exists():
            job = self._tenancy(self._jobs_folder / f"{job_id:064x}")  # closed; its results are still here
        if job is None:
            raise NotFound("this provider has no such job")
        return job

    def _answer(self, job: Tenancy, content: dict[str, Any]) -> dict[str, Any]:
        job.touched = self._clock()
        match content.get("op"):
            case "begin":
                return self._begin(job, list(content.get("keys", [])))
            case "poll":
                if content.get("voucher"):
                    self._acknowledge(job, dict(content["voucher"]))
                return self._poll(job, int(content.get("cursor", 0)))
            case "stop":
                job.stop("the renter stopped it")
                return {"phase": job.phase}
            case "file":
                if not job.released:
                    raise InputError("results are handed out once they are submitted")
                return job.chunk(str(content.get("name", "")), int(content.get("offset", 0)))
        raise InputError("unknown kind of message")

    def _begin(self, job: Tenancy, keys: list[dict[str, Any]]) -> dict[str, Any]:
        """Accept the job, and start it with the keys of its inputs; begin again after a crash of either side."""
        with self._lock:
            if job.phase not in ("taken", "waiting", "accepting") or job.running:
                return {"phase": job.phase}
            _, content = self._opened(job)
            wanted = ("source", "sources", "names", "workers", "threads")
            description = {name: content[name] for name in wanted}
            description |= {name: content.get(name) for name in ("seed", "segments")}
            copies: list[Input] = []
            if job.on_site:
                why = self._not_yet(job, str(content["source"]))
                if why:
                    return {"phase": job.phase, "waits": why}
                copies = self._on_site.inputs(job) or []
                if not copies:
                    return {"phase": job.phase, "waits": "the owner's machine prepares the data"}
                keys = [key for key in keys if f"{key['name']}@{key['version']}" not in job.on_site]
                description |= {"sources": {}, "names": _NO_NAMES}  # a person looked at the cell, and at nothing else
            others = [self._input(str(name)) for name in content["inputs"] if name not in job.on_site]
            inputs = [*others, *((ref, place) for ref, _, place in copies)]
            if job.phase != "waiting":
                job.write(phase="accepting")
            if not self._escrow.job(job.id).accepted:
                self._escrow.accept(job.id)
            places = [(place, str(n)) for n, (_, place) in enumerate(inputs)]
            refs = [
                {**ref, "location": f"file://{sandbox.input_inside(self.isolation, place, str(n))}"}
                for n, (ref, place) in enumerate(inputs)
            ]
            given = [*keys, *(key for _, key, _ in copies)]
            job.start({**description, "refs": refs, "keys": given, "account": job.state["client"]}, places)
        return {"phase": job.phase}

    def _not_yet(self, job: Tenancy, source: str) -> str:
        """Why a job on data that must not leave cannot begin now, in words; asked each time, as licenses end.

        Raises:
            AccessDenied: it never can.
        """
        self._on_site.check(job.on_site, job.state["client"])
        if not self._on_site.approved(job.on_site, source):
            return f"{self._wallet.handle} has to approve the code"
        if job.phase == "taken" and job.workers > self.free:
            return f"{job.workers} workers are not free there now"
        return ""

    def _acknowledge(self, job: Tenancy, document: dict[str, Any]) -> None:
        """Keep a voucher that would be paid; it is on disk before the renter hears of it."""
        voucher = UsageVoucher.from_json(document)
        if voucher.job_id != job.id:
            raise InputError("the voucher is for another job")
        if voucher.resource_seconds <= job.acknowledged:
            return
        self._escrow.verify(voucher)
        job.write(voucher=voucher.to_json())

    def _poll(self, job: Tenancy, cursor: int) -> dict[str, Any]:
        used = job.used()
        events = [] if job.on_site else job.events  # the code chose what they say
        answer: dict[str, Any] = {
            "phase": job.phase,
            "events": events[cursor : cursor + PAGE],
            "cursor": min(len(events), max(0, cursor) + PAGE),
            "acknowledged": job.acknowledged,
            "problem": job.state.get("problem", ""),
        }
        due = used - job.acknowledged >= self.offer.heartbeat * job.workers or job.phase == "ended"
        if job.phase == "ended" and job.on_site:
            answer["waits"] = f"{self._wallet.handle} has to release the results"
        if used > job.acknowledged and due:
            answer["claim"] = self._claim(job, used)
        if job.released:
            answer["envelope"] = job.state.get("envelope", "")
            answer["outputs"] = job.state.get("outputs", {})
            answer["record"] = job.state.get("record", {})
        return answer

    def _claim(self, job: Tenancy, used: int) -> dict[str, str]:
        """This provider's own word on what was used, signed like the voucher that answers it."""
        message = typed_data(UsageVoucher, self._contract, self._chain.chain_id, job.id, used)
        return UsageVoucher(job.id, used, self._wallet.sign_typed_data(message).hex()).to_json()

    def tick(self) -> None:
        """Do what is due without being asked. Called about once a second."""
        self._upkeep.tick()

    def close(self, patience: float = 60.0) -> None:
        """Stop what runs, with its results kept, and give renters ``patience`` seconds for their last vouchers."""
        self._upkeep.close(patience)

    def status(self) -> list[dict[str, Any]]:
        """The jobs at hand, for their operator."""
        return [
            {
                "job": f"{job.id:#066x}",
                "name": job.state.get("name", ""),
                "client": self._directory.handle(job.state.get("client", ZERO_ADDRESS)),
                "phase": job.phase,
                "workers": job.workers,
                "used": job.used(),
                "acknowledged": job.acknowledged,
            }
            for job in list(self.jobs.values())
        ]

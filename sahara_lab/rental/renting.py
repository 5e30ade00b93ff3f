"""One rented job from the renter's side: fund, hand over, sign what was used, fetch, complete, take back the rest.

What to do next follows from the job's journal (``rental.json``), the chain and the provider's answer, never from what
this process remembers. So whoever picks a job up after a crash, with the renter's wallet, brings it to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from filelock import FileLock, Timeout

from sahara_lab.chain import Chain, Wallet
from sahara_lab.compute.record import FINAL, JobFolder, now, write_private
from sahara_lab.compute.verification import Tolerance, Verdict
from sahara_lab.compute.verification.verdict import DIFFERENT
from sahara_lab.errors import InputError, IntegrityError, JobError, NetworkError, SaharaError
from sahara_lab.identity import Directory
from sahara_lab.rental.delivery import RESULTS, clean_event, clean_record, fetch, opened_manifest
from sahara_lab.rental.escrow import BOND_BPS, Escrow, EscrowJob
from sahara_lab.rental.gateway import Gateway
from sahara_lab.rental.journal import read_state, write_state
from sahara_lab.rental.recompute import Recomputed, run_again
from sahara_lab.rental.sampling import Sample
from sahara_lab.rental.sealed import binding, job_key, open_content
from sahara_lab.rental.upkeep import now as chain_time
from sahara_lab.rental.vouchers import claimed
from sahara_lab.rental.workplace import CHECKPOINT, MODEL
from sahara_lab.signing import canonical_json
from sahara_lab.units import Wei, format_tokens, to_tokens

STATE, PACKAGE, STOP = "rental.json", "package.sealed", "stop"
ENVELOPE, EVIDENCE = "manifest.dsse.json", "evidence.json"
POLL = 0.5
CHAIN_EVERY = 5.0
SLACK = 3.0  # seconds that clocks and messages may differ
OUTAGES = 4  # heartbeats for which a provider may have gone on without a voucher
PATIENCE = 60.0  # seconds without an answer, after which the job is ended in the escrow
FETCH_BEFORE = 15  # seconds before the dispute window closes in which missing results are disputed

Keys = Callable[[list[str]], list[dict[str, Any]]]
Refs = Callable[[list[str]], list[dict[str, Any]]]
#: Records a verdict (JSON) on chain, given the request that the manifest names and the provider; says whether it did.
Answer = Callable[[str, str, Mapping[str, Any]], bool]


class Rental:
    """The driver of one rented job. One process at a time drives it; others read its folder."""

    def __init__(
        self,
        folder: JobFolder,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        escrow: Escrow,
        keys: Keys,
        refs: Refs,
        answer: Answer,
    ) -> None:
        self.folder = folder
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._escrow = escrow
        self._keys = keys
        self._refs = refs
        self._answer = answer
        self._lock = FileLock(str(folder.path / ".rental.lock"), mode=0o600)
        self.state: dict[str, Any] = read_state(folder.path / STATE)
        self._contract = chain.contract("ComputeEscrow")
        self._cursor = int(self.state.get("cursor", 0))
        self._looked = 0.0

    # -- what is known ------------------------------------------------------------------------------------------------

    @property
    def id(self) -> int:
        return int(self.state["job_id"], 16)

    @property
    def closed(self) -> bool:
        return bool(self.state["phase"] == "closed")

    def write(self, **changes: Any) -> None:
        """Change the journal; it is on disk when this returns."""
        self.state.update(changes)
        write_state(self.folder.path / STATE, self.state)

    def say(self, status: str, message: str, **fields: Any) -> None:
        """Tell whoever watches the job's folder."""
        record = self.folder.read()
        changed = (record["status"], record["message"]) != (status, message)
        record.update(status=status, message=message, **fields)
        self.folder.write(record)
        if changed:
            self.folder.append({"kind": "status", "status": status, "message": message})

    # -- the whole way ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Put the budget into the escrow; doing it again changes nothing.

        Raises:
            FundsError, PriceError, ChainError: nothing was deposited.
        """
        with self._lock:
            self._open()

    def _open(self) -> None:
        state = self.state
        job_id = self._escrow.job_id(state["name"])
        if job_id != self.id:
            raise InputError("this job belongs to another account", hint="Switch with: %sahara use")
        if self._chain.contract("ComputeEscrow").call("getJob", job_id)["status"] == 0:
            self.say("starting", f"asking {state['provider']}: {self._terms()}")
        job = self._escrow.create(
            state["name"],
            state["provider"],
            rate=state["rate"],
            budget=state["budget"],
            lasts=int(state["lasts"]),
            stake=state["stake"],
            spec=bytes.fromhex(state["spec"]),
        )
        if job.status == "open":
            self.say("starting", f"depositing {state['budget']} SAHARA in the escrow")
            self._escrow.fund(job_id, max_price=state["budget"])

    def _terms(self) -> str:
        return f"{self.state['rate']} SAHARA a worker second, at most {self.state['budget']} in all"

    def drive(self) -> None:
        """Bring the job to its end, from wherever it is. Returns at once when another process does."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return
        try:
            self.state = read_state(self.folder.path / STATE)
            if self.closed:
                return
            record = self.folder.read()
            if record["status"] in FINAL:  # somebody took it for lost while nobody drove it
                self.say("starting", "picked up again", finished=None, error=None)
            self._drive()
        finally:
            self._lock.release()

    def _drive(self) -> None:
        lost_since: float | None = None
        told = ""
        while not self.closed:
            try:
                self._step()
                lost_since, told = None, ""
            except (InputError, IntegrityError) as error:
                self._complain(str(error))
            except SaharaError as error:
                if told != error.message:
                    told = error.message
                    self.folder.append({"kind": "log", "stream": "stderr", "text": str(error)})
                lost_since = lost_since or time.monotonic()
                silent = time.monotonic() - lost_since > float(self.state["patience"])
                if silent or not isinstance(error, NetworkError):
                    self._give_up(str(error), silent=silent)
                time.sleep(2 * POLL)

    def _step(self) -> None:
        """Whatever is to be done next, by the chain's word."""
        job = self._job()
        if job is None:
            self._open_unless_stopped()
            return
        match job.status:
            case "open":
                if self._stopping:
                    self._escrow.reject(self.id)
                else:
                    self._open()
            case "funded":
                self._with_provider(job)
            case "submitted":
                self._collect(job)
            case "disputed":
                self.say("stopping", f"disputed, and to be judged: {self.state.get('complaint', '')}")
                self._when_over(job, self._escrow.refund)
            case _:
                if job.status == "completed" and "result" not in self.state:
                    self._collect_late(job)
                self._finish(job)

    def _job(self) -> EscrowJob | None:
        """The job in the escrow; None when it is not there yet."""
        known = self._contract.call("getJob", self.id)["status"]
        return self._escrow.job(self.id) if known else None

    def _open_unless_stopped(self) -> None:
        if self._stopping:
            self.say("stopped", "stopped before it began; nothing was paid", finished=now())
            self.write(phase="closed", outcome="never opened")
        else:
            self._open()

    # -- while it runs ------------------------------------------------------------------------------------------------

    def _with_provider(self, job: EscrowJob) -> None:
        """Hand over, follow, sign, until the provider has submitted or there is nothing more to hope for."""
        if chain_time(self._chain) >= job.deadline:
            self._escrow.refund(self.id)
            return
        if not job.accepted and self._stopping:
            self._escrow.reject(self.id)
            return
        gateway = self._gateway()
        if not job.accepted:
            self.say("starting", f"handing the cell over to {self.state['provider']}")
            gateway.take((self.folder.path / PACKAGE).read_bytes())
        if self.state.get("complaint"):
            gateway.ask({"op": "stop"})
        looked, stopped = time.monotonic(), False
        while time.monotonic() - looked < CHAIN_EVERY:
            answer = gateway.ask(self._poll())
            phase = str(answer.get("phase"))
            self._events(answer)
            if phase in ("taken", "accepting", "waiting"):
                if not self._begin(gateway, phase):
                    looked = time.monotonic()
            elif self._stopping and not stopped and phase == "running":
                stopped = True
                self.say("stopping", "stopping at an agreed step; nothing more is paid for after that")
                gateway.ask({"op": "stop"})
            elif self._on_site and phase == "running" and not self._stopping:
                self.say(
                    "running", f"running where the data is, at {self.state['provider']}'s; what it says stays there"
                )
            elif self._on_site and phase == "ended":
                self.say("stopping", f"waiting: {str(answer.get('waits'))[:200]}")
            if isinstance(answer.get("claim"), dict) and not self.state.get("complaint"):
                self._sign(answer["claim"])
                continue  # at once: the provider waits for it
            if phase in ("submitted", "closed"):
                time.sleep(POLL)
                return
            time.sleep(POLL)

    def _begin(self, gateway: Gateway, phase: str) -> bool:
        """Give the provider the keys of the inputs, sealed to the job; written down first when that was.

        Returns whether it waits for something before it begins, such as the word of the data's owner.
        """
        if self._stopping and (phase == "taken" or not self.state.get("begun")):
            raise SaharaError("stopped before it began")
        keys = self._keys([name for name in self.state["inputs"] if name not in self._on_site])
        self.write(begun=time.time(), counted_at=time.time())
        waits = gateway.ask({"op": "begin", "keys": keys}).get("waits")
        if waits:
            self.say("starting", f"waiting: {str(waits)[:200]}")
        return bool(waits)

    def _poll(self) -> dict[str, Any]:
        message: dict[str, Any] = {"op": "poll", "cursor": self._cursor}
        if self.state.get("voucher"):
            message["voucher"] = self.state["voucher"]
        return message

    def _events(self, answer: dict[str, Any]) -> None:
        events = answer.get("events")
        if not isinstance(events, list) or not events:
            return
        record = self.folder.read()
        for event in filter(None, map(clean_event, events)):
            kind = event["kind"]
            if kind == "status":
                if event["status"] not in ("starting", "running", "stopping"):
                    continue
                record.update(status=event["status"], message=event["message"])
            elif kind in ("progress", "metrics"):
                record.update(step=event["step"], epoch=event["epoch"], status="running")
                record["metrics"] = {**record.get("metrics", {}), **event["values"]}
                if kind == "progress":
                    record["steps_per_second"] = event["steps_per_second"]
            elif kind == "checkpoint":
                record["checkpoint_step"] = event["step"]
            self.folder.append(event)
        if self._stopping:
            record["status"] = "stopping"
        self.folder.write(record)
        self._cursor += len(events)
        self.write(cursor=self._cursor)

    def _sign(self, document: dict[str, Any]) -> None:
        """Countersign what the provider claims, if this side's own clock agrees; it is written down before it is sent.

        Raises:
            IntegrityError: the provider claims more than the time that has passed.
        """
        claim = claimed(document, self._chain, self.id, self._directory.address(self.state["provider"]))
        if claim.resource_seconds <= int(self.state.get("signed", 0)):
            return
        moment, workers = time.time(), int(self.state["workers"])
        passed = min(moment - float(self.state["counted_at"]), OUTAGES * self.state["heartbeat"] + SLACK)
        counted = float(self.state["counted"]) + max(0.0, passed)
        if claim.resource_seconds > workers * (counted + SLACK):
            self.write(evidence=claim.to_json())
            raise IntegrityError(
                f"the provider claims {claim.resource_seconds} worker seconds where {workers} workers ran for at most "
                f"{counted:.0f} s; that is not signed for"
            )
        voucher = self._escrow.sign(self.id, claim.resource_seconds).to_json()
        self.write(
            voucher=voucher,
            claim=claim.to_json(),
            signed=claim.resource_seconds,
            counted=counted,
            counted_at=moment,
        )
        record = self.folder.read()
        record["cost"] = format_tokens(Wei(claim.resource_seconds * int(self.state["rate_wei"])))
        self.folder.write(record)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _collect(self, job: EscrowJob) -> None:
        """Fetch what was submitted, compare it with what was signed, and say that the job is complete."""
        try:
            self._deliver(job)
        except NetworkError:
            if job.deadline - chain_time(self._chain) < FETCH_BEFORE:
                self._dispute(job, "the results were not delivered")
                return
            raise
        except (IntegrityError, InputError) as error:
            self._discard_results()
            self._dispute(job, str(error))
            return
        self._escrow.complete(self.id)

    def _collect_late(self, job: EscrowJob) -> None:
        """The job was complete by this side's silence: fetch what is still to be had, and look at it all the same."""
        for last in (False, False, True):
            try:
                self._deliver(job)
                return
            except SaharaError as error:
                if last or not isinstance(error, NetworkError):
                    self._discard_results()
                    self.write(result={}, refusal=f"no result is to be had any more: {error}")
                    return
                time.sleep(4 * POLL)

    def _discard_results(self) -> None:
        """Nobody is to publish what is not what was signed."""
        for name in (MODEL, CHECKPOINT):
            (self.folder.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder.path / RESULTS, ignore_errors=True)

    def _deliver(self, job: EscrowJob) -> None:
        """Fetch manifest and results, and keep them if they are what the provider signed.

        Raises:
            IntegrityError, InputError: they are not.
            NetworkError: they are not to be had now.
        """
        gateway = self._gateway()
        answer = gateway.ask({"op": "poll", "cursor": self._cursor})
        self._events(answer)
        envelope = str(answer.get("envelope") or "").encode()
        if not envelope:
            raise NetworkError("the provider does not hand out its manifest")
        provider = self._directory.address(job.provider)
        manifest = opened_manifest(envelope, job, provider, self._chain.chain_id, self._contract.address)
        self._compare(manifest)
        write_private(self.folder.path / ENVELOPE, envelope)
        write_private(self.folder.manifest, canonical_json(manifest))
        self.say("stopping", "fetching the results")
        fetch(gateway, manifest, self.folder.path, others=bool(self._on_site))
        known = list(self.state.get("classes", []))
        said = answer.get("record")
        record: dict[str, Any] = said if isinstance(said, dict) else {}
        cleaned = clean_record(record, self.folder.cell_file.read_text("utf-8"), known, self.state["inputs"])
        self._recompute_if_wished(manifest)
        self._verify_if_wished(manifest)
        self.write(result=cleaned, status=str(manifest["status"]), error=_error_of(record))

    def _recompute_if_wished(self, manifest: dict[str, Any]) -> None:
        """Before the job is complete, where the renter asked for it.

        Raises:
            IntegrityError: running it again gave other weights.
        """
        if not self.state.get("recompute") or manifest["status"] != "done" or self.state.get("recomputed"):
            return
        self.say("stopping", "running the job again, to compare")
        found = self.recompute()
        if not found.same:
            raise IntegrityError(str(found))
        self.write(recomputed=found.found)

    def recompute(self) -> Recomputed:
        """Run the job again on this machine and compare the weights.

        Raises:
            JobError: it did not come to its end, or the provider delivered none.
        """
        if self._on_site:
            raise JobError("the job ran on data that is not here, so it cannot be run again here")
        path = self.folder.path / MODEL
        if not path.exists():
            raise JobError("the job has left no weights to compare")
        inputs = list(self.state["inputs"])
        found = run_again(self._package(), self._refs(inputs), self._keys(inputs), self._wallet.address)
        return Recomputed(self.folder.id, hashlib.sha256(path.read_bytes()).hexdigest(), found)

    def _package(self) -> dict[str, Any]:
        """What was sent to the provider."""
        provider = self._directory.address(self.state["provider"])
        bound = binding(self._chain.chain_id, self._contract.address, self.id, provider)
        key = job_key(self._wallet.encryption_key, self.id)
        return open_content(key, bound, (self.folder.path / PACKAGE).read_bytes())

    def _verify_if_wished(self, manifest: dict[str, Any]) -> None:
        """Before the job is complete: one segment, chosen by a block that came after the manifest, is computed again.

        Raises:
            IntegrityError: it is not what the provider claims; the verdict is on chain then.
        """
        if not self.state.get("segments") or manifest["status"] not in ("done", "stopped"):
            return
        if not self.state.get("verdict"):
            self.say("stopping", "computing a segment of the job again, to compare")
            try:
                self._keep_verdict(self._verify(manifest, None, self._drawn(), None))
            except JobError as error:  # nothing to sample, or nothing that can be gone on from: then all of it
                self._recompute_instead(manifest, error)
                return
        self._record_verdict(manifest)
        if self.state["verdict"]["outcome"] == DIFFERENT:
            raise IntegrityError(str(self.state["verdict"]["text"]))

    def _recompute_instead(self, manifest: dict[str, Any], why: JobError) -> None:
        """Run the whole job again where no segment of it can be; where this machine cannot do that either, say so.

        Raises:
            IntegrityError: it gave other weights.
        """
        self.folder.append({"kind": "log", "stream": "stderr", "text": str(why)})
        self.state["recompute"] = True
        try:
            self._recompute_if_wished(manifest)
        except JobError as error:
            self.write(unchecked=f"it could not be computed again here: {error.message}")

    def verify(
        self, segment: int | None = None, seed: str | None = None, tolerance: Tolerance | None = None
    ) -> Verdict:
        """Compute a segment of a job that has ended again, compare, and record the verdict on chain.

        Raises:
            JobError: the job kept no segments, or one cannot be computed here.
            IntegrityError: the manifest, or what the provider hands out, is not what it submitted.
        """
        path = self.folder.path / ENVELOPE
        job = self._job()
        if job is None or not path.exists():
            raise JobError(f"job {self.folder.id} has no manifest yet", hint="Verify it once its results are here")
        provider = self._directory.address(job.provider)
        manifest = opened_manifest(path.read_bytes(), job, provider, self._chain.chain_id, self._contract.address)
        if self._on_site:
            raise JobError("the job ran on data that is not here, so it cannot be run again here")
        drawn = secrets.token_hex(8) if seed is None and segment is None else seed or ""
        verdict = self._verify(manifest, segment, drawn, tolerance)
        with self._lock:
            self.state = read_state(self.folder.path / STATE)
            self._keep_verdict(verdict)
            self._record_verdict(manifest)
        return verdict

    def _verify(self, manifest: dict[str, Any], segment: int | None, seed: str, tolerance: Tolerance | None) -> Verdict:
        inputs = list(self.state["inputs"])
        sample = Sample(self.folder, manifest, self._gateway(), segment, seed)
        return sample.judge(self._package(), self._refs(inputs), self._keys(inputs), self._wallet.address, tolerance)

    def _drawn(self) -> str:
        """What chooses the segment: the hash of the first block after the one in which the manifest was submitted.

        Raises:
            NetworkError: there is no such block yet.
        """
        events = self._contract.logs("JobSubmitted", int(self.state.get("block", 0)))
        at = max(event.block_number for event in events if event.args["jobId"] == self.id)
        [after] = self._chain.blocks([at + 1])
        if after is None:
            raise NetworkError("the block that chooses a segment is not there yet")
        return after.hash

    def _keep_verdict(self, verdict: Verdict) -> None:
        """Write a verdict down; one that is bad stays."""
        kept = self.state.get("verdict")
        if not kept or kept["outcome"] != DIFFERENT:
            self.write(verdict=verdict.as_json(), recorded=False)
            self.folder.write({**self.folder.read(), "verdict": self.state["verdict"]})

    def _record_verdict(self, manifest: dict[str, Any]) -> None:
        """Put the verdict on chain, where the provider asked for it. It is evidence beside the dispute, which does
        not wait for it.
        """
        if self.state.get("recorded"):
            return
        request, verdict = str(manifest.get("check", "")), self.state["verdict"]
        try:
            found = self._answer(request, str(self.state["provider"]), verdict)
        except SaharaError as error:
            found = False
            self.folder.append({"kind": "log", "stream": "stderr", "text": f"the verdict is not on chain: {error}"})
        self.write(recorded=True, verdict={**verdict, "request": request if found else ""})
        self.folder.write({**self.folder.read(), "verdict": self.state["verdict"]})

    def _compare(self, manifest: dict[str, Any]) -> None:
        source = self.folder.cell_file.read_bytes()
        if manifest.get("code") != {"sha256": hashlib.sha256(source).hexdigest()}:
            raise IntegrityError("the run manifest is of other code")
        if manifest.get("package") != {"sha256": self.state["spec"]}:
            raise IntegrityError("the run manifest is of another package")
        if manifest.get("on_site", []) != self._on_site:
            raise IntegrityError("the run manifest names other data that must not leave")
        if manifest.get("inputs") != self.state["inputs"]:
            raise IntegrityError("the run manifest names other inputs")

    def _dispute(self, job: EscrowJob, why: str) -> None:
        """Ask the judge; the bond was kept back from the budget, so it stays within the cap.

        The reason on chain is the hash of ``evidence.json``: the complaint, the manifest by its hash, the verdict.
        """
        evidence = canonical_json(
            {"complaint": why, "manifest": job.deliverable.hex(), "verdict": self.state.get("verdict")}
        )
        write_private(self.folder.path / EVIDENCE, evidence)
        reason = hashlib.sha256(evidence).digest()
        self.write(complaint=why)
        bond = job.budget * BOND_BPS // 10_000
        self._escrow.dispute(self.id, reason, max_bond=str(to_tokens(Wei(bond))))
        self.say("stopping", f"disputed: {why}")

    def _finish(self, job: EscrowJob) -> None:
        """The escrow has closed the job: take out what is ours, and write down how it went."""
        waiting = self._escrow.claimable()
        if waiting:
            self._escrow.claim()
        paid = Wei(job.earned if job.status == "completed" else job.released)
        cost = format_tokens(paid)
        result = dict(self.state.get("result", {}))
        folder = self.folder
        status, message = self._verdict(job)
        for name in ("checkpoint", "weights"):
            result.setdefault(name, None)
        if (folder.path / MODEL).exists():
            result["weights"] = MODEL
        error = None if status != "failed" else {"message": message, "line": None, "traceback": None, "type": None}
        record = folder.read()
        manifest = hashlib.sha256(folder.manifest.read_bytes()).hexdigest() if folder.manifest.exists() else None
        record.update(result, cost=cost, finished=now(), error=error, manifest_sha256=manifest)
        record["seconds"] = round(time.time() - record["created_at"], 3)
        folder.write(record)
        self.say(status, message)
        self.write(phase="closed", outcome=job.status, paid=str(paid))

    def _verdict(self, job: EscrowJob) -> tuple[str, str]:
        cost = format_tokens(Wei(job.earned if job.status == "completed" else job.released))
        why = self.state.get("complaint") or self.state.get("refusal")
        if job.status == "completed":
            status = self.state.get("status", "failed")
            if status == "done":
                return "done", f"paid {cost}{self._checked}"
            if status == "stopped":
                return "stopped", f"stopped; paid {cost}{self._checked}"
            problem = self.state.get("error") or why or "the provider completed it without a result"
            return "failed", f"{problem} (paid {cost})"
        if not job.accepted and self._stopping:
            return "stopped", "stopped before it began; nothing was paid"
        ended = {"rejected": "the provider gave the job back", "expired": "the provider did not finish in time"}
        return "failed", f"{why or ended[job.status]} (paid {cost}, the rest came back)"

    @property
    def _checked(self) -> str:
        """What was found by running the job, or a segment of it, again; for the end of a message."""
        if self.state.get("recomputed"):
            return "; recomputed, the same to the last bit"
        verdict = self.state.get("verdict")
        if self.state.get("unchecked"):
            return f"; NOT verified: {self.state['unchecked']}"
        return f"; {str(verdict['text']).partition(': ')[2]}" if verdict else ""

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def _give_up(self, why: str, *, silent: bool) -> None:
        """The provider refused or is silent: take the deposit back, at once or, when it was accepted, by time."""
        job = self._job()
        if job is None or job.status != "funded":
            return
        self.write(refusal=why)
        if not job.accepted:
            self._escrow.reject(self.id)
        elif silent and not self.state.get("ended_on_chain"):
            self._escrow.stop(self.id)
            self.write(ended_on_chain=True)
            self.say("stopping", f"{why}; ending the job in the escrow")

    def _complain(self, why: str) -> None:
        """The provider said what cannot be: sign nothing more, and end the job."""
        if not self.state.get("complaint"):
            self.write(complaint=why)
            self.say("stopping", why)
        self._give_up(why, silent=True)
        time.sleep(POLL)

    def _when_over(self, job: EscrowJob, then: Callable[[int], EscrowJob]) -> None:
        if chain_time(self._chain) >= job.deadline:
            then(self.id)
        else:
            time.sleep(2 * POLL)

    # -- small things -------------------------------------------------------------------------------------------------

    @property
    def _on_site(self) -> list[str]:
        """Inputs that stay with their owner, who is the provider."""
        return list(self.state.get("on_site", []))

    @property
    def _stopping(self) -> bool:
        return (self.folder.path / STOP).exists()

    def _gateway(self) -> Gateway:
        return Gateway(self.state["url"], self.id, job_key(self._wallet.encryption_key, self.id))


def _error_of(record: dict[str, Any]) -> str:
    error = record.get("error")
    return str(error.get("message"))[:500] if isinstance(error, dict) else ""


def drive_in_background(rental: Rental) -> threading.Thread:
    """Drive a job on a thread that ends with the process; the journal has what the next one needs."""

    def drive() -> None:
        with contextlib.suppress(json.JSONDecodeError):
            rental.drive()

    thread = threading.Thread(target=drive, name=f"rental {rental.folder.id}", daemon=True)
    thread.start()
    return thread

"""Jobs on data that must not leave: the owner's machine runs approved code on it, and a gate stands before the results.

The code reads a copy of the data that was encrypted for it alone: a key that it smuggled out would open nothing that
lies anywhere else. Until results are released the licensee hears of phase and cost, and of nothing that the code said.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.errors import AccessDenied, JobError, SaharaError
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.licensing.terms import use_mask
from sahara_lab.rental.approvals import CODE, CODE_AND_RESULTS, REFUSED, RESULTS, Approvals, code_digest, results_digest
from sahara_lab.rental.gate import examine
from sahara_lab.rental.guarding import read_guard
from sahara_lab.rental.reading import key_of, pinned, ref_to_json
from sahara_lab.rental.sandbox import Isolation
from sahara_lab.rental.tenancy import GATES_PASSED, Tenancy
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import (
    Entry,
    KeyServer,
    ReleaseClass,
    Session,
    Vault,
    VaultRef,
    new_seed,
    open_vault,
    pack,
    public_bytes,
)

APPROVALS, COPIES = "approvals", "copies"
#: Of what a job says of itself, what a licensee may get to see.
_SHOWN = ("status", "metrics", "values", "model", "trainer", "step", "epoch", "versions", "error")

Input = tuple[dict[str, Any], dict[str, Any], Path]


class OnSite:
    """The owner's side of such jobs, in the provider's process."""

    def __init__(
        self,
        source: ChainManifestSource,
        chain: Chain,
        directory: Directory,
        wallet: Wallet,
        isolation: Isolation,
        folder: Path,
    ) -> None:
        self._source = source
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._isolation = isolation
        self._folder = folder
        registry = chain.contract("AssetRegistry").address
        self._approvals = Approvals(folder / APPROVALS, chain.chain_id, registry)
        self._copies: dict[int, _Copying] = {}
        shutil.rmtree(folder / COPIES, ignore_errors=True)  # nobody has the keys of those of before

    # -- before the job runs ------------------------------------------------------------------------------------------

    def check(self, names: list[str], client: str) -> None:
        """See that a job of ``client`` may come to these assets at all.

        Raises:
            AccessDenied: one of them is another's, or the client has no valid license to train on it.
            JobError: there is no wall around strangers' code here.
        """
        if not self._isolation.safe:
            raise JobError("data that must not leave is not shown to strangers' code without a wall around it")
        licenses = self._chain.contract("LicenseToken")
        for name in names:
            ref = self._ref(name)
            if ref.owner.lower() != self._wallet.address.lower():
                raise AccessDenied(f"{name} belongs to another account; its data is on the machine of its owner")
            if not licenses.call("hasAccess", client, ref.asset, use_mask("training")):
                raise AccessDenied(
                    f"{self._directory.handle(client)} has no valid license to train on {ref.name}",
                    hint=f"Run: %sahara license {ref.name}",
                )

    def approved(self, names: list[str], source: str) -> bool:
        """Whether the owner approved this code for each of the assets.

        Raises:
            AccessDenied: the owner refused it.
        """
        said = self._said(names, code_digest(source))
        if REFUSED in said:
            raise AccessDenied("the owner of the data refused this code", hint="Ask what would be approved")
        return all(what in (CODE, CODE_AND_RESULTS) for what in said)

    def inputs(self, job: Tenancy) -> list[Input] | None:
        """The copies that a job reads: reference, key and folder of each; None while they are being made.

        Raises:
            SaharaError: they cannot be made.
        """
        if job.id not in self._copies:
            place = self._folder / COPIES / job.folder.name
            self._copies[job.id] = _Copying(lambda: [self._copy(name, place) for name in job.on_site])
        return self._copies[job.id].result()

    def forget(self, job: Tenancy) -> None:
        """Remove a job's copies."""
        if self._copies.pop(job.id, None) is not None:
            shutil.rmtree(self._folder / COPIES / job.folder.name, ignore_errors=True)

    def _copy(self, name: str, place: Path) -> Input:
        ref = self._ref(name)
        vault = open_vault(ref, _Reader(self._wallet.address, self._wallet.encryption_key))
        reader = _Reader(LocalSigner.generate(), new_seed())
        target = place / str(ref.asset)
        packed = pack(
            {entry.path: _opener(vault, entry.path) for entry in _files(vault.tree())},
            target.as_uri(),
            creator=ref.creator,
            name=ref.name.partition("/")[2],
            owner=reader.signer,
            owner_key=public_bytes(reader.encryption_key),
            release=[_nobody()],
            chain_id=ref.chain_id,
            registry=ref.registry,
            epoch=ref.epoch,
        )
        copy = replace(
            ref,
            root=packed.root,
            manifest_hash=packed.manifest_hash,
            location=target.as_uri(),
            owner=reader.account,
            key_servers={},
        )
        return ref_to_json(copy, copy.location), key_of(open_vault(copy, reader)), target

    # -- after it has run ---------------------------------------------------------------------------------------------

    def passes(self, job: Tenancy, *, over: bool) -> bool:
        """Whether a job that has ended may be submitted; its journal then holds only what the licensee may see.

        Args:
            over: the job's time is over: what nobody has released is withheld.
        """
        if job.state.get("gate") in GATES_PASSED:
            return True
        self.forget(job)
        if not job.state.get("gate"):
            self._examine(job)
        if job.state["gate"] == "refused":
            return True
        names = job.on_site
        automatic = self._said(names, bytes.fromhex(job.state["code"]))
        by_hand = self._said(names, results_digest(job.id, job.state["outputs"], job.state["record"]))
        if REFUSED in by_hand:
            _withhold(job, "withheld", "the owner of the data did not release the results")
        elif all(what == CODE_AND_RESULTS for what in automatic) or all(what == RESULTS for what in by_hand):
            job.write(gate="released")
        elif over:
            _withhold(job, "withheld", "the owner of the data did not release the results in time")
        else:
            return False
        return True

    def _examine(self, job: Tenancy) -> None:
        """Reduce the record to what may be shown, and hold it and the results against the owner's rules."""
        given = dict(job.state["record"])
        record = {name: given[name] for name in _SHOWN if given.get(name) is not None}
        problems = [job.state["unfit"]] if job.state.get("unfit") else []
        canaries: list[Any] = []
        guards = [read_guard(self._folder, self._ref(name).asset) for name in job.on_site]
        for guard in guards:
            canaries += guard.canaries
        try:
            paths = [job.results / name for name in job.state["outputs"]]
            problems = problems or examine(paths, record, canaries, min(guard.most for guard in guards))
        except Exception as error:  # a stranger's file: whatever it does to a parser, it does not pass
            problems = [f"the results cannot be read: {type(error).__name__}"]
        if problems:
            _withhold(job, "refused", f"the results did not pass the gate: {problems[0]}")
        else:
            job.write(gate="waiting", record=record)

    def _said(self, names: list[str], digest: bytes) -> list[str | None]:
        refs = [self._ref(name) for name in names]
        return [self._approvals.find(ref.asset, digest, ref.owner) for ref in refs]

    def _ref(self, name: str) -> VaultRef:
        return self._source.resolve(*pinned(name))


def _withhold(job: Tenancy, gate: str, why: str) -> None:
    """Nothing leaves but the word that nothing does."""
    for path in job.results.glob("*"):
        path.unlink(missing_ok=True)
    record = {"status": "failed", "error": {"message": why, "type": "Withheld"}}
    job.write(gate=gate, outputs={}, record=record)


class _Reader:
    """Who opens a vault by its own grant, and asks no key server."""

    def __init__(self, who: LocalSigner | str, encryption_key: Any) -> None:
        self.signer: Any = who
        self.account = who if isinstance(who, str) else who.address
        self.encryption_key = encryption_key

    def session(self) -> Session:
        raise AccessDenied("this account's own grant does not open the vault")


def _nobody() -> ReleaseClass:
    """A class that no key server serves: the vault is read by those who were given its key."""
    return ReleaseClass("read", [KeyServer(1, public_bytes(new_seed()), "http://127.0.0.1:1")], 1)


class _Copying:
    """Copies being made on a thread of their own: a vault may be large, and a renter waits for an answer."""

    def __init__(self, make: Callable[[], list[Input]]) -> None:
        self._made: list[Input] | None = None
        self._error: SaharaError | None = None
        self._thread = threading.Thread(target=self._run, args=(make,), daemon=True)
        self._thread.start()

    def _run(self, make: Callable[[], list[Input]]) -> None:
        try:
            self._made = make()
        except SaharaError as error:
            self._error = error
        except Exception as error:  # a thread that dies in silence would be waited for to the end
            self._error = JobError(f"the data cannot be copied for the job: {type(error).__name__}")

    def result(self) -> list[Input] | None:
        self._thread.join(0.5)
        if self._error is not None:
            raise self._error
        return self._made


def _opener(vault: Vault, path: str) -> Callable[[], Any]:
    return lambda: vault.open(path)


def _files(entry: Entry) -> Iterator[Entry]:
    if entry.kind != "directory":
        yield entry
    for child in entry.children:
        yield from _files(child)

"""The owner's part in jobs on data that must not leave: read the code, look at the results, say yes or no, signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain, Wallet
from sahara_lab.display import Rows, bundle, card, text_card
from sahara_lab.errors import AccessDenied, InputError, NotFound, SaharaError
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import ChainManifestSource, split_version
from sahara_lab.rental.approvals import (
    CODE,
    CODE_AND_RESULTS,
    REFUSED,
    RESULTS,
    Approvals,
    code_digest,
    results_digest,
)
from sahara_lab.rental.guarding import Guard, write_guard
from sahara_lab.rental.journal import read_state, waits_for
from sahara_lab.rental.on_site import APPROVALS
from sahara_lab.rental.reading import pinned
from sahara_lab.rental.sealed import binding, open_package


@dataclass(frozen=True)
class Review:
    """One job that waits for its data's owner. ``waits_for`` is "code" or "results".

    Attributes:
        code: SHA-256 of the cell, in hex; what an approval names.
        results: files and their sizes in bytes, once there are some; ``record`` is what would be released with them.
        folder: where the results lie, to be looked at.
    """

    job: str
    client: str
    assets: tuple[str, ...]
    waits_for: str
    code: str
    source: str
    results: dict[str, int]
    record: dict[str, Any]
    folder: Path

    def __str__(self) -> str:
        what = "run code on" if self.waits_for == "code" else "have results from"
        return f"{self.client} asks to {what} {', '.join(self.assets)} (job {self.job[:12]})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows: list[tuple[str, object]] = [
            ("Client", self.client),
            ("Data", ", ".join(self.assets)),
            ("Waits for", self.waits_for),
            ("SHA-256 of the code", self.code),
        ]
        if self.waits_for == "results":
            rows += [(name, f"{size:,} bytes") for name, size in self.results.items()]
            rows += [(f"record: {name}", visible(str(value))) for name, value in self.record.items()]
            rows.append(("Look at them in", str(self.folder)))
        title, code = f"Job {self.job[:12]}", visible(self.source)
        return bundle(f"{text_card(title, rows)}\n\n{code}", card(title, [*rows, ("Code", code)]))


def visible(text: str) -> str:
    """Text of a stranger with what a terminal would obey, or a reader not see, written out."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


class Reviews(Rows):
    """Jobs that wait for this account's word."""

    title = "to review"
    headers = ("Job", "Client", "Data", "Waits for", "Code")

    def cells(self, value: Review) -> tuple[object, ...]:
        return (value.job[:12], value.client, ", ".join(value.assets), value.waits_for, value.code[:12])


class Reviewing:
    """Reads the journals of this account's provider and signs what its owner says; the provider finds it there."""

    def __init__(
        self, source: ChainManifestSource, chain: Chain, directory: Directory, wallet: Wallet, folder: Path
    ) -> None:
        self._source = source
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._folder = folder
        registry = chain.contract("AssetRegistry").address
        self._approvals = Approvals(folder / APPROVALS, chain.chain_id, registry)

    def all(self) -> Reviews:
        """What waits, oldest first."""
        found = []
        for path in sorted(self._folder.glob("jobs/*/state.json"), key=lambda path: path.stat().st_mtime):
            try:
                state = read_state(path)
                review = self._review(path.parent, state) if waits_for(state) else None
            except SaharaError:
                continue  # its asset was sold, or its package is damaged: nothing to be said about it here
            if review is not None:
                found.append(review)
        return Reviews(found)

    def get(self, job: str) -> Review:
        """One of them, by the first digits of its job.

        Raises:
            NotFound: nothing of that job waits.
        """
        review: Review
        for review in self.all():
            if len(job) >= 6 and review.job.startswith(job):
                return review
        raise NotFound(f"nothing of a job {job!r} waits for review", hint="List them: sahara-lab provider review")

    def approve(self, job: str, *, release: bool = False) -> Review:
        """Let this code run on the data it asks for, now and later, for whoever holds a license.

        Args:
            release: let its results leave, too, without anybody looking at each; the gate still does.
        """
        return self._say(job, "code", CODE_AND_RESULTS if release else CODE)

    def release(self, job: str) -> Review:
        """Let the results of a job go to its client."""
        return self._say(job, "results", RESULTS)

    def refuse(self, job: str) -> Review:
        """Refuse the code, or the results, that a job waits for."""
        return self._say(job, self.get(job).waits_for, REFUSED)

    def allow(self, asset: str, source: str, *, release: bool = False) -> str:
        """Approve code for an own asset before anybody asks; returns its SHA-256, in hex.

        Args:
            source: the cell's text, to the letter; ``release`` as for :meth:`approve`.

        Raises:
            AccessDenied: the asset belongs to another account.
        """
        digest = code_digest(source)
        self._approvals.sign(CODE_AND_RESULTS if release else CODE, self._own(asset), digest, self._wallet)
        return digest.hex()

    def withdraw(self, asset: str, code: str) -> bool:
        """Take the approval of code back, by its SHA-256 in hex; whether there was one. What runs goes on."""
        try:
            digest = bytes.fromhex(code)
        except ValueError:
            raise InputError(f"{code[:80]!r} is no SHA-256 in hex") from None
        return self._approvals.withdraw(self._own(asset), digest)

    def guard(self, asset: str, canaries: Sequence[Sequence[Any]], most: int) -> Guard:
        """Write down what must not leave with results of jobs on an own asset."""
        number = self._own(asset)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return write_guard(self._folder, number, canaries, most)

    def _say(self, job: str, about: str, what: str) -> Review:
        review = self.get(job)
        if review.waits_for != about:
            raise InputError(f"job {review.job[:12]} waits for its {review.waits_for} to be looked at, not its {about}")
        number = int(review.job, 16)
        digest = bytes.fromhex(review.code)
        if about == "results":
            state = read_state(self._folder / "jobs" / f"{number:064x}" / "state.json")
            digest = results_digest(number, state["outputs"], state["record"])
        for name in review.assets:
            self._approvals.sign(what, self._own(name), digest, self._wallet)
        return review

    def _review(self, folder: Path, state: dict[str, Any]) -> Review | None:
        number = int(folder.name, 16)
        about = waits_for(state)
        code = bytes.fromhex(state["code"])
        digest = results_digest(number, state["outputs"], state["record"]) if about == "results" else code
        if all(self._said(name, digest) for name in state["on_site"]):
            return None
        escrow = self._chain.contract("ComputeEscrow").address
        bound = binding(self._chain.chain_id, escrow, number, self._wallet.address)
        _, content = open_package(self._wallet.encryption_key, bound, (folder / "package").read_bytes())
        source = str(content["source"])
        return Review(
            job=f"{number:#066x}",
            client=self._directory.handle(state["client"]),
            assets=tuple(state["on_site"]),
            waits_for=about,
            code=code_digest(source).hex(),
            source=source,
            results={name: int(said["size"]) for name, said in state.get("outputs", {}).items()},
            record=dict(state.get("record", {})) if about == "results" else {},
            folder=folder / "results",
        )

    def _said(self, name: str, digest: bytes) -> str | None:
        ref = self._source.resolve(*pinned(name))
        return self._approvals.find(ref.asset, digest, ref.owner)

    def _own(self, name: str) -> int:
        ref = self._source.resolve(*split_version(name))
        if ref.owner.lower() != self._wallet.address.lower():
            raise AccessDenied(f"{name} belongs to another account", hint="Its owner approves code for it")
        return ref.asset

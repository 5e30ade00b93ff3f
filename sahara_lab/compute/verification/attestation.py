"""What speaks for a run beside the word of whoever ran it: nothing, a segment computed again, or a trusted machine.

A trusted machine (TEE) is an interface here: :class:`Tee` makes a report, a :class:`Checker` of the same maker tells
whether it is good. The simulated one is for programs that are written against the interface. Its report proves nothing,
it says SIMULATED wherever it appears, and no checker is asked about it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sahara_lab.signing import canonical_json

NONE, RECOMPUTED, TEE = "none", "recomputed", "tee"
KINDS = (NONE, RECOMPUTED, TEE)
SIMULATED = "SIMULATED"
_LONGEST_MAKER, _LONGEST_REPORT = 40, 1 << 16


class Tee(Protocol):
    """A machine that can report on the code it runs."""

    maker: str

    def report(self, binding: bytes) -> bytes:
        """A report that holds ``binding``, 32 bytes that stand for a run."""
        ...


class Checker(Protocol):
    """Knows the keys of one maker's machines."""

    maker: str

    def check(self, report: bytes, binding: bytes) -> bool:
        """Whether a machine of this maker made the report, for this run."""
        ...


class SimulatedTee:
    """No trusted machine at all: the interface without what it stands for. Never counts as attested."""

    maker = SIMULATED

    def report(self, binding: bytes) -> bytes:
        return json.dumps({"warning": f"{SIMULATED}: this report proves nothing", "binding": binding.hex()}).encode()


@dataclass(frozen=True)
class Attestation:
    """What speaks for a run. ``attested`` is whether it is more than somebody's word."""

    kind: str = NONE
    maker: str = ""
    attested: bool = False

    def __str__(self) -> str:
        if self.kind != TEE:
            return self.kind
        if self.maker == SIMULATED:
            return f"tee {SIMULATED} (proves nothing)"
        return f"tee by {self.maker}" + ("" if self.attested else " (not checked)")


def maker_name(text: str) -> str:
    """A stranger's text as the name of a maker; whatever reads like SIMULATED is."""
    name = "".join(filter(str.isprintable, text)).strip()[:_LONGEST_MAKER]
    return SIMULATED if SIMULATED in name.upper() else name


def binding_of(manifest: Mapping[str, Any]) -> bytes:
    """The 32 bytes that stand for a run in a report: SHA-256 of its manifest without the attestation."""
    return hashlib.sha256(canonical_json({k: v for k, v in manifest.items() if k != "attestation"})).digest()


def attest(manifest: Mapping[str, Any], tee: Tee | None) -> Any:
    """What a manifest says in ``attestation``: ``none``, or the report of a trusted machine."""
    if tee is None:
        return NONE
    return {"kind": TEE, "maker": tee.maker, "report": tee.report(binding_of(manifest)).hex()}


def attestation_of(manifest: Mapping[str, Any], checkers: Sequence[Checker] = ()) -> Attestation:
    """What a manifest's attestation is worth. Whoever wrote it cannot make it more than a good report makes it.

    Args:
        checkers: those of the makers that the reader trusts. One for the simulated machine is not asked.
    """
    said = manifest.get("attestation")
    if not isinstance(said, Mapping) or said.get("kind") != TEE:
        return Attestation()
    maker, text = said.get("maker"), said.get("report")
    if not isinstance(maker, str) or not isinstance(text, str) or len(text) > 2 * _LONGEST_REPORT:
        return Attestation()
    maker = maker_name(maker)
    try:
        report = bytes.fromhex(text)
    except ValueError:
        return Attestation()
    trusted = [checker for checker in checkers if checker.maker == maker != SIMULATED]
    return Attestation(TEE, maker, any(checker.check(report, binding_of(manifest)) for checker in trusted))

"""What speaks for a run is named as what it is; a simulated machine never counts."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab.compute.verification.attestation import SimulatedTee, attest, attestation_of, binding_of

RUN = {"job": "0x1", "outputs": {"model.safetensors": {"sha256": "00" * 32, "size": 8}}}


class Machine:
    """A maker whose reports are the binding backwards, and who recognizes them."""

    def __init__(self, maker: str = "Acme") -> None:
        self.maker = maker

    def report(self, binding: bytes) -> bytes:
        return binding[::-1]

    def check(self, report: bytes, binding: bytes) -> bool:
        return report == binding[::-1]


def test_a_report_counts_for_those_who_trust_its_maker_and_for_its_run_only() -> None:
    manifest = {**RUN, "attestation": attest(RUN, Machine())}
    trusted = attestation_of(manifest, [Machine()])
    assert (trusted.kind, trusted.attested, str(trusted)) == ("tee", True, "tee by Acme")
    assert str(attestation_of(manifest)) == "tee by Acme (not checked)"
    assert not attestation_of({**manifest, "job": "0x2"}, [Machine()]).attested
    assert not attestation_of(manifest, [Machine("Other")]).attested
    assert binding_of(manifest) == binding_of(RUN)


@pytest.mark.parametrize("maker", ["SIMULATED", "simulated", "Simulated"])
def test_a_simulated_machine_says_so_and_is_never_attested(maker: str) -> None:
    manifest: dict[str, Any] = {**RUN, "attestation": attest(RUN, SimulatedTee())}
    manifest["attestation"]["maker"] = maker
    found = attestation_of(manifest, [Machine("SIMULATED"), Machine(maker)])
    assert not found.attested
    assert str(found) == "tee SIMULATED (proves nothing)"
    assert b"SIMULATED" in bytes.fromhex(manifest["attestation"]["report"])


@pytest.mark.parametrize(
    "said",
    [
        "none",
        "tee",
        "recomputed",
        None,
        7,
        {"kind": "recomputed"},
        {"kind": "tee"},
        {"kind": "tee", "maker": "Acme", "report": "xx"},
    ],
)
def test_whatever_else_a_manifest_says_is_nothing(said: object) -> None:
    assert str(attestation_of({**RUN, "attestation": said}, [Machine()])) == "none"

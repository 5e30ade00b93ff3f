"""A segment of a rented job is computed again: chosen by a block, recorded on chain, disputed if it is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from sahara_lab.cli import main
from sahara_lab.compute.verification import Edge, choose, segments_of
from sahara_lab.compute.verification.attestation import SimulatedTee
from sahara_lab.errors import InputError, IntegrityError, JobError
from sahara_lab.rental import tenancy
from sahara_lab.rental.portable import read_portable, write_portable
from sahara_lab.rental.tenancy import Tenancy

pytestmark = pytest.mark.network


def rent(bob: Any, cell: str, **options: Any) -> Any:
    return bob.compute.run_cell(cell, {}, workers=1, provider="alice", max_price="2", **options)


def own_checks(bob: Any, job: Any) -> list[Any]:
    """What is on chain about one job."""
    return [one for one in bob.identity.requests() if bob.identity.payload(one).get("job") == job_number(job)]


def job_number(job: Any) -> str:
    return str(json.loads((job.folder / "rental.json").read_text())["job_id"])


def lie_about(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The provider alters the checkpoint of a step before it signs its hash."""
    take = tenancy._take

    def other(work: Path, name: str, target: Path) -> dict[str, Any]:
        path = work / "out" / name
        if name == f"segment-{step:012d}.safetensors":
            state = read_portable(path)
            state["state_dict"]["layer.weight"] += 1e-6
            write_portable(state, path)
        return take(work, name, target)

    monkeypatch.setattr(tenancy, "_take", other)


@pytest.fixture
def settle(bob: Any, until: Any) -> Any:
    """Lets a disputed job end."""
    from sahara_lab.localnet.founding import RULES

    def end(job: Any) -> None:
        until(lambda: "disputed" in job.record()["message"] or job.finished)
        bob.network.advance(RULES.judgment_period)
        job.wait(timeout=120)

    return end


def test_a_segment_is_chosen_by_a_block_recomputed_and_recorded_on_chain(
    bob: Any, alice: Any, serve: Any, cells: SimpleNamespace
) -> None:
    serve()
    before = bob.providers.get("alice")
    job = rent(bob, cells.short, segments=4).wait(timeout=300)
    assert job.status == "done", job.record()["message"]
    assert "recomputed: the same to the last bit" in job.verdict
    assert "; segment" in job.record()["message"] or "the same to the last bit" in job.record()["message"]
    assert job.attestation == "recomputed"

    verdict, manifest = job.record()["verdict"], json.loads(job.manifest.read_bytes())
    found = segments_of(Edge.of(one) for one in manifest["segments"])
    assert [one.end.step for one in found] == [8, 16]
    assert choose(found, manifest["job"], verdict["seed"]).number == verdict["segment"]
    submitted = next(
        event.block_number
        for event in bob.chain.contract("ComputeEscrow").logs("JobSubmitted", 0)
        if f"{event.args['jobId']:#066x}" == manifest["job"]
    )
    assert bob.chain.block(submitted + 1).hash == verdict["seed"]

    [check] = own_checks(bob, job)
    assert (check.validator, check.response, check.tag) == ("bob", 100, "recomputed")
    assert check.hash.hex() == manifest["check"] == verdict["request"]
    after = bob.providers.get("alice")
    assert (after.passed, after.failed) == (before.passed + 1, before.failed)
    assert f"{after.passed} of {after.passed + after.failed} segments that 1 renter recomputed" in after.track_record

    again = CliRunner().invoke(main, ["-a", "bob", "verify-job", job.id, "--segment", "2"])
    assert again.exit_code == 0, again.output
    assert "segment 2 of 2 (step 8 to 16) recomputed: the same to the last bit" in again.output
    with pytest.raises(JobError, match="has no segment 3"):
        bob.compute.verify(job, segment=3)
    with pytest.raises(JobError, match="kept no checkpoints"):
        bob.compute.verify(rent(bob, cells.short).wait(timeout=300))

    envelope = job.folder / "manifest.dsse.json"
    envelope.write_bytes(envelope.read_bytes().replace(b'"sig":"', b'"sig":"A'))
    with pytest.raises(IntegrityError, match="not the one that the provider submitted"):
        bob.compute.verify(job)


@pytest.mark.parametrize("step", [8, 16])
def test_an_altered_checkpoint_is_caught_named_disputed_and_recorded(
    bob: Any, serve: Any, settle: Any, cells: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    serve()
    before = bob.providers.get("alice")
    lie_about(monkeypatch, step)  # that of step 8 ends one segment and begins the other; 16 is not what was delivered
    job = rent(bob, cells.short, segments=4)
    settle(job)
    assert job.status == "failed"
    assert job.weights is None
    assert "is WRONG: " in job.verdict
    assert "state_dict.layer.weight is off by" in job.verdict or "optimizer" in job.verdict
    assert job.attestation == "none"
    [check] = own_checks(bob, job)
    assert (check.response, check.tag) == (0, "recomputed")
    assert bob.providers.get("alice").failed == before.failed + 1

    evidence = (job.folder / "evidence.json").read_bytes()
    [reason] = [
        event.args["reason"]
        for event in bob.chain.contract("ComputeEscrow").logs("JobDisputed", 0)
        if f"{event.args['jobId']:#066x}" == job_number(job)
    ]
    assert hashlib.sha256(evidence).digest() == bytes(reason)
    envelope = (job.folder / "manifest.dsse.json").read_bytes()
    assert json.loads(evidence)["manifest"] == hashlib.sha256(envelope).hexdigest()


def test_a_truncated_checkpoint_is_disputed(
    bob: Any, serve: Any, settle: Any, cells: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    honest = Tenancy.chunk

    def short(self: Tenancy, name: str, offset: int) -> dict[str, Any]:
        return {**honest(self, name, offset), **({"data": ""} if name.startswith("segment-") else {})}

    monkeypatch.setattr(Tenancy, "chunk", short)
    job = rent(bob, cells.short, segments=4)
    settle(job)
    assert job.status == "failed"
    assert "safetensors is not of the size that it signed" in str(job.error)


def test_a_job_that_hands_out_no_segments_is_recomputed_whole(
    bob: Any, serve: Any, cells: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setattr(Tenancy, "_take_segments", lambda self, said: [])
    job = rent(bob, cells.short, segments=4).wait(timeout=300)
    assert job.status == "done", job.record()["message"]
    assert "recomputed, the same to the last bit" in job.record()["message"]


def test_a_simulated_trusted_machine_says_so_wherever_it_appears(bob: Any, serve: Any, cells: SimpleNamespace) -> None:
    serve(tee=SimulatedTee())
    quote = bob.compute.quote("alice", max_price="2", workers=1)
    faces = [
        str(quote),
        *quote._repr_mimebundle_().values(),
        *bob.compute.providers()._repr_mimebundle_().values(),
        CliRunner().invoke(main, ["-a", "bob", "provider", "list"]).output,
    ]
    job = rent(bob, cells.short).wait(timeout=300)
    assert job.status == "done", job.record()["message"]
    assert all("SIMULATED" in face for face in [*faces, job.attestation, job.manifest.read_text()])
    assert job.attestation == "tee SIMULATED (proves nothing)"


def test_machines_are_listed_and_chosen_by_what_they_have(bob: Any, serve: Any, cells: SimpleNamespace) -> None:
    serve()

    def listed(*options: str) -> str:
        return CliRunner().invoke(main, ["-a", "bob", "provider", "list", *options]).output

    assert "alice" in listed("--order", "reputation", "--cores", "1", "--memory", "1 MB", "--max-rate", "0.001")
    assert "alice" not in listed("--max-rate", "0.0009")
    assert "alice" not in listed("--memory", "900 TB")
    with pytest.raises(InputError, match="no order by 'beauty'"):
        bob.compute.providers(order="beauty")
    isolated = bob.providers.get("alice").isolation == "bubblewrap"
    with pytest.raises(JobError, match="no provider can take"):
        bob.compute.quote("any:gpu", max_price="2", workers=1)
    if isolated:
        assert bob.compute.quote("any:speed", max_price="2", workers=1).offer.provider


def test_a_machine_joins_with_a_simulated_trusted_machine_and_says_so(
    alice: Any, bob: Any, isolation: Any, provider_process: Any, free_port: Any
) -> None:
    unsafe = [] if isolation.safe else ["--unsafe-no-isolation"]
    machine = provider_process("alice", free_port(), "--workers", "1", "--simulated-tee", *unsafe).start()
    try:
        assert any("tee SIMULATED (proves nothing)" in line for line in machine.said)
        offer = bob.providers.get("alice")
        assert offer.attestation == "tee SIMULATED (proves nothing)"
        assert "SIMULATED" in CliRunner().invoke(main, ["-a", "bob", "provider", "list"]).output
    finally:
        machine.end()
        alice.providers.withdraw()

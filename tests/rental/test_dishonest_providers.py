"""Providers that lie: the real service with one thing wrong in it."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from sahara_lab.cli import main
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.rental.tenancy import Tenancy
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


def test_who_claims_more_time_than_has_passed_is_not_paid_for_it(
    bob: Any, alice: Any, serve: Any, cells: SimpleNamespace, until: Any
) -> None:
    from sahara_lab.localnet.founding import RULES

    serve(clock=lambda: 20 * time.monotonic())
    before = bob.wallet.balance().tokens
    job = bob.compute.run_cell(cells.endless, {}, workers=1, provider="alice", max_price="5")
    began = time.monotonic()
    until(lambda: "that is not signed for" in job.record()["message"] or job.finished)
    until(lambda: job.finished or not bob.network.advance(RULES.stop_delay))
    job.wait(timeout=200)
    assert "not signed for" in str(job.error) or job.status == "stopped", job.record()
    assert before - bob.wallet.balance().tokens <= to_wei("0.001") * (time.monotonic() - began)


def test_a_wrong_result_is_disputed_with_the_bond_within_the_cap(
    bob: Any, serve: Any, cells: SimpleNamespace, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sahara_lab.localnet.founding import RULES

    serve()
    monkeypatch.setattr(
        Tenancy,
        "chunk",
        lambda self, name, offset: {"data": "AAAA" * 1000, "size": self.state["outputs"][name]["size"]},
    )
    before = bob.wallet.balance().tokens
    job = bob.compute.run_cell(cells.short, {}, workers=1, provider="alice", max_price="2")
    until(lambda: "disputed" in job.record()["message"] or job.finished)
    assert "not of the size that it signed" in job.record()["message"]
    assert before - bob.wallet.balance().tokens <= to_wei("2")
    bob.network.advance(RULES.judgment_period)
    job.wait(timeout=120)
    assert job.status == "failed"
    assert job.weights is None


def test_another_package_than_the_escrow_names_is_not_run(bob: Any, serve: Any, cells: SimpleNamespace) -> None:
    from sahara_lab.errors import SaharaError

    provider = serve()
    escrow = bob.escrow.create("mine", "alice", rate="0.001", budget="1", lasts="1 hour")
    with pytest.raises(SaharaError, match="has to be funded"):
        provider.take(escrow.id, b"x" * 2000)
    bob.escrow.fund(escrow.id, max_price="1")
    with pytest.raises(SaharaError, match="not the package that the renter wrote"):
        provider.take(escrow.id, b"x" * 2000)
    with pytest.raises(SaharaError, match="no such job"):
        provider.message(escrow.id, b"x" * 2000)
    bob.escrow.reject(escrow.id)
    bob.escrow.claim()


def test_files_outside_the_networks_storage_are_not_shown_to_a_job(
    bob: Any, serve: Any, fresh: Any, table_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from sahara_lab.errors import AccessDenied

    provider = serve()
    name = fresh("elsewhere")
    bob.market.publish(table_folder, name=name)
    _, place = provider._input(f"bob/{name}@1")
    assert place.is_relative_to(bob.profile.storage)
    honest = ChainManifestSource.resolve
    for location in (
        "file:///etc",
        "https://169.254.169.254/latest",
        bob.profile.storage.as_uri(),
        "file:///proc/self",
    ):
        monkeypatch.setattr(
            ChainManifestSource,
            "resolve",
            lambda self, owner, version, at=location: replace(honest(self, owner, version), location=at),
        )
        with pytest.raises(AccessDenied, match="cannot reach the files"):
            provider._input(f"bob/{name}@1")


def test_a_run_is_the_same_to_the_last_bit_and_one_that_was_not_run_is_disputed(
    bob: Any, serve: Any, cells: SimpleNamespace, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sahara_lab.localnet.founding import RULES
    from sahara_lab.rental import tenancy

    serve()
    honest = bob.compute.run_cell(cells.short, {}, workers=1, provider="alice", max_price="2", recompute=True)
    honest.wait(timeout=300)
    assert honest.status == "done", honest.record()
    assert "recomputed, the same to the last bit" in honest.record()["message"]
    again = CliRunner().invoke(main, ["-a", "bob", "verify-job", honest.id, "--whole"])
    assert again.exit_code == 0, again.output
    assert "the same weights to the last bit" in again.output
    weights = honest.weights.read_bytes()
    honest.weights.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    again = CliRunner().invoke(main, ["-a", "bob", "verify-job", honest.id, "--whole"])
    assert again.exit_code == 1
    assert "gave other weights" in again.output

    take = tenancy._take

    def other_weights(work: Path, name: str, target: Path) -> dict[str, Any]:
        from safetensors.torch import load_file, save_file

        path = work / "out" / "model.safetensors"
        save_file({key: value * 1.0001 for key, value in load_file(str(path)).items()}, str(path))
        return take(work, name, target)

    monkeypatch.setattr(tenancy, "_take", other_weights)
    job = bob.compute.run_cell(cells.short, {}, workers=1, provider="alice", max_price="2", recompute=True)
    until(lambda: "disputed" in job.record()["message"] or job.finished)
    assert "running it again gave other weights" in job.record()["message"]
    bob.network.advance(RULES.judgment_period)
    job.wait(timeout=120)
    assert job.status == "failed"
    assert job.weights is None

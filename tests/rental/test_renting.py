"""Bob rents carol's machine: real processes, a real chain, real money."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from sahara_lab.errors import JobError, NotFound, PriceError
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


def carols_offer(bob: Any) -> Any:
    [offer] = [one for one in bob.compute.providers() if one.provider == "carol"]
    return offer


def test_a_cell_runs_on_somebody_elses_machine_and_is_paid_by_use(
    bob: Any, carol: Any, carols_machine: Any, cells: SimpleNamespace, until: Any
) -> None:
    before = bob.wallet.balance().tokens, carol.wallet.balance().tokens
    done = carols_offer(bob).completed
    job = bob.compute.run_cell(cells.short, {}, workers=1, provider="carol", max_price="5").wait(timeout=300)
    assert job.status == "done", job.record()
    assert job.metrics["loss"] < 1
    assert job.weights is not None
    manifest = json.loads(job.manifest.read_bytes())
    paid = before[0] - bob.wallet.balance().tokens
    assert paid == manifest["resource_seconds"] * to_wei("0.01") > 0
    assert manifest["attestation"] == "none"
    assert manifest["outputs"]["model.safetensors"]
    until(lambda: carol.escrow.claimable() == 0 and carol.wallet.balance().tokens - before[1] == paid)
    offer = carols_offer(bob)
    assert offer.completed == done + 1
    assert offer.staked >= to_wei("1")
    assert bob.compute.job(job.id).cost == job.cost
    assert job.model(vars(SimpleNamespace())).layer.weight.shape == (1, 4)


def test_inputs_are_read_with_their_own_keys_and_no_others(
    alice: Any, bob: Any, carols_machine: Any, cells: SimpleNamespace, fresh: Any, tmp_path: Any
) -> None:
    import sahara_lab

    names = []
    for word in ("given", "other"):
        folder = tmp_path / word
        folder.mkdir()
        pd.DataFrame({"x": [float(n) for n in range(64)]}).to_parquet(folder / "part.parquet")
        names.append(fresh(word))
        alice.market.publish(folder, name=names[-1], license=sahara_lab.License.commercial_remix("1", "10%"))
    given, other = (f"alice/{name}" for name in names)
    bob.market.license(other, max_price="1")
    reading = f"""
import pandas as pd
rows = len(pd.read_parquet("vault://{given}/part.parquet"))
try:
    pd.read_parquet("vault://" + "{other}/part.parquet")
    other = "read"
except Exception as error:
    other = str(error)
"""
    job = bob.compute.run_cell(reading + cells.short, {}, workers=1, provider="carol", max_price="9")
    job.wait(timeout=300)
    assert job.status == "done", job.record()
    assert job.values["rows"] == 64
    assert "is not an input of this job" in job.values["other"]
    assert job.inputs == [f"{given}@1"] == job.collected[0]["accessed"]
    model = bob.market.publish(job, name=fresh("rented-net"), royalty="5%")
    assert given in str(bob.market.get(model.name).parents)


def test_the_notebooks_variables_travel_and_a_failing_cell_says_which_line(bob: Any, carols_machine: Any) -> None:
    before = bob.wallet.balance().tokens
    cell = "offset = start + 1\nraise ValueError(f'no {offset}')"
    job = bob.compute.run_cell(cell, {"start": 41}, workers=1, provider="carol", max_price="2").wait(timeout=300)
    assert job.status == "failed"
    assert "no 42" in str(job.error)
    assert before - bob.wallet.balance().tokens < to_wei("1")


def test_interrupting_stops_paying_and_keeps_what_was_learned(
    bob: Any, carols_machine: Any, cells: SimpleNamespace, until: Any
) -> None:
    before = bob.wallet.balance().tokens
    job = bob.compute.run_cell(cells.endless, {}, workers=1, provider="carol", max_price="5")
    until(lambda: job.record().get("step", 0) > 20)
    job.stop()
    job.wait(timeout=120)
    assert job.status == "stopped", job.record()
    assert job.weights is not None
    assert before - bob.wallet.balance().tokens < to_wei("1")
    assert bob.escrow.claimable() == 0


def test_what_cannot_be_rented_is_refused_before_anything_is_spent(bob: Any, carols_machine: Any) -> None:
    before = bob.wallet.balance().tokens
    with pytest.raises(PriceError, match="too low"):
        bob.compute.run_cell("pass", {}, workers=2, provider="carol", max_price="0.1")
    with pytest.raises(PriceError, match="needs a cap"):
        bob.compute.run_cell("pass", {}, workers=2, provider="carol")
    with pytest.raises(JobError, match="2 workers free of 2, not 9"):
        bob.compute.run_cell("pass", {}, workers=9, provider="carol", max_price="100")
    with pytest.raises(NotFound, match="offers no machine"):
        bob.compute.run_cell("pass", {}, workers=1, provider="alice", max_price="5")
    assert bob.wallet.balance().tokens == before

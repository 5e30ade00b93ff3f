"""Data that must not leave: bob's code goes to alice's machine, is read by her, and its results pass her gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from sahara_lab import License
from sahara_lab.cli import main
from sahara_lab.errors import AccessDenied, JobError, NotFound
from sahara_lab.rental.approvals import CODE, Approvals, code_digest

pytestmark = pytest.mark.network

READS = """
import json, socket
import pandas as pd
rows = pd.read_parquet("vault://ASSET/part.parquet")
print("the first row is", list(rows.iloc[0]))
try:
    socket.create_connection(("127.0.0.1", 80), 2)
    reached = "reached"
except OSError:
    reached = "closed"
json.dump({"rows": len(rows), "network": reached}, open("out/metrics.json", "w"))
"""
CANARY = [5.125, 3.5, 1.375, 0.25]


@pytest.fixture(scope="module")
def alices_machine(alice: Any, isolation: Any, free_port: Any, provider_process: Any) -> Iterator[Any]:
    """Alice's machine, with one worker; she owns the data."""
    if not isolation.safe:
        pytest.skip(f"this host has no wall: {isolation.detail}")
    machine = provider_process("alice", free_port(), "--workers", "1")
    yield machine.start()
    machine.end()
    alice.providers.withdraw()


@pytest.fixture
def secret(alice: Any, bob: Any, fresh: Any, tmp_path: Any) -> str:
    """Data of alice's that bob may train on where it lies."""
    folder = tmp_path / "secret"
    folder.mkdir()
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(64, 4)), columns=list("abcd"))
    table.iloc[0] = CANARY
    table.to_parquet(folder / "part.parquet")
    asset = alice.market.publish(folder, name=fresh("secret"), license=License.compute_only("1"))
    bob.market.license(asset.name, max_price="1")
    return str(asset.name)


@pytest.fixture
def train(bob: Any, alices_machine: Any, cells: SimpleNamespace, secret: str) -> Callable[..., Any]:
    """Sends a cell to where the data is."""

    def send(source: str = READS) -> Any:
        cell = source.replace("ASSET", secret) + cells.short
        return bob.compute.run_cell(cell, {}, workers=1, inputs=[secret], max_price="5")

    return send


def waiting(alice: Any, job: Any, what: str) -> Any:
    """What alice sees of a job when it waits for her."""
    found = [r for r in alice.machine.review() if r.waits_for == what and r.source == job.source]
    return found[0] if found else None


def test_code_comes_to_the_data_and_its_results_leave_when_their_owner_says_so(
    alice: Any, bob: Any, secret: str, train: Any, until: Any
) -> None:
    before = bob.wallet.balance().tokens
    job = train()
    assert job.provider == "alice"
    asked = until(lambda: waiting(alice, job, "code"))
    assert asked.client == "bob"
    assert asked.assets == (f"{secret}@1",)
    until(lambda: "alice has to approve the code" in job.record()["message"])
    alice.machine.reviews.approve(asked.job)

    done = until(lambda: waiting(alice, job, "results"))
    assert done.record["status"] == "done", done.record
    assert set(done.results) == {"model.safetensors", "checkpoint.safetensors", "metrics.json"}
    assert job.weights is None
    assert not any("first row" in str(event) for event in job.events(0)[0])
    alice.machine.reviews.release(done.job)

    job.wait(timeout=120)
    assert job.status == "done", job.record()
    assert job.weights is not None
    assert json.loads(job.results[0].read_text()) == {"rows": 64, "network": "closed"}
    assert not any("first row" in str(event) for event in job.events(0)[0])
    manifest = json.loads(job.manifest.read_bytes())
    assert manifest["on_site"] == [f"{secret}@1"]
    assert bob.wallet.balance().tokens < before
    for use in ("read", "training"):
        with pytest.raises(AccessDenied, match="compute-only"):
            bob.vault.vault(secret, use=use).open("part.parquet")
    model = bob.market.publish(job, name=f"net-of-{secret.rpartition('-')[2]}")
    assert secret in str(bob.market.get(model.name).parents)


def test_code_that_the_owner_did_not_approve_does_not_run(
    alice: Any, bob: Any, secret: str, train: Any, until: Any, cells: SimpleNamespace
) -> None:
    before = bob.wallet.balance().tokens
    approved = READS.replace("ASSET", secret) + cells.short
    alice.machine.reviews.allow(secret, approved)
    registry = bob.chain.contract("AssetRegistry").address
    number = bob.market.get(secret).id

    job = train(READS + "rows.to_csv('out/rows.csv')\n")  # changed after it was approved
    asked = until(lambda: waiting(alice, job, "code"))
    # Somebody who can write alice's files, and has not got her wallet:
    forged = Approvals(alice.machine.folder / "approvals", bob.chain.chain_id, registry)
    forged.sign(CODE, number, code_digest(job.source), bob.keys)
    asked = until(lambda: waiting(alice, job, "code"))
    with pytest.raises(AccessDenied, match="another account"):
        bob.machine.reviews.allow(secret, job.source)
    assert not bob.escrow.job(int(asked.job, 16)).accepted

    alice.machine.reviews.refuse(asked.job)
    job.wait(timeout=60)
    assert job.status == "failed"
    assert "refused this code" in str(job.error)
    assert bob.wallet.balance().tokens == before

    job = train("# another\n" + READS)
    until(lambda: waiting(alice, job, "code"))
    job.stop()
    job.wait(timeout=60)
    assert job.status == "stopped"
    assert bob.wallet.balance().tokens == before


@pytest.mark.parametrize(
    ("smuggles", "why"),
    [
        ("rows.to_csv('out/rows.csv', index=False)", "a canary row is in rows.csv"),
        ("rows.to_pickle('out/rows.pkl')", "'rows.pkl' is not of a type that may leave"),
        ("open('out/rows.csv', 'w').write('1,2\\n' * 200_000)", "bytes; at most 500,000 may leave"),
        ("raise ValueError(f'see {list(rows.iloc[0])}')", "a canary row is in the record"),
        ("import os; rows.to_csv('out/rows.csv'); os.kill(os.getppid(), 9); os.kill(1, 9)", ""),
    ],
)
def test_what_must_not_leave_does_not_though_the_code_was_trusted(
    alice: Any, secret: str, train: Any, smuggles: str, why: str, cells: SimpleNamespace
) -> None:
    alice.machine.guard(secret, [CANARY], "500 kB")
    source = READS + smuggles + "\n"
    alice.machine.reviews.allow(secret, source.replace("ASSET", secret) + cells.short, release=True)
    job = train(source).wait(timeout=240)
    assert job.status == "failed", job.record()
    assert why in str(job.error)
    assert job.weights is None
    assert job.results == []
    assert "5.125" not in json.dumps([job.record(), job.events(0)[0]])


def test_an_expired_license_opens_nothing(
    alice: Any, bob: Any, alices_machine: Any, fresh: Any, table_folder: Any, cells: SimpleNamespace
) -> None:
    lent = License.compute_only("1", duration="1 hour")
    asset = alice.market.publish(table_folder, name=fresh("lent"), license=lent)
    bob.market.license(asset.name, max_price="1")
    assert bob.market.trains_on_site(asset.name)
    bob.network.advance(3700)
    with pytest.raises(AccessDenied, match="may not train"):
        bob.compute._licensed([asset.name], None)
    before = bob.wallet.balance().tokens
    name = f"{asset.name}@1"
    job = bob._rentals.rent(cells.short, {}, provider="alice", max_price="5", workers=1, inputs=[name], on_site=[name])
    job.wait(timeout=60)
    assert job.status == "failed"
    assert "no valid license to train" in str(job.error)
    assert bob.wallet.balance().tokens == before


def test_the_quote_says_where_the_job_goes_and_what_cannot_go_is_refused(
    alice: Any, bob: Any, alices_machine: Any, secret: str, cells: SimpleNamespace
) -> None:
    quote = bob.compute.estimate(cells.short, {}, inputs=[secret], workers=1)
    assert "1 worker on alice's machine" in str(quote)
    assert f"{secret} is licensed compute-only: the job goes to alice" in str(quote)
    assert "0.01 SAHARA a worker second" in str(quote)
    with pytest.raises(JobError, match="stays with alice: carol has not got it"):
        bob.compute.run_cell(cells.short, {}, inputs=[secret], provider="carol", max_price="5")
    with pytest.raises(JobError, match="uses helper from the notebook"):
        bob.compute.run_cell(f"helper\n{cells.short}", {"helper": 1}, inputs=[secret], workers=1, max_price="5")
    with pytest.raises(NotFound, match="waits for review"):
        alice.machine.reviews.approve("0x1234567890")


def say(account: str, *arguments: str) -> str:
    """What ``sahara-lab provider …`` answers; an error as its text."""
    done = CliRunner().invoke(main, ["-a", account, "provider", *arguments])
    return done.output + str(done.exception or "")


def test_the_owner_reads_approves_and_releases_on_the_command_line(
    alice: Any, bob: Any, secret: str, train: Any, until: Any
) -> None:
    job = train()
    asked = until(lambda: waiting(alice, job, "code"))
    assert secret in say("alice", "review")
    shown = say("alice", "review", asked.job)
    assert 'json.dump({"rows": len(rows)' in shown
    assert "bob" in shown
    assert "said and signed" not in say("bob", "review", asked.job, "--approve")
    assert "said and signed" in say("alice", "review", asked.job, "--approve")
    done = until(lambda: waiting(alice, job, "results"))
    assert "metrics.json" in say("alice", "review", done.job)
    assert "said and signed" in say("alice", "review", done.job, "--release")
    job.wait(timeout=120)
    assert job.status == "done", job.record()["message"]


def test_allow_and_guard_on_the_command_line_say_what_runs_and_what_leaves(
    alice: Any, bob: Any, secret: str, train: Any, tmp_path: Path, cells: SimpleNamespace
) -> None:
    script, rows = tmp_path / "approved.py", tmp_path / "rows.csv"
    script.write_text(READS.replace("ASSET", secret) + cells.short)
    rows.write_text(",".join(map(str, CANARY)) + "\n")
    assert "another account" in say("bob", "allow", secret, str(script))
    assert "allowed: " in say("alice", "allow", secret, str(script), "--release")
    assert "1 canary rows, at most 16,000,000 bytes" in say(
        "alice", "guard", secret, "--canaries", str(rows), "--most", "16 MB"
    )
    job = train().wait(timeout=120)
    assert job.status == "done", job.record()["message"]  # nobody was asked

    leaking = READS + f"json.dump({CANARY}, open('out/leak.json', 'w'))\n"
    script.write_text(leaking.replace("ASSET", secret) + cells.short)
    say("alice", "allow", secret, str(script), "--release")
    caught = train(leaking).wait(timeout=120)
    assert caught.status == "failed"
    assert caught.results == []


def test_a_machine_that_dies_while_its_owner_reads_asks_again_when_it_is_back(
    alice: Any, secret: str, train: Any, until: Any, alices_machine: Any
) -> None:
    job = train()
    asked = until(lambda: waiting(alice, job, "code"))
    alices_machine.kill()
    alices_machine.start()
    again = until(lambda: waiting(alice, job, "code"))
    assert again.job == asked.job
    alice.machine.reviews.approve(again.job)
    done = until(lambda: waiting(alice, job, "results"))
    alices_machine.kill()
    alices_machine.start()
    assert until(lambda: waiting(alice, job, "results")).results == done.results
    assert job.weights is None
    alice.machine.reviews.release(done.job)
    job.wait(timeout=120)
    assert job.status == "done", job.record()["message"]


def test_a_job_on_several_assets_needs_the_word_for_each(
    alice: Any,
    bob: Any,
    secret: str,
    fresh: Any,
    tmp_path: Path,
    until: Any,
    cells: SimpleNamespace,
    alices_machine: Any,
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    pd.DataFrame({"a": range(8)}).to_parquet(folder / "part.parquet")
    other = str(alice.market.publish(folder, name=fresh("other"), license=License.compute_only("1")).name)
    bob.market.license(other, max_price="1")
    both = "import pandas as pd\n" + "".join(
        f'assert len(pd.read_parquet("vault://{name}/part.parquet"))\n' for name in (secret, other)
    )
    cell = both + cells.short
    alice.machine.reviews.allow(secret, cell)
    job = bob.compute.run_cell(cell, {}, workers=1, inputs=[secret, other], max_price="5")
    asked = until(lambda: waiting(alice, job, "code"))
    assert set(asked.assets) == {f"{secret}@1", f"{other}@1"}
    until(lambda: "alice has to approve the code" in job.record()["message"])
    alice.machine.reviews.approve(asked.job, release=True)
    job.wait(timeout=120)
    assert job.status == "done", job.record()["message"]
    assert json.loads(job.manifest.read_bytes())["on_site"] == sorted([f"{secret}@1", f"{other}@1"])


def test_segments_of_a_run_on_data_that_is_not_here_cannot_be_asked_for(
    bob: Any, secret: str, alices_machine: Any, cells: SimpleNamespace
) -> None:
    with pytest.raises(JobError, match="cannot be run again here"):
        bob.compute.run_cell(cells.short, {}, workers=1, inputs=[secret], max_price="5", segments=4)

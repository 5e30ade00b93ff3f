"""A stranger's job that waits for the owner of the data: read and answered over the server's routes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.rental.approvals import CODE, REFUSED, Approvals, code_digest
from sahara_lab.server.service import LabService
from sahara_lab.server.watch import Watcher
from tests.on_site_jobs import end, forget, take

pytestmark = pytest.mark.network
SOURCE = "print('counts rows')\n# reversed: \u202e"


@pytest.fixture
def secret(alice: Any, fresh: Any, table_folder: Path) -> str:
    """Data of alice's that must not leave."""
    return str(alice.market.publish(table_folder, name=fresh("secret"), license=License.compute_only("1")).name)


@pytest.fixture
def job(alice: Any, bob: Any, secret: str) -> Iterator[str]:
    """A job of bob's that alice's machine took."""
    taken = take(alice, bob, secret, SOURCE)
    yield taken
    forget(alice, taken)


def found(library: dict[str, Any], job: str) -> dict[str, Any] | None:
    return next((one for one in library["reviews"] if one["job"] == job), None)


def word_of(alice: Any, secret: str) -> str | None:
    approvals = Approvals(
        alice.machine.folder / "approvals", alice.chain.chain_id, alice.chain.contract("AssetRegistry").address
    )
    return approvals.find(alice.market.get(secret).id, code_digest(SOURCE), alice.wallet.address)


def test_an_owner_reads_code_and_lets_it_run(ask: Any, alice: Any, secret: str, job: str) -> None:
    asked = found(ask("mine", account="alice").json, job)
    assert asked is not None
    assert (asked["client"], asked["assets"], asked["waits_for"]) == ("bob", [f"{secret}@1"], "code")
    assert asked["source"] == SOURCE.replace("\u202e", "\\u202e"), "what a reader would not see is written out"
    assert found(ask("mine", account="bob").json, job) is None
    assert found(ask(f"reviews/{job}/approve", body={}, account="alice").json, job) is None
    assert word_of(alice, secret) == CODE


def test_an_owner_refuses_code(ask: Any, alice: Any, secret: str, job: str) -> None:
    assert found(ask(f"reviews/{job}/refuse", body={}, account="alice").json, job) is None
    assert word_of(alice, secret) == REFUSED


def test_results_are_shown_before_they_leave(ask: Any, alice: Any, job: str) -> None:
    end(alice, job, {"status": "done", "metrics": {"rows": 64}})
    waiting = found(ask("mine", account="alice").json, job)
    assert waiting is not None
    assert waiting["results"] == [{"name": "metrics.json", "size": 12}]
    assert '"rows": 64' in waiting["record"]
    assert ask(f"reviews/{job}/approve", body={}, account="alice").status == 400, "it is not the code that waits"
    assert found(ask(f"reviews/{job}/release", body={}, account="alice").json, job) is None


def test_nobody_else_answers(ask: Any, job: str) -> None:
    assert ask(f"reviews/{job}/approve", body={}, account="bob").status == 404
    assert ask(f"reviews/{job}/forget", body={}, account="alice").status == 404
    assert ask("reviews/0x12/approve", body={}, account="alice").status == 404


def test_what_comes_to_wait_is_told(alice: Any, job: str) -> None:
    told: list[str] = []
    watcher = Watcher(LabService("local", "alice"), told.append)

    async def look() -> None:
        await watcher.look()
        await watcher.look()
        assert "reviews" not in told
        end(alice, job, {"status": "done"})
        await watcher.look()

    asyncio.run(look())
    assert "reviews" in told

"""Either side is killed (SIGKILL) at steps of a rented job; money and work come to their right place."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.units import to_wei

pytestmark = pytest.mark.network

RENTER = """
import sys, threading, sahara_lab
bob = sahara_lab.connect(account="bob")
bob.compute.run_cell(sys.argv[1], {}, workers=1, provider="carol", max_price="5", name=sys.argv[2])
threading.Event().wait()
"""


class Watched:
    """A job that another process rents, as files and the chain show it."""

    def __init__(self, bob: Any, carol: Any, name: str) -> None:
        self._bob, self._carol, self.name = bob, carol, name

    @property
    def job(self) -> Any:
        return next((job for job in self._bob.compute.jobs() if job.name == self.name), None)

    @property
    def status(self) -> str:
        """In the escrow."""
        with contextlib.suppress(Exception):
            state = json.loads((self.job.folder / "rental.json").read_text())
            return str(self._bob.escrow.job(int(state["job_id"], 16)).status)
        return "none"

    @property
    def phase(self) -> str:
        """At the provider."""
        for path in Path(self._carol.machine.folder).glob("jobs/*/state.json"):
            with contextlib.suppress(OSError, ValueError):
                state = json.loads(path.read_text())
                if state["name"] == self.name:
                    return str(state["phase"])
        return "none"

    def reached(self, step: str) -> bool:
        """Whether the job has come to a step, or is beyond it."""
        record = self.job.record() if self.job else {}
        past = self.status in ("submitted", "completed")
        match step:
            case "created":
                return self.status != "none"
            case "funded":
                return self.status not in ("none", "open")
            case "taken":
                return self.phase != "none" or past
            case "learning":
                return bool(record.get("checkpoint_step", 0) > 0)
            case "paying":
                return bool(record.get("cost", "0 SAHARA") != "0 SAHARA") or past
            case "ended":
                return self.phase in ("ended", "submitted", "closed") or past
            case _:
                return past


@pytest.fixture
def renter(bob: Any, carol: Any) -> Iterator[Callable[[str, str], tuple[subprocess.Popen[bytes], Watched]]]:
    """Starts a process of bob's that rents carol's machine."""
    started = []

    def start(cell: str, name: str) -> tuple[subprocess.Popen[bytes], Watched]:
        process = subprocess.Popen([sys.executable, "-c", RENTER, cell, name])
        started.append(process)
        return process, Watched(bob, carol, name)

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def books(bob: Any, carol: Any, until: Any) -> Callable[[], None]:
    """Checks that what bob paid is what carol has, and that nothing of theirs is left in the escrow."""
    before = [lab.wallet.balance().tokens + lab.escrow.claimable() for lab in (bob, carol)]

    def check() -> None:
        until(lambda: bob.escrow.claimable() == carol.escrow.claimable() == 0)
        after = [lab.wallet.balance().tokens for lab in (bob, carol)]
        assert before[0] - after[0] == after[1] - before[1]
        assert 0 <= before[0] - after[0] < to_wei("2")

    return check


@pytest.mark.parametrize("step", ["created", "funded", "taken", "paying", "ended", "submitted"])
def test_a_renter_that_is_killed_finds_its_job_again(
    step: str, bob: Any, carols_machine: Any, renter: Any, books: Any, cells: SimpleNamespace, until: Any, fresh: Any
) -> None:
    process, watched = renter(cells.endless if step == "paying" else cells.short, fresh(f"killed-{step}"))
    until(lambda: watched.reached(step))
    process.kill()
    process.wait()
    [job] = bob.compute.recover()
    if step == "paying":
        until(lambda: job.record().get("step", 0) > 0)
        job.stop()
    job.wait(timeout=300)
    assert job.status == ("stopped" if step == "paying" else "done"), job.record()
    assert job.weights is not None
    assert watched.status == "completed"
    books()


def test_a_provider_that_is_killed_goes_on_from_the_last_checkpoint(
    bob: Any, carols_machine: Any, books: Any, cells: SimpleNamespace, until: Any, fresh: Any
) -> None:
    job = bob.compute.run_cell(
        cells.endless, {}, workers=1, provider="carol", max_price="5", name=fresh("killed-provider")
    )
    until(lambda: job.record().get("checkpoint_step", 0) > 0)
    had = job.record()["checkpoint_step"]
    carols_machine.kill()
    carols_machine.start()
    seen = len(job.events()[0])
    until(lambda: any(event["kind"] == "progress" for event in job.events()[0][seen:]))
    again = next(event for event in job.events()[0][seen:] if event["kind"] == "progress")
    assert again["step"] >= had
    job.stop()
    job.wait(timeout=300)
    assert job.status == "stopped", job.record()
    books()


def test_a_provider_that_never_comes_back_keeps_nothing_it_was_not_given(
    bob: Any, carols_machine: Any, cells: SimpleNamespace, until: Any, fresh: Any
) -> None:
    from sahara_lab.localnet.founding import RULES

    before = bob.wallet.balance().tokens
    job = bob.compute.run_cell(cells.endless, {}, workers=1, provider="carol", max_price="5", name=fresh("gone"))
    until(lambda: job.record().get("step", 0) > 0)
    carols_machine.kill()
    try:
        until(lambda: "ending the job in the escrow" in job.record()["message"])
        bob.network.advance(RULES.stop_delay)
        job.wait(timeout=120)
        assert job.status == "failed"
        assert "does not answer" in str(job.error)
        assert before - bob.wallet.balance().tokens == 0  # no voucher had been redeemed
    finally:
        carols_machine.start()

"""What a person sees, and keeps, when the network fails in the middle of things."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import sahara_lab as sahara
from sahara_lab import lab
from sahara_lab.chain import sender as sending
from sahara_lab.errors import KeyServersUnavailable, NetworkError
from tests.localnet.conftest import Net
from tests.waiting import until

pytestmark = pytest.mark.network
ROOT = Path(sahara.__file__).parents[1]


@pytest.fixture(scope="module")
def listed(running: Net, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset of Alice's, on sale for 25 like its twin alice/letters."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "numbers.csv").write_text("a,b\n1,2\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAHARA_LAB_HOME", str(running.profile.home))
        license = sahara.License.commercial_remix(price="25", royalty="10%")
        for name in ("numbers", "letters"):
            sahara.connect(account="alice").market.publish(folder, name=name, license=license)
    return "alice/numbers"


@pytest.fixture
def bob(up: Net, listed: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SAHARA_LAB_HOME", str(up.profile.home))
    return sahara.connect(account="bob")


class Interrupted:
    """A connection on which something happens just before, or just after, a transaction is handed over."""

    def __init__(self, rpc: Any, happens: Any, *, after: bool) -> None:
        self._rpc, self._happens, self._after = rpc, happens, after

    def __call__(self, method: str, *params: Any) -> Any:
        if method != "eth_sendRawTransaction" or self._happens is None:
            return self._rpc(method, *params)
        happens, self._happens = self._happens, None
        answer = self._rpc(method, *params) if self._after else None
        happens()
        return answer if self._after else self._rpc(method, *params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rpc, name)


@pytest.mark.parametrize("after", [False, True], ids=["before the node had it", "after the node had it"])
def test_a_network_stopped_in_mid_purchase_costs_nothing(
    bob: Any, up: Net, listed: str, after: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "OUTAGE", 0.2)
    buyer = bob if not after else sahara.connect(account="carol")
    before, held = buyer.wallet.balance().tokens, len(buyer.market.licenses())
    monkeypatch.setattr(buyer.chain, "rpc", Interrupted(buyer.chain.rpc, up.down, after=after))
    with pytest.raises(NetworkError, match=r"Run: sahara-lab up, then do it again") as caught:
        buyer.market.license(listed, max_price="25")
    assert "\n" not in str(caught.value)
    up.up()
    lab._reconciled.clear()  # as a program that is started anew
    again = sahara.connect(account=buyer.account)
    grant = again.market.license(listed, max_price="25")
    assert grant.asset == listed
    assert again.wallet.balance().tokens == before - 25 * 10**18
    assert len(again.market.licenses()) == held + 1
    # The network's new supervisor served the transaction that was in the journal already: it is told of, once.
    assert any("begun before" in line for line in caplog.messages), caplog.messages
    assert again.wallet.reconcile() == []


def test_the_journal_stays_with_its_network_through_restarts(bob: Any, up: Net) -> None:
    """A node that loads a saved chain makes another first block at times; the journal is of the same chain still."""
    for _ in range(3):
        again = sahara.connect(account="bob")
        again.sender.send(again.chain.contract("SaharaToken"), "transfer", bob.keys.address, 1)
        up.down()
        up.up()
    assert not list(up.profile.state.glob("journal-bob.old"))


def test_with_two_of_three_key_servers_down_the_reader_is_told_how_many_answered(
    bob: Any, up: Net, listed: str
) -> None:
    bob.market.license(listed, max_price="25")
    later = up.pay(1).block_number
    until(lambda: up.chain.block("finalized").number >= later)
    servers = [process for process in up.processes() if "keyserver" in " ".join(process.cmdline())]
    for server in servers[:2]:
        server.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(KeyServersUnavailable, match="1 of 3 key servers answered, 2"):
            bob.vault.open(f"{listed}/numbers.csv").read()
        servers[0].send_signal(signal.SIGCONT)
        assert bob.vault.open(f"{listed}/numbers.csv").read() == b"a,b\n1,2\n"
    finally:
        _wake(servers)


def test_a_wrong_password_on_the_command_line_is_one_line_and_costs_nothing(bob: Any, up: Net, listed: str) -> None:
    before = bob.wallet.balance().tokens
    done = subprocess.run(
        [sys.executable, "-m", "sahara_lab.cli", "--account", "bob", "license", "alice/letters", "--max-price", "25"],
        env={**os.environ, "SAHARA_LAB_PASSWORD": "wrong", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert "password for bob is wrong" in done.stderr
    assert "Traceback" not in done.stderr
    assert bob.wallet.balance().tokens == before


def _wake(processes: list[psutil.Process]) -> None:
    for process in processes:
        if process.is_running():
            process.send_signal(signal.SIGCONT)

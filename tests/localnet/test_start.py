"""Starting and attaching."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sahara_lab
from sahara_lab.chain import Keyring, Network
from sahara_lab.errors import InputError, NetworkError
from sahara_lab.localnet import advance, attach, status
from sahara_lab.localnet.supervisor import Supervisor
from sahara_lab.profile import Profile
from sahara_lab.units import WEI_PER_TOKEN
from tests.localnet.conftest import Net, environment_of
from tests.waiting import until

pytestmark = pytest.mark.network
ROOT = Path(sahara_lab.__file__).parents[1]
ATTACH = """
import json, sys, time
from pathlib import Path
started = time.perf_counter()
from sahara_lab.localnet import ensure_up
from sahara_lab.profile import Profile
network = ensure_up(Profile("local", Path(sys.argv[1])))
heavy = [name for name in ("eth_account", "web3", "torch", "ray", "starlette", "uvicorn") if name in sys.modules]
print(json.dumps([network.supervisor_pid, network.rpc_url, heavy, time.perf_counter() - started]))
"""


def attach_elsewhere(net: Net, **more: str) -> subprocess.Popen[bytes]:
    """Start or attach from another process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-c", ATTACH, str(net.profile.home)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_started_from_four_processes_at_once_it_is_one_network(net: Net) -> None:
    starters = [attach_elsewhere(net) for _ in range(4)]
    answers = [starter.communicate(timeout=120) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4, answers
    assert len({tuple(json.loads(out)[:2]) for out, _ in answers}) == 1
    assert len(net.processes()) == 5
    supervisors = [p for p in _everything(net) if "keyserver" not in p]
    assert len(supervisors) == 1


def _everything(net: Net) -> list[str]:
    import psutil

    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(net.profile.home) in line and "sahara_lab.localnet" in line]


def test_attaching_loads_nothing_heavy_and_is_quick(up: Net) -> None:
    out, err = attach_elsewhere(up).communicate(timeout=60)
    pid, _, heavy, seconds = json.loads(out or err)
    assert pid == up.network.supervisor_pid
    assert heavy == []
    assert seconds < 1.5  # 0.2 s on a quiet machine


def test_secrets_of_the_starter_do_not_reach_the_network(net: Net) -> None:
    starter = attach_elsewhere(net, JUPYTER_TOKEN="hush", AWS_SECRET_ACCESS_KEY="hush", SAHARA_LAB_PASSWORD="hush")
    starter.communicate(timeout=120)
    for process in net.processes():
        assert "hush" not in environment_of(process).values()


def test_modules_in_the_current_folder_are_not_run(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("json", "secrets", "random"):
        (folder / f"{name}.py").write_text("raise SystemExit('a notebook of that name')")
    monkeypatch.chdir(folder)
    assert net.up().accounts == ("alice", "bob", "carol")


def test_accounts_are_funded_registered_and_vote(up: Net) -> None:
    chain, keyring = up.chain, Keyring(up.profile)
    token, identities = chain.contract("SaharaToken"), chain.contract("IdentityRegistry")
    for name in ("bob", "carol"):
        wallet = keyring.open(name)
        assert token.call("balanceOf", wallet.address) == 10_000 * WEI_PER_TOKEN
        assert token.call("getVotes", wallet.address) == 10_000 * WEI_PER_TOKEN
        assert identities.call("handleOf", wallet.address) == name
        assert identities.call("encryptionKeyOf", wallet.address) == wallet.encryption_public_key


def test_files_with_secrets_are_private(up: Net) -> None:
    assert up.profile.network_file.stat().st_mode & 0o077 == 0
    assert up.profile.state.stat().st_mode & 0o077 == 0
    assert up.profile.keystores.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in up.profile.state.glob("*.key.json"))


def test_the_node_and_key_servers_listen_on_loopback_only(up: Net) -> None:
    for process in up.processes():
        for connection in process.net_connections(kind="inet"):
            assert connection.laddr.ip == "127.0.0.1", connection


def test_a_transaction_becomes_final(up: Net) -> None:
    receipt = up.pay(1)
    until(lambda: up.chain.block("finalized").number >= receipt.block_number)


def test_a_transaction_that_comes_while_another_becomes_final_does_too(tmp_path: Path) -> None:
    class Node:
        """A chain on which one transaction comes just after the blocks that make the one before it final."""

        head, asked = 5, []

        def block_number(self) -> int:
            return self.head

        def wake(self, head: int) -> int:
            return self.head

        def finalize(self, head: int) -> None:
            self.asked.append(head)
            self.head += 3 if head == 5 else 0

    node = Node()
    supervisor = Supervisor(Profile("local", tmp_path))
    for _ in range(3):
        supervisor._follow_chain(node)  # type: ignore[arg-type]
    assert node.asked == [5, 8]


def test_a_transaction_before_a_jump_in_time_becomes_final_too(up: Net) -> None:
    receipt = up.pay(1)
    advance(up.profile, 60)
    until(lambda: up.chain.block("finalized").number >= receipt.block_number)


def test_an_idle_network_mines_nothing(up: Net) -> None:
    import time

    up.pay(1)
    up.wait_saved()
    head = until(
        lambda: (first := up.chain.block().number, time.sleep(0.5)) and first == up.chain.block().number and first
    )
    time.sleep(1)
    assert up.chain.block().number == head


def test_advance_moves_the_clock_and_refuses_to_move_it_back(up: Net) -> None:
    before = up.chain.block().timestamp
    assert advance(up.profile, 3_600) >= before + 3_600
    assert up.chain.block("finalized").timestamp >= before + 3_600
    with pytest.raises(InputError, match="does not run backwards"):
        advance(up.profile, -1)


def test_attach_to_nothing_says_what_to_run(net: Net) -> None:
    with pytest.raises(NetworkError, match=r"is not running\. Run: sahara-lab up"):
        attach(net.profile)
    assert str(status(net.profile)) == "the network is not running. Run: sahara-lab up"


def test_a_start_that_fails_says_why_without_a_traceback(net: Net) -> None:
    net.profile.private(net.profile.state)
    (net.profile.state / "keyserver-1.key.json").write_text("not json")
    with pytest.raises(NetworkError, match=r"keyserver-1\.key\.json"):
        net.up()


def test_status_reads_well(up: Net) -> None:
    found = status(up.profile)
    assert found.running
    assert "3 of 3 key servers" in str(found)
    assert Network.load(up.profile).threshold == 2

"""Kill it, damage it, take its ports: it comes back, and says what was lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from sahara_lab.errors import ChainError, NetworkError
from sahara_lab.localnet import ensure_up, status
from sahara_lab.localnet.processes import Identity
from tests.localnet.conftest import SOMEBODY, Net
from tests.waiting import until

pytestmark = pytest.mark.network


def test_state_is_kept_when_stopped_and_started(up: Net) -> None:
    before = up.network
    up.pay(5)
    had = up.paid()
    up.down()
    after = up.up()
    assert after.addresses == before.addresses
    assert after.recovered is None
    assert up.paid() == had
    assert up.chain.contract("SaharaToken").call("balanceOf", SOMEBODY, block="finalized") == had
    assert (after.rpc_url, after.key_servers) == (before.rpc_url, before.key_servers)


def test_after_kill_of_everything_only_the_last_seconds_are_lost_and_it_says_so(up: Net) -> None:
    had = up.paid()
    up.pay(100)
    up.wait_saved()
    lost = up.pay(7)
    until(lambda: json.loads((up.state / "head.json").read_text())["block"] >= lost.block_number)
    up.kill_everything()
    network = up.up()
    assert up.paid() in (had + 100, had + 107)
    if up.paid() == had + 100:
        assert network.recovered
        assert "stopped hard" in network.recovered
        assert "lost" in network.recovered
    assert all(ok for _, ok in status(up.profile).key_servers)
    up.pay(1)  # and it works on
    assert up.network.recovered is None  # said once, to the one who started it


def test_a_loss_is_told_once_only(up: Net) -> None:
    up.pay(3)
    up.wait_saved()
    (up.state / "head.json").write_text('{"block": 100000}')
    up.kill_everything()
    (up.state / "head.json").write_text('{"block": 100000}')
    assert "lost" in (up.up().recovered or "")
    up.down()
    assert up.up().recovered is None


def test_nothing_is_lost_when_the_last_change_is_seconds_old(up: Net) -> None:
    up.pay(9)
    had = up.paid()
    up.wait_saved()
    up.kill_everything()
    assert up.up().recovered is None
    assert up.paid() == had


def test_a_kill_just_after_a_start_is_no_loss(up: Net) -> None:
    up.down()
    up.up()
    up.kill_everything()
    assert up.up().recovered is None


def test_time_does_not_run_backwards_after_a_restart(up: Net) -> None:
    from sahara_lab.localnet import advance

    later = advance(up.profile, 86_400 * 30)
    up.wait_saved()
    up.down()
    up.up()
    receipt = up.pay(1)
    assert up.chain.block(receipt.block_number).timestamp >= later > time.time() + 86_400 * 29


def test_a_half_written_snapshot_is_set_aside_and_the_one_before_is_used(up: Net) -> None:
    addresses = up.network.addresses
    for amount in (1, 2):
        up.pay(amount)
        up.wait_saved()
    up.down()
    newest = up.state / "chain.snapshot"
    newest.write_bytes(newest.read_bytes()[:-1000])
    network = up.up()
    assert network.addresses == addresses
    assert (up.state / "chain.snapshot.bad").exists()
    up.pay(1)


@pytest.mark.parametrize(
    "damage", [b"", b"\0" * 64, b"[1]\n", b'{"v": 1}\nstate', b'{"v": 1, "block": 3, "sha256": "00"}\n']
)
def test_any_damage_to_a_snapshot_is_noticed(tmp_path: Any, damage: bytes) -> None:
    from sahara_lab.localnet.snapshot import Snapshot, Snapshots

    snapshots = Snapshots(tmp_path)
    snapshots.save(Snapshot(1, b"one"))
    snapshots.save(Snapshot(2, b"two"))
    assert snapshots.load() == Snapshot(2, b"two")
    (tmp_path / "chain.snapshot").write_bytes(damage)
    assert snapshots.load() == Snapshot(1, b"one")
    assert (tmp_path / "chain.snapshot.bad").read_bytes() == damage
    (tmp_path / "chain.snapshot.previous").write_bytes(damage)
    assert snapshots.load() is None


def test_without_any_sound_snapshot_it_starts_anew_and_says_so(net: Net) -> None:
    before = net.up().addresses
    net.down()
    for name in ("chain.snapshot", "chain.snapshot.previous"):
        if (net.state / name).exists():
            (net.state / name).write_bytes(b"torn")
    network = net.up()
    assert "started anew" in (network.recovered or "")
    assert network.addresses != before
    assert (net.state / "chain.snapshot.bad").exists()
    net.pay(1)


def test_taken_ports_are_given_up_for_others_and_the_chain_knows(up: Net) -> None:
    before = up.network
    up.down()
    taken = []
    for url in (before.rpc_url, before.key_servers[0].url):
        stranger = socket.socket()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", int(url.rpartition(":")[2])))
        stranger.listen()
        taken.append(stranger)
    try:
        after = up.up()
        assert after.rpc_url != before.rpc_url
        assert after.key_servers[0].url != before.key_servers[0].url
        assert after.key_servers[1].url == before.key_servers[1].url
        assert up.chain.contract("KeyServerRegistry").call("get", 1)["url"] == after.key_servers[0].url
        assert all(ok for _, ok in status(up.profile).key_servers)
    finally:
        for stranger in taken:
            stranger.close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"v": 99}', '{"v": 1, "key_servers": 3}', '{"v": 1}'])
def test_a_damaged_description_is_written_again_by_the_running_network(up: Net, text: str) -> None:
    pid = up.network.supervisor_pid
    up.profile.network_file.write_text(text)
    assert up.up().supervisor_pid == pid
    up.pay(1)


def test_stale_files_of_a_dead_network_are_no_obstacle(up: Net) -> None:
    description = up.profile.network_file.read_text()
    up.down()
    stale = json.loads(description)
    stale["supervisor_pid"] = os.getpid()  # the number now belongs to another program
    up.profile.network_file.write_text(json.dumps(stale))
    (up.state / "supervisor.pid.json").write_text(json.dumps({"pid": os.getpid(), "born": 1.0}))
    (up.state / "node.pid.json").write_text(json.dumps({"pid": os.getpid(), "born": 1.0}))
    network = up.up()
    assert network.supervisor_pid != os.getpid()
    up.pay(1)


def test_a_strangers_node_on_our_port_is_not_taken_for_ours(net: Net, up: Net) -> None:
    own = net.up()
    net.down()
    stranger = json.loads(up.profile.network_file.read_text())
    described = {**stranger, "addresses": own.addresses}
    net.profile.network_file.write_text(json.dumps(described))
    assert not status(net.profile).running
    assert net.up().rpc_url != stranger["rpc_url"]


def test_a_dead_node_and_dead_key_servers_are_started_again(up: Net) -> None:
    up.pay(2)
    had = up.paid()
    up.wait_saved()
    [node] = [process for process in up.processes() if "anvil" in process.name()]
    node.kill()
    until(lambda: _answers(up) and _named(up, "anvil") != node.pid)
    assert up.paid() == had
    servers = [process for process in up.processes() if "keyserver" in " ".join(process.cmdline())]
    assert len(servers) == 3
    servers[0].kill()
    until(lambda: sum("keyserver" in " ".join(p.cmdline()) for p in up.processes() if p.pid != servers[0].pid) == 3)
    until(lambda: all(ok for _, ok in status(up.profile).key_servers))


def test_a_payment_goes_through_while_the_node_is_restarted(up: Net) -> None:
    import threading

    up.wait_saved()
    had = up.paid()
    [node] = [process for process in up.processes() if "anvil" in process.name()]
    chain = up.chain
    outcomes: list[object] = []

    def pay_on() -> None:
        from sahara_lab.chain import Keyring, Sender

        sender = Sender(chain, Keyring(up.profile).open("bob"), up.state / "journal-bob.jsonl")
        for number in range(40):
            try:
                sender.send(chain.contract("SaharaToken"), "transfer", SOMEBODY, 1, intent=f"payment {number}")
                outcomes.append(None)
            except Exception as error:
                outcomes.append(error)

    paying = threading.Thread(target=pay_on)
    paying.start()
    until(lambda: len(outcomes) >= 3)
    node.send_signal(signal.SIGKILL)
    paying.join(120)
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(outcome, NetworkError | ChainError) for outcome in failed), failed
    until(lambda: _answers(up))
    # At most the payments of the second before the kill are gone with their block; none was made twice.
    assert up.paid() - had <= outcomes.count(None)
    up.pay(1)


def test_children_end_when_the_supervisor_is_killed(up: Net) -> None:
    supervisor, *children = up.processes()
    assert len(children) == 4
    supervisor.kill()
    _, left = psutil.wait_procs(children, timeout=15)
    assert left == []
    up.up()


def test_it_ends_when_its_folder_is_deleted(net: Net) -> None:
    net.up()
    processes = net.processes()
    shutil.rmtree(net.profile.folder)
    until(lambda: not any(Identity.of(process.pid) for process in processes))
    assert not net.profile.folder.exists()


def test_it_ends_with_its_owner_when_it_has_one(net: Net) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ensure_up(net.profile, owner=owner.pid)
    processes = net.processes()
    owner.kill()
    owner.wait()
    until(lambda: not any(Identity.of(process.pid) for process in processes))


def test_nothing_runs_on_after_down(up: Net) -> None:
    processes = up.processes()
    up.down()
    assert not any(Identity.of(process.pid) for process in processes)
    assert not status(up.profile).running
    up.down()  # stopping what does not run is no error


def _answers(net: Net) -> bool:
    return status(net.profile).running


def _named(net: Net, name: str) -> int:
    return next((process.pid for process in net.processes() if name in process.name()), 0)

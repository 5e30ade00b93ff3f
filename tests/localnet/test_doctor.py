"""The doctor names what is wrong and the command that repairs it."""

from __future__ import annotations

import signal

import pytest

from sahara_lab.localnet import Check, doctor
from tests.localnet.conftest import Net
from tests.waiting import until

pytestmark = pytest.mark.network


def wrong(net: Net) -> dict[str, Check]:
    return {check.name: check for check in doctor(net.profile) if not check.ok}


def test_a_sound_network_has_nothing_wrong(up: Net) -> None:
    assert {"network", "key server 1", "key files", "chain node"}.isdisjoint(wrong(up))


def test_a_network_that_does_not_run_is_started_with_up(net: Net) -> None:
    assert wrong(net)["network"].repair_command == "sahara-lab up"
    assert not net.profile.folder.exists()  # looking changes nothing


def test_a_silent_key_server_is_named(up: Net) -> None:
    [server] = [
        process
        for process in up.processes()
        if any(c.laddr.port == int(up.network.key_servers[1].url.rpartition(":")[2]) and c.status == "LISTEN"
               for c in process.net_connections(kind="inet"))
    ]  # fmt: skip
    server.send_signal(signal.SIGSTOP)
    try:
        found = wrong(up)["key server 2"]
        assert "does not answer" in found.detail
        assert found.repair_command == "sahara-lab down && sahara-lab up"
    finally:
        server.send_signal(signal.SIGCONT)
    until(lambda: "key server 2" not in wrong(up))


def test_a_damaged_description_is_named(up: Net) -> None:
    up.profile.network_file.write_text("{")
    found = wrong(up)["network"]
    assert "damaged" in found.detail
    assert found.repair_command == "sahara-lab down && sahara-lab up"
    up.up()
    assert "network" not in wrong(up)


def test_files_open_to_others_are_named_with_the_command(up: Net) -> None:
    up.profile.keystores.chmod(0o755)
    try:
        assert wrong(up)["key files"].repair_command == f"chmod 700 {up.profile.keystores}"
    finally:
        up.profile.keystores.chmod(0o700)


def test_the_repairs_named_do_repair(net: Net) -> None:
    net.up()
    net.profile.network_file.write_text("{")
    for step in wrong(net)["network"].repair_command.split(" && "):
        {"sahara-lab down": net.down, "sahara-lab up": net.up}[step]()
    assert "network" not in wrong(net)

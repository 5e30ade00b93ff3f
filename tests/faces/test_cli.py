"""The command line: the same verbs, one line an error, an exit code that tells."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.network


def sahara(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sahara_lab.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=120, check=False)


def test_an_agent_is_registered_and_rated(alice, fresh):  # type: ignore[no-untyped-def]
    name = fresh("cli-agent")
    made = sahara("agent", "register", name, "--service", "MCP=https://a.example/mcp")
    number = re.match(r"agent (\d+): " + name, made.stdout)[1]  # type: ignore[index]
    assert "https://a.example/mcp" in sahara("agent", "show", number).stdout
    assert f"agent {number}: starred 80" in sahara("-a", "carol", "agent", "rate", number, "80").stdout
    assert "carol" in sahara("agent", "feedback", number).stdout
    assert name in sahara("agent", "list").stdout
    assert "Faking it costs" in sahara("agent", "reputation", number).stdout
    refused = sahara("agent", "rate", number, "100")
    assert (refused.returncode, refused.stderr.strip().count("\n")) == (1, 0)
    assert "own agent" in refused.stderr


def patiently(url: str) -> bytes:
    """What a server that is still starting answers."""
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
                return bytes(answer.read())
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.fixture(scope="module")
def offered(alice, tmp_path_factory):  # type: ignore[no-untyped-def]
    """An asset published from the command line."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    done = sahara("publish", str(folder), "--name", "cli-notes", "--title", "Notes by command", "--price", "3")
    assert done.returncode == 0, done.stderr
    return "alice/cli-notes"


def test_up_attaches_to_a_running_network(network) -> None:  # type: ignore[no-untyped-def]
    done = sahara("up")
    assert done.returncode == 0
    assert network.rpc_url in done.stdout


def test_search_finds_what_was_published(offered: str) -> None:
    done = sahara("--account", "bob", "search", "notes by command")
    assert done.returncode == 0
    assert offered in done.stdout


def test_a_purchase_without_a_cap_or_a_person_is_refused(offered: str) -> None:
    done = sahara("-a", "bob", "license", offered)
    assert done.returncode == 1
    assert "--max-price" in done.stderr
    assert "Traceback" not in done.stderr


def test_license_get_and_verify(offered: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert sahara("-a", "carol", "license", offered, "--max-price", "3").returncode == 0
    done = sahara("-a", "carol", "get", offered, str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy" / "notes.csv").read_text() == "a,b\n1,2\n"
    assert sahara("verify", offered).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["show", "alice/nothing-here"], "%sahara search"),
        (["show", "nonsense"], "owner/name"),
        (["-a", "nobody", "wallet"], "Accounts here"),
        (["publish", "/nonexistent", "--name", "x"], "no file or folder"),
        (["vote", "99999", "for"], "proposals"),
        (["stop", "train-0"], "train-0"),
        (["stake", "1"], "--yes"),
        (["stake", "1", "--role", "king"], "key-server"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_one(network, arguments: list[str], hint: str) -> None:  # type: ignore[no-untyped-def]
    done = sahara(*arguments)
    assert done.returncode == 1
    assert hint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_share_who_unshare(offered: str) -> None:
    assert sahara("share", offered, "carol").returncode == 0
    assert "shared" in sahara("who", offered).stdout
    taken = sahara("unshare", offered, "carol")
    assert taken.returncode == 0
    assert "carol" in taken.stdout
    assert "can still open that file" in taken.stdout
    assert "shared" not in sahara("who", offered).stdout


def test_a_file_that_cannot_be_written_is_one_line(offered: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "taken").write_text("a file where the folder should go")
    done = sahara("get", offered, str(tmp_path / "taken" / "below"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "taken" in done.stderr


def test_doctor_is_content_with_a_healthy_network(network) -> None:  # type: ignore[no-untyped-def]
    done = sahara("doctor")
    assert done.returncode == 0, done.stdout


def test_a_person_makes_an_account_and_needs_its_password(alice, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("SAHARA_LAB_PASSWORD", raising=False)
    made = sahara("account", "dave-7", "--password", "correct horse battery")
    assert made.returncode == 0, made.stderr
    alice.wallet.transfer("dave-7", "3")
    assert "3 SAHARA" in sahara("-a", "dave-7", "wallet").stdout
    refused = sahara("-a", "dave-7", "transfer", "alice", "1")
    assert refused.returncode == 1
    assert "SAHARA_LAB_PASSWORD" in refused.stderr
    monkeypatch.setenv("SAHARA_LAB_PASSWORD", "wrong horse battery")
    wrong = sahara("-a", "dave-7", "transfer", "alice", "1")
    assert wrong.returncode == 1
    assert "password for dave-7 is wrong" in wrong.stderr
    monkeypatch.setenv("SAHARA_LAB_PASSWORD", "correct horse battery")
    assert sahara("-a", "dave-7", "transfer", "alice", "1").returncode == 0
    assert sahara("account", "dave-7", "--password", "another password").returncode == 1


def test_the_printed_address_of_the_lab_opens_the_notebook_and_asks_the_web_for_nothing(network, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "my notes.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    command = [sys.executable, "-m", "sahara_lab.cli", "lab", str(tmp_path / "my notes.ipynb"), "--no-browser"]
    with subprocess.Popen([*command, "--port=18890"], stderr=subprocess.PIPE, text=True) as server:
        try:
            found = (re.search(r"(http://\S+)/lab/tree/my%20notes.ipynb(\?token=\w+)", line) for line in server.stderr)
            root, token = next(match for match in found if match).groups()
            threading.Thread(target=server.stderr.read, daemon=True).start()
            setting = f"{root}/lab/api/settings/@jupyterlab/apputils-extension:notification{token}"
            properties = json.loads(patiently(setting))["schema"]["properties"]
        finally:
            server.terminate()
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


def test_a_notebook_that_is_not_there_is_named(network) -> None:  # type: ignore[no-untyped-def]
    done = sahara("lab", "nowhere.ipynb", "--no-browser")
    assert done.returncode == 1
    assert "there is no notebook 'nowhere.ipynb'" in done.stderr


def test_stake_unstake_withdraw(network) -> None:  # type: ignore[no-untyped-def]
    pool = ("--behind", "carol", "--role", "key-server")
    assert "2 SAHARA yours" in sahara("stake", "2", "--yes", *pool).stdout
    assert "2 SAHARA on its way back" in sahara("unstake", *pool).stdout
    assert "cools down" in sahara("withdraw", *pool).stderr
    assert "2 SAHARA behind carol" in sahara("stake", *pool).stdout

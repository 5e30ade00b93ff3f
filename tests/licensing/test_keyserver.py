"""Key servers of a real network: releases are audited, logs are anchored, and an operator can run one more."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sahara_lab import License
from sahara_lab.cli import main
from sahara_lab.errors import ChainError, InputError, WalletError
from sahara_lab.licensing.anchoring import Anchoring, Batch, anchors_of
from sahara_lab.licensing.filesystem import LicensedVaultFileSystem
from sahara_lab.licensing.keyserver import server_id
from sahara_lab.licensing.serverkeys import ServerKeys
from sahara_lab.localnet.founding import server_keys
from sahara_lab.localnet.node import free_port
from sahara_lab.vault import ReceiptLog
from sahara_lab.vault.release import exchange
from tests.waiting import until

pytestmark = pytest.mark.network

PASSPHRASE = "correct horse"


@pytest.fixture
def read_by_bob(alice, bob, table_folder, fresh):  # type: ignore[no-untyped-def]
    """An asset that Bob licensed and read."""
    asset = alice.market.publish(table_folder, name=fresh("audited"), license=License.commercial("2"))
    bob.market.license(asset.name, max_price="2")
    fs = LicensedVaultFileSystem(account="bob", skip_instance_cache=True)
    assert fs.cat(f"{asset.name}/part.parquet")
    return asset


# -- audit ------------------------------------------------------------------------------------------------------------


def test_the_owner_sees_who_could_read_and_with_which_license(read_by_bob, alice) -> None:  # type: ignore[no-untyped-def]
    audit = alice.vault.audit(read_by_bob.name)
    [access] = audit.accesses
    assert (access.account, access.use, access.could_read, access.epoch) == ("bob", "read", True, 1)
    assert access.needed == 2 <= len(access.servers) <= 3
    assert access.license > 0
    assert abs(access.first - time.time()) < 600
    assert audit.sound
    shown = audit._repr_mimebundle_()
    assert "bob" in shown["text/plain"]
    assert "<table" in shown["text/html"]


def test_a_reader_sees_their_own_receipts_and_a_stranger_none(read_by_bob, bob, carol) -> None:  # type: ignore[no-untyped-def]
    assert {access.account for access in bob.vault.audit(read_by_bob.name).accesses} == {"bob"}
    assert bob.vault.audit(read_by_bob.name).sound
    assert carol.vault.audit(read_by_bob.name).accesses == ()


# -- anchoring --------------------------------------------------------------------------------------------------------


@pytest.fixture
def spare(alice, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Key server 3's account with a log of the test's own."""
    log = ReceiptLog(tmp_path / "log")
    keys = server_keys(alice.profile.state, 3)

    def anchoring(batch: Batch = Batch()) -> Anchoring:  # noqa: B008
        return Anchoring(alice.chain, 3, keys.signer, log, batch)

    return log, anchoring


def test_a_log_is_anchored_once_for_each_size_and_never_shrinks(spare, alice) -> None:  # type: ignore[no-untyped-def]
    log, anchoring = spare
    before = alice.chain.contract("ReceiptAnchors").call("latest", 3)["treeSize"]
    for _ in range(before + 2):
        log.append(lambda index: {"number": index})
    made = anchoring().anchor()
    assert (made.size, made.root) == (before + 2, log.root(before + 2))
    assert anchors_of(alice.chain, 3)[-1] == made
    assert anchoring().anchor() is None
    registry = alice.chain.contract("ReceiptAnchors")
    with pytest.raises(ChainError):
        alice.sender.send(registry, "anchor", 3, before + 9, bytes(32))


def test_a_batch_is_due_by_number_or_by_time(spare) -> None:  # type: ignore[no-untyped-def]
    log, make = spare
    anchoring = make(Batch(receipts=2, seconds=3600))
    anchoring._anchored = 0
    assert not anchoring._is_due()
    log.append(lambda index: {"number": index})
    assert not anchoring._is_due()
    log.append(lambda index: {"number": index})
    assert anchoring._is_due()
    slow = make(Batch(receipts=100, seconds=0))
    slow._anchored = 0
    assert slow._is_due()


def test_an_audit_notices_a_log_that_is_not_what_was_anchored(alice, read_by_bob) -> None:  # type: ignore[no-untyped-def]
    """The tests above have anchored another log in the name of server 3."""
    found = {server.server: server for server in alice.vault.audit(read_by_bob.name).servers}
    if found[3].anchored:
        assert found[3].status == "inconsistent"
    assert found[1].status == found[2].status == "ok"


# -- keys and operators -----------------------------------------------------------------------------------------------


def test_keys_are_readable_by_their_user_only_and_open_with_their_passphrase(tmp_path: Path) -> None:
    keys = ServerKeys.generate()
    keys.save(tmp_path / "keys.json", PASSPHRASE)
    assert stat.S_IMODE(os.stat(tmp_path / "keys.json").st_mode) == 0o600  # noqa: PTH116
    assert keys.account_key.hex() not in (tmp_path / "keys.json").read_text()
    assert ServerKeys.load(tmp_path / "keys.json", PASSPHRASE) == keys
    for wrong in ("", "wrong horse"):
        with pytest.raises(WalletError, match="passphrase"):
            ServerKeys.load(tmp_path / "keys.json", wrong)
    with pytest.raises(InputError, match="already"):
        keys.save(tmp_path / "keys.json")
    with pytest.raises(InputError, match="at least 10"):
        keys.save(tmp_path / "other.json", "short")
    assert keys.account_key.hex() not in repr(keys)


def sahara(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_operator_makes_keys_and_proposes_the_server(alice, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "server"
    sahara("keyserver", "new", str(folder), "--url", "https://keys.example", "--no-passphrase")
    [public] = json.loads((folder / "public.json").read_text())
    said = sahara("keyserver", "propose", str(folder))
    assert "vote with: sahara-lab vote" in said
    newest = alice.dao.proposals()[0]
    assert newest.title == "Recognize the key server at https://keys.example"
    assert public["account"][2:].lower() in newest.calldatas[0].hex()
    done = CliRunner().invoke(main, ["keyserver", "run", str(folder), "--port", "1"])
    assert done.exit_code == 1
    assert "does not know a key server" in done.output


def test_the_dao_recognizes_a_server_that_was_voted_for(alice, bob, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "server"
    sahara("keyserver", "new", str(folder), "--url", "http://127.0.0.1:9", "--no-passphrase")
    sahara("keyserver", "propose", str(folder))
    number = alice.dao.proposals()[0].number
    alice.network.advance(2)
    for member in (alice, bob):
        member.dao.vote(number, "for")
    alice.network.advance("6 minutes")
    alice.dao.queue(number)
    alice.network.advance(10)
    alice.dao.execute(number)
    account = ServerKeys.load(folder / "keys.json").signer.address
    assert server_id(alice.chain, account) == alice.chain.contract("KeyServerRegistry").call("count") > 3


def test_a_registered_server_runs_from_the_command_line(alice, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Server 2's keys under a passphrase, at another port and with a log of its own."""
    folder = tmp_path / "server"
    folder.mkdir()
    server_keys(alice.profile.state, 2).save(folder / "keys.json", PASSPHRASE)
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    port = free_port()
    command = [sys.executable, "-m", "sahara_lab.cli", "keyserver", "run", str(folder), "--port", str(port)]
    running = subprocess.Popen([*command, "--passphrase-file", str(tmp_path / "passphrase")])
    try:
        status, info = until(lambda: _answer(f"http://127.0.0.1:{port}/v1/info"))
        assert (status, info["server"], info["log"]["size"]) == (200, 2, 0)
    finally:
        running.terminate()
        assert running.wait(20) is not None


def _answer(url: str) -> Any:
    try:
        return exchange(url)
    except OSError:
        return None

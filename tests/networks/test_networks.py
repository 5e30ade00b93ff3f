"""Networks of one's own, on a plain chain node that knows nothing of this lab."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import sahara_lab as sahara
from sahara_lab import networks
from sahara_lab.chain import Rpc, wallet
from sahara_lab.cli import main
from sahara_lab.errors import FundsError, InputError, NetworkError, PriceError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import server_keys
from sahara_lab.localnet.node import free_port
from sahara_lab.localnet.servers import ServerProcess
from sahara_lab.profile import Profile
from sahara_lab.units import WEI_PER_TOKEN
from tests.chain.proxy import Proxy

CHAIN = 77_001
COIN = 10**18


@dataclass
class Plain:
    """The node, a proxy in front of it, and the key servers that wait to be told of the contracts."""

    url: str
    proxy: Proxy
    servers: list[ServerProcess]
    rpc: Rpc


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    folder = tmp_path_factory.mktemp("plain")
    port = free_port()
    node = subprocess.Popen(
        [str(anvil.ensure()), "--port", str(port), "--chain-id", str(CHAIN), "--quiet", "--accounts", "1"]
    )
    url = f"http://127.0.0.1:{port}"
    rpc, proxy = Rpc(url), Proxy(url)
    servers = [ServerProcess(n, folder, folder, free_port(), server_keys(folder, n)) for n in (1, 2, 3)]
    try:
        for server in servers:
            server.start()
        deadline = time.monotonic() + 20
        while not _answers(rpc):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Plain(url, proxy, servers, rpc)
    finally:
        for server in servers:
            server.stop()
        proxy.close()
        node.terminate()
        node.wait()


def _answers(rpc: Rpc) -> bool:
    try:
        return bool(rpc("eth_chainId"))
    except NetworkError:
        return False


@pytest.fixture(scope="module", autouse=True)
def password(home: Path) -> Iterator[None]:
    os.environ["SAHARA_LAB_PASSWORD"] = "a password of ten"
    rounds, wallet._ROUNDS = wallet._ROUNDS, 2_000  # stretching a test's password only costs time
    yield
    wallet._ROUNDS = rounds
    del os.environ["SAHARA_LAB_PASSWORD"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def made(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that was added, deployed to and described from the command line."""
    assert run("network", "add", "mine", "--rpc", plain.proxy.url).exit_code == 0
    said = run("-p", "mine", "account", "alice", "--password", "a password of ten")
    address = said.output.split()[2].rstrip(";")
    file = tmp_path_factory.mktemp("servers") / "servers.json"
    entries = [server.keys.entry(server.url) for server in plain.servers]
    file.write_text(
        json.dumps([{"account": e.account, "url": e.url, "encryption_key": e.encryption_key.hex()} for e in entries])
    )
    with pytest.raises(FundsError, match="alice cannot pay for the deployment"):
        networks.deploy("mine", "alice", 10 * COIN)
    plain.rpc("anvil_setBalance", address, hex(10 * COIN))
    with pytest.raises(PriceError, match="Raise the cap"):
        networks.deploy("mine", "alice", 1)
    assert "needs a cap" in run("network", "deploy", "mine", "--account", "alice", "--yes").output
    done = run(
        "network", "deploy", "mine", "--account", "alice", "--yes", "--max-cost", "5", "--key-servers", str(file)
    )
    assert done.exit_code == 0, done.output
    described = networks.described("mine")
    for server in plain.servers:
        server.configure(plain.url, CHAIN, described.addresses)
    return "mine"


def test_the_deployment_costs_what_was_quoted(plain: Plain, made: str) -> None:
    spent = 10 * COIN - sahara.connect(made, "alice").wallet.balance().gas
    network = networks.described(made)
    used = sum(
        int(plain.rpc("eth_getTransactionReceipt", tx)["gasUsed"], 16)
        for number in range(1, int(plain.rpc("eth_blockNumber"), 16) + 1)
        for tx in plain.rpc("eth_getBlockByNumber", hex(number), False)["transactions"]
    )
    quoted = networks._gas(key_servers=3)
    assert used < quoted < 1.5 * used
    assert 0 < spent <= 5 * COIN
    assert not (Profile(made).state / "deployer.key.json").exists()
    assert len(network.key_servers) == 3
    assert network.threshold == 2


def test_its_rules_are_those_of_a_public_network(made: str) -> None:
    governor = sahara.connect(made, "alice").chain.contract("SaharaGovernor")
    assert governor.call("votingPeriod") == 604_800


def test_an_asset_is_published_licensed_and_read_there(plain: Plain, made: str, tmp_path: Path) -> None:
    alice = sahara.connect(made, "alice")
    address = networks.create_account(made, "bobby", "a password of ten")
    plain.rpc("anvil_setBalance", address, hex(COIN))
    networks.join(made, "bobby")
    alice.wallet.transfer("bobby", "100")
    (tmp_path / "notes.txt").write_text("far from home")
    alice.market.publish(tmp_path, name="notes", license=sahara.License.commercial_remix(price="25", royalty="10%"))
    bob = alice.use("bobby")
    assert [listing.name for listing in bob.market.search("notes").items] == ["alice/notes"]
    bob.market.license("alice/notes", max_price="25")
    assert bob.wallet.balance().tokens == 75 * WEI_PER_TOKEN
    plain.rpc("anvil_mine", hex(70), hex(0))  # key servers believe what is final, here after 64 blocks
    with bob.vault.open("alice/notes/notes.txt") as stream:
        assert stream.read() == b"far from home"


def test_verify_finds_everything_in_order(made: str) -> None:
    said = run("network", "verify", made)
    assert said.exit_code == 0, said.output
    assert "has our code" in said.output
    assert "BAD" not in said.output


def test_verify_finds_foreign_code(plain: Plain, made: str) -> None:
    market = networks.described(made).addresses["Market"]
    code = plain.rpc("eth_getCode", market, "latest")
    plain.rpc("anvil_setCode", market, code[:-2] + ("00" if code[-2:] != "00" else "01"))
    try:
        bad = [check for check in networks.verify(made) if not check.ok]
        assert [check.name for check in bad] == ["Market"]
    finally:
        plain.rpc("anvil_setCode", market, code)


def test_a_network_older_than_a_contract_is_joined_without_it(
    plain: Plain, made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = networks.described(made)
    monkeypatch.setattr(networks, "artifact_names", lambda: [*network.addresses, "Tomorrow"])
    (tmp_path / "at.json").write_text(json.dumps({"Directory": network.addresses["Directory"]}))
    assert networks.add("older", plain.url, tmp_path / "at.json").addresses == network.addresses
    networks.remove("older")


def test_others_need_the_directory_only(plain: Plain, made: str, tmp_path: Path) -> None:
    network = networks.described(made)
    (tmp_path / "at.json").write_text(json.dumps({"Directory": network.addresses["Directory"]}))
    assert run("network", "add", "theirs", "--rpc", plain.url, "--addresses", str(tmp_path / "at.json")).exit_code == 0
    assert networks.described("theirs").addresses == network.addresses
    assert "theirs" in run("network", "list").output
    assert run("network", "remove", "theirs").exit_code == 0
    assert "theirs" not in run("network", "list").output


def test_a_file_of_another_chain_is_refused(plain: Plain, tmp_path: Path) -> None:
    (tmp_path / "at.json").write_text(json.dumps({"chain_id": 1, "addresses": {}}))
    with pytest.raises(InputError, match="is of chain 1, but the node serves chain 77001"):
        networks.add("other", plain.url, tmp_path / "at.json")


def test_a_node_of_another_chain_is_refused_in_one_line(plain: Plain, made: str) -> None:
    plain.proxy.answers("eth_chainId", lambda params, result: "0x1")
    with pytest.raises(NetworkError, match=r"network 'mine' is chain 77001, but the node at http\S+ serves chain 1\. "):
        sahara.connect(made, "alice")
    sahara.connect(made, "alice")


def test_a_node_that_is_down_is_one_line(plain: Plain, made: str) -> None:
    plain.proxy.will("eth_chainId", "lost")
    said = run("-p", made, "-a", "alice", "wallet")
    assert said.exit_code == 1
    assert "network 'mine': the chain node at http://127.0.0.1" in said.output
    assert len(said.output.splitlines()) == 1


def test_a_chain_made_anew_is_noticed(plain: Plain, made: str) -> None:
    plain.proxy.answers("eth_getTransactionCount", lambda params, result: "0x0")
    with pytest.raises(NetworkError, match="network 'mine' has no contract"):
        sahara.connect(made, "alice")


def test_a_network_without_contracts_says_so(plain: Plain) -> None:
    networks.add("bare", plain.url)
    with pytest.raises(NetworkError, match=r"has no contracts yet\. Run: sahara-lab network deploy bare"):
        sahara.connect("bare", "alice")
    networks.remove("bare")


@pytest.mark.parametrize("name", ["local", "../x", "Up", ""])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError):
        networks.add(name, "http://127.0.0.1:1")


@pytest.mark.parametrize("sent", [6, 14], ids=["between contracts", "before the rest is given back"])
def test_a_deployment_that_was_cut_off_is_taken_up_again(plain: Plain, made: str, sent: int) -> None:
    name = f"cut-{sent}"
    networks.add(name, plain.proxy.url)
    address = networks.create_account(name, "alice", "a password of ten")
    plain.rpc("anvil_setBalance", address, hex(10 * COIN))
    plain.proxy.will("eth_sendRawTransaction", "lost", skip=sent, times=2)
    with pytest.raises(NetworkError):
        networks.deploy(name, "alice", 5 * COIN)
    purse = Profile(name).state / "deployer.key.json"
    assert purse.exists()
    plain.proxy.faults.clear()
    networks.deploy(name, "alice", 5 * COIN)
    assert not purse.exists()
    assert sahara.connect(name, "alice").wallet.balance().gas > 9 * COIN
    networks.remove(name)


def test_an_unknown_network_names_the_known(made: str) -> None:
    with pytest.raises(NetworkError, match=r"no network 'elsewhere' \(known: mine\)"):
        sahara.connect("elsewhere", "alice")


def test_it_is_not_stopped_or_started_here(made: str) -> None:
    for verb in ("down", "up"):
        said: Any = run("-p", made, verb)
        assert said.exit_code == 1
        assert "runs elsewhere" in said.output
    assert Profile(made).network_file.exists()

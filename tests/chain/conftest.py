"""A chain of these tests' own, without a supervisor, so that they may reorganize and stop it."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sahara_lab.chain import Chain, Contract, Deployment, Keyring, Sender, Wallet
from sahara_lab.chain.orders import Unfinished
from sahara_lab.errors import NetworkError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import found, open_accounts, server_keys
from sahara_lab.localnet.node import Node, free_port
from sahara_lab.profile import Profile
from sahara_lab.units import WEI_PER_TOKEN
from sahara_lab.vault import public_bytes
from tests.chain.proxy import Proxy


@dataclass(frozen=True)
class World:
    """A running chain with the contracts and the three accounts."""

    profile: Profile
    node: Node
    deployment: Deployment
    chain: Chain

    def wallet(self, name: str) -> Wallet:
        return Keyring(self.profile).open(name)

    def sender(self, name: str) -> Sender:
        return Sender(self.chain, self.wallet(name), self.journal(name))

    def forgetful(self, name: str) -> Sender:
        """A sender that will not send again what a reorganization drops: its journal is of this one use."""
        return Sender(self.chain, self.wallet(name), self.journal(f"{name}-{secrets.token_hex(4)}"))

    def journal(self, name: str) -> Path:
        return self.profile.state / f"journal-{name}.jsonl"

    def account(self) -> str:
        """The handle of an account of a test's own, with tokens and gas money."""
        handle = f"test-{secrets.token_hex(4)}"
        wallet = Keyring(self.profile).create_local(handle, encryption_public=public_bytes)
        self.node.rpc("anvil_setBalance", wallet.address, hex(10 * WEI_PER_TOKEN))
        self.sender("alice").send(self.token, "transfer", wallet.address, 10 * WEI_PER_TOKEN)
        return handle

    def balance(self, address: str) -> int:
        """Wei of tokens."""
        return int(self.token.call("balanceOf", address))

    def nonce(self, name: str) -> int:
        """How many transactions of an account are in blocks."""
        return int(self.node.rpc("eth_getTransactionCount", self.wallet(name).address, "latest"), 16)

    @property
    def token(self) -> Contract:
        return self.chain.contract("SaharaToken")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    profile = Profile("local", tmp_path_factory.mktemp("chain"))
    state, logs = profile.private(profile.state), profile.private(profile.logs)
    node = Node(anvil.ensure(), free_port(), logs / "anvil.log")
    try:
        node.wait_ready()
        servers = [server_keys(state, n).entry(f"http://127.0.0.1:{n}") for n in (1, 2, 3)]
        made = found(profile, node.rpc, open_accounts(profile), servers)
        threading.Thread(target=keep_awake, args=(node,), daemon=True).start()
        yield World(profile, node, made, Chain(node.url, made.chain_id, made.addresses))
    finally:
        node.stop()


def keep_awake(node: Node) -> None:
    """Do what the supervisor of an embedded network does about transactions that its node left lying."""
    head = -1
    while node.alive:
        with contextlib.suppress(NetworkError):
            head = node.wake(head)
        time.sleep(0.1)


def finished(sender: Sender) -> list[Unfinished]:
    """What reconciling says once the node has mined what was left, however slow it is."""
    told: list[Unfinished] = []
    for _ in range(10):
        left = sender.reconcile()
        told += [one for one in left if one.fate != "pending"]
        if all(one.fate != "pending" for one in left):
            break
    return told


@pytest.fixture
def me(world: World) -> str:
    """The handle of an account of the test's own."""
    return world.account()


@pytest.fixture
def manual(world: World, me: str) -> Iterator[None]:
    """Blocks are made only when a test asks for one."""
    world.node.rpc("evm_setIntervalMining", 86_400)
    yield
    world.node.rpc("anvil_setNextBlockBaseFeePerGas", "0x0")
    world.node.rpc("evm_mine")
    world.node.rpc("anvil_setNextBlockBaseFeePerGas", "0x0")
    world.node.rpc("evm_setIntervalMining", 0)


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    """A double of the chain's node that drops, delays and changes answers as a test arranges."""
    double = Proxy(world.node.url)
    yield double
    double.close()


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Sets the password that keystores are opened with."""

    def choose(password: str | None) -> None:
        if password is None:
            monkeypatch.delenv("SAHARA_LAB_PASSWORD", raising=False)
        else:
            monkeypatch.setenv("SAHARA_LAB_PASSWORD", password)

    return choose

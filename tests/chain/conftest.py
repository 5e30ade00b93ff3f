"""A chain of these tests' own, without a supervisor, so that they may reorganize and stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sahara_lab.chain import Chain, Contract, Deployment, Keyring, Sender, Wallet
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import found, open_accounts, server_keys
from sahara_lab.localnet.node import Node, free_port
from sahara_lab.profile import Profile
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

    def journal(self, name: str) -> Path:
        return self.profile.state / f"journal-{name}.jsonl"

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
        yield World(profile, node, made, Chain(node.url, made.chain_id, made.addresses))
    finally:
        node.stop()


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

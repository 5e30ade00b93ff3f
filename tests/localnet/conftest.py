"""Networks of these tests' own, to be killed and damaged."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from sahara_lab.chain import Chain, Keyring, Network, Receipt, Sender
from sahara_lab.localnet import down, ensure_up
from sahara_lab.profile import Profile
from tests.waiting import until

SOMEBODY = "0x00000000000000000000000000000000005A4a7a"


@dataclass(frozen=True)
class Net:
    """An embedded network in a folder of its own."""

    profile: Profile

    def up(self) -> Network:
        return ensure_up(self.profile, owner=os.getpid())

    def down(self) -> None:
        down(self.profile)

    @property
    def network(self) -> Network:
        return Network.load(self.profile)

    @property
    def chain(self) -> Chain:
        network = self.network
        return Chain(network.rpc_url, network.chain_id, network.addresses)

    @property
    def state(self) -> Path:
        return self.profile.state

    def pay(self, amount: int) -> Receipt:
        chain = self.chain
        sender = Sender(chain, Keyring(self.profile).open("alice"), self.state / "journal-alice.jsonl")
        return sender.send(chain.contract("SaharaToken"), "transfer", SOMEBODY, amount)

    def paid(self) -> int:
        return int(self.chain.contract("SaharaToken").call("balanceOf", SOMEBODY))

    def processes(self) -> list[psutil.Process]:
        """The supervisor and its children."""
        supervisor = psutil.Process(self.network.supervisor_pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def kill_everything(self) -> None:
        """As a power cut would: nobody gets to clean up."""
        processes = self.processes()
        for process in processes:  # stopped first, so that no one notices the death of another
            process.send_signal(signal.SIGSTOP)
        for process in processes:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)

    def saved_block(self) -> int:
        path = self.state / "chain.snapshot"
        return int(json.loads(path.read_bytes().partition(b"\n")[0])["block"]) if path.exists() else -1

    def wait_saved(self) -> None:
        """Wait until what is on the chain now is on disk."""
        head = self.chain.block().number
        until(lambda: self.saved_block() >= head)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    """A network that is not running yet."""
    made = Net(Profile("local", tmp_path))
    yield made
    made.down()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """A network that the tests of one file share; each finds it up."""
    made = Net(Profile("local", tmp_path_factory.mktemp("net")))
    made.up()
    yield made
    made.down()


@pytest.fixture
def up(running: Net) -> Net:
    running.up()
    return running


def environment_of(process: psutil.Process) -> dict[str, str]:
    return dict(process.environ())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True

"""A provider as its own process: carol's machine, for bob to rent."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from sahara_lab.compute.verification.attestation import Tee
from sahara_lab.licensing.access import ChainManifestSource
from sahara_lab.rental.offers import Offer, measure
from sahara_lab.rental.provider import Provider
from sahara_lab.rental.provider_app import create_app
from sahara_lab.rental.sandbox import Isolation, find_isolation
from sahara_lab.rental.upkeep import House
from sahara_lab.units import to_wei
from tests import waiting

CELL = """
import torch, pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset

class Line(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, index):
        loss = (self.layer(batch[0]) - batch[0].sum(1, keepdim=True)).pow(2).mean()
        self.log("loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

torch.manual_seed(1)
trainer = pl.Trainer(max_epochs=EPOCHS)
trainer.fit(Line(), DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=8))
"""
SHORT, ENDLESS = CELL.replace("EPOCHS", "2"), CELL.replace("EPOCHS", "1_000_000")


@pytest.fixture(scope="session")
def cells() -> SimpleNamespace:
    """A training of a second, and one that never ends by itself."""
    return SimpleNamespace(short=SHORT, endless=ENDLESS)


class ProviderProcess:
    """``sahara-lab provider join`` as somebody runs it, to be killed and started again."""

    def __init__(self, account: str, port: int, *options: str) -> None:
        self.account = account
        self.port = port
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    def start(self) -> ProviderProcess:
        command = [sys.executable, "-m", "sahara_lab.cli", "-a", self.account, "provider", "join"]
        command += ["--rate", "0.01", "--port", str(self.port), "--heartbeat", "2", *self._options]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if "taking jobs" in line:
                break
        else:
            raise AssertionError("".join(self.said))
        return self

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> int:
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(120)


@pytest.fixture(scope="session")
def provider_process() -> type[ProviderProcess]:
    """Starts ``sahara-lab provider join`` for an account of the test's own."""
    return ProviderProcess


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port that nobody uses."""
    return _free_port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def isolation() -> Any:
    return find_isolation()


@pytest.fixture(scope="session")
def carols_machine(carol: Any, isolation: Any) -> Iterator[ProviderProcess]:
    """Carol's machine with two workers at 0.01 a second and 1 of stake; behind a wall where this host has one."""
    unsafe = [] if isolation.safe else ["--unsafe-no-isolation"]
    machine = ProviderProcess("carol", _free_port(), "--workers", "2", "--stake", "1", *unsafe)
    yield machine.start()
    machine.end()


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Waits for a condition and returns its first true value."""
    return waiting.until


@pytest.fixture
def serve(alice: Any, isolation: Isolation, free_port: Any, tmp_path: Path) -> Iterator[Callable[..., Provider]]:
    """Serves alice's machine from this process, with a class, a clock or a trusted machine of the test's own."""
    going = threading.Event()
    threads = []

    def start(kind: type[Provider] = Provider, *, tee: Tee | None = None, **options: Any) -> Provider:
        port = free_port()
        offer = Offer(
            provider="alice",
            agent=0,
            url=f"http://127.0.0.1:{port}",
            rate=to_wei("0.001"),
            workers=2,
            stake=to_wei("0"),
            heartbeat=2,
            isolation=isolation.kind,
            hardware=measure(tmp_path),
            tee=tee.maker if tee else "",
        )
        source = ChainManifestSource(alice.profile, alice._network, alice.chain, alice.directory)
        house = House(memory=8 << 30, disk=8 << 30, unsafe=not isolation.safe, tee=tee)
        provider = kind(
            alice.profile, source, alice.chain, alice.directory, alice.keys, alice.escrow, offer, isolation, house,
            tmp_path / "provider", ask_check=alice.providers.ask_check, **options,
        )  # fmt: skip
        server = uvicorn.Server(uvicorn.Config(create_app(provider), port=port, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()

        def tick() -> None:
            while not going.wait(0.3):
                provider.tick()
            provider.close(0)
            server.should_exit = True

        threads.append(threading.Thread(target=tick, daemon=True))
        threads[-1].start()
        while not server.started:
            time.sleep(0.02)
        alice.providers.announce(offer)
        return provider

    yield start
    going.set()
    for thread in threads:
        thread.join()
    alice.providers.withdraw()

"""A provider as its own process: carol's machine, for bob to rent."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.rental.sandbox import find_isolation
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

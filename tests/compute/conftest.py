"""One local Ray with two workers for the whole session; the problem is the digits that ship with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute
from tests import waiting

DATA = """
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels)
training = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=32, shuffle=True)
held_out = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=64)
"""

MODEL = """
import pytorch_lightning as pl
import torch
from torch import nn

class Digits(pl.LightningModule):
    def __init__(self, width=64):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, images):
        return self.net(images)

    def training_step(self, batch, index):
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_acc", (self(batch[0]).argmax(1) == batch[1]).float().mean(), sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 5e-3)
"""

ENDLESS = """
trainer = pl.Trainer(max_epochs=100_000)
trainer.fit(Digits(), training)
"""


@pytest.fixture(scope="session")
def compute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    service = Compute(tmp_path_factory.mktemp("jobs"))
    yield service
    service.shutdown()


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    """Training without Ray."""
    service = Compute(tmp_path_factory.mktemp("local-jobs"), backend="local")
    yield service
    service.shutdown()


@pytest.fixture(scope="session")
def cells() -> SimpleNamespace:
    """Cells to build notebooks from: the data, the model, and a training that never ends by itself."""
    return SimpleNamespace(data=DATA, model=MODEL, endless=ENDLESS)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Waits for a condition and returns its first true value."""
    return waiting.until


@pytest.fixture
def notebook() -> Callable[..., dict[str, Any]]:
    """Runs cells as a notebook does and returns its variables."""

    def run(*cells: str) -> dict[str, Any]:
        import linecache

        variables: dict[str, Any] = {"__name__": "__main__"}
        for number, cell in enumerate(cells):
            name = f"<notebook cell {number}>"
            linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
            exec(compile(cell, name, "exec"), variables)  # noqa: S102
        return variables

    return run


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder

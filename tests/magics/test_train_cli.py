"""``sahara-lab train`` with a script, and what the terminal says of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sahara_lab.cli import main

pytestmark = pytest.mark.network

SCRIPT = """
import torch, pytorch_lightning as pl
from torch.utils.data import DataLoader, TensorDataset
from beside import SIZE

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(SIZE, 1)
    def training_step(self, batch, index):
        return self.layer(batch[0]).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

if __name__ == "__main__":
    pl.Trainer().fit(Net(), DataLoader(TensorDataset(torch.randn(64, SIZE)), batch_size=4))
    print("trained by", __file__)
"""


@pytest.fixture
def script(tmp_path: Path, network: Any) -> Iterator[Path]:
    import sahara_lab

    (tmp_path / "beside.py").write_text("SIZE = 3\n")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    yield path
    sahara_lab.connect().compute.shutdown()


def said(*arguments: str) -> str:
    done = CliRunner().invoke(main, list(arguments), catch_exceptions=True)
    return done.output + str(done.exception or "")


def test_script_trains_with_the_options_of_the_command_line(script: Path) -> None:
    output = said("train", str(script), "--workers", "1", "--epochs", "2", "--backend", "local", "--name", "by-script")
    assert f"trained by {script}" in output
    assert "by-script · done · step 32/32" in output
    assert "by-script" in said("jobs")
    assert "Give --precision one of" in said("train", str(script), "--precision", "7")
    assert "there is no script" in said("train", "nowhere.py")


def test_a_segment_is_verified_and_an_altered_manifest_is_refused(script: Path) -> None:
    import sahara_lab

    said(
        "train",
        str(script),
        "--workers",
        "1",
        "--epochs",
        "2",
        "--backend",
        "local",
        "--segments",
        "4",
        "--name",
        "kept",
    )
    verified = CliRunner().invoke(main, ["verify-job", "kept", "--segment", "1"])
    assert verified.exit_code == 0, verified.output
    assert "(step 0 to 16) recomputed: the same to the last bit" in verified.output
    assert "has no segment 99" in said("verify-job", "kept", "--segment", "99")
    job = sahara_lab.connect().compute.job("kept")
    assert job.manifest is not None
    job.manifest.write_bytes(job.manifest.read_bytes().replace(b'"steps":32', b'"steps":64'))
    assert "is not the one that was written when it ended" in said("verify-job", "kept")

"""How long from running a cell to its first optimizer step, against a hand-written Ray Train script of the same model.

Both train a small network on scikit-learn's digits with two workers, in one run on one machine. "cold" includes
starting Ray; "again" is the second training in the same notebook. Prints seconds and ratios (below 1 is faster).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEFINITIONS = """
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Digits(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 3e-3)

def loader():
    images, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels))
    return DataLoader(data, batch_size=32, shuffle=True)
"""

CELL = """
trainer = pl.Trainer(max_epochs=3)
trainer.fit(Digits(), loader())
"""

NOTEBOOK = """
import json, sys, time
from pathlib import Path
from sahara_lab.compute import Compute

cells = json.loads(sys.argv[1])
variables = {"__name__": "__main__"}
exec(compile(cells["definitions"], "<notebook>", "exec"), vars(sys.modules["__main__"]))
compute = Compute(Path(sys.argv[2]))
seconds = []
for _ in range(3):
    job = compute.run_cell(cells["cell"], vars(sys.modules["__main__"]))
    job.result()
    seconds.append(job.record()["first_step_seconds"])
    time.sleep(float(sys.argv[3]))
compute.shutdown()
print("RESULT" + json.dumps(seconds))
"""

RAY_TRAIN = """
import json, os, sys, time, logging
exec(compile(json.loads(sys.argv[1])["definitions"], "<script>", "exec"))

class FirstStep(pl.Callback):
    def __init__(self, path):
        self.path = path
    def on_train_batch_end(self, trainer, *rest):
        if trainer.global_step == 1 and trainer.global_rank == 0:
            with open(self.path, "w") as file:
                file.write(repr(time.time()))

def train(config):
    import ray.train.lightning as rtl
    trainer = pl.Trainer(max_epochs=3, accelerator="cpu", devices="auto", strategy=rtl.RayDDPStrategy(),
        plugins=[rtl.RayLightningEnvironment()], callbacks=[FirstStep(config["path"])],
        enable_progress_bar=False, logger=False, enable_checkpointing=False)
    rtl.prepare_trainer(trainer).fit(Digits(), loader())

seconds = []
for number in range(2):
    path = f"{sys.argv[2]}/first-step-{number}"
    began = time.time()
    if number == 0:
        import ray
        ray.init(logging_level=logging.ERROR, log_to_driver=False, _temp_dir=sys.argv[3])
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    TorchTrainer(train, train_loop_config={"path": path}, scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(name=f"run-{number}", storage_path=sys.argv[2])).fit()
    seconds.append(float(open(path).read()) - began)
ray.shutdown()
print("RESULT" + json.dumps(seconds))
"""


def measure(program: str, *arguments: str, **variables: str) -> list[float]:
    """Run a program of its own and return the seconds that it prints."""
    cells = json.dumps({"definitions": DEFINITIONS, "cell": CELL})
    done = subprocess.run(
        [sys.executable, "-c", program, cells, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise SystemExit(f"the measured program failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    seconds: list[float] = json.loads(lines[-1].removeprefix("RESULT"))
    return seconds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        pause = "6"
        ours = measure(NOTEBOOK, f"{folder}/jobs", pause)
        storage = Path(folder) / "storage"
        storage.mkdir()
        theirs = measure(
            RAY_TRAIN,
            str(storage),
            f"{folder}/ray",
            RAY_AUTH_MODE="disabled",
            RAY_USAGE_STATS_ENABLED="0",
            RAY_TRAIN_ENABLE_PRINT_PATCH="0",
        )
        time.sleep(0.1)
    print(f"{'seconds to the first step':28}{'cold':>8}{'again':>8}")
    print(f"{'%%sahara train':28}{ours[0]:8.1f}{ours[1]:8.1f}   (third: {ours[2]:.1f})")
    print(f"{'Ray Train script':28}{theirs[0]:8.1f}{theirs[1]:8.1f}")
    print(f"{'ratio':28}{ours[0] / theirs[0]:8.2f}{ours[1] / theirs[1]:8.2f}")


if __name__ == "__main__":
    main()

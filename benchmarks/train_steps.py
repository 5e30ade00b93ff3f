"""Steady-state steps a second at two workers, against torchrun with the same Lightning code in the same run.

Prints steps a second of each rank group and ratios to torchrun (1 is equal). The rounds alternate, so that both see
the same machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP, STEPS, ROUNDS = 50, 1000, 3
CODE = f"""
import time
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)

class Digits(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
                                 nn.Flatten(), nn.Linear(2048, 10))
        self.began = None
    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])
    def on_train_batch_end(self, *_):
        if self.global_step == {SKIP}:
            self.began = time.perf_counter()
        if self.global_step == {STEPS}:
            self.seconds = time.perf_counter() - self.began
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 3e-3)

images, labels = load_digits(return_X_y=True)
images = torch.tensor(images / 16.0, dtype=torch.float32).view(-1, 1, 8, 8)
data = DataLoader(TensorDataset(images, torch.tensor(labels)), batch_size=32, shuffle=True)
model = Digits()
trainer = pl.Trainer(max_steps={STEPS}, accelerator="cpu", OPTIONS logger=False,
                     enable_checkpointing=False, enable_progress_bar=False)
trainer.fit(model, data)
rate = ({STEPS} - {SKIP}) / model.seconds
"""


def torchrun(folder: Path) -> float:
    script = folder / "script.py"
    script.write_text(
        CODE.replace("OPTIONS", 'strategy="ddp", devices=2,')
        + "\nif trainer.is_global_zero:\n    print('RESULT', rate)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)],
        capture_output=True,
        text=True,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise SystemExit(f"torchrun failed:\n{done.stderr[-4000:]}")
    return float(line.split()[1])


def main() -> None:
    from sahara_lab.compute import Compute

    rates: dict[str, list[float]] = {"torchrun": [], "local": [], "gang": []}
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        services = {name: Compute(folder / name, backend=name) for name in ("local", "gang")}
        try:
            for _ in range(ROUNDS):
                rates["torchrun"].append(torchrun(folder))
                for name, compute in services.items():
                    job = compute.run_cell(CODE.replace("OPTIONS", ""), {}, workers=2)
                    job.result()
                    rates[name].append(float(job.values["rate"]))
        finally:
            for compute in services.values():
                compute.shutdown()
    base = statistics.median(rates["torchrun"])
    for name, found in rates.items():
        middle = statistics.median(found)
        spread = f"{min(found):.1f} to {max(found):.1f}"
        print(f"{name:10}{middle:8.1f} steps/s ({spread})   ratio {middle / base:.2f}")


if __name__ == "__main__":
    main()

"""Throughput of a bf16 training on one GPU as a job, against the same Lightning code as a plain script.

Both run in one go on one machine, each in a process of its own. Prints samples a second and their ratio (1 is equal).
Without a GPU it says so and ends with success.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS, BATCH = 400, 256
CELL = f"""
import time
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Mlp(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(*[part for _ in range(8) for part in (nn.Linear(4096, 4096), nn.GELU())])
        self.began = None
    def training_step(self, batch, index):
        return self.net(batch[0]).square().mean()
    def on_train_batch_end(self, *_):
        if self.global_step == 50:
            torch.cuda.synchronize()
            self.began = time.perf_counter()
    def on_train_end(self):
        torch.cuda.synchronize()
        self.seconds = time.perf_counter() - self.began
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), 1e-4)

torch.set_float32_matmul_precision("high")
data = DataLoader(TensorDataset(torch.randn(64 * {BATCH}, 4096)), batch_size={BATCH}, num_workers=4,
                  pin_memory=True, persistent_workers=True)
model = Mlp()
trainer = pl.Trainer(max_steps={STEPS}, accelerator="cuda", devices=1, precision="bf16-mixed", logger=False,
                     enable_progress_bar=False, enable_checkpointing=False)
trainer.fit(model, data)
samples_per_second = ({STEPS} - 50) * {BATCH} / model.seconds
"""


def plain() -> float:
    """Samples a second of the script by itself."""
    done = subprocess.run(
        [sys.executable, "-c", f"{CELL}\nprint('RESULT', samples_per_second)"], capture_output=True, text=True
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise SystemExit(f"the plain script failed:\n{done.stderr[-4000:]}")
    return float(line.split()[1])


def job(backend: str) -> float:
    """Samples a second of the same code as a job."""
    from sahara_lab.compute import Compute

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        compute = Compute(Path(folder), backend=backend)
        try:
            run = compute.run_cell(CELL, {}, workers=1, gpus=1, precision="bf16")
            run.result()
            return float(run.values["samples_per_second"])
        finally:
            compute.shutdown()


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        print("no GPU here: this benchmark trains with bf16 on one CUDA device; nothing was measured")
        return
    found = {"plain Lightning script": plain()}
    for backend in ("local", "gang"):
        time.sleep(1)
        found[f"%%sahara train, {backend}"] = job(backend)
    base = found["plain Lightning script"]
    print(f"{torch.cuda.get_device_name()}, bf16-mixed, batch {BATCH}")
    for name, rate in found.items():
        print(f"{name:32}{rate:12,.0f} samples/s   ratio {rate / base:.3f}")
    print(json.dumps({name: round(rate, 1) for name, rate in found.items()}))


if __name__ == "__main__":
    main()

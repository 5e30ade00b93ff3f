"""What has to be the same for two runs to agree to the last bit."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

_MOST_WORKERS = 2  # the sum of two numbers has one order; of more, libraries choose one by how they cut the work


def pins(trainer: Any) -> dict[str, Any]:
    """Of this process and its run, as JSON: threads, workers, device and its class, precision, software."""
    import torch

    from sahara_lab.compute.outcome import versions

    on_gpu = type(trainer.accelerator).__name__ == "CUDAAccelerator"
    return {
        "threads": torch.get_num_threads(),
        "workers": int(trainer.world_size),
        "device": torch.cuda.get_device_name() if on_gpu else cpu_name(),
        "instructions": str(torch.backends.cpu.get_cpu_capability()),
        "kind": "gpu" if on_gpu else type(trainer.accelerator).__name__.removesuffix("Accelerator").lower(),
        "deterministic": bool(torch.are_deterministic_algorithms_enabled()),
        "precision": str(trainer.precision),
        "platform": f"{sys.platform}-{platform.machine()}",
        "versions": versions(),
    }


def unlike(claimed: dict[str, Any], own: dict[str, Any]) -> str:
    """Why two runs with these pins need not agree to the last bit, in words; nothing when they have to."""
    for name in sorted({*claimed, *own}):
        if claimed.get(name) != own.get(name):
            return f"another {name}" if name != "versions" else "other versions of the software"
    if own.get("kind") != "cpu" and not own.get("deterministic"):
        return "a GPU without deterministic algorithms"
    if int(own.get("workers", 1)) > _MOST_WORKERS:
        return f"more than {_MOST_WORKERS} workers"
    return ""


def cpu_name() -> str:
    """The processor's own name, at most 80 characters."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()[:80]
    except OSError:
        pass
    return (platform.processor() or platform.machine())[:80]

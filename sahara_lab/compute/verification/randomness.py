"""The state of a process's random numbers: a run goes on from a checkpoint with those that it would have had."""

from __future__ import annotations

import random
import sys
from typing import Any


def state() -> dict[str, Any]:
    """Python's, NumPy's, torch's and the present GPU's generators, as plain values and tensors."""
    import torch

    found: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if "numpy" in sys.modules:
        kind, key, *rest = sys.modules["numpy"].random.get_state(legacy=True)
        found["numpy"] = (kind, [int(number) for number in key], *rest)
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        found["cuda"] = torch.cuda.get_rng_state()
    return found


def of_all_ranks() -> list[dict[str, Any]]:
    """Each rank's :func:`state`, in order. Collective: every rank calls it."""
    from torch import distributed

    own = state()
    if not (distributed.is_available() and distributed.is_initialized()):
        return [own]
    found: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    return found


def restore(found: dict[str, Any]) -> None:
    """Put this process's generators into a state of before."""
    import torch

    version, internal, gauss = found["python"]
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(found["torch"].cpu())
    if "numpy" in found:
        import numpy as np

        kind, key, *rest = found["numpy"]
        np.random.set_state((kind, np.array(key, dtype=np.uint32), *rest))
    if "cuda" in found and torch.cuda.is_available():
        torch.cuda.set_rng_state(found["cuda"].cpu())

"""Which modules the zygote imports, so that runs find them in place."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterable

VARIABLE = "SAHARA_LAB_PRELOAD"
_ALWAYS = (
    "torch",
    "torch.distributed",
    "torch.utils.data",
    "pytorch_lightning",
    "safetensors.torch",
    "cloudpickle",
    "sahara_lab.compute.runner",
)
# Libraries that are slow to import and harmless to fork.
_WORTHWHILE = frozenset(
    {
        *("cryptography", "datasets", "eth_abi", "eth_account", "eth_utils", "fsspec", "lightning", "numpy"),
        *("pandas", "pyarrow", "sahara_lab", "scipy", "sklearn", "tokenizers", "torchmetrics", "torchvision"),
        *("transformers", "urllib3"),
    }
)
# What people touch in the notebook; no worker does.
_FACES = tuple(f"sahara_lab.{face}" for face in ("cli", "dashboards", "magics", "papermill", "server", "widgets"))


def modules_of(loaded: Iterable[str]) -> list[str]:
    """Of the modules a process has imported, those worth having ready in the workers (libraries, no user code)."""
    return [
        name
        for name in list(loaded)
        if name.partition(".")[0] in _WORTHWHILE
        and not any(part.startswith("_") for part in name.split("."))
        and not name.startswith(_FACES)
    ]


def preload() -> None:
    """Import everything that is wanted; a module that cannot be imported will say so in the run that needs it."""
    wanted = json.loads(os.environ.get(VARIABLE, "[]"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (*_ALWAYS, *wanted):
            with contextlib.suppress(Exception):
                __import__(name)

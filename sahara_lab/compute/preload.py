"""Imported once by each worker's fork server, so that the processes it forks start with torch in place."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterable

VARIABLE = "SAHARA_LAB_PRELOAD"
ALWAYS = ("torch", "torch.distributed", "pytorch_lightning", "safetensors.torch", "sahara_lab.compute.runner")
_WORTHWHILE = frozenset(
    "cryptography datasets eth_abi eth_account eth_utils fsspec numpy pandas pyarrow sahara_lab scipy sklearn "
    "tokenizers torchmetrics torchvision transformers urllib3".split()
)


def modules_of(loaded: Iterable[str]) -> list[str]:
    """Of the modules a notebook has imported, those worth having ready in the workers (libraries, no user code)."""
    return [
        name
        for name in loaded
        if name.partition(".")[0] in _WORTHWHILE and not any(part.startswith("_") for part in name.split("."))
    ]


def _preload() -> None:
    wanted = json.loads(os.environ[VARIABLE])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in wanted:
            with contextlib.suppress(Exception):  # a module that cannot be imported here will say so in the run
                __import__(name)
    __import__("linecache")
    sys.stdout.flush()


if VARIABLE in os.environ:
    _preload()

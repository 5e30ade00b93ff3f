"""Importing the package loads none of the heavy parts."""

import subprocess
import sys

HEAVY = [
    "torch",
    "ray",
    "web3",
    "eth_account",
    "jupyter_server",
    "papermill",
    "pandas",
    "tantivy",
    "IPython",
    "lightning",
    "pytorch_lightning",
]


def test_import_is_light() -> None:
    code = f"import sys, sahara_lab; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]"

"""The quickstart runs headless, from an empty data folder, as a new user would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.network
@pytest.mark.ray
def test_the_quickstart_runs_from_top_to_bottom(network, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(ROOT / "example_notebooks/00_quickstart.ipynb"), str(out)]
    done = subprocess.run(
        [*command, "--no-progress-bar"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    notebook = json.loads(out.read_text())
    text = json.dumps([cell.get("outputs", []) for cell in notebook["cells"]])
    assert "held-out scans are read correctly" in text
    assert "paid out to alice" in text
    from sahara_lab import connect
    from sahara_lab.chain import Keyring

    lab = connect()
    for name in Keyring(lab.profile).names():
        passphrase = (lab.profile.keystores / ".passphrase").read_text().strip()
        assert passphrase not in out.read_text(), f"the passphrase of {name} reached a notebook"

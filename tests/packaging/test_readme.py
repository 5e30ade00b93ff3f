"""What the README shows is run as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"

pytestmark = pytest.mark.network


def test_the_ten_lines_run_as_they_stand(network, bob, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    [lines] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    before = bob.wallet.balance().tokens
    done = subprocess.run([sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert "25 SAHARA" in done.stdout
    assert bob.wallet.balance().tokens == before - 25 * 10**18

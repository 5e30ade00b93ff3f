#!/usr/bin/env python3
"""Run ``forge lint`` over the contracts and end with 1 when it finds anything.

It compiles without bytecode, so it gets a build folder of its own and leaves everybody's ``out/`` alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sahara-lint-") as folder:
        environment = {**os.environ, "FOUNDRY_OUT": folder, "FOUNDRY_CACHE_PATH": f"{folder}/cache"}
        environment["NO_COLOR"] = "1"
        command = [shutil.which("node") or "node", str(CONTRACTS / "tools" / "forge"), "lint", "src"]
        done = subprocess.run(command, cwd=CONTRACTS, env=environment, capture_output=True, text=True, check=False)
    found = done.stdout + done.stderr
    if done.returncode != 0 or re.search(r"^(note|warning|error)\b", found, re.MULTILINE):
        sys.exit(found)


if __name__ == "__main__":
    main()

"""How long a user waits: import, first start of the network, attach, and restart.

Prints each against its target. Import is measured against bare Python in the same run; medians of several.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(code: str, env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "SAHARA_LAB_HOME": home}
        bare, ours = [], []
        for _ in range(9):
            bare.append(seconds("pass", env))
            ours.append(seconds("import sahara_lab", env))
        extra = statistics.median(ours) - statistics.median(bare)
        print(f"import sahara_lab             {extra * 1000:7.0f} ms above bare Python (target under 150 ms)")

        connect = (
            "import time; t = time.perf_counter(); import sahara_lab as s; s.connect(); print(time.perf_counter() - t)"
        )

        def connect_time() -> float:
            done = subprocess.run([sys.executable, "-c", connect], check=True, env=env, capture_output=True, text=True)
            return float(done.stdout)

        try:
            print(f"connect(), first start ever   {connect_time():7.2f} s")
            again = statistics.median(connect_time() for _ in range(7))
            print(f"connect(), network running    {again:7.2f} s (target under 1 s)")
            subprocess.run(
                [sys.executable, "-m", "sahara_lab.cli", "down"], check=True, env=env, stdout=subprocess.DEVNULL
            )
            print(f"connect(), restart            {connect_time():7.2f} s")
        finally:
            subprocess.run(
                [sys.executable, "-m", "sahara_lab.cli", "down"], check=False, env=env, stdout=subprocess.DEVNULL
            )
        state = sum(path.stat().st_size for path in Path(home).rglob("*") if path.is_file())
        print(f"state on disk                 {state / 2**20:7.1f} MiB")


if __name__ == "__main__":
    main()

"""Everything that keeps the house in order, one line per check: ``checks.py all | lint | format | contracts``.

``contracts`` writes what is committed of a build (artifacts, gas figures); ``all`` fails where that differs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_SOURCES = ["sahara_lab", "tests", "benchmarks", "tools", "contracts/tools"]
FORGE = ["node", "tools/forge"]  # the launcher of the npm package ends with 0 whatever happens

#: Tests that wait more than they work, on browsers and on Ray: they run beside everything else.
BROWSER = ["tests/e2e"]
RAY = ["tests/compute", "tests/rental", "tests/serving"]

Check = tuple[str, str, list[str]]  # what it is called, the folder it runs in, the command

SOLIDITY_FORMAT: Check = ("Solidity format", "contracts", [*FORGE, "fmt", "--check"])
SOLIDITY_STYLE: Check = ("Solidity style", "contracts", ["python", "tools/lint.py"])

LINT: list[Check] = [
    ("Python style", ".", ["ruff", "check", *PYTHON_SOURCES]),
    ("Python format", ".", ["ruff", "format", "--check", *PYTHON_SOURCES]),
    ("types", ".", ["mypy", "--no-error-summary"]),
    ("import rules", ".", ["lint-imports", "--no-cache"]),
    SOLIDITY_FORMAT,
    SOLIDITY_STYLE,
    ("TypeScript style", "extension", ["jlpm", "lint:check"]),
]

WIDGET_TESTS = [f"tests/{name}.test.mjs" for name in ("license_card", "dao_panel", "panels")]

TESTS: list[Check] = [
    ("Solidity tests", "contracts", [*FORGE, "test", "--gas-snapshot-check", "true"]),
    ("contract artifacts are fresh", ".", ["python", "contracts/tools/export_artifacts.py", "--check"]),
    ("extension tests", "extension", ["jlpm", "test"]),
    ("widget tests", "widgets", ["node", "--test", *WIDGET_TESTS]),
    ("browser tests", ".", ["python", "-m", "pytest", *BROWSER]),
    ("tests on Ray", ".", ["python", "-m", "pytest", *RAY]),
    ("Python tests", ".", ["python", "-m", "pytest", "tests", *(f"--ignore={folder}" for folder in BROWSER + RAY)]),
]

CONTRACTS: list[Check] = [
    SOLIDITY_FORMAT,
    SOLIDITY_STYLE,
    ("Solidity tests", "contracts", [*FORGE, "test"]),
    ("contract artifacts", ".", ["python", "contracts/tools/export_artifacts.py"]),
]

FORMAT: list[Check] = [
    ("Python style", ".", ["ruff", "check", "--fix", *PYTHON_SOURCES]),
    ("Python format", ".", ["ruff", "format", *PYTHON_SOURCES]),
    ("Solidity format", "contracts", [*FORGE, "fmt"]),
    ("TypeScript style", "extension", ["jlpm", "lint"]),
]

SUITES = {"lint": LINT, "format": FORMAT, "contracts": CONTRACTS, "all": LINT + TESTS}
STREAMED = {"Python tests"}
#: Lanes that run beside the rest in the suite of all; what is in one runs one after another.
LANES = [
    {SOLIDITY_FORMAT[0], SOLIDITY_STYLE[0], *(check[0] for check in TESTS)} - STREAMED - {"tests on Ray"},
    {"tests on Ray"},
]


def perform(check: Check) -> bool:
    name, folder, command = check
    began = time.monotonic()
    streamed = name in STREAMED
    if streamed:
        print(f"\n== {name}", flush=True)
    done = subprocess.run(
        command,
        cwd=ROOT / folder,
        env={**os.environ, "FORCE_COLOR": "0"},
        stdout=None if streamed else subprocess.PIPE,
        stderr=None if streamed else subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "ok" if done.returncode == 0 else f"FAILED (exit {done.returncode}): {' '.join(command)}"
    if done.returncode != 0 and done.stdout:
        print(done.stdout)
    print(f"{name:<32} {time.monotonic() - began:6.1f} s  {verdict}", flush=True)
    return done.returncode == 0


def failures(checks: list[Check]) -> list[str]:
    """Perform checks one after another; the names of those that failed."""
    return [check[0] for check in checks if not perform(check)]


def main(arguments: list[str]) -> int:
    suite = SUITES.get(arguments[0] if arguments else "all")
    if suite is None:
        print(__doc__)
        return 2
    lanes = [[check for check in suite if check[0] in lane] for lane in LANES] if suite is SUITES["all"] else []
    apart = [check for lane in lanes for check in lane]
    # Tests have data folders and ports of their own, so that lanes which wait much fill two cores.
    with ThreadPoolExecutor(len(LANES)) as threads:
        waiting = [threads.submit(failures, lane) for lane in lanes]
        failed = failures([check for check in suite if check not in apart])
        failed += [name for lane in waiting for name in lane.result()]
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

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

#: Tests that wait more than they work, on Ray and on browsers: they run beside everything else.
APART = ["tests/compute", "tests/serving", "tests/e2e"]

PYTEST = ["python", "-m", "pytest"]
#: What failed is remembered for each lane, and nothing from an earlier run, so that a run that crashed is not mended.
REMEMBER = ["--cache-clear", "-o"]
#: Run once more by itself where it failed beside the other lane: a starved process is no defect, a broken one stays so.
AGAIN = ["--last-failed", "--last-failed-no-failures", "none"]

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
    ("training and browser tests", ".", [*PYTEST, *REMEMBER, "cache_dir=.pytest_cache/apart", *APART]),
    (
        "Python tests",
        ".",
        [*PYTEST, *REMEMBER, "cache_dir=.pytest_cache/main", "tests", *(f"--ignore={folder}" for folder in APART)],
    ),
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
#: What runs one after another beside the rest of a suite.
BESIDE = {
    "all": {check[0] for check in (SOLIDITY_FORMAT, SOLIDITY_STYLE, *TESTS)} - STREAMED,
    "contracts": {"contract artifacts"},
}


def perform(check: Check) -> bool:
    """Run a check, print its verdict and, where it failed, what it said."""
    name, folder, command = check
    began = time.monotonic()
    streamed = name in STREAMED
    if streamed:
        print(f"\n== {name}", flush=True)
    done = subprocess.run(
        command,
        cwd=ROOT / folder,
        env={**os.environ, "NO_COLOR": "1"},
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


def failures_alone(names: list[str]) -> list[str]:
    """What of the failed checks fails still, when the tests that failed are run again with nothing beside them."""
    tests = {name: (name, folder, command) for name, folder, command in TESTS if command[: len(PYTEST)] == PYTEST}
    left = [name for name in names if name not in tests]
    for name, folder, command in (tests[name] for name in names if name in tests):
        again = [*(part for part in command if part != "--cache-clear"), *AGAIN]
        if not perform((f"{name}, again", folder, again)):
            left.append(name)
        else:
            print(f"UNSTEADY: {name}: the tests that failed above passed when run alone", flush=True)
    return left


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "all"
    suite = SUITES.get(name)
    if suite is None:
        print(__doc__)
        return 2
    apart = [check for check in suite if check[0] in BESIDE.get(name, ())]
    # Tests have data folders and ports of their own, so that two lanes of them fill two cores.
    with ThreadPoolExecutor(1) as lane:
        waiting = lane.submit(failures, apart)
        failed = failures([check for check in suite if check not in apart]) + waiting.result()
    failed = failures_alone(failed)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

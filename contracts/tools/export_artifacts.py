#!/usr/bin/env python3
"""Compile the contracts and write what the package has of them.

    python contracts/tools/export_artifacts.py            # compile, then write what differs
    python contracts/tools/export_artifacts.py --check    # compile; exit 1 when a committed file differs

ABI, bytecode and storage layout go to ``sahara_lab/chain/artifacts``, typed Python handles to
``sahara_lab/chain/handles`` (see ``handles.py``). The same sources give the same bytes: the compiler is pinned and puts
no metadata in the code.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import handles

CONTRACTS = Path(__file__).resolve().parent.parent
ARTIFACTS = CONTRACTS.parent / "sahara_lab" / "chain" / "artifacts"
HANDLES = ARTIFACTS.parent / "handles"
FORGE = CONTRACTS / "tools" / "forge"
NAMES = (
    "AgentRegistry",
    "AssetRegistry",
    "CallChannel",
    "CollectionShares",
    "ComputeEscrow",
    "Directory",
    "FeedbackReceipts",
    "IdentityRegistry",
    "KeyServerRegistry",
    "LicenseTerms",
    "LicenseToken",
    "Market",
    "Moderation",
    "ProtocolParameters",
    "ReceiptAnchors",
    "RefundEscrow",
    "ReputationRegistry",
    "Reviews",
    "RoyaltyLedger",
    "SaharaAccess",
    "SaharaGovernor",
    "SaharaTimelock",
    "SaharaToken",
    "Staking",
    "Teams",
    "ValidationRegistry",
)
# A contract larger than this cannot be deployed (EIP-170).
LARGEST_CODE = 24_576


def compile_into(out: Path) -> None:
    """Build the sources alone into ``out``, apart from everybody's ``out/`` (which `forge lint` strips of bytecode)."""
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not on the PATH; forge and the compiler come from npm.")
    environment = {**os.environ, "FOUNDRY_OUT": str(out), "FOUNDRY_CACHE_PATH": str(out / "cache")}
    extra = [part for name in ("storageLayout", "userdoc", "devdoc") for part in ("--extra-output", name)]
    command = [node, str(FORGE), "build", "--skip", "test", "--force", *extra]
    done = subprocess.run(command, cwd=CONTRACTS, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}\nThe contracts do not compile.")


def built(out: Path, name: str) -> dict[str, Any]:
    """What the compiler wrote about a contract."""
    found: dict[str, Any] = json.loads((out / f"{name}.sol" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def artifact(name: str, built: dict[str, Any]) -> str:
    bytecode: str = built["bytecode"]["object"]
    if built["bytecode"]["linkReferences"]:
        sys.exit(f"{name} refers to a library that is not linked.")
    if (size := len(built["deployedBytecode"]["object"]) // 2 - 1) > LARGEST_CODE:
        sys.exit(f"{name} is {size} bytes; a chain accepts {LARGEST_CODE}.")
    abi = sorted(built["abi"], key=lambda entry: (entry["type"], entry.get("name", ""), json.dumps(entry)))
    kept = {"contractName": name, "abi": abi, "bytecode": bytecode, "storageLayout": layout(built["storageLayout"])}
    return json.dumps(kept, indent=1, sort_keys=True) + "\n"


def layout(compiled: dict[str, Any]) -> list[str]:
    """One line per variable, ``slot+offset type name``; the compiler's ids of types depend on unrelated sources."""
    types = compiled["types"] or {}
    return [f"{at['slot']}+{at['offset']} {types[at['type']]['label']} {at['label']}" for at in compiled["storage"]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Export contract artifacts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a committed artifact differs")
    check: bool = parser.parse_args().check

    with tempfile.TemporaryDirectory(prefix="sahara-artifacts-") as folder:
        compile_into(Path(folder))
        compiled = {name: built(Path(folder), name) for name in NAMES}
    fresh = {ARTIFACTS / f"{name}.json": artifact(name, found) for name, found in compiled.items()}
    fresh |= {HANDLES / name: text for name, text in handles.modules(compiled).items()}
    stale = [path for path, text in fresh.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    foreign = sorted({*ARTIFACTS.glob("*.json"), *HANDLES.glob("*.py")} - set(fresh))

    if check:
        for path in [*stale, *foreign]:
            print(f"{path.relative_to(CONTRACTS.parent)} differs from the contracts", file=sys.stderr)
        if stale or foreign:
            sys.exit("Run: make contracts")
        print(f"{len(fresh)} artifacts and handles match the contracts")
        return
    for folder_of in (ARTIFACTS, HANDLES):
        folder_of.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(fresh[path], encoding="utf-8")
    for path in foreign:
        path.unlink()
    print(f"{len(fresh)} artifacts and handles, {len(stale)} written, {len(foreign)} removed")


if __name__ == "__main__":
    main()

"""What renewing the keys of a large asset costs, beside what one pass over its bytes would.

Packs many small files, renews the keys of all folders under a new epoch (no file is written again), and prints the
CPU seconds of that and its ratio to the CPU seconds of packing, which encrypting everything again would cost.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Session, VaultRef, new_seed, open_vault, pack, public_bytes, rotate

T = TypeVar("T")
CHAIN, REGISTRY = 31337, "0x" + "ab" * 20


class Owner:
    """Credentials of the owner, whose own grant opens the vault without key servers."""

    def __init__(self) -> None:
        self.signer = LocalSigner.generate()
        self.encryption_key = new_seed()

    @property
    def account(self) -> str:
        return self.signer.address

    def session(self) -> Session:
        raise NotImplementedError("the owner's grant needs no session")


def cpu_of(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and the CPU seconds it took."""
    started = time.process_time()
    return work(), time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="files in the asset (default 10000)")
    parser.add_argument("--folders", type=int, default=100, help="folders they lie in (default 100)")
    parser.add_argument("--rounds", type=int, default=5, help="rotations that are counted (default 5)")
    options = parser.parse_args()
    owner = Owner()
    public = public_bytes(owner.encryption_key)
    with tempfile.TemporaryDirectory() as temporary:
        files = {f"{n % options.folders}/{n}.bin": os.urandom(4096) for n in range(options.files)}
        location = (Path(temporary) / "vault").as_uri()
        packed, packing = cpu_of(
            lambda: pack(
                files,
                location,
                creator=owner.account,
                name="data",
                owner=owner.signer,
                owner_key=public,
                release=[],
                chain_id=CHAIN,
                registry=REGISTRY,
            )
        )
        ref = VaultRef(1, "me/data", 1, 1, packed.root, packed.manifest_hash, location, CHAIN, REGISTRY, owner.account)
        times = []
        for epoch in range(2, options.rounds + 2):
            vault = open_vault(ref, owner)
            _, spent = cpu_of(partial(rotate, vault, epoch=epoch, owner=owner.signer, owner_key=public, release=[]))
            times.append(spent)
        spent = statistics.median(times)
        print(f"{options.files:,} files in {options.folders} folders: new keys {spent:.2f} s of CPU, ", end="")
        print(f"packing {packing:.2f} s, ratio {spent / packing:.3f}")


if __name__ == "__main__":
    main()

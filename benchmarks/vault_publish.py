"""What encrypting costs when an asset is published: CPU beside the hash's own limit, and memory for large folders.

CPU is that of packing one large file, Merkle tree included, without the kernel's share, which is printed beside that of
an ordinary copy. SHA-256 and AES-256-GCM alone, over bytes in the core's cache, say what one core can do at best.
Memory is the peak of a process of its own, for one huge file and for many small ones.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vault_read import publish

BLOCK = 16 << 10


def cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU that this process spends, its own and the kernel's."""
    before = os.times()
    work()
    after = os.times()
    return after.user - before.user, after.system - before.system


def limits(rounds: int) -> tuple[float, float]:
    """Bytes a second of SHA-256 and of AES-256-GCM on one core, out of its cache."""
    data, cipher, out, nonce = os.urandom(BLOCK), AESGCM(os.urandom(32)), bytearray(BLOCK + 16), bytes(12)
    many = 20_000

    def hash_() -> None:
        digest = hashlib.sha256()
        for _ in range(many):
            digest.update(data)

    def encrypt() -> None:
        for _ in range(many):
            cipher.encrypt_into(nonce, data, None, out)

    return tuple(many * BLOCK / statistics.median(cpu(way)[0] for _ in range(rounds)) for way in (hash_, encrypt))  # type: ignore[return-value]


def one_file(folder: Path, megabytes: int) -> Path:
    """A folder with one file of random bytes."""
    source = folder / "source"
    source.mkdir()
    block = os.urandom(1 << 20)
    with (source / "data.bin").open("wb") as stream:
        for index in range(megabytes):
            stream.write(index.to_bytes(8, "big") + block[8:])
    return source


def many_files(folder: Path, count: int) -> Path:
    """A folder with this many files of 1 KB in folders of a thousand."""
    source = folder / "source"
    for index in range(count):
        target = source / f"{index // 1000:04}" / f"{index:07}.bin"
        if index % 1000 == 0:
            target.parent.mkdir(parents=True)
        target.write_bytes(index.to_bytes(8, "big") * 128)
    return source


Found = tuple[float, tuple[float, float], int]


def measured(source: Path, target: Path, found: multiprocessing.Queue[Found]) -> None:
    """Publish; puts seconds, seconds of CPU and the peak of memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:  # what is imported at the first publication is no part of it
        publish(one_file(Path(folder), 1), Path(folder) / "vault")
    started = time.perf_counter()
    used = cpu(lambda: publish(source, target))
    found.put((time.perf_counter() - started, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10))


def copy(source: Path, target: Path) -> None:
    """An ordinary copy, on disk when it returns."""
    with source.open("rb") as stream, target.open("wb") as made:
        while block := stream.read(1 << 20):
            made.write(block)
        made.flush()
        os.fsync(made.fileno())


def in_its_own_process(source: Path, target: Path) -> Found:
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    process = context.Process(target=measured, args=(source, target, found))
    process.start()
    answer: Found = found.get()
    process.join()
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="megabytes of the file that is timed (default 1024)")
    parser.add_argument("--huge", type=int, default=10_240, help="megabytes of the file for memory; 0: none")
    parser.add_argument("--files", type=int, default=200_000, help="small files for memory; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="where to put the files (default: temporary)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        source = one_file(folder, options.size)
        packing, copying = [], []
        for index in range(options.rounds):
            packing.append(in_its_own_process(source, folder / f"vault{index}")[1])
            copying.append(cpu(partial(copy, source / "data.bin", folder / f"copy{index}"))[1])
    size, (hash_, cipher) = options.size << 20, limits(5)
    best = 1 / (1 / hash_ + 1 / cipher)
    ours = size / statistics.median(own for own, _ in packing)
    print(f"one file of {options.size} MB: {ours / 1e9:.2f} GB/s of CPU (wanted: 1.5, or the hash's limit)")
    print(
        f"SHA-256 alone {hash_ / 1e9:.2f} GB/s, AES-256-GCM alone {cipher / 1e9:.2f}, both {best / 1e9:.2f}: ", end=""
    )
    print(f"packing reaches {ours / best:.2f} of it")
    kernel, plain = statistics.median(theirs for _, theirs in packing), statistics.median(copying)
    print(f"kernel, reading and writing: {kernel:.2f} s, for a plain copy {plain:.2f} s")
    shapes = [("one file", options.huge, one_file, "MB"), ("small files", options.files, many_files, "files of 1 KB")]
    for label, amount, make, unit in shapes:
        if not amount:
            continue
        with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
            taken, _, peak = in_its_own_process(make(Path(temporary), amount), Path(temporary) / "vault")
            print(f"{label}, {amount} {unit}: {taken:.1f} s, memory at most {peak / 1e6:.0f} MB (wanted: under 200)")


if __name__ == "__main__":
    main()

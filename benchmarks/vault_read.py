"""How fast a vault reads, beside plain files through fsspec, in one run.

Prints the ratio for a sequential read of one large file in 16 MiB reads (from the page cache; into one buffer that is
used again; and with the page cache dropped), and the ratio of medians for random 4 KiB reads. A plain file in the page
cache is one copy of memory, faster than AES can be. So this machine's limit stands beside it: the shortest program that
decrypts the same bytes, a loop of ``preadv`` and the library's own decryptor that checks nothing else, and what its two
halves take alone. What comes out of the page cache is measured in seconds of CPU, of which other programs take none
away. Rounds are interleaved, and medians are taken, so that a busy machine slows all sides.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Session, VaultFileSystem, VaultRef, new_seed, pack, public_bytes
from sahara_lab.vault.cobblestone import CHUNK, HEADER_SIZE, SEALED_CHUNK

CHAIN, REGISTRY = 31337, "0x" + "ab" * 20
READ = 16 << 20
SMALL = 4096
BARE = (bytes(32), b"benchmark")
BLOCK = 64 * SEALED_CHUNK
CPU = time.thread_time


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


class OneVault:
    """Resolves every name to the vault of this run."""

    def __init__(self, ref: VaultRef) -> None:
        self.ref = ref

    def resolve(self, owner_name: str, version: int | None) -> VaultRef:
        return self.ref


class BenchmarkFileSystem(VaultFileSystem):
    """``vault://`` over the vault of this run."""

    backend: Any = None

    def _backend(self) -> Any:
        return self.backend


def prepare(folder: Path, megabytes: int) -> tuple[Path, VaultFileSystem]:
    """A file of random bytes, and a vault that holds the same."""
    plain = folder / "plain" / "data.bin"
    plain.parent.mkdir()
    with plain.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))
    started = time.perf_counter()
    BenchmarkFileSystem.backend = publish(plain.parent, folder / "vault")
    print(f"packed {megabytes} MB in {time.perf_counter() - started:.1f} s")
    return plain, BenchmarkFileSystem(account="me")


def publish(source: Path, target: Path) -> tuple[OneVault, Owner]:
    """A vault of a folder, as ``me/data``, and its owner."""
    owner = Owner()
    packed = pack(
        source,
        target.as_uri(),
        creator=owner.account,
        name="data",
        owner=owner.signer,
        owner_key=public_bytes(owner.encryption_key),
        release=[],
        chain_id=CHAIN,
        registry=REGISTRY,
    )
    ref = VaultRef(
        asset=1,
        name="me/data",
        version=1,
        epoch=1,
        root=packed.root,
        manifest_hash=packed.manifest_hash,
        location=packed.location,
        chain_id=CHAIN,
        registry=REGISTRY,
        creator=owner.account,
    )
    return OneVault(ref), owner


def sequential(fs: Any, path: str, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds to read a file from start to end with ``read(16 MiB)``, as most programs do."""
    started = clock()
    with fs.open(path, "rb") as stream:
        while stream.read(READ):
            pass
    return clock() - started


def into_one_buffer(fs: Any, path: str) -> float:
    """Seconds of CPU of the same with ``readinto`` of one buffer: a plain file is one copy out of the page cache."""
    buffer = bytearray(READ)
    started = CPU()
    with fs.open(path, "rb") as stream:
        while stream.readinto(buffer):
            pass
    return CPU() - started


def scattered(fs: Any, path: str, offsets: list[int]) -> float:
    """Median seconds of a 4 KiB read at a random place of an open file."""
    times = []
    with fs.open(path, "rb") as stream:
        for offset in offsets:
            started = time.perf_counter()
            stream.seek(offset)
            stream.read(SMALL)
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def bare_loop(path: Path, fresh: bool) -> float:
    """Seconds of CPU of the least that reading an object takes: ``preadv`` and the library's decryptor.

    Args:
        fresh: into new memory every 16 MiB, as ``read`` must; else into the same again, as ``readinto`` may.
    """
    sealed, out = memoryview(bytearray(BLOCK)), memoryview(bytearray(READ))
    handle = os.open(path, os.O_RDONLY)
    decryptor = Cobblestone256Decryptor(*BARE)
    decryptor.update(os.pread(handle, HEADER_SIZE, 0))
    size, at, filled = os.fstat(handle).st_size, HEADER_SIZE, 0
    started = CPU()
    while at + BLOCK <= size:
        if fresh and not filled:
            out = io.BytesIO(bytes(READ)).getbuffer()
        os.preadv(handle, [sealed], at)
        decryptor.update_into(sealed, out[filled : filled + 64 * CHUNK])
        at, filled = at + BLOCK, (filled + 64 * CHUNK) % READ
    taken = CPU() - started
    os.close(handle)
    return taken


def copying(path: Path) -> float:
    """Seconds of CPU of the loop's first half: the ciphertext out of the page cache into one block."""
    sealed = memoryview(bytearray(BLOCK))
    handle = os.open(path, os.O_RDONLY)
    started = CPU()
    for at in range(HEADER_SIZE, os.fstat(handle).st_size - BLOCK, BLOCK):
        os.preadv(handle, [sealed], at)
    taken = CPU() - started
    os.close(handle)
    return taken


def decrypting(size: int) -> float:
    """Seconds of CPU of its second half: AES-256-GCM of as many bytes, out of one block into 16 MiB."""
    cipher, nonce, out = AESGCM(bytes(32)), bytes(12), memoryview(bytearray(READ))
    chunks = [cipher.encrypt(nonce, bytes(CHUNK), None) for _ in range(64)]
    targets = [out[at : at + CHUNK] for at in range(0, READ, CHUNK)]
    started = CPU()
    for done in range(size // CHUNK):
        cipher.decrypt_into(nonce, chunks[done % 64], None, targets[done % len(targets)])
    return CPU() - started


def drop_cache(folder: Path) -> None:
    """Ask the kernel to forget what it has cached of the files in a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def compare(rounds: int, *ways: Callable[[], float]) -> tuple[float, ...]:
    """Medians of what each way takes in interleaved rounds, after one round that does not count."""
    found = [[way() for way in ways] for _ in range(rounds + 1)][1:]
    return tuple(statistics.median(taken) for taken in zip(*found, strict=True))


def speeds(size: int, plain: float, vault: float) -> str:
    """Both speeds and how much of the plain one the vault reaches."""
    return f"plain {size / plain / 1e6:7.0f} MB/s  vault {size / vault / 1e6:7.0f} MB/s  ratio {plain / vault:.2f}"


def beside_the_limit(size: int, plain: float, limit: float, vault: float) -> str:
    return f"{speeds(size, plain, vault)}  limit {size / limit / 1e6:7.0f} MB/s  {limit / vault:.2f} of it"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="megabytes in the file (default 512)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are counted (default 5)")
    parser.add_argument("--reads", type=int, default=1500, help="random reads in a round (default 1500)")
    parser.add_argument("--folder", type=Path, default=None, help="where to put the files (default: temporary)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        plain, vault = prepare(folder, options.size)
        local = fsspec.filesystem("file")
        where, name, size = str(plain), "vault://me/data/data.bin", options.size << 20

        def cold(fs: Any, path: str) -> float:
            drop_cache(folder)
            return sequential(fs, path)

        bare = folder / "bare"
        encryptor = Cobblestone256Encryptor(*BARE)
        with plain.open("rb") as source, bare.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(encryptor.update(block))
            target.write(encryptor.finalize())
        taken = compare(
            options.rounds,
            lambda: sequential(local, where, CPU),
            lambda: bare_loop(bare, True),
            lambda: sequential(vault, name, CPU),
        )
        print(f"read(16 MiB), cached:     {beside_the_limit(size, *taken)}")
        taken = compare(
            options.rounds,
            lambda: into_one_buffer(local, where),
            lambda: bare_loop(bare, False),
            lambda: into_one_buffer(vault, name),
        )
        print(f"readinto one buffer:      {beside_the_limit(size, *taken)}")
        c, d = compare(options.rounds, lambda: copying(bare), lambda: decrypting(size))
        print(
            f"the limit's two halves:   page cache {size / c / 1e6:7.0f} MB/s  AES-256-GCM {size / d / 1e6:7.0f} MB/s"
        )
        bare.unlink()
        rounds = min(3, options.rounds)
        p, v = compare(rounds, lambda: cold(local, where), lambda: cold(vault, name))
        print(f"read(16 MiB), storage:    {speeds(size, p, v)}")
        generator = random.Random(1)
        offsets = [generator.randrange(size - SMALL) for _ in range(options.reads)]
        p, v = compare(
            options.rounds, lambda: scattered(local, where, offsets), lambda: scattered(vault, name, offsets)
        )
        print(f"random 4 KiB, p50:        plain {p * 1e6:7.1f} us    vault {v * 1e6:7.1f} us    times {v / p:.1f}")


if __name__ == "__main__":
    main()

"""``pandas.read_parquet`` from a vault beside the same file in the open, on local disk and in a simulated object store.

The store answers each request after 15 ms and then sends 200 MB/s, one request at a time, as one connection does.
Prints ratios of medians of interleaved rounds, for the disk those of CPU seconds too, which other programs disturb
less, and for the store the number of requests on both sides.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import register_implementation
from vault_read import BenchmarkFileSystem, compare, publish

LATENCY, BANDWIDTH = 0.015, 200e6


class ObjectStore(LocalFileSystem):  # type: ignore[misc]
    """A local folder that answers like an object store, and counts."""

    protocol = "slow"
    requests = 0

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        with Path(self._strip_protocol(path)).open("rb") as stream:
            stream.seek(start or 0)
            data = stream.read(-1 if end is None else end - (start or 0))
        ObjectStore.requests += 1
        time.sleep(LATENCY + len(data) / BANDWIDTH)
        return data

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("slow://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return Plain(self, path) if mode == "rb" else super()._open(path, mode, **options)


class Plain(fsspec.spec.AbstractBufferedFile):  # type: ignore[misc]
    """A file of the store as fsspec reads it: each read that is not at hand is a request."""

    def __init__(self, fs: ObjectStore, path: str) -> None:
        size = Path(fs._strip_protocol(path)).stat().st_size
        super().__init__(fs, path, cache_type="none", size=size)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs.cat_file(self.path, start, min(end, self.size)) if start < self.size else b""


def write_tables(folder: Path, megabytes: int) -> None:
    """Two tables about this large as snappy Parquet: sales as shops record them, and random numbers.

    Random numbers are the worst that can happen here: they do not compress, and decoding them is little but a copy.
    """
    generator = np.random.default_rng(1)
    rows = megabytes * 1_000_000 // 47
    words = np.array([f"{color} {thing}" for color in ("red", "green", "blue") for thing in ("cup", "plate", "bowl")])
    sales = {
        "sale": np.arange(rows),
        "time": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(generator.integers(0, 10**7, rows)), unit="s"),
        "customer": [f"c-{number:08x}" for number in generator.integers(0, 1 << 32, rows)],
        "item": words[generator.integers(0, len(words), rows)],
        "quantity": generator.integers(1, 20, rows),
        "price": generator.integers(100, 1_000_000, rows) / 100,
        "note": [f"order {number} of the day" for number in generator.integers(0, 100_000, rows)],
    }
    pd.DataFrame(sales).to_parquet(folder / "sales.parquet", row_group_size=1_000_000)
    numbers = {f"x{column}": generator.normal(size=megabytes * 1_000_000 // 42) for column in range(5)}
    pd.DataFrame(numbers).to_parquet(folder / "numbers.parquet", row_group_size=1_000_000)


def timed(read: Callable[[], Any]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


def with_cpu(used: list[float], read: Callable[[], Any]) -> float:
    """Seconds; those of CPU, of all threads and the kernel, are added to ``used``."""
    before, taken = time.process_time(), timed(read)
    used.append(time.process_time() - before)
    return taken


def from_file(fs: Any, path: str, columns: list[str] | None) -> None:
    with fs.open(path, "rb") as stream:
        pd.read_parquet(stream, columns=columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=250, help="megabytes of the file, about (default 250)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are counted (default 5)")
    options = parser.parse_args()
    register_implementation("slow", ObjectStore)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "plain").mkdir()
        write_tables(folder / "plain", options.size)
        BenchmarkFileSystem.backend = publish(folder / "plain", folder / "vault")
        local, vault, store = fsspec.filesystem("file"), BenchmarkFileSystem(account="me"), ObjectStore()
        names, _ = BenchmarkFileSystem.backend
        for table, column in (("sales", "price"), ("numbers", "x1")):
            path = folder / "plain" / f"{table}.parquet"
            size = f"{table}, {path.stat().st_size / 1e6:.0f} MB"
            for label, columns in (("all columns", None), ("one column", [column])):
                read_plain = partial(from_file, local, str(path), columns)
                read_vault = partial(from_file, vault, f"me/data/{table}.parquet", columns)
                cpu: dict[str, list[float]] = {"plain": [], "vault": []}
                p, v = compare(
                    options.rounds,
                    partial(with_cpu, cpu["plain"], read_plain),
                    partial(with_cpu, cpu["vault"], read_vault),
                )
                work = statistics.median(cpu["vault"]) / statistics.median(cpu["plain"])
                print(
                    f"local disk,   {size}, {label}:  plain {p:6.3f} s  vault {v:6.3f} s  times {v / p:.2f}"
                    f"  in CPU {work:.2f}"
                )
        names.ref = replace(names.ref, location=f"slow://{folder / 'vault'}")
        vault.invalidate_cache()
        opened = partial(vault.ls, "me/data")  # a vault is opened once for all its files, and again after 15 seconds
        for table, column in (("sales", "price"), ("numbers", "x1")):
            path = folder / "plain" / f"{table}.parquet"
            for label, columns in (("all columns", None), ("one column", [column])):
                counts = {"plain": 0, "vault": 0}
                p, v = compare(
                    max(1, options.rounds // 2),
                    partial(counted, counts, "plain", partial(from_file, store, str(path), columns)),
                    partial(
                        counted, counts, "vault", partial(from_file, vault, f"me/data/{table}.parquet", columns), opened
                    ),
                )
                print(
                    f"object store, {table}, {label}:  plain {p:6.3f} s in {counts['plain']} requests  "
                    f"vault {v:6.3f} s in {counts['vault']}  times {v / p:.2f}"
                )


def counted(counts: dict[str, int], side: str, read: Callable[[], Any], first: Callable[[], Any] = bool) -> float:
    """Seconds, and how many requests it took; what ``first`` does is not counted."""
    first()
    before = ObjectStore.requests
    taken = timed(read)
    counts[side] = ObjectStore.requests - before
    return taken


if __name__ == "__main__":
    main()

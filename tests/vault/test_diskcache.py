"""The cache of ciphertext on disk: a remote store is asked once, and nothing that lies there is believed."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault.diskcache import BLOCK, LEAST, DiskCache, cache_folder, cache_usage, configure_cache

World = Any  # the fixtures of conftest.py
Make = Any

BIG = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def asked(world: World, fs: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A vault in a remote store, and a cache; returns a list that names each request to the store."""
    from fsspec.implementations.memory import MemoryFileSystem

    configure_cache(64 << 20)
    world.publish({"big": BIG, "small": b"needle" * 10}, location=f"memory://{tmp_path}")
    requests: list[str] = []
    read = MemoryFileSystem.cat_file

    def counted(self: Any, path: str, **options: Any) -> Any:
        if "/o/" in path:
            requests.append(path)
        return read(self, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counted)
    return requests


def test_what_was_read_once_is_not_asked_for_again(asked: list[str], fs: Make) -> None:
    assert fs().cat("alice/digits/big") == BIG
    assert len(asked) == 1
    assert fs().cat("alice/digits/big") == BIG
    assert fs().cat_ranges(["alice/digits/big"] * 2, [5, 2_000_000], [9, 2_500_000]) == [
        BIG[5:9],
        BIG[2_000_000:2_500_000],
    ]
    assert len(asked) == 1
    assert cache_usage().used > len(BIG)


def test_it_holds_ciphertext_only(asked: list[str], world: World, fs: Make) -> None:
    fs().cat("alice/digits/small")
    fs().cat("alice/digits/big")
    store, root = fsspec.url_to_fs(world.refs["alice/digits"][0].location)
    stored = b"".join(store.cat(path) for path in store.find(f"{root}/o"))
    kept = [path.read_bytes() for path in cache_folder().rglob("*") if path.is_file() and path.name != "lock"]
    assert len(kept) == 13
    assert all(block in stored for block in kept)
    assert not any(b"needle" in block for block in kept)
    assert {path.stat().st_mode & 0o077 for path in cache_folder().rglob("*") if path.is_dir()} == {0}


@pytest.mark.parametrize("harm", ["flipped", "shortened", "emptied"])
@pytest.mark.parametrize("verify", ["aead", "anchored"])
def test_a_damaged_block_is_fetched_again(asked: list[str], fs: Make, harm: str, verify: str) -> None:
    with fs().open("alice/digits/big", verify=verify) as stream:
        assert stream.read() == BIG
    for path in cache_folder().glob("??/*-*"):
        data = path.read_bytes()
        path.write_bytes({"flipped": data[:-1] + bytes([data[-1] ^ 1]), "shortened": data[:-1], "emptied": b""}[harm])
    for _ in range(2):
        with fs().open("alice/digits/big", verify=verify) as stream:
            assert stream.read() == BIG
    assert len(asked) == 2


def test_what_is_damaged_in_the_store_is_refused_and_not_kept(asked: list[str], world: World, fs: Make) -> None:
    store, root = fsspec.url_to_fs(world.refs["alice/digits"][0].location)
    name = max(store.find(f"{root}/o"), key=store.size)
    whole = store.cat_file(name)
    store.pipe_file(name, whole[:100_000] + bytes([whole[100_000] ^ 1]) + whole[100_001:])
    with pytest.raises(IntegrityError, match="did not write"):
        fs().cat("alice/digits/big")
    store.pipe_file(name, whole[:-5])
    with pytest.raises(IntegrityError, match="truncated"):
        fs().cat("alice/digits/big")
    store.pipe_file(name, whole)
    assert fs().cat("alice/digits/big") == BIG


def test_verifying_looks_at_the_store(asked: list[str], world: World, fs: Make) -> None:
    [ref] = world.refs["alice/digits"]
    assert fs().cat("alice/digits/big") == BIG
    store, root = fsspec.url_to_fs(ref.location)
    name = max(store.find(f"{root}/o"), key=store.size)
    store.pipe_file(name, store.cat_file(name)[:-1] + b"?")
    with pytest.raises(IntegrityError):
        world.open(ref).verify()


def test_it_stays_below_its_limit_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    limit = 64 * BLOCK
    cache = DiskCache(tmp_path / "cache", limit)
    size = 40 * BLOCK
    data = os.urandom(size)

    def fetch(spans: list[tuple[int, int]]) -> list[bytes]:
        return [data[start:stop] for start, stop in spans]

    for number in range(12):
        for start in range(0, size, BLOCK):
            assert cache.read(f"object {number}", size, [(start, start + 9)], fetch) == [data[start : start + 9]]
        assert cache.size() <= limit
    last = (39 * BLOCK, 39 * BLOCK + 9)
    assert cache.read("object 11", size, [last], lambda spans: []) == [data[last[0] : last[1]]]  # not asked for
    assert not cache.drop("object 0")


def test_a_full_disk_only_means_that_nothing_is_kept(
    asked: list[str], fs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert fs().cat("alice/digits/big") == BIG
    assert cache_usage().used == 0


def test_it_is_set_shown_and_removed(world: World) -> None:
    assert str(cache_usage()) == "Nothing is cached on disk."
    configure_cache(LEAST)
    assert cache_usage().limit == LEAST
    with pytest.raises(InputError, match="no use"):
        configure_cache(5)
    configure_cache(0)
    assert cache_usage().limit == 0
    assert not cache_folder().exists()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 5 * BLOCK),
    reads=st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=3), max_size=6),
)
def test_any_reads_give_the_bytes_of_the_object(tmp_path: Path, size: int, reads: Any) -> None:
    data = (BIG * 2)[:size]
    cache = DiskCache(tmp_path / "any" / os.urandom(8).hex(), 1 << 30)
    for spans in reads:
        asked = [(int(min(ends) * (size - 1)), int(max(ends) * (size - 1)) + 1) for ends in spans]
        got = cache.read("it", size, asked, lambda wanted: [data[start:stop] for start, stop in wanted])
        assert got == [data[a:b] for a, b in asked]

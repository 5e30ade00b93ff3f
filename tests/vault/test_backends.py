"""The same vault on every kind of storage: a local folder, memory, and S3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest

from sahara_lab.errors import InputError, IntegrityError

World = Any  # the fixtures of conftest.py
Make = Any

FILES = {
    "big": os.urandom(700_000),
    "deep/a.txt": b"one\n",
    "deep/er/b.txt": b"two\n",
    "deep/er/c": b"",
    "z.csv": b"x\n",
}


@pytest.fixture(params=["local", "memory", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    return f"{tmp_path.as_uri()}/vault" if request.param == "local" else f"memory://{tmp_path}"


@pytest.fixture
def both(world: World, fs: Make, location: str, tmp_path: Path) -> tuple[Any, Any, str]:
    """A vault's file system, the local one, and a folder in which that holds the same files."""
    for path, content in FILES.items():
        (tmp_path / "plain" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / path).write_bytes(content)
    world.publish(tmp_path / "plain", location=location)
    return fs(), fsspec.filesystem("file"), str(tmp_path / "plain")


def test_it_lists_walks_globs_and_measures_as_a_local_folder_does(both: tuple[Any, Any, str]) -> None:
    vault, local, folder = both
    top = "alice/digits"

    def named(paths: Any, root: str) -> list[str]:
        return sorted(str(path).removeprefix(root) for path in paths)

    for path in ("", "/deep", "/deep/er", "/big"):
        assert named(vault.ls(top + path, detail=False), top) == named(local.ls(folder + path, detail=False), folder)
        assert named(vault.find(top + path, withdirs=True), top) == named(
            local.find(folder + path, withdirs=True), folder
        )
        assert vault.du(top + path) == local.du(folder + path)
        assert vault.isdir(top + path) == local.isdir(folder + path)
        assert vault.info(top + path)["type"] == local.info(folder + path)["type"]
        assert vault.size(top + path) == (local.size(folder + path) if path == "/big" else 0)
    for pattern in ("*", "**", "*/*", "**/*.txt", "deep/*", "d??p/a.*", "[bz]*", "**/e*", "none*", "deep/er"):
        assert named(vault.glob(f"{top}/{pattern}"), top) == named(local.glob(f"{folder}/{pattern}"), folder), pattern
    walked = [(root.removeprefix(top), sorted(dirs), sorted(files)) for root, dirs, files in vault.walk(top)]
    assert walked == [
        (root.removeprefix(folder), sorted(dirs), sorted(files)) for root, dirs, files in local.walk(folder)
    ]
    assert named(vault.find(top, maxdepth=1), top) == named(local.find(folder, maxdepth=1), folder)
    assert vault.exists(f"{top}/deep/er/c")
    assert not vault.exists(f"{top}/deep/nothing")


def test_it_reads_as_a_local_folder_does(both: tuple[Any, Any, str]) -> None:
    vault, local, folder = both
    top = "alice/digits"
    paths, starts, ends = ["/big", "/big", "/deep/a.txt", "/big"], [0, 650_000, 1, -7], [10, 660_000, None, None]
    assert vault.cat_ranges([top + p for p in paths], starts, ends) == local.cat_ranges(
        [folder + p for p in paths], starts, ends
    )
    assert vault.cat([f"{top}/deep/a.txt", f"{top}/big"]) == {
        f"{top}/deep/a.txt": FILES["deep/a.txt"],
        f"{top}/big": FILES["big"],
    }
    assert vault.head(f"{top}/big", 30) == FILES["big"][:30]
    assert vault.tail(f"{top}/big", 30) == FILES["big"][-30:]
    with vault.open(f"{top}/big", verify="anchored") as stream:
        stream.seek(300_000)
        assert stream.read(200_000) == FILES["big"][300_000:500_000]
    with vault.open(f"{top}/deep/er/b.txt", "r") as lines:
        assert lines.read() == "two\n"
    assert vault.cat_file(f"{top}/deep/er/c") == b""


def test_it_is_verified(world: World, both: tuple[Any, Any, str], location: str) -> None:
    [ref] = world.refs["alice/digits"]
    assert world.open(ref).verify().objects == len(FILES)
    store, root = fsspec.url_to_fs(location)
    name = max(store.find(f"{root}/o"), key=store.size)
    store.pipe_file(name, store.cat_file(name)[:-1] + b"?")
    with pytest.raises(IntegrityError, match="anchored"):
        world.open(ref).verify()


@pytest.mark.parametrize("cache", ["simplecache", "filecache", "blockcache"])
def test_caches_that_would_leave_plaintext_on_disk_are_refused(
    world: World, fs: Make, tmp_path: Path, cache: str
) -> None:
    world.publish({"a": b"needle"})
    stored = tmp_path / "cache"
    over = fsspec.filesystem(cache, fs=fs(), cache_storage=str(stored))
    for use in (
        lambda: over.open("alice/digits/a").read(),
        lambda: over.cat("alice/digits/a"),
        lambda: over.cat_ranges(["alice/digits/a"], [0], [3], on_error="raise"),
        lambda: over.open("alice/digits/b", "wb"),
    ):
        with pytest.raises(InputError, match="decrypted files on disk"):
            use()
    assert not [path for path in stored.rglob("*") if path.is_file() and b"needle" in path.read_bytes()]

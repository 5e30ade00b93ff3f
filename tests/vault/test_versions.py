"""Versions side by side: what has not changed keeps its object, and what nothing names can be found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault import unreferenced
from sahara_lab.vault.cobblestone import CHUNK
from sahara_lab.vault.storage import Storage

World = Any  # the fixture of conftest.py

BIG = os.urandom(700_000)


def beside(world: World, ref: Any, source: Any, **options: Any) -> Any:
    """The next version, in the folder of the one before."""
    epoch = 1 + max(version.epoch for version in world.refs[ref.name])
    return world.publish(
        source, ref.name.partition("/")[2], base=world.open(ref), location=ref.location, epoch=epoch, **options
    )


def sizes(ref: Any, kind: str) -> dict[str, int]:
    return {file.path: file.size for file in Storage(ref.location).everything() if file.path.startswith(f"{kind}/")}


@pytest.mark.parametrize("where", ["local", "memory"])
def test_only_what_changed_is_written(world: World, tmp_path: Path, where: str) -> None:
    location = f"{tmp_path.as_uri()}/v" if where == "local" else f"memory://{tmp_path}"
    files = {"big": BIG, "a/same": b"1" * 100_000, "a/changed": b"2" * 100_000, "gone": b"x"}
    first = world.publish(files, location=location)
    before = sizes(first, "o")
    after = {"big": BIG, "a/same": files["a/same"], "a/changed": b"3" * 100_000, "moved/here": b"x", "new": b"y" * 10}
    second = beside(world, first, after)
    added = {path: size for path, size in sizes(second, "o").items() if path not in before}
    assert len(added) == 2
    assert sum(added.values()) < 101_000
    assert {path: world.open(second).read(path) for path in after} == after
    assert {path: world.open(first).read(path) for path in files} == files
    assert world.open(first).verify().objects == 4
    assert world.open(second).verify().objects == 5
    assert world.open(second).manifest.previous == first.manifest_hash


def test_a_byte_changed_anywhere_is_a_change(world: World) -> None:
    sizes_of_interest = [0, 1, CHUNK, 4 * CHUNK - 1, 4 * CHUNK, 4 * CHUNK + 1, 9 * CHUNK]
    files = {f"f{size}": os.urandom(size) for size in sizes_of_interest}
    first = world.publish(files)
    assert beside(world, first, files).root == first.root
    for size in sizes_of_interest[1:]:
        for place in (0, size // 2, size - 1):
            changed = bytearray(files[f"f{size}"])
            changed[place] ^= 1
            newest = beside(world, first, {**files, f"f{size}": bytes(changed)})
            assert world.open(newest).read(f"f{size}") == changed
            assert newest.root != first.root


def test_two_files_of_the_same_bytes_share_an_object(world: World) -> None:
    first = world.publish({"a": BIG})
    second = beside(world, first, {"a": BIG, "b": BIG})
    assert sizes(second, "o") == sizes(first, "o")
    assert world.open(second).read("b") == BIG
    assert world.open(second).verify().objects == 1


def test_what_is_damaged_in_storage_is_written_again(world: World) -> None:
    first = world.publish({"a": BIG, "b": b"small"})
    for path in world.stored(first, "h"):
        path.write_bytes(bytes(path.stat().st_size))
    second = beside(world, first, {"a": BIG, "b": b"small"})
    assert world.open(second).read("a") == BIG
    assert len(sizes(second, "o")) == 3


def test_a_version_lies_only_beside_its_own(world: World) -> None:
    first = world.publish({"a": b"1"})
    with pytest.raises(InputError, match="same folder"):
        world.publish({"a": b"1"}, base=world.open(first), epoch=2)


def test_readers_left_out_get_no_key_of_the_next_version(world: World) -> None:
    from sahara_lab.errors import AccessDenied
    from sahara_lab.vault import share

    first = world.publish({"a": BIG, "b": b"1"})
    share(world.open(first), "", world.bob.public, world.bob.account, world.alice.signer)
    assert world.open(first, world.bob).read("a") == BIG
    second = beside(world, first, {"a": BIG, "b": b"2"})
    with pytest.raises(AccessDenied):
        world.open(second, world.bob).read("b")


@given(
    versions=st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "d/c", "d/e/f"]), st.sampled_from(range(6)), min_size=1),
        min_size=2,
        max_size=4,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_version_reads_back_as_it_was_published(world: World, versions: list[dict[str, int]]) -> None:
    contents = [b"", b"a", bytes(CHUNK), BIG[:CHUNK], BIG[: 5 * CHUNK], BIG[1 : 5 * CHUNK + 1]]
    world.refs.clear()
    published = []
    location = f"memory://versions/{os.urandom(6).hex()}"
    for version in versions:
        files = {path: contents[number] for path, number in version.items()}
        ref = beside(world, published[-1][0], files) if published else world.publish(files, location=location)
        published.append((ref, files))
    for ref, files in published:
        vault = world.open(ref)
        assert {path: vault.read(path) for path in files} == files
        assert vault.verify().root == ref.root
    stored = set(sizes(published[-1][0], "o"))
    needed = {entry.path for ref, _ in published for entry in world.open(ref).manifest.objects.values()}
    assert stored == needed


# -- what nothing names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["local", "memory"])
def test_files_that_no_version_names_are_found_once_they_are_old(world: World, tmp_path: Path, where: str) -> None:
    location = f"{tmp_path.as_uri()}/v" if where == "local" else f"memory://{tmp_path}"
    first = world.publish({"a": BIG, "b": b"1"}, location=location)
    second = beside(world, first, {"a": BIG})
    store, root = fsspec.url_to_fs(location)
    for path in (
        "o/ff/" + "ff" * 16,
        "h/" + "ff" * 16,
        "n/" + "ff" * 16,
        f"m/{'ff' * 32}.json",
        "g/9/x.json",
        "stray.json",
    ):
        store.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
        store.pipe_file(f"{root}/{path}", b"left over")
    store.pipe_file(f"{root}/metadata.json", b"{}")
    both = [first, second]
    assert unreferenced(location, both, {"metadata.json"}, 3600) == []
    found = {file.path for file in unreferenced(location, both, {"metadata.json"}, -60)}
    assert found == {
        "o/ff/" + "ff" * 16,
        "h/" + "ff" * 16,
        "n/" + "ff" * 16,
        f"m/{'ff' * 32}.json",
        "g/9/x.json",
        "stray.json",
    }
    alone = {file.path for file in unreferenced(location, [second], {"metadata.json"}, -60)}
    assert len([path for path in alone if path.startswith("o/")]) == 2


def test_nothing_is_called_unneeded_while_a_manifest_is_missing(world: World) -> None:
    ref = world.publish({"a": b"1"})
    [path] = world.stored(ref, "m")
    path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        unreferenced(ref.location, [ref], (), -60)


def test_a_publication_cut_off_beside_another_version_harms_nothing(world: World) -> None:
    class Killed(BaseException):
        pass

    def dying() -> Any:
        raise Killed

    ref = world.publish({"a": BIG})
    before = sizes(ref, "o")
    with pytest.raises(Killed):
        beside(world, ref, {"a": BIG, "b": b"new", "c": dying})
    assert sizes(ref, "o") == before
    assert world.open(ref).read("a") == BIG

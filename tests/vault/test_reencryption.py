"""Strict re-encryption: kept keys open nothing of the new version, and a kill at any point loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import AccessDenied, IntegrityError
from sahara_lab.vault import Grantee, Journal, ReleaseClass, Shared, reencrypt

World = Any  # the fixture of conftest.py

FILES = {"a.txt": b"first", "deep/b.bin": b"second" * 20_000, "deep/in/c": b"", "z": b"last"}


class Killed(BaseException):
    """The process ends here."""


def again(world: World, ref: Any, folder: Path, progress: Any = None, grants: tuple[Grantee, ...] = ()) -> Any:
    """Encrypt a version again as the owner does; gives the reference that the chain would hold afterwards."""
    journal = Journal(folder / "journal", ref.manifest_hash, world.alice.public, world.alice.encryption_key)
    try:
        made = reencrypt(
            world.open(ref),
            journal,
            (folder / "again").as_uri(),
            epoch=ref.epoch + 1,
            owner=world.alice.signer,
            owner_key=world.alice.public,
            release=[ReleaseClass("read", [server.describe() for server in world.servers], 2)],
            grants=grants,
            progress=progress,
        )
    finally:
        journal.close()
    world.policy.epochs = {1, 2}
    return replace(
        ref,
        version=ref.version + 1,
        epoch=made.epoch,
        root=made.root,
        manifest_hash=made.manifest_hash,
        location=made.location,
    )


def test_owner_licensee_and_grantee_read_the_new_version(world: World, tmp_path: Path) -> None:
    ref = world.publish(FILES)
    done: list[tuple[int, int]] = []
    carol = type(world.bob)()
    new = again(
        world,
        ref,
        tmp_path,
        lambda count, total: done.append((count, total)),
        (Grantee(Shared(carol.account, "deep"), carol.public),),
    )
    for vault in (world.open(new), world.licensed(new)):
        assert {path: vault.read(path) for path in FILES} == FILES
        assert vault.verify().root == new.root != ref.root
    assert world.open(new, carol).read("deep/b.bin") == FILES["deep/b.bin"]
    with pytest.raises(AccessDenied):
        world.open(new, carol).read("a.txt")
    assert done[-1] == (sum(map(len, FILES.values())),) * 2
    assert {path: world.open(ref).read(path) for path in FILES} == FILES


def test_no_key_that_a_former_reader_kept_opens_anything_new(world: World, tmp_path: Path) -> None:
    ref = world.publish(FILES)
    old = world.licensed(ref)
    kept = {bytes(child.key) for _, child in old.everything()}
    assert len(kept) == len(FILES) + 3
    new = world.open(again(world, ref, tmp_path))
    assert kept.isdisjoint(child.key for _, child in new.everything())
    for _, child in new.everything():  # not even the ids are the same
        identifier = getattr(child, "object", None) or child.node
        assert identifier not in old.manifest.objects
        assert identifier not in old.manifest.nodes


@pytest.mark.parametrize("after", range(1, 5))
def test_a_kill_after_any_file_is_gone_on_from(world: World, tmp_path: Path, after: int, monkeypatch: Any) -> None:
    ref = world.publish(FILES)
    honest, count = Journal.add, 0

    def kill(journal: Journal, done: Any) -> None:
        nonlocal count
        honest(journal, done)
        count += 1
        if count == after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", kill)
        with pytest.raises(Killed):
            again(world, ref, tmp_path)
    assert {path: world.open(ref).read(path) for path in FILES} == FILES
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "again" / "o").rglob("*") if path.is_file()}
    assert len(written) == after
    new = again(world, ref, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert len([path for path in (tmp_path / "again" / "o").rglob("*") if path.is_file()]) == len(FILES)
    assert {path: world.open(new).read(path) for path in FILES} == FILES
    world.open(new).verify()


def test_a_journal_that_was_cut_off_or_is_of_another_version_is_not_believed(world: World, tmp_path: Path) -> None:
    ref = world.publish(FILES)
    again(world, ref, tmp_path)
    lines = (tmp_path / "journal").read_bytes().splitlines(keepends=True)
    assert len(lines) == len(FILES) + 1
    (tmp_path / "journal").write_bytes(b"".join(lines[:3]) + lines[3][:-40])
    new = again(world, ref, tmp_path)
    assert {path: world.open(new).read(path) for path in FILES} == FILES
    other = Journal(tmp_path / "journal", bytes(32), world.alice.public, world.alice.encryption_key)
    assert other.begin("memory://elsewhere") == []
    other.close()


def test_a_journal_shows_no_key_and_no_name(world: World, tmp_path: Path) -> None:
    ref = world.publish(FILES)
    new = world.open(again(world, ref, tmp_path))
    kept = (tmp_path / "journal").read_bytes()
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    assert not any(child.key.hex().encode() in kept or child.key in kept for _, child in new.everything())
    assert b"deep" not in kept


def test_a_damaged_file_is_not_encrypted_again_as_if_it_were_whole(world: World, tmp_path: Path) -> None:
    ref = world.publish(FILES)
    [*_, largest] = sorted(world.stored(ref, "o"), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[-1] ^= 1
    largest.write_bytes(data)
    with pytest.raises(IntegrityError):
        again(world, ref, tmp_path)

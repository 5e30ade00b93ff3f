"""Writing to ``vault://``: drafts, which only their owner sees until they are published."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, WalletError

World = Any  # the fixtures of conftest.py
Make = Any


def test_what_is_written_is_read_back_and_lies_encrypted(world: World, fs: Make) -> None:
    alice = fs()
    data = os.urandom(100_000) + b"needle"
    with alice.open("vault://alice/new/deep/file.bin", "wb") as stream:
        assert stream.write(data[:50_000]) == 50_000
        stream.write(memoryview(data)[50_000:])
    assert alice.cat("vault://alice/new/deep/file.bin") == data
    assert alice.find("alice/new") == ["alice/new/deep/file.bin"]
    assert alice.info("alice/new/deep")["type"] == "directory"
    stored = b"".join(path.read_bytes() for path in (world.folder / "home").rglob("*") if path.is_file())
    assert len(stored) > len(data)
    for secret in (b"needle", b"file.bin", b"deep"):
        assert secret not in stored


def test_a_draft_lies_over_what_is_published(world: World, fs: Make) -> None:
    ref = world.publish({"keep": b"1", "change": b"2", "gone/a": b"3", "gone/b": b"4"})
    world.policy.license(world.bob.account, ref.asset)
    alice, bob = fs(), fs("bob")
    alice.pipe({"alice/digits/change": b"changed", "alice/digits/added/x": b"new"})
    alice.rm("alice/digits/gone", recursive=True)
    assert alice.find("alice/digits") == ["alice/digits/added/x", "alice/digits/change", "alice/digits/keep"]
    assert alice.ls("alice/digits", detail=False) == ["alice/digits/added", "alice/digits/change", "alice/digits/keep"]
    assert not alice.exists("alice/digits/gone/a")
    assert not alice.exists("alice/digits/gone")
    assert alice.cat("alice/digits/change") == b"changed"
    assert alice.cat("alice/digits/keep") == b"1"
    assert alice.cat("alice/digits@1/change") == b"2"
    assert bob.cat("alice/digits/change") == b"2"
    assert len(bob.find("alice/digits")) == 4

    files, changes = alice.draft_files("alice/digits")
    assert sorted(files) == ["added/x", "change", "keep"]
    world.publish(files, previous=ref)
    alice.discard_draft("alice/digits", changes)
    alice.invalidate_cache()
    assert alice.find("alice/digits") == ["alice/digits/added/x", "alice/digits/change", "alice/digits/keep"]


def test_removing_an_unpublished_file_forgets_it(world: World, fs: Make) -> None:
    alice = fs()
    alice.pipe("alice/new/a", b"1")
    alice.pipe("alice/new/a", b"2")
    assert len(list((world.folder / "home").rglob("o/*/*"))) == 1
    alice.cp("alice/new/a", "alice/new/b")
    alice.mv("alice/new/a", "alice/new/c")
    assert alice.find("alice/new") == ["alice/new/b", "alice/new/c"]
    alice.rm(["alice/new/b", "alice/new/c"])
    assert not list((world.folder / "home").rglob("o/*/*"))
    assert not alice.exists("alice/new")


def test_a_draft_stands_for_what_it_changes_without_what_it_hides(world: World, fs: Make) -> None:
    world.publish({"same": b"1", "gone": b"2", "was-file": b"3", "was-folder/x": b"4", "deep/er/y": b"5"})
    alice = fs()
    alice.rm("alice/digits/gone")
    alice.pipe({"alice/digits/was-file/now": b"6", "alice/digits/was-folder": b"7", "alice/digits/deep/er/z": b"8"})
    files, _ = alice.draft_files("alice/digits")
    found = {path: file.open().read() for path, file in files.items()}
    assert found == {"same": b"1", "was-file/now": b"6", "was-folder": b"7", "deep/er/y": b"5", "deep/er/z": b"8"}
    assert all(file.size == 1 for file in files.values())


def test_what_is_written_while_a_draft_is_published_stays_in_it(world: World, fs: Make) -> None:
    alice = fs()
    alice.pipe({"alice/digits/a": b"1", "alice/digits/b": b"2"})
    files, changes = alice.draft_files("alice/digits")
    world.publish(files)
    alice.pipe({"alice/digits/b": b"again", "alice/digits/c": b"3"})
    alice.discard_draft("alice/digits", changes)
    assert alice.drafts() == {"digits": 2}
    assert {path: alice.cat_file(path) for path in alice.find("alice/digits")} == {
        "alice/digits/a": b"1",
        "alice/digits/b": b"again",
        "alice/digits/c": b"3",
    }


def test_many_files_join_the_draft_at_once_and_can_be_taken_back(world: World, fs: Make) -> None:
    alice = fs()
    alice.pipe("alice/new/kept", b"before")
    draft = alice.draft("alice/new")
    writers = [draft.create(name, autocommit=False) for name in ("a", "b", "c")]
    for writer in writers:
        writer.write(b"x" * 100_000)
        writer.close()
    assert alice.drafts() == {"new": 1}
    draft.add(writers)
    assert alice.drafts() == {"new": 4}
    alice.pipe("alice/new/b", b"written again")
    draft.take_back(writers)
    assert alice.find("alice/new") == ["alice/new/b", "alice/new/kept"]
    assert alice.cat("alice/new/b") == b"written again"
    assert len(list((world.folder / "home").rglob("o/*/*"))) == 2


def test_a_discarded_file_leaves_nothing_even_when_it_cannot_be_finished(
    world: World, fs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = fs().draft("alice/new").create("a")
    writer.write(b"x" * 100_000)
    monkeypatch.setattr(writer, "_encryptor", SimpleNamespace(finalize=full))
    writer.discard()
    assert writer.closed
    assert not list((world.folder / "home").rglob("o/*/*"))


def test_only_ones_own_assets_are_written_to(world: World, fs: Make) -> None:
    world.publish({"a": b"1"})
    with pytest.raises(AccessDenied, match="belongs to alice"):
        fs("bob").open("vault://alice/digits/b", "wb")
    with pytest.raises(InputError, match="never changes"):
        fs().open("vault://alice/digits@1/b", "wb")
    with pytest.raises(InputError, match="not a file"):
        fs().open("vault://alice/digits", "wb")
    with pytest.raises(FileExistsError):
        fs().open("vault://alice/digits/a", "xb")
    world.alice.encryption_key = None
    with pytest.raises(WalletError, match="wallet"):
        fs().open("vault://alice/digits/b", "wb").write(b"x")


def test_a_transaction_is_published_whole_or_not_at_all(world: World, fs: Make) -> None:
    alice = fs()
    published: list[str] = []
    alice._publish_draft = published.append
    with alice.transaction:
        alice.open("alice/new/a", "wb").close()
        with alice.open("alice/other/b", "w") as stream:
            stream.write("text")
        assert not alice.exists("alice/new/a")
    assert published == ["alice/new", "alice/other"]
    assert alice.cat("alice/other/b") == b"text"

    def interrupted() -> None:
        with alice.transaction:
            with alice.open("alice/new/c", "wb") as stream:
                stream.write(b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not alice.exists("alice/new/c")
    assert published == ["alice/new", "alice/other"]


def test_files_and_frames_are_written_by_libraries(world: World, fs: Make, tmp_path: Path) -> None:
    import pandas

    alice = fs()
    frame = pandas.DataFrame({"x": range(1000)})
    with alice.open("alice/new/t.parquet", "wb") as stream:
        frame.to_parquet(stream)
    with alice.open("alice/new/t.parquet") as stream:
        assert pandas.read_parquet(stream).equals(frame)
    (tmp_path / "src" / "sub").mkdir(parents=True)
    (tmp_path / "src" / "sub" / "a").write_bytes(b"a")
    alice.put(str(tmp_path / "src"), "alice/new/", recursive=True)
    assert "alice/new/src/sub/a" in alice.find("alice/new")


def test_a_damaged_or_foreign_draft_is_refused(world: World, fs: Make) -> None:
    alice = fs()
    alice.pipe("alice/new/a", b"1")
    (path,) = (world.folder / "home").rglob("draft.json")
    good = path.read_bytes()
    path.write_bytes(b"{}")
    with pytest.raises(IntegrityError, match="damaged"):
        alice.cat("alice/new/a")
    path.write_bytes(good)
    world.alice.encryption_key = world.bob.encryption_key
    with pytest.raises(IntegrityError, match="sealed key"):
        alice.cat("alice/new/a")

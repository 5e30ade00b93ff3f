"""age files: another implementation opens what is exported, and what it seals comes in."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pyrage
import pytest

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault import export_age, import_age
from sahara_lab.vault.agefiles import read_identities

World = Any  # the fixtures of conftest.py
Make = Any

BIG = os.urandom(3_000_000)
FILES = {"big": BIG, "deep/ü ñ.csv": b"1,2\n", "deep/er/" + "long" * 40: b"x", "empty": b""}


@pytest.fixture
def identity() -> Any:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def alice(world: World, fs: Make) -> Any:
    world.publish(FILES)
    return fs()


def opened(path: Path, identity: Any) -> bytes:
    return bytes(pyrage.decrypt(path.read_bytes(), [identity]))


def test_a_file_is_exported(alice: Any, identity: Any, tmp_path: Path) -> None:
    target = tmp_path / "big.age"
    assert export_age(alice, "vault://alice/digits/big", target, [str(identity.to_public())]) == 1
    assert opened(target, identity) == BIG
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["big.age"]


def test_an_asset_is_exported_as_one_archive_and_comes_back(
    world: World, alice: Any, identity: Any, tmp_path: Path
) -> None:
    target = tmp_path / "digits.tar.age"
    other = pyrage.x25519.Identity.generate()
    recipients = [str(identity.to_public()), str(other.to_public())]
    assert export_age(alice, "alice/digits", target, recipients) == len(FILES)
    with tarfile.open(fileobj=io.BytesIO(opened(target, other))) as archive:
        assert {m.name: archive.extractfile(m).read() for m in archive} == FILES  # type: ignore[union-attr]
    assert import_age(target, alice, "alice/copy", [str(identity)]) == len(FILES)
    assert {path.removeprefix("alice/copy/"): alice.cat(path) for path in alice.find("alice/copy")} == FILES
    stored = b"".join(path.read_bytes() for path in (world.folder / "home").rglob("*") if path.is_file())
    assert b"1,2\n" not in stored


def test_a_single_age_file_becomes_a_file(alice: Any, identity: Any, tmp_path: Path) -> None:
    source = tmp_path / "notes.age"
    source.write_bytes(pyrage.encrypt(b"from elsewhere", [identity.to_public()]))
    assert import_age(source, alice, "alice/other/notes.txt", [str(identity)]) == 1
    assert alice.cat("alice/other/notes.txt") == b"from elsewhere"


def test_what_is_damaged_or_for_somebody_else_leaves_the_draft_as_it_was(
    alice: Any, identity: Any, tmp_path: Path
) -> None:
    source = tmp_path / "digits.tar.age"
    export_age(alice, "alice/digits", source, [str(identity.to_public())])
    with pytest.raises(IntegrityError, match="could not be opened"):
        import_age(source, alice, "alice/copy", [str(pyrage.x25519.Identity.generate())])
    sealed = source.read_bytes()
    for damaged in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-70_000], b"nothing of the kind"):
        source.write_bytes(damaged)
        with pytest.raises(IntegrityError, match="could not be opened"):
            import_age(source, alice, "alice/copy", [str(identity)])
    assert not alice.exists("alice/copy")


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b"])
def test_names_that_escape_and_links_are_refused(alice: Any, identity: Any, tmp_path: Path, name: str) -> None:
    for kind in (tarfile.REGTYPE, tarfile.SYMTYPE):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(name if kind == tarfile.REGTYPE else "link")
            member.type, member.linkname = kind, name
            archive.addfile(member, io.BytesIO())
        source = tmp_path / "bad.tar.age"
        source.write_bytes(pyrage.encrypt(buffer.getvalue(), [identity.to_public()]))
        if kind == tarfile.REGTYPE and name == "/etc/passwd":
            import_age(source, alice, "alice/copy", [str(identity)])
            assert alice.find("alice/copy") == ["alice/copy/etc/passwd"]
            continue
        with pytest.raises(InputError):
            import_age(source, alice, "alice/copy2", [str(identity)])
        assert not alice.exists("alice/copy2")


def test_mistakes_are_named(alice: Any, identity: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not an age recipient"):
        export_age(alice, "alice/digits/big", tmp_path / "x.age", ["age1nonsense"])
    with pytest.raises(InputError, match="nobody"):
        export_age(alice, "alice/digits/big", tmp_path / "x.age", [])
    (tmp_path / "x.age").write_bytes(b"mine")
    with pytest.raises(InputError, match="exists"):
        export_age(alice, "alice/digits/big", tmp_path / "x.age", [str(identity.to_public())])
    with pytest.raises(FileNotFoundError):
        export_age(alice, "alice/digits/absent", tmp_path / "y.age", [str(identity.to_public())])
    assert not (tmp_path / "y.age").exists()
    with pytest.raises(InputError, match="identity") as raised:
        import_age(tmp_path / "x.age", alice, "alice/copy", ["AGE-SECRET-KEY-1WRONG"])
    assert "WRONG" not in str(raised.value)
    assert read_identities("# created: today\nAGE-SECRET-KEY-1A\n\n") == ["AGE-SECRET-KEY-1A"]

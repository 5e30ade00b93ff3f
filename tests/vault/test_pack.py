"""Packing: what may become a vault, all of it or nothing."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor

from sahara_lab.errors import InputError, IntegrityError, NotFound, StorageError
from sahara_lab.vault import get_public, put_public
from sahara_lab.vault.cobblestone import node_context
from sahara_lab.vault.manifest import load_manifest, parse_manifest
from sahara_lab.vault.nodes import decode_children
from sahara_lab.vault.paths import parse_address
from sahara_lab.vault.storage import Storage

World = Any  # the fixture of conftest.py


def nothing_was_written(world: World) -> bool:
    return not list((world.folder / "storage").glob("**/*")) if (world.folder / "storage").exists() else True


def test_a_folder_comes_back_as_it_was(world: World, tmp_path: Path) -> None:
    files = {"a.txt": b"hello", "deep/er/b.bin": os.urandom(70_000), "deep/c": b"", "deep/er/ü ñ.csv": b"1,2\n"}
    for path, data in files.items():
        (tmp_path / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / path).write_bytes(data)
    vault = world.open(world.publish(tmp_path / "src"))
    assert {path: vault.read(path) for path in files} == files
    assert [entry.name for entry in vault.listdir("deep")] == ["c", "er"]
    tree = vault.tree()
    assert tree.size == sum(map(len, files.values()))
    assert "b.bin  70,000 bytes" in str(tree)
    with pytest.raises(NotFound, match="nothing"):
        vault.read("nothing.txt")


def test_names_and_content_are_not_in_storage(world: World) -> None:
    ref = world.publish({"secret-name.txt": b"secret-content" * 10})
    stored = b"".join(path.read_bytes() + path.name.encode() for kind in "onmhg" for path in world.stored(ref, kind))
    assert b"secret-name" not in stored
    assert b"secret-content" not in stored


def test_the_manifest_commits_to_every_stored_byte(world: World) -> None:
    ref = world.publish({"a": b"x" * 200_000, "b/c": b"y"})
    (path,) = world.stored(ref, "m")
    assert hashlib.sha256(path.read_bytes()).digest() == ref.manifest_hash
    manifest = parse_manifest(path.read_bytes())
    assert manifest.encode() == path.read_bytes()
    assert {entry.path for entry in manifest.objects.values()} == {
        str(one.relative_to(one.parents[2])) for one in world.stored(ref, "o")
    }
    assert world.open(ref).verify().size == sum(one.stat().st_size for kind in "on" for one in world.stored(ref, kind))


def test_an_empty_folder_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "src" / "only" / "folders").mkdir(parents=True)
    for source in (tmp_path / "src", {}):
        with pytest.raises(InputError, match="empty"):
            world.publish(source)
    assert nothing_was_written(world)


def test_a_missing_folder_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        world.publish(tmp_path / "absent")


def test_a_link_out_of_the_folder_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("private")
    source = tmp_path / "src"
    (source / "below").mkdir(parents=True)
    (source / "good.txt").write_text("x")
    for target, name in ((tmp_path / "secret", "file"), (tmp_path, "folder"), (Path("../../secret"), "relative")):
        link = source / "below" / name
        link.symlink_to(target)
        with pytest.raises(InputError, match="links out of the folder"):
            world.publish(source)
        link.unlink()
    assert nothing_was_written(world)


def test_a_link_inside_the_folder_is_followed_and_a_loop_refused(world: World, tmp_path: Path) -> None:
    source = tmp_path / "src"
    (source / "real").mkdir(parents=True)
    (source / "real" / "a").write_text("content")
    (source / "alias").symlink_to(source / "real" / "a")
    assert world.open(world.publish(source)).read("alias") == b"content"
    (source / "real" / "loop").symlink_to(source)
    with pytest.raises(InputError, match="contains it"):
        world.publish(source, "looped")


def test_dangling_links_and_pipes_are_refused(world: World, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "a").write_text("x")
    (source / "gone").symlink_to(source / "nowhere")
    with pytest.raises(InputError, match="link to nothing"):
        world.publish(source)
    (source / "gone").unlink()
    os.mkfifo(source / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        world.publish(source)


ESCAPES = ["../up", "a/../b", "./a", "a//b", "/..", "..", "", "\\\\.\\pipe\\x", "back\\slash", "C:x"]
DEVICES = ["nul", "a/CON", "aux.txt", "Com1.tar.gz", "lpt9", "nul .csv", "nul\0", "new\nline", "bell\x07"]


@pytest.mark.parametrize("path", ESCAPES + DEVICES)
def test_paths_that_could_escape_are_refused(world: World, path: str) -> None:
    with pytest.raises(InputError):
        world.publish({path: b"x"})
    assert nothing_was_written(world)


def test_names_that_are_not_text_are_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "src") + b"/\xff\xfe")).write_text("x")
    with pytest.raises(InputError, match="UTF-8"):
        world.publish(tmp_path / "src")


def test_a_path_twice_or_as_file_and_folder_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="two files"):
        world.publish({"é": b"composed", "e\u0301": b"decomposed"})
    with pytest.raises(InputError, match="a file and a folder"):
        world.publish({"a": b"1", "a/b": b"2"})


def test_an_interrupted_pack_leaves_nothing(world: World, tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise KeyboardInterrupt

    def opener() -> BinaryIO:
        return Broken()  # type: ignore[return-value]

    with pytest.raises(KeyboardInterrupt):
        world.publish({"a": b"x" * 100_000, "b": opener})
    assert nothing_was_written(world)
    memory = fsspec.filesystem("memory")
    with pytest.raises(KeyboardInterrupt):
        world.publish({"a": b"x", "b": opener}, location="memory://interrupted")
    assert not memory.find("/interrupted")


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sahara_lab.vault.writer.encrypt_stream", full)
    with pytest.raises(StorageError, match=r"could not be written to .*: no space left on device\. Free some space"):
        world.publish({"a": b"content"})
    assert nothing_was_written(world)


def test_a_folder_in_use_is_not_written_over(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("data")
    with pytest.raises(InputError, match="not empty"):
        world.publish({"a": b"x"}, location=(tmp_path / "mine").as_uri())
    assert (tmp_path / "mine" / "precious").read_text() == "data"


def test_any_fsspec_store_holds_a_vault(world: World) -> None:
    data = os.urandom(300_000)
    ref = world.publish({"a/b": data, "c": b""}, location="memory://vaults/one")
    vault = world.open(ref)
    assert vault.read("a/b") == data
    with vault.open("a/b", verify="anchored") as stream:
        stream.seek(100_000)
        assert stream.read(1000) == data[100_000:101_000]
    assert vault.verify().objects == 2


def test_progress_counts_to_the_end(world: World) -> None:
    seen: list[tuple[int, int]] = []
    world.publish({"a": bytes(3 << 20), "b": b"x"}, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == ((3 << 20) + 1, (3 << 20) + 1)
    assert len(seen) == 4


def test_a_new_version_keeps_the_dataset_id_and_no_key(world: World) -> None:
    first = world.publish({"a": b"one"})
    second = world.publish({"a": b"one"}, previous=first)
    old, new = (load_manifest(Storage(ref.location), ref) for ref in (first, second))
    assert old.dataset == new.dataset
    assert new.previous == first.manifest_hash
    assert first.root != second.root
    assert not set(old.objects) & set(new.objects)


def test_public_documents_lie_beside_the_manifest(world: World) -> None:
    ref = world.publish({"a": b"x"})
    put_public(ref.location, "metadata.json", b'{"name": 1}')
    assert json.loads(get_public(ref.location, "metadata.json")) == {"name": 1}
    with pytest.raises(NotFound):
        get_public(ref.location, "other.json")
    for name in ("../escape", "a/b", "o", "m", ".."):
        with pytest.raises(InputError):
            put_public(ref.location, name, b"")


def test_a_hostile_folder_node_is_refused() -> None:
    """The owner may be the attacker: names are checked again when a node is decoded."""
    child: dict[str, Any] = {"size": 1, "object": "00" * 16, "key": "00" * 32, "modified": 0}
    for bad in (
        [{**child, "name": "../../etc/passwd"}],
        [{**child, "name": "/etc/passwd"}],
        [{**child, "name": "NUL.txt"}],
        [{**child, "name": "a"}, {**child, "name": "a"}],
        [{**child, "name": "a", "size": -1}],
        [{**child, "name": "a", "size": True}],
        [{**child, "name": "a", "key": "00"}],
        [{"name": "a"}],
        [[]],
    ):
        with pytest.raises(IntegrityError, match="malformed"):
            decode_children(json.dumps({"v": 1, "entries": bad}).encode())
    with pytest.raises(IntegrityError):
        decode_children(b"[" * 100_000)


def test_five_lines_of_cryptography_open_a_node(world: World) -> None:
    """The format is documented enough for a stranger: the root folder without any of the vault's readers."""
    ref = world.publish({"a.txt": b"hello"})
    manifest = parse_manifest(world.stored(ref, "m")[0].read_bytes())
    node, key = world.open(ref).folder_key(())
    decryptor = Cobblestone256Decryptor(key, node_context(manifest.dataset, node))
    sealed = (Path(ref.location.removeprefix("file://")) / "n" / node.hex()).read_bytes()
    assert json.loads(decryptor.update(sealed) + decryptor.finalize())["entries"][0]["name"] == "a.txt"


@pytest.mark.parametrize("text", ["a b/c", "own/UPPER", "o/n@0", "o/n@x", "o/n@1/../x", "o/../n", "o/n@1@2"])
def test_addresses_have_one_spelling(text: str) -> None:
    with pytest.raises(InputError):
        parse_address(text)


def test_addresses_are_parsed() -> None:
    assert parse_address("vault://alice/digits@3/a/b") == ("alice", "digits", 3, "a/b")
    assert parse_address("alice/digits/a@b") == ("alice", "digits", None, "a@b")

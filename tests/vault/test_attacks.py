"""What somebody who can write to the storage may try, and an owner who means harm."""

from __future__ import annotations

import io
import multiprocessing
import secrets
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Encryptor

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.vault import VaultRef, pack, unreferenced
from sahara_lab.vault.cobblestone import CHUNK, HEADER_SIZE, SEALED_CHUNK
from sahara_lab.vault.manifest import ID_SIZE, ObjectEntry, manifest_path
from sahara_lab.vault.merkle import leaf_hash, root_of
from sahara_lab.vault.nodes import Children, FileChild, FolderChild, seal_node
from sahara_lab.vault.reader import ObjectReader
from sahara_lab.vault.storage import Storage
from sahara_lab.vault.writer import encrypt_stream

World = Any  # the fixture of conftest.py

FILES = {"a/one": b"1" * 100, "b/two": b"2" * 100}


def altered(world: World, ref: VaultRef, change: Callable[[Children, FolderChild], Children]) -> VaultRef:
    """The version as its owner could write and anchor it: ``change`` gets the top folder, and it as a child."""
    vault = world.open(ref)
    node, key = vault.folder_key(())
    sealed, entry = seal_node(
        vault.manifest.dataset, node, key, change(dict(vault.children(())), FolderChild(node, key))
    )
    manifest = replace(vault.manifest, nodes={**vault.manifest.nodes, node: entry})
    encoded = manifest.encode()
    digest = sha256(encoded).digest()
    vault.storage.write(entry.path, sealed)
    vault.storage.write(manifest_path(digest), encoded)
    return replace(ref, manifest_hash=digest)


# -- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", ["find", "du", "walk", "tree", "verify the paths"])
def test_a_folder_within_itself_is_refused(world: World, fs: Any, look: str) -> None:
    """It could be walked for ever."""
    ref = altered(world, world.publish(FILES), lambda children, top: {**children, "again": top})
    world.refs[ref.name][-1] = ref
    looks: dict[str, Callable[[], object]] = {
        "find": lambda: fs().find(ref.name),
        "du": lambda: fs().du(ref.name),
        "walk": lambda: list(fs().walk(ref.name, on_error="raise")),
        "tree": lambda: world.open(ref).tree(),
        "verify the paths": lambda: world.open(ref).paths(),
    }
    with pytest.raises(IntegrityError, match="at two places"):
        looks[look]()


def test_a_folder_at_two_places_is_refused(world: World) -> None:
    """Thirty folders, each twice in the one above, would be a thousand million files."""
    ref = altered(world, world.publish(FILES), lambda children, _: {**children, "twin": children["a"]})
    with pytest.raises(IntegrityError, match="at two places"):
        world.open(ref).tree()


def test_a_folder_is_not_read_as_a_file(world: World) -> None:
    def confused(children: Children, _: FolderChild) -> Children:
        folder = children["a"]
        assert isinstance(folder, FolderChild)
        return {**children, "c": FileChild(100, folder.node, folder.key)}

    ref = altered(world, world.publish(FILES), confused)
    with pytest.raises(IntegrityError, match="not in the manifest"):
        world.open(ref).read("c")


def test_a_file_is_not_read_as_a_folder(world: World) -> None:
    def confused(children: Children, _: FolderChild) -> Children:
        return {**children, "c": FolderChild(file.object, file.key)}

    source = world.publish(FILES)
    file = world.open(source).children(("a",))["one"]
    assert isinstance(file, FileChild)
    with pytest.raises(IntegrityError, match="not in the manifest"):
        world.open(altered(world, source, confused)).listdir("c")


def test_folders_of_two_versions_do_not_mix(world: World) -> None:
    """An old folder in the place of a new one is known by its hash."""
    first = world.publish(FILES)
    second = world.publish({**FILES, "c": b"3"}, previous=first)
    old, new = (sorted(world.stored(ref, "n"), key=lambda path: path.stat().st_size)[-1] for ref in (first, second))
    new.write_bytes(old.read_bytes())
    with pytest.raises(IntegrityError, match="altered or truncated"):
        world.open(second).tree()


def test_a_folder_of_another_version_under_its_own_name_is_not_in_the_manifest(world: World) -> None:
    first = world.publish(FILES)
    second = world.publish({**FILES, "c": b"3"}, previous=first)
    old = world.open(first).children(())["a"]
    ref = altered(world, second, lambda children, _: {**children, "a": old})
    with pytest.raises(IntegrityError, match="not in the manifest"):
        world.open(ref).listdir("a")


@pytest.mark.parametrize("pair", [("Read", "read"), ("STRASSE", "straße"), ("x/A", "X/b")])
def test_names_that_differ_in_case_only_are_refused(world: World, pair: tuple[str, str]) -> None:
    """Copied to a system that takes no notice of case, one would replace the other."""
    with pytest.raises(InputError, match="cannot be told apart"):
        world.publish(dict.fromkeys(pair, b"x"))


def test_an_owner_who_writes_such_names_all_the_same_is_refused(world: World) -> None:
    ref = altered(world, world.publish(FILES), lambda children, _: {**children, "B": replace_ids(children["b"])})
    with pytest.raises(IntegrityError, match="malformed"):
        world.open(ref).listdir()


def replace_ids(child: FileChild | FolderChild) -> FileChild | FolderChild:
    assert isinstance(child, FolderChild)
    return replace(child, node=secrets.token_bytes(ID_SIZE))


# -- objects ----------------------------------------------------------------------------------------------------------

KEY, CONTEXT, ID = bytes(range(32)), b"context", bytes(range(16))


def sealed_twice(plain: bytes) -> tuple[bytes, bytes]:
    """The same bytes under the same key and context, with two headers."""

    def once() -> bytes:
        encryptor = Cobblestone256Encryptor(KEY, CONTEXT)
        return encryptor.update(plain) + encryptor.finalize()

    return once(), once()


def reader(folder: Path, sealed: bytes, size: int) -> ObjectReader:
    entry = ObjectEntry(ID, len(sealed), b"")
    (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
    (folder / entry.path).write_bytes(sealed)
    return ObjectReader(Storage(folder.as_uri()), entry, size, KEY, CONTEXT, "aead", "it")


def test_a_header_joined_to_the_body_of_another_writing_is_refused(tmp_path: Path) -> None:
    plain = secrets.token_bytes(3 * CHUNK)
    one, two = sealed_twice(plain)
    assert reader(tmp_path, one, len(plain)).readall() == plain
    with pytest.raises(IntegrityError):
        reader(tmp_path, one[:HEADER_SIZE] + two[HEADER_SIZE:], len(plain)).readall()


def test_a_chunk_of_another_writing_under_the_same_key_is_refused(tmp_path: Path) -> None:
    plain = secrets.token_bytes(3 * CHUNK)
    one, two = sealed_twice(plain)
    start, stop = HEADER_SIZE + SEALED_CHUNK, HEADER_SIZE + 2 * SEALED_CHUNK
    with pytest.raises(IntegrityError):
        reader(tmp_path, one[:start] + two[start:stop] + one[stop:], len(plain)).readall()


def test_a_chunk_of_another_object_is_refused(world: World) -> None:
    ref = world.publish({"a": secrets.token_bytes(3 * CHUNK), "b": secrets.token_bytes(3 * CHUNK)})
    one, two = world.stored(ref, "o")
    start, stop = HEADER_SIZE + CHUNK + 16, HEADER_SIZE + 2 * SEALED_CHUNK
    mixed = bytearray(one.read_bytes())
    mixed[start:stop] = two.read_bytes()[start:stop]
    one.write_bytes(mixed)
    read = 0
    for name in "ab":
        try:
            read += len(world.open(ref).read(name))
        except IntegrityError:
            continue
    assert read == 3 * CHUNK


def test_a_flipped_commitment_is_refused(tmp_path: Path) -> None:
    """The header ends with what commits to the key: 32 bytes."""
    sealed, _ = sealed_twice(b"content")
    for at in (HEADER_SIZE - 32, HEADER_SIZE - 1):
        flipped = bytearray(sealed)
        flipped[at] ^= 1
        with pytest.raises(IntegrityError):
            reader(tmp_path, bytes(flipped), 7).readall()


def test_an_inner_node_of_the_tree_is_no_leaf() -> None:
    """RFC 6962, section 2.1: the hashes of leaves and of inner nodes begin differently."""
    leaves = [leaf_hash(memoryview(bytes([number]))) for number in range(4)]
    inner = [root_of(leaves[:2]), root_of(leaves[2:])]
    assert root_of(leaves) == root_of(inner)  # as numbers in a tree, which is why sizes are anchored as well
    assert root_of([leaf_hash(memoryview(b"".join(leaves[:2]))), inner[1]]) != root_of(leaves)


def test_an_object_of_fewer_leaves_with_the_same_root_is_refused(world: World) -> None:
    """Inner hashes in the place of the leaves' would hide what the leaves are: their number follows from the size."""
    content = secrets.token_bytes(4 * 4 * CHUNK)
    ref = world.publish({"a": content})
    [stored] = world.stored(ref, "h")
    leaves = [stored.read_bytes()[at : at + 32] for at in range(0, stored.stat().st_size, 32)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    forged = [root_of(leaves[:half]), root_of(leaves[half:])]
    assert root_of(forged) == root_of(leaves)
    stored.write_bytes(b"".join(forged))
    with pytest.raises(IntegrityError, match="leaf hashes"):
        world.open(ref).open("a", verify="anchored").read()


# -- copies out of and into a vault -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["../out", "a/../../out", "a/./b", "C:/x", "a\\b", "a//b", "nul\0"])
def test_nothing_is_put_where_a_vault_has_no_place(world: World, fs: Any, tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    alice = fs()
    with pytest.raises(InputError):
        alice.put_file(str(tmp_path / "file"), f"alice/new/{target}")
    with pytest.raises(InputError), alice.open(f"alice/new/{target}", "wb") as stream:
        stream.write(b"x")
    assert not alice.drafts()


@pytest.mark.parametrize("pattern", ["", "/", "/*"])
def test_a_link_out_of_a_folder_is_not_followed_on_put(world: World, fs: Any, tmp_path: Path, pattern: str) -> None:
    """Somebody's folder may hold a link to a key of yours."""
    (tmp_path / "secret").write_bytes(b"mine")
    (tmp_path / "theirs" / "deep").mkdir(parents=True)
    (tmp_path / "theirs" / "deep" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "theirs" / "file").write_bytes(b"x")
    alice = fs()
    with pytest.raises(InputError, match="links out of the folder"):
        alice.put(f"{tmp_path}/theirs{pattern}", "alice/new/", recursive=True)
    assert not alice.drafts()
    alice.put(str(tmp_path / "theirs" / "file"), "alice/new/file")
    assert alice.cat("alice/new/file") == b"x"


def test_what_is_copied_out_stays_below_the_target(world: World, fs: Any, tmp_path: Path) -> None:
    world.publish(FILES)
    fs().get("alice/digits", str(tmp_path / "out"), recursive=True)
    written = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert written == set(FILES)


# -- writers ----------------------------------------------------------------------------------------------------------


def cut_off(step: int, work: Callable[[], Any]) -> None:
    """Publish, and die without a word at the given write."""
    import os

    from sahara_lab.vault import writer

    left = step

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            if not left:
                os._exit(9)
            left -= 1
            return original(*arguments, **named)

        return call

    staging: Any = writer._Staging
    staging.write, staging.create = counted(staging.write), counted(staging.create)
    writer.os.rename = counted(os.rename)  # type: ignore[attr-defined]
    work()


def killed(step: int, work: Callable[[], Any]) -> bool:
    """Whether the work, in a process of its own, was killed at a write; False when it has no more so many."""
    process = multiprocessing.get_context("fork").Process(target=cut_off, args=(step, work))
    process.start()
    process.join(60)
    assert process.exitcode in (0, 9)
    return process.exitcode == 9


def published(location: str, alice: Any) -> Any:
    return pack(
        {"a": secrets.token_bytes(70_000), "b/c": b"x", "b/d": b"y"},
        location,
        creator=alice.account,
        name="cut",
        owner=alice.signer,
        owner_key=alice.public,
        release=[],
        chain_id=31337,
        registry="0x" + "ab" * 20,
    )


def test_a_kill_at_any_write_leaves_no_half_of_a_version_and_a_retry_completes_it(world: World, tmp_path: Path) -> None:
    location, step = (tmp_path / "place").as_uri(), 0
    while killed(step, lambda: published(location, world.alice)):
        assert not (tmp_path / "place").exists()
        step += 1
    assert step == 9  # three objects, a list of leaves, two nodes, grants, manifest, rename
    with pytest.raises(InputError, match="not empty"):
        published(location, world.alice)


def test_a_kill_at_any_write_beside_another_version_leaves_that_as_it_was(world: World, tmp_path: Path) -> None:
    content = secrets.token_bytes(150_000)
    first = world.publish({"a": content, "b/c": b"x"})

    def publish() -> VaultRef:
        changed = {"a": content, "b/c": secrets.token_bytes(70_000), "b/d": b"y"}
        return world.publish(changed, base=world.open(first), location=first.location, epoch=2)  # type: ignore[no-any-return]

    step = 0
    while killed(step, publish):
        assert world.open(first).verify().objects == 2
        assert world.open(first).read("a") == content
        step += 1
    assert step > 6
    second = publish()
    assert world.open(second).verify().objects == 3
    needed = {manifest_path(ref.manifest_hash) for ref in (first, second)}
    left = {file.path for file in unreferenced(first.location, [first, second], (), -60)}
    assert left
    assert not left & needed
    for path in left:
        Storage(first.location).remove(path)
    for ref in (first, second):
        assert world.open(ref).read("a") == content
        world.open(ref).verify()


def test_two_writers_of_one_place_leave_one_whole_version(world: World, tmp_path: Path) -> None:
    location = (tmp_path / "place").as_uri()
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=published, args=(location, world.alice)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert sorted(bool(process.exitcode) for process in both) in ([False, False], [False, True])
    [manifest] = (tmp_path / "place" / "m").iterdir()
    assert sha256(manifest.read_bytes()).hexdigest() == manifest.stem


def test_the_key_of_an_object_encrypts_once(tmp_path: Path) -> None:
    """The same content is another ciphertext under another key each time."""
    one, two = io.BytesIO(), io.BytesIO()
    encrypt_stream(io.BytesIO(b"same"), one, secrets.token_bytes(32), CONTEXT)
    encrypt_stream(io.BytesIO(b"same"), two, secrets.token_bytes(32), CONTEXT)
    assert one.getvalue() != two.getvalue()

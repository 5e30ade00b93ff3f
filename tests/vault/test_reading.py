"""Reading a published version: storage that lies, grants, and what owners can share."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, NotFound
from sahara_lab.vault import accessed, forget_access, new_seed, public_bytes, share
from sahara_lab.vault.grants import grants_path

World = Any  # the fixture of conftest.py

DATA = bytes(range(256)) * 700
OTHER = bytes(reversed(range(256))) * 700


def publish(world: World) -> Any:
    return world.publish({"data.bin": DATA, "deep/other.bin": OTHER, "deep/in/small": b"s"})


def objects(world: World, ref: Any) -> dict[str, Path]:
    """Where each file's ciphertext lies."""
    vault = world.open(ref)
    root = Path(ref.location.removeprefix("file://"))
    found = {}
    for path in ("data.bin", "deep/other.bin"):
        child = vault._child(tuple(path.split("/")))
        found[path] = root / vault.manifest.object(child.object).path
    return found


# -- storage that lies ------------------------------------------------------------------------------------------------


def test_a_tampered_object_is_refused_and_named(world: World) -> None:
    ref = publish(world)
    path = objects(world, ref)["data.bin"]
    stored = bytearray(path.read_bytes())
    stored[100_000] ^= 1
    path.write_bytes(stored)
    with pytest.raises(IntegrityError, match=r"alice/digits@1/data\.bin"):
        world.open(ref).read("data.bin")
    assert world.open(ref).read("deep/other.bin") == OTHER
    with pytest.raises(IntegrityError, match="anchored"):
        world.open(ref).verify()


def test_a_truncated_object_is_refused(world: World) -> None:
    ref = publish(world)
    path = objects(world, ref)["data.bin"]
    os.truncate(path, 60_000)
    with pytest.raises(IntegrityError, match="60000 bytes in storage"):
        world.open(ref).read("data.bin")
    with pytest.raises(IntegrityError, match="60000 bytes"):
        world.open(ref).verify()


def test_verifying_looks_at_everything_and_names_the_damaged_files(world: World) -> None:
    ref = publish(world)
    found = objects(world, ref)
    found["data.bin"].unlink()
    os.truncate(found["deep/other.bin"], 60_000)
    seen: list[tuple[int, int]] = []
    with pytest.raises(IntegrityError, match=r"alice/digits@1/data\.bin, alice/digits@1/deep/other\.bin"):
        world.open(ref).verify(lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    stranger = world.open(ref, type(world.bob)())
    with pytest.raises(IntegrityError, match="missing from storage") as raised:
        stranger.verify()
    assert "data.bin" not in str(raised.value)


def test_a_truncated_remote_object_is_refused(world: World) -> None:
    import fsspec

    ref = world.publish({"data.bin": DATA}, location="memory://truncated")
    memory = fsspec.filesystem("memory")
    (name,) = memory.find("/truncated/o")
    memory.pipe_file(name, memory.cat_file(name)[:70_000])
    with pytest.raises(IntegrityError, match="truncated"):
        world.open(ref).read("data.bin")


def test_a_missing_object_is_told_from_a_missing_file(world: World) -> None:
    ref = publish(world)
    objects(world, ref)["data.bin"].unlink()
    with pytest.raises(IntegrityError, match="missing from storage"):
        world.open(ref).read("data.bin")


def test_swapped_objects_are_refused(world: World) -> None:
    ref = publish(world)
    one, two = objects(world, ref).values()
    first, second = one.read_bytes(), two.read_bytes()
    assert len(first) == len(second)
    one.write_bytes(second)
    two.write_bytes(first)
    for path in ("data.bin", "deep/other.bin"):
        with pytest.raises(IntegrityError, match="swapped"):
            world.open(ref).read(path)


def test_a_tampered_folder_is_refused(world: World) -> None:
    ref = publish(world)
    for path in world.stored(ref, "n"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="directory"):
        world.open(ref).listdir()
    with pytest.raises(IntegrityError, match="directory"):
        world.open(ref).verify()


def test_an_older_manifest_in_place_of_the_anchored_one_is_refused(world: World) -> None:
    """Rollback: a manifest that was valid once is not what the chain names now."""
    first = publish(world)
    second = world.publish({"data.bin": b"corrected"}, previous=first)
    (old,), (new,) = world.stored(first, "m"), world.stored(second, "m")
    shutil.copy(old, new)
    with pytest.raises(IntegrityError, match="rolled back"):
        world.open(second)
    new.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        world.open(second)
    assert world.open(first).read("data.bin") == DATA


@pytest.mark.parametrize(
    "other",
    [{"name": "alice/forged"}, {"creator": "0x" + "22" * 20}, {"chain_id": 1}, {"epoch": 2}, {"root": bytes(32)}],
)
def test_a_manifest_of_something_else_is_refused(world: World, other: dict[str, Any]) -> None:
    ref = publish(world)
    with pytest.raises(IntegrityError, match="another asset"):
        world.open(replace(ref, **other))


def test_a_malformed_manifest_is_refused(world: World) -> None:
    import hashlib

    ref = publish(world)
    (path,) = world.stored(ref, "m")
    good = orjson.loads(path.read_bytes())
    for change in (
        {"format": "sahara-vault/9"},
        {"algorithm": "rot13"},
        {"objects": good["objects"] * 2},
        {"objects": []},
        {"root": "00"},
        {"nodes": [["00", 1, "00"]]},
        {"release": [{}]},
        {"epoch": -1},
        {"objects": 5},
    ):
        data = orjson.dumps({**good, **change})
        digest = hashlib.sha256(data).digest()
        (path.parent / f"{digest.hex()}.json").write_bytes(data)
        with pytest.raises(IntegrityError):
            world.open(replace(ref, manifest_hash=digest))


# -- grants -----------------------------------------------------------------------------------------------------------


def test_the_owner_reads_without_key_servers(world: World) -> None:
    ref = publish(world)
    asked = world.policy.asked
    assert world.open(ref).read("data.bin") == DATA
    assert world.policy.asked == asked


def test_a_shared_folder_opens_and_its_neighbors_do_not(world: World) -> None:
    ref = publish(world)
    assert share(world.open(ref), "deep", world.bob.public, world.bob.account, world.alice.signer) == "deep"
    vault = world.open(ref, world.bob)
    assert vault.read("deep/other.bin") == OTHER
    assert vault.read("deep/in/small") == b"s"
    with pytest.raises(AccessDenied, match="license alice/digits"):
        vault.read("data.bin")
    assert [entry.name for entry in vault.listdir("")] == ["deep"]
    assert vault.tree().size == len(OTHER) + 1


def test_a_license_extends_a_grant(world: World) -> None:
    ref = publish(world)
    share(world.open(ref), "deep", world.bob.public, world.bob.account, world.alice.signer)
    assert world.licensed(ref).read("data.bin") == DATA


def test_a_grant_is_for_its_account_and_key_only(world: World) -> None:
    ref = publish(world)
    share(world.open(ref), "", world.bob.public, world.bob.account, world.alice.signer)
    assert world.open(ref, world.bob).read("data.bin") == DATA
    thief = type(world.bob)()
    target = Path(ref.location.removeprefix("file://")) / grants_path(world.open(ref).manifest, thief.account)
    for path in world.stored(ref, "g"):
        shutil.copy(path, target)
        with pytest.raises(AccessDenied):
            world.open(ref, thief).read("data.bin")


def test_a_grant_that_ran_out_is_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = publish(world)
    until = int(time.time()) + 100
    share(world.open(ref), "", world.bob.public, world.bob.account, world.alice.signer, not_after=until)
    assert world.open(ref, world.bob).read("data.bin") == DATA
    with pytest.raises(InputError, match="run out already"):
        share(world.open(ref), "", world.bob.public, world.bob.account, world.alice.signer, not_after=5)
    monkeypatch.setattr("sahara_lab.vault.grants.time.time", lambda: until + 1.0)
    with pytest.raises(AccessDenied):
        world.open(ref, world.bob).read("data.bin")


def test_a_grant_signed_by_a_stranger_is_ignored(world: World) -> None:
    ref = publish(world)
    share(world.open(ref), "", world.bob.public, world.bob.account, world.bob.signer)
    with pytest.raises(AccessDenied):
        world.open(ref, world.bob).read("data.bin")
    # The asset was sold to Bob: as its owner he may grant what he can read.
    carol = type(world.bob)()
    share(world.licensed(ref), "", carol.public, carol.account, world.bob.signer)
    assert world.open(replace(ref, owner=world.bob.account), carol).read("data.bin") == DATA


def test_garbage_among_grants_does_no_harm(world: World) -> None:
    ref = publish(world)
    for path in world.stored(ref, "g"):
        good = orjson.loads(path.read_bytes())["grants"]
        path.write_bytes(orjson.dumps({"v": 1, "grants": [5, {}, {"node": "zz"}, {**good[0], "sealed": "00"}, *good]}))
    assert world.open(ref).read("data.bin") == DATA
    for path in world.stored(ref, "g"):
        path.write_bytes(b"not json")
    assert world.open(ref).read("data.bin") == DATA  # the key servers know the owner


def test_what_is_not_there_cannot_be_shared_and_nobody_without_a_key(world: World) -> None:
    vault = world.open(publish(world))
    with pytest.raises(NotFound, match="no 'absent'"):
        share(vault, "absent", world.bob.public, world.bob.account, world.alice.signer)
    with pytest.raises(InputError, match="public key"):
        share(vault, "", b"short", world.bob.account, world.alice.signer)


# -- secrets stay where they are --------------------------------------------------------------------------------------


def test_an_opened_vault_cannot_be_pickled_and_shows_no_key(world: World) -> None:
    vault = world.open(publish(world))
    vault.read("data.bin")
    with pytest.raises(TypeError, match="holds keys"):
        pickle.dumps(vault)
    keys = [mount.key.hex() for mount in vault._mounts.values()]
    text = f"{vault!r} {vault.manifest!r} {vault._folders!r} {vars(vault)}"
    assert keys
    assert not any(key in text for key in keys)
    assert world.alice.encryption_key.hex() not in text


def test_a_session_shows_no_key_and_travels_to_workers(world: World) -> None:
    session = world.bob.session()
    assert session.signer.private_bytes().hex() not in repr(session)
    again = pickle.loads(pickle.dumps(session))
    assert again.signer.address == session.signer.address
    assert again.delegation_signature == session.delegation_signature


def test_what_was_opened_is_remembered(world: World) -> None:
    forget_access()
    ref = publish(world)
    vault = world.open(ref)
    vault.listdir()
    assert accessed() == set()
    vault.read("data.bin")
    assert accessed() == {"alice/digits@1"}
    forget_access()


def test_a_seed_has_one_length() -> None:
    assert len(public_bytes(new_seed())) == 1216
    with pytest.raises(InputError, match="seed"):
        public_bytes(b"short")

"""New keys without new files: who keeps access, who does not, and that nothing is lost on the way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.errors import AccessDenied, InputError, IntegrityError
from sahara_lab.vault import Grantee, ReleaseClass, Shared, rotate, share, shared_with
from sahara_lab.vault.grants import grants_path
from sahara_lab.vault.nodes import FolderChild

World = Any  # the fixture of conftest.py

FILES = {"a.txt": b"first", "deep/b.bin": b"second" * 9000, "deep/in/c": b"third"}


def renew(world: World, ref: Any, grants: tuple[Grantee, ...] = ()) -> Any:
    """Rotate as the owner does; gives the reference that the chain would hold afterwards."""
    rotated = rotate(
        world.open(ref),
        epoch=ref.epoch + 1,
        owner=world.alice.signer,
        owner_key=world.alice.public,
        release=[ReleaseClass("read", [server.describe() for server in world.servers], 2)],
        grants=grants,
    )
    return replace(ref, epoch=rotated.epoch, manifest_hash=rotated.manifest_hash)


def to_bob(world: World, path: str = "", not_after: int = 0) -> Grantee:
    return Grantee(Shared(world.bob.account, path, not_after), world.bob.public)


def test_the_owner_reads_everything_and_no_object_was_written(world: World) -> None:
    ref = world.publish(FILES)
    before = {path: path.stat().st_mtime_ns for kind in "oh" for path in world.stored(ref, kind)}
    new = renew(world, ref)
    vault = world.open(new)
    assert {path: vault.read(path) for path in FILES} == FILES
    assert vault.verify().root == ref.root
    assert {path: path.stat().st_mtime_ns for kind in "oh" for path in world.stored(ref, kind)} == before


def test_a_vault_on_remote_storage_is_renewed_too(world: World) -> None:
    ref = world.publish(FILES, name="far", location="memory://rotation/far")
    share(world.open(ref), "", world.bob.public, world.bob.account, world.alice.signer)
    assert shared(world, ref) == [Shared(world.bob.account, "")]
    new = renew(world, ref)
    assert world.open(new).read("deep/in/c") == b"third"
    with pytest.raises(AccessDenied):
        world.open(new, world.bob).read("a.txt")


def test_until_the_chain_anchors_the_new_keys_the_old_version_is_whole(world: World) -> None:
    ref = world.publish(FILES)
    renew(world, ref)
    assert world.open(ref).read("deep/b.bin") == FILES["deep/b.bin"]


def test_who_is_left_out_gets_no_key(world: World) -> None:
    ref = world.publish(FILES)
    share(world.open(ref), "", world.bob.public, world.bob.account, world.alice.signer)
    assert world.open(ref, world.bob).read("a.txt") == b"first"
    new = renew(world, ref)
    with pytest.raises(AccessDenied):
        world.open(new, world.bob).read("a.txt")


def test_what_stays_shared_opens_that_folder_and_nothing_beside_it(world: World) -> None:
    ref = world.publish(FILES)
    new = renew(world, ref, (to_bob(world, "deep/in"),))
    vault = world.open(new, world.bob)
    assert vault.read("deep/in/c") == b"third"
    with pytest.raises(AccessDenied):
        vault.read("deep/b.bin")


def test_an_old_key_opens_no_new_folder(world: World) -> None:
    ref = world.publish(FILES)
    node, key = world.open(ref).folder_key(())
    new = world.open(renew(world, ref), world.bob)
    new._mounts[()] = FolderChild(node, key)
    with pytest.raises(IntegrityError, match="not in the manifest"):
        new.read("a.txt")
    new._mounts[()] = FolderChild(new.manifest.root_node, key)
    with pytest.raises(IntegrityError, match="damaged or was written under another key"):
        new.read("a.txt")


def test_an_epoch_is_never_used_again(world: World) -> None:
    ref = world.publish(FILES)
    with pytest.raises(InputError, match=f"not after epoch {ref.epoch}"):
        rotate(
            world.open(ref),
            epoch=ref.epoch,
            owner=world.alice.signer,
            owner_key=world.alice.public,
            release=[],
        )


def test_only_who_holds_the_keys_can_renew_them(world: World) -> None:
    ref = world.publish(FILES)
    with pytest.raises(AccessDenied):
        rotate(
            world.open(ref, world.bob),
            epoch=ref.epoch + 1,
            owner=world.bob.signer,
            owner_key=world.bob.public,
            release=[],
        )


def test_an_attempt_that_fails_leaves_no_folder_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = world.publish(FILES)
    nodes, manifests = world.stored(ref, "n"), world.stored(ref, "m")

    def stop(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sahara_lab.vault.rotation.regrant", stop)
        with pytest.raises(KeyboardInterrupt):
            renew(world, ref)
    assert (world.stored(ref, "n"), world.stored(ref, "m")) == (nodes, manifests)
    assert world.open(renew(world, ref)).read("a.txt") == b"first"


def test_grants_that_an_attempt_cut_short_left_are_gone(world: World) -> None:
    ref = world.publish(FILES)
    renew(world, ref, (to_bob(world),))
    new = renew(world, ref)
    with pytest.raises(AccessDenied):
        world.open(new, world.bob).read("a.txt")


# -- who has what -----------------------------------------------------------------------------------------------------


def shared(world: World, ref: Any) -> list[Shared]:
    return shared_with(world.open(ref), [world.bob.account], {world.alice.account.lower()})


def test_the_owner_sees_what_is_shared_with_whom_and_until_when(world: World) -> None:
    ref = world.publish(FILES)
    assert shared(world, ref) == []
    end = int(time.time()) + 3600
    share(world.open(ref), "deep", world.bob.public, world.bob.account, world.alice.signer, not_after=end)
    share(world.open(ref), "deep/in", world.bob.public, world.bob.account, world.alice.signer)
    assert shared(world, ref) == [
        Shared(world.bob.account, "deep", end),
        Shared(world.bob.account, "deep/in"),
    ]


def test_a_grant_that_storage_made_up_is_not_believed(world: World) -> None:
    """Otherwise whoever writes to storage could have the owner share the new keys with them."""
    ref = world.publish(FILES)
    vault = world.open(ref)
    share(vault, "", world.bob.public, world.bob.account, world.bob.signer)
    assert vault.storage.exists(grants_path(vault.manifest, world.bob.account))
    assert shared(world, ref) == []


@given(
    paths=st.lists(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=8, unique=True
    ),
    rounds=st.integers(1, 3),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_survives_any_number_of_rotations(world: World, paths: list[str], rounds: int) -> None:
    files = {f"{path}.x": path.encode() for path in paths}
    ref = world.publish(files, name=f"tree-{time.monotonic_ns()}")
    for _ in range(rounds):
        ref = renew(world, ref)
    vault = world.open(ref)
    assert {path: vault.read(path) for path in files} == files

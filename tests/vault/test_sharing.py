"""Sharing part of a vault: what a grantee can open, and that nothing beside it shows, not even a name."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.errors import AccessDenied, IntegrityError, NotFound
from sahara_lab.signing import canonical_json
from sahara_lab.vault import Grantee, ReleaseClass, Shared, new_seed, public_bytes, rotate, share
from sahara_lab.vault.grants import grants_path, make_grant, open_grants
from sahara_lab.vault.nodes import Grant

World = Any  # the fixture of conftest.py

FILES = {
    "a/train.csv": b"shared",
    "ab/secret-name.csv": b"beside",
    "a/deep/x": b"below",
    "top-secret.txt": b"above",
}
TEAM = "team:12"


def give(world: World, ref: Any, path: str = "", **options: Any) -> None:
    share(world.open(ref), path, world.bob.public, world.bob.account, world.alice.signer, **options)


def renewed(world: World, ref: Any, *classes: ReleaseClass, grants: tuple[Grantee, ...] = ()) -> Any:
    """A new epoch whose key servers release these classes, as the chain would hold it."""
    made = rotate(
        world.open(ref),
        epoch=ref.epoch + 1,
        owner=world.alice.signer,
        owner_key=world.alice.public,
        release=classes,
        grants=grants,
    )
    return replace(ref, epoch=made.epoch, manifest_hash=made.manifest_hash)


def to_team(world: World, path: str) -> ReleaseClass:
    return ReleaseClass(TEAM, [server.describe() for server in world.servers], 2, path)


# -- an account -------------------------------------------------------------------------------------------------------


def test_one_file_can_be_shared(world: World) -> None:
    ref = world.publish(FILES)
    give(world, ref, "a/train.csv")
    vault = world.open(ref, world.bob)
    assert vault.read("a/train.csv") == b"shared"
    assert vault.info("a/train.csv").size == 6
    assert [entry.name for entry in vault.listdir("a")] == ["train.csv"]
    for path in ("a/deep/x", "ab/secret-name.csv", "top-secret.txt"):
        with pytest.raises((AccessDenied, NotFound)):
            vault.read(path)


def test_a_shared_folder_is_not_the_one_whose_name_begins_so(world: World) -> None:
    ref = world.publish(FILES)
    give(world, ref, "a")
    vault = world.open(ref, world.bob)
    assert (vault.read("a/train.csv"), vault.read("a/deep/x")) == (b"shared", b"below")
    with pytest.raises(AccessDenied):
        vault.read("ab/secret-name.csv")


@pytest.mark.parametrize("path", ["a", "a/train.csv"])
def test_nothing_that_a_grantee_can_fetch_names_what_is_beside(world: World, path: str) -> None:
    """Everything in storage is searched, and everything that opens with any key that the grantee gets."""
    ref = world.publish(FILES)
    give(world, ref, path)
    vault = world.open(ref, world.bob)
    vault.unlock(("a", "train.csv"))
    seen = [file.read_bytes() for file in Path(ref.location.removeprefix("file://")).rglob("*") if file.is_file()]
    opened = [repr(vault._mounts), repr(vault._folders), str(vault.listdir("")), str(vault.listdir("a"))]
    if path == "a":
        opened.append(str(vault.tree("a")))
        assert "deep" in opened[-1]
    for name in (b"secret-name", b"top-secret", b"ab"):
        assert not any(name in part for part in seen if name != b"ab")  # two letters occur in any ciphertext
        assert not any(f"'{name.decode()}" in part or f"/{name.decode()}" in part for part in opened)
    if path != "a":
        assert not any("deep" in part for part in opened)


# -- a group ----------------------------------------------------------------------------------------------------------


def test_a_team_reads_its_folder_and_nothing_beside(world: World) -> None:
    ref = renewed(world, world.publish(FILES), to_team(world, "a"))
    world.policy.epochs = {1, 2}
    world.policy.groups[TEAM] = {world.bob.account.lower()}
    vault = world.open(ref, world.bob)
    assert vault.read("a/train.csv") == b"shared"
    with pytest.raises(AccessDenied):
        vault.read("ab/secret-name.csv")
    with pytest.raises(AccessDenied):
        world.open(ref, type(world.bob)()).read("a/train.csv")


def test_who_leaves_a_team_gets_no_key_in_the_next_session(world: World) -> None:
    ref = renewed(world, world.publish(FILES), to_team(world, "a/train.csv"), to_team(world, "top-secret.txt"))
    world.policy.epochs = {1, 2}
    world.policy.groups[TEAM] = {world.bob.account.lower()}
    vault = world.open(ref, world.bob)
    assert (vault.read("a/train.csv"), vault.read("top-secret.txt")) == (b"shared", b"above")
    world.policy.groups[TEAM] = set()
    world.bob.end_session()
    with pytest.raises(AccessDenied):
        world.open(ref, world.bob).read("a/train.csv")


def test_a_session_that_holds_keys_of_an_old_epoch_gets_none_of_a_new_one(world: World) -> None:
    ref = renewed(world, world.publish(FILES), to_team(world, "a"))
    world.policy.epochs = {2, 3}
    world.policy.groups[TEAM] = {world.bob.account.lower()}
    before = world.open(ref, world.bob)
    assert before.read("a/train.csv") == b"shared"
    new = renewed(world, ref)  # without the team
    with pytest.raises(AccessDenied):
        world.open(new, world.bob).read("a/train.csv")
    kept = world.open(new, world.bob)
    kept._mounts.update(before._mounts)
    with pytest.raises(IntegrityError, match="not in the manifest"):
        kept.read("a/train.csv")


def test_a_manifest_does_not_show_the_path_that_a_team_gets(world: World) -> None:
    short = renewed(world, world.publish(FILES), to_team(world, "a"), to_team(world, "a/train.csv"))
    manifest = world.open(short).manifest
    assert len({len(release.wrapped) for release in manifest.release}) == 1
    assert b"train" not in manifest.encode()


def test_a_share_of_a_team_is_not_opened_as_one_for_licensees(world: World) -> None:
    """A licensee who presents the team's sealed shares as those of their own class gets nothing."""
    from tests.vault.test_release import ask
    from tests.vault.test_release import request_body as body_of

    ref = renewed(world, world.publish(FILES), to_team(world, "a"))
    world.policy.epochs = {1, 2}
    world.policy.license(world.bob.account, ref.asset)
    body = body_of(world, ref, accessClass="read")
    answer = ask(world.servers[0].url, "POST", "/v1/release", body)
    assert answer[1]["error"]["code"] == "foreign-share"


# -- grants that must not open ----------------------------------------------------------------------------------------


def granted(world: World, ref: Any, path: str = "a") -> tuple[Any, dict[str, Any]]:
    """A grant to Bob as it lies in storage."""
    give(world, ref, path)
    vault = world.open(ref)
    document = orjson.loads(vault.storage.read(grants_path(vault.manifest, world.bob.account)))
    return vault, document["grants"][0]


def plant(vault: Any, manifest: Any, account: str, grant: dict[str, Any]) -> None:
    vault.storage.write(grants_path(manifest, account), canonical_json({"v": 1, "grants": [grant]}))


def opens(world: World, vault: Any, manifest: Any, account: str, key: bytes) -> list[Grant]:
    return open_grants(vault.storage, manifest, account, key, {world.alice.account.lower()})


def test_a_grant_does_not_open_for_another_account_asset_epoch_or_node(world: World) -> None:
    ref = world.publish(FILES)
    vault, grant = granted(world, ref)
    bob, key, manifest = world.bob.account, world.bob.encryption_key, vault.manifest
    assert [found.path for found in opens(world, vault, manifest, bob, key)] == ["a"]
    carol = type(world.bob)()
    plant(vault, manifest, carol.account, grant)
    assert opens(world, vault, manifest, carol.account, carol.encryption_key) == []
    assert opens(world, vault, manifest, carol.account, key) == []
    for other in (
        replace(manifest, epoch=2),
        replace(manifest, name="other"),
        replace(manifest, dataset=bytes(32)),
        replace(manifest, chain_id=1),
        replace(manifest, registry="0x" + "cd" * 20),
        replace(manifest, creator=bob.lower()),
    ):
        plant(vault, other, bob, grant)
        assert opens(world, vault, other, bob, key) == []
    root = world.open(ref).folder_key(())[0]
    plant(vault, manifest, bob, {**grant, "node": root.hex()})
    assert opens(world, vault, manifest, bob, key) == []


def test_a_substituted_grantee_key_or_owner_opens_nothing(world: World) -> None:
    ref = world.publish(FILES)
    vault, grant = granted(world, ref)
    bob, manifest = world.bob.account, vault.manifest
    other = new_seed()
    forged = make_grant(manifest, Grant("a", bytes(16), bytes(32)), bob, world.bob.public, world.bob.signer)
    for planted in (forged, {**grant, "sealed": forged["sealed"]}, {**grant, "grantee_key": "00" * 32}):
        plant(vault, manifest, bob, planted)
        assert opens(world, vault, manifest, bob, world.bob.encryption_key) == []
    resealed = make_grant(manifest, Grant("a", bytes(16), bytes(32)), bob, public_bytes(other), world.alice.signer)
    plant(vault, manifest, bob, {**resealed, "grantee_key": grant["grantee_key"]})
    assert opens(world, vault, manifest, bob, other) == []


def test_a_grant_that_has_run_out_cannot_be_prolonged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = world.publish(FILES)
    end = int(time.time()) + 60
    give(world, ref, "a", not_after=end)
    assert world.open(ref, world.bob).read("a/train.csv") == b"shared"
    vault = world.open(ref)
    document = orjson.loads(vault.storage.read(grants_path(vault.manifest, world.bob.account)))
    monkeypatch.setattr("sahara_lab.vault.grants.time.time", lambda: end + 1)
    with pytest.raises(AccessDenied):
        world.open(ref, world.bob).read("a/train.csv")
    plant(vault, vault.manifest, world.bob.account, {**document["grants"][0], "not_after": 0})
    with pytest.raises(AccessDenied):
        world.open(ref, world.bob).read("a/train.csv")


@given(
    plain=st.binary(max_size=200)
    | st.dictionaries(st.text(), st.integers() | st.text()).map(json.dumps).map(str.encode)
)
def test_no_bytes_break_the_reading_of_a_grant(plain: bytes) -> None:
    with contextlib.suppress(IntegrityError):
        Grant.decode(bytes(16), plain)


@pytest.mark.parametrize("path", ["../x", "a/../b", "a\\b", "C:/x", "a//b"])
def test_a_grant_names_no_path_outside_of_the_vault(path: str) -> None:
    with pytest.raises(IntegrityError):
        Grant.decode(bytes(16), canonical_json({"path": path, "key": "00" * 32}))


@given(
    paths=st.lists(st.sampled_from([*sorted(FILES), "a", "ab", "a/deep", ""]), min_size=1, max_size=4, unique=True),
    rotate_after=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_grantee_reads_what_was_shared_and_nothing_else(world: World, paths: list[str], rotate_after: bool) -> None:
    ref = world.publish(FILES, name=f"shared-{time.monotonic_ns()}")
    for path in paths:
        give(world, ref, path)
    if rotate_after:
        kept = tuple(Grantee(Shared(world.bob.account, path), world.bob.public) for path in paths)
        ref = renewed(world, ref, grants=kept)
    vault = world.open(ref, world.bob)
    for file, content in FILES.items():
        if any(path in ("", file) or file.startswith(f"{path}/") for path in paths):
            assert vault.read(file) == content
        else:
            with pytest.raises((AccessDenied, NotFound)):
                vault.read(file)

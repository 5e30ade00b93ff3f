"""Sharing an asset and taking it back, on the real chain with real key servers."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from sahara_lab import License
from sahara_lab.errors import AccessDenied, ChainError, NotFound, SaharaError
from sahara_lab.licensing.filesystem import LicensedVaultFileSystem

pytestmark = pytest.mark.network


@pytest.fixture
def asset(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    return alice.market.publish(table_folder, name=fresh("kept"), license=License.commercial("3"))


def rows(asset, account: str, version: str = "") -> int:  # type: ignore[no-untyped-def]
    """As a session that begins now reads it: one that began before keeps its keys for a while."""
    fs = LicensedVaultFileSystem(account=account, skip_instance_cache=True)
    return len(pd.read_parquet(f"{asset.name}{version}/part.parquet", filesystem=fs))


def test_what_was_shared_is_taken_back_and_licensees_keep_reading(asset, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    alice.vault.share(asset.name, "carol")
    bob.market.license(asset.name, max_price="3")
    assert rows(asset, "carol") == rows(asset, "bob") == 1000
    [renewal] = alice.vault.unshare(asset.name, "carol")
    assert (renewal.epoch, renewal.ended, renewal.kept) == (2, ("carol",), ())
    with pytest.raises(AccessDenied, match=f"%sahara license {asset.name}"):
        rows(asset, "carol")
    assert rows(asset, "alice") == rows(asset, "bob") == 1000


def test_who_can_read_names_owner_licensees_and_those_shared_with(asset, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    end = int(time.time()) + 3600
    alice.vault.share(asset.name, "carol", not_after=end)
    bob.market.license(asset.name, max_price="3")
    readers = alice.vault.who_can_read(asset.name)
    assert [(reader.account, reader.why.split()[0], reader.until) for reader in readers] == [
        ("alice", "owner", 0),
        ("bob", "license", 0),
        ("carol", "shared", end),
    ]
    assert "carol" in readers._repr_mimebundle_()["text/plain"]


def test_rotation_covers_every_version_and_what_is_shared_stays_shared(asset, alice, carol, table_folder) -> None:  # type: ignore[no-untyped-def]
    alice.vault.share(asset.name, "carol")
    pd.DataFrame({"value": [1]}).to_parquet(table_folder / "part.parquet")
    alice.market.publish(table_folder, name=asset.name.partition("/")[2], update=True)
    first, second = alice.vault.rotate(asset.name)
    assert (first.version, first.kept) == (f"{asset.name}@1", ("carol",))
    assert (second.version, second.kept) == (f"{asset.name}@2", ())
    assert rows(asset, "carol", "@1") == rows(asset, "alice", "@1") == 1000
    assert rows(asset, "alice", "@2") == 1


def test_one_version_can_be_renewed_alone(asset, alice) -> None:  # type: ignore[no-untyped-def]
    [renewal] = alice.vault.rotate(f"{asset.name}@1")
    assert renewal.version == f"{asset.name}@1"
    assert rows(asset, "alice") == 1000


def test_only_the_owner_decides(asset, bob) -> None:  # type: ignore[no-untyped-def]
    for decide in (bob.vault.rotate, bob.vault.who_can_read, lambda name: bob.vault.unshare(name, "carol")):
        with pytest.raises(AccessDenied, match="only the owner"):
            decide(asset.name)


def test_nothing_to_take_back_says_so(asset, alice) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="is not shared with carol"):
        alice.vault.unshare(asset.name, "carol")


def test_a_buyer_of_the_asset_renews_its_keys_and_the_seller_is_out(asset, alice, bob) -> None:  # type: ignore[no-untyped-def]
    registry = alice.chain.contract("AssetRegistry")
    number = registry.call("assetOf", alice.keys.address, asset.name.partition("/")[2])
    alice.sender.send(registry, "transferFrom", alice.keys.address, bob.keys.address, number)
    bob.vault.rotate(asset.name)
    assert [reader.account for reader in bob.vault.who_can_read(asset.name)] == ["bob"]
    assert rows(asset, "bob") == 1000
    with pytest.raises(AccessDenied):
        rows(asset, "alice")


# -- files and groups -------------------------------------------------------------------------------------------------


@pytest.fixture
def parted(alice, tmp_path, fresh):  # type: ignore[no-untyped-def]
    """An asset of several folders, offered compute-only: nobody reads it by a license."""
    for path in ("samples/a.csv", "samples/b.csv", "full/all.csv"):
        (tmp_path / "parted" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "parted" / path).write_text(f"x\n{path}\n")
    return alice.market.publish(tmp_path / "parted", name=fresh("parted"), license=License.compute_only("1"))


def text(asset, account: str, path: str) -> str:  # type: ignore[no-untyped-def]
    fs = LicensedVaultFileSystem(account=account, skip_instance_cache=True)
    fs.invalidate_cache()
    return str(fs.cat(f"{asset.name}/{path}").decode())


def test_one_file_is_shared_with_one_account(parted, alice, carol) -> None:  # type: ignore[no-untyped-def]
    alice.vault.share(parted.name, "carol", "samples/a.csv", not_after="1 hour")
    assert "samples/a.csv" in text(parted, "carol", "samples/a.csv")
    with pytest.raises((AccessDenied, FileNotFoundError)):
        text(parted, "carol", "samples/b.csv")
    [_, shared] = alice.vault.who_can_read(parted.name)
    assert (shared.account, shared.path) == ("carol", "samples/a.csv")
    assert 3000 < shared.until - time.time() <= 3600


def test_a_team_reads_while_its_members_belong_to_it(parted, alice, bob, fresh) -> None:  # type: ignore[no-untyped-def]
    team = fresh("readers")
    alice.teams.new(team, ["carol"])
    alice.vault.share(parted.name, f"team:{team}", "samples")
    readers = {reader.account: reader for reader in alice.vault.who_can_read(parted.name)}
    assert (readers[f"team:alice/{team}"].why, readers[f"team:alice/{team}"].path) == ("team of carol", "samples")
    assert "samples/b.csv" in text(parted, "carol", "samples/b.csv")
    with pytest.raises((AccessDenied, FileNotFoundError)):
        text(parted, "carol", "full/all.csv")
    with pytest.raises(AccessDenied):
        text(parted, "bob", "samples/b.csv")

    alice.teams.add(team, "bob")  # the asset is not touched
    assert "samples/b.csv" in text(parted, "bob", "samples/b.csv")
    [renewal] = alice.vault.rotate(parted.name)
    assert renewal.kept == (f"team:alice/{team}",)
    assert "samples/b.csv" in text(parted, "bob", "samples/b.csv")

    [renewal] = alice.vault.unshare(parted.name, f"team:{team}")
    assert renewal.ended == (f"team:alice/{team}",)
    with pytest.raises(AccessDenied):
        text(parted, "bob", "samples/b.csv")


def test_holders_of_one_license_read_what_is_shared_with_them(parted, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    bob.market.license(parted.name, max_price="1")
    with pytest.raises(AccessDenied, match="compute-only"):
        text(parted, "bob", "samples/a.csv")
    alice.vault.share(parted.name, "license:Compute-Only", "samples")
    assert "samples/a.csv" in text(parted, "bob", "samples/a.csv")
    with pytest.raises((AccessDenied, FileNotFoundError)):
        text(parted, "bob", "full/all.csv")
    with pytest.raises(AccessDenied):
        text(parted, "carol", "samples/a.csv")


def test_what_is_shared_with_a_group_ends_by_itself(parted, alice, fresh) -> None:  # type: ignore[no-untyped-def]
    team = fresh("readers")
    alice.teams.new(team, ["bob"])
    alice.vault.share(parted.name, f"team:{team}", "samples", not_after=int(time.time()) + 1)
    alice.network.advance(2)
    with pytest.raises(AccessDenied):
        text(parted, "bob", "samples/a.csv")


def test_groups_that_are_not_there_say_what_there_is(parted, alice) -> None:  # type: ignore[no-untyped-def]
    for to, words in (
        ("team:nobody", "no team"),
        ("license:Commercial", "offered under: Compute-Only"),
        ("x:y", "team:"),
    ):
        with pytest.raises(SaharaError, match=words):
            alice.vault.share(parted.name, to)


def test_a_team_is_its_owners(alice, bob, fresh) -> None:  # type: ignore[no-untyped-def]
    team = alice.teams.new(fresh("mine"), ["carol"])
    assert team in alice.teams.mine()
    with pytest.raises(ChainError, match="belongs to someone else"):
        bob.teams.add(team.name, "bob")
    assert bob.teams.get(team.name).members == ("carol",)

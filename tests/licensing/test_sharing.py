"""Sharing an asset and taking it back, on the real chain with real key servers."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from sahara_lab import License
from sahara_lab.errors import AccessDenied, NotFound
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

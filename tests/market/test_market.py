"""Publish, search, quote, license, open, earn: what people do all day, against the real network."""

from __future__ import annotations

import subprocess
import sys
import time

import pandas as pd
import pytest

from sahara_lab import License
from sahara_lab.errors import AccessDenied, ChainError, FundsError, InputError, NameTaken, NotFound, PriceError
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


@pytest.fixture
def published(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    return alice.market.publish(
        table_folder,
        name=fresh("table"),
        title="A thousand rows",
        description="Numbers and their halves.",
        tags=["numbers"],
        license=License.commercial_remix(price="25", royalty="10%"),
    )


def read(asset, account, file="part.parquet"):  # type: ignore[no-untyped-def]
    return pd.read_parquet(f"{asset.url}/{file}", storage_options={"account": account})


def test_the_owner_reads_what_was_published(published, alice):  # type: ignore[no-untyped-def]
    assert len(read(published, "alice")) == 1000


def test_a_reader_without_a_license_is_told_how_to_get_one(published, bob):  # type: ignore[no-untyped-def]
    with pytest.raises(AccessDenied, match=f"%sahara license {published.name}"):
        read(published, "bob")


def test_a_licensed_reader_reads(published, bob):  # type: ignore[no-untyped-def]
    bob.market.license(published.name, max_price="25")
    assert read(published, "bob")["y"].sum() == sum(n * 0.5 for n in range(1000))


def test_the_quote_is_what_is_paid_to_the_wei(published, alice, carol):  # type: ignore[no-untyped-def]
    quote = carol.market.quote(published.name)
    before = carol.wallet.balance().tokens
    owed = next((line.claimable for line in alice.market.earnings().lines if line.asset == published.name), 0)
    carol.market.license(published.name, max_price="25")
    assert before - carol.wallet.balance().tokens == quote.price == to_wei(25)
    assert quote.fee + sum(line.amount for line in quote.lines) == quote.price
    now = next(line.claimable for line in alice.market.earnings().lines if line.asset == published.name)
    assert now - owed == quote.amount_for("alice")


def test_a_license_held_is_not_bought_twice(published, bob):  # type: ignore[no-untyped-def]
    first = bob.market.license(published.name, max_price="25")
    before = bob.wallet.balance().tokens
    assert bob.market.license(published.name, max_price="25").id == first.id
    assert bob.wallet.balance().tokens == before


def test_a_purchase_that_waits_for_its_block_is_not_made_again(published, bob, monkeypatch):  # type: ignore[no-untyped-def]
    def sent() -> int:
        return int(bob.chain.rpc("eth_getTransactionCount", bob.keys.address, "latest"), 16)

    tokens, count = bob.wallet.balance().tokens, sent()
    while bob.chain.rpc("eth_getBlockTransactionCountByNumber", "latest") != "0x0":
        time.sleep(0.05)  # the network makes empty blocks after a full one, and then rests
    time.sleep(0.3)
    bob.chain.rpc("evm_setIntervalMining", 86_400)
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr("sahara_lab.chain.sender.PATIENCE", 0)
            for _ in range(2):
                with pytest.raises(ChainError, match="not in a block"):
                    bob.market.license(published.name, max_price="25")
                time.sleep(1.1)  # a permit signed in another second is another permit
    finally:
        bob.chain.rpc("evm_setIntervalMining", 0)
        bob.chain.rpc("evm_mine")
    assert bob.market.license(published.name, max_price="25").asset == published.name
    assert bob.wallet.balance().tokens == tokens - to_wei("25")
    assert sent() == count + 1


@pytest.mark.parametrize("cap", [None, "24.999999999999999999"])
def test_nothing_is_spent_above_the_cap(published, bob, cap):  # type: ignore[no-untyped-def]
    before = bob.wallet.balance().tokens
    with pytest.raises(PriceError, match="max_price"):
        bob.market.license(published.name, max_price=cap)
    assert bob.wallet.balance().tokens == before


def test_a_price_beyond_the_balance_is_a_funds_error(alice, bob, table_folder, fresh):  # type: ignore[no-untyped-def]
    dear = alice.market.publish(table_folder, name=fresh("dear"), license=License.commercial("1000000"))
    with pytest.raises(FundsError, match="bob has"):
        bob.market.license(dear.name, max_price="1000000")


def test_an_expired_license_is_told_how_to_renew(alice, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    short = alice.market.publish(
        table_folder, name=fresh("short"), license=License.commercial("1", duration="10 minutes")
    )
    carol.market.license(short.name, max_price="1")
    assert len(read(short, "carol")) == 1000
    carol.network.advance("11 minutes")
    # A key that was released stays in the memory of the process that got it, so another process asks.
    code = f"import sahara_lab; sahara_lab.connect(account='carol').vault.vault({short.name!r}).open('part.parquet')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "LicenseExpired" in done.stderr
    assert f"%sahara license {short.name}" in done.stderr


def test_search_finds_by_word_filter_and_price(published, bob):  # type: ignore[no-untyped-def]
    found = bob.market.search("thousand rows", kind="dataset", max_price="30")
    assert published.name in [item.name for item in found.items]
    assert published.name not in [item.name for item in bob.market.search("thousand", max_price="24").items]
    assert published.name not in [item.name for item in bob.market.search("thousand", kind="model").items]


@pytest.mark.parametrize("text", ['"', "(", "a AND", "title:", "\\", "🦜", "x" * 5000, "*", "-"])
def test_no_text_breaks_the_search(bob, text):  # type: ignore[no-untyped-def]
    bob.market.search(text)


def test_a_name_taken_says_what_to_do(published, alice, table_folder):  # type: ignore[no-untyped-def]
    with pytest.raises(NameTaken, match="update=True"):
        alice.market.publish(table_folder, name=published.name.partition("/")[2])


def test_a_new_version_leaves_the_old_one_readable(published, alice, table_folder):  # type: ignore[no-untyped-def]
    pd.DataFrame({"x": [1]}).to_parquet(table_folder / "part.parquet")
    second = alice.market.publish(table_folder, name=published.name.partition("/")[2], update=True)
    assert second.version == 2
    assert len(read(second, "alice")) == 1
    assert len(read(published, "alice")) == 1000


def test_a_version_that_does_not_exist_names_the_newest(published, alice):  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="@1"):
        alice.market.get(f"{published.name}@7")
    with pytest.raises(NotFound, match="@1"):
        pd.read_parquet(f"vault://{published.name}@7/part.parquet", storage_options={"account": "alice"})


def test_an_unknown_asset_says_where_to_look(bob):  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="search"):
        bob.market.license("alice/no-such-thing", max_price="1")


def test_an_empty_folder_is_refused_before_anything_is_written(alice, tmp_path, fresh):  # type: ignore[no-untyped-def]
    assets = alice.profile.storage / "assets"
    before = set(assets.iterdir()) if assets.exists() else set()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        alice.market.publish(tmp_path / "empty", name=fresh("empty"))
    assert (set(assets.iterdir()) if assets.exists() else set()) == before


def test_a_link_out_of_the_folder_is_refused(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    (table_folder / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="passwd"):
        alice.market.publish(table_folder, name=fresh("link"))


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a" * 65, "ä", "a b", ".."])
def test_a_bad_name_is_refused(alice, table_folder, name):  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        alice.market.publish(table_folder, name=name)


def test_an_unlicensed_parent_is_refused(published, carol, table_folder, fresh, alice):  # type: ignore[no-untyped-def]
    other = alice.market.publish(table_folder, name=fresh("parent"), license=License.commercial_remix("9"))
    with pytest.raises(AccessDenied, match=other.name):
        carol.market.publish(table_folder, name=fresh("child"), parents=[other.name])


def test_royalties_reach_the_parent(published, alice, bob, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    bob.market.license(published.name, max_price="25")
    child = bob.market.publish(
        table_folder, name=fresh("remix"), parents=[published.name], license=License.commercial("40")
    )
    quote = carol.market.quote(child.name)
    net = quote.price - quote.fee
    assert quote.amount_for("alice") == net // 10
    assert quote.amount_for("bob") == net - net // 10
    before = alice.market.earnings().claimable
    carol.market.license(child.name, max_price="40")
    assert alice.market.earnings().claimable - before == quote.amount_for("alice")


def test_a_remix_of_ones_own_remix_still_pays_the_first_owner(published, alice, bob, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    bob.market.license(published.name, max_price="25")
    first = bob.market.publish(table_folder, name=fresh("remix"), parents=[published.name])
    second = bob.market.publish(
        table_folder, name=fresh("remix"), parents=[first.name], license=License.commercial("40")
    )
    quote = carol.market.quote(second.name)
    assert quote.amount_for("alice") == (quote.price - quote.fee) // 10


def test_a_claim_pays_everything_once(alice):  # type: ignore[no-untyped-def]
    before = alice.wallet.balance().tokens
    due = alice.market.earnings().claimable
    assert alice.market.claim() == due
    assert alice.wallet.balance().tokens == before + due
    assert alice.market.claim() == 0


def test_a_shared_asset_opens_without_a_license(alice, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    private = alice.market.publish(table_folder, name=fresh("private"))
    with pytest.raises(AccessDenied):
        read(private, "carol")
    alice.vault.share(private.name, "carol")
    from sahara_lab.licensing.filesystem import LicensedVaultFileSystem

    LicensedVaultFileSystem.clear_instance_cache()
    assert len(read(private, "carol")) == 1000


def test_only_the_owner_shares(published, bob):  # type: ignore[no-untyped-def]
    with pytest.raises(AccessDenied, match="owner"):
        bob.vault.share(published.name, "carol")


def test_a_compute_only_license_releases_no_key(alice, bob, table_folder, fresh):  # type: ignore[no-untyped-def]
    confined = alice.market.publish(table_folder, name=fresh("confined"), license=License.compute_only("1"))
    bob.market.license(confined.name, max_price="1")
    for use in ("read", "training"):
        with pytest.raises(AccessDenied):
            bob.vault.vault(confined.name, use=use).open("part.parquet")


def test_altered_bytes_are_noticed(published, alice):  # type: ignore[no-untyped-def]
    from sahara_lab.errors import IntegrityError

    folder = alice.profile.storage / published.versions[0].uri
    victim = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    with pytest.raises(IntegrityError):
        alice.vault.verify(published.name)

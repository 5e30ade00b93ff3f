"""What happens between a quote and a purchase, and when two purchases are one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, IntegrityError, NotFound, PriceError
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


@pytest.fixture
def offered(alice: Any, table_folder: Any, fresh: Any) -> str:
    return str(alice.market.publish(table_folder, name=fresh("race"), license=License.commercial("5")).name)


def tokens(lab: Any) -> int:
    return int(lab.wallet.balance().tokens)


def test_a_price_raised_after_the_quote_is_refused_by_the_cap(alice: Any, bob: Any, offered: str) -> None:
    quote, before = bob.market.quote(offered), tokens(bob)
    alice.market.offer(offered, License.commercial("9"))
    alice.market.withdraw(offered, "Commercial")
    with pytest.raises(PriceError, match="costs 9 SAHARA and your cap is 5 SAHARA"):
        bob.market.license(offered, max_price=str(quote.price_tokens))
    with pytest.raises(NotFound, match="not offered under"):  # who names the terms gets none that are dearer
        bob.market.license(offered, license=quote.terms, max_price="100")
    assert tokens(bob) == before


@pytest.mark.parametrize("price", ["5", "0"])
def test_a_listing_withdrawn_while_it_is_bought_costs_nothing(
    alice: Any, bob: Any, table_folder: Any, fresh: Any, monkeypatch: Any, price: str
) -> None:
    asset = alice.market.publish(table_folder, name=fresh("race"), license=License.commercial(price))
    sales, before = bob._sales, tokens(bob)
    purchase = sales._purchase

    def too_late(*arguments: Any) -> Any:
        alice.market.withdraw(asset.name)
        return purchase(*arguments)

    monkeypatch.setattr(sales, "_purchase", too_late)
    with pytest.raises(ChainError, match="not offered"):
        bob.market.license(asset.name, max_price="5")
    assert tokens(bob) == before
    assert not bob.market.may_use(asset.name, "read")


@pytest.mark.parametrize("price", ["5", "0"])
def test_two_clicks_are_one_license_and_one_charge(alice: Any, table_folder: Any, fresh: Any, price: str) -> None:
    asset = alice.market.publish(table_folder, name=fresh("race"), license=License.commercial(price))
    clicks = [alice.use("carol") for _ in range(6)]
    before = tokens(clicks[0])
    with ThreadPoolExecutor(len(clicks)) as pool:
        grants = list(pool.map(lambda lab: lab.market.license(asset.name, max_price="5"), clicks))
    assert len({grant.id for grant in grants}) == 1
    assert before - tokens(clicks[0]) == to_wei(price)
    assert [grant.asset for grant in clicks[0].market.licenses()].count(asset.name) == 1


def test_what_its_publisher_did_not_record_is_not_bought(alice: Any, bob: Any, table_folder: Any, fresh: Any) -> None:
    asset = alice.market.publish(table_folder, name=fresh("forged"), license=License.commercial("3"))
    place = alice.profile.storage / asset.versions[0].uri
    documents = [path for path in place.iterdir() if path.is_file() and b"schema.org" in path.read_bytes()]
    assert documents
    kept = {path: path.read_bytes() for path in documents}
    before = bob.wallet.balance().tokens
    for path, content in kept.items():
        path.write_bytes(content.replace(b"Dataset", b"Datasex"))
    with pytest.raises(IntegrityError, match="not what its publisher recorded"):
        bob.market.license(asset.name, max_price="3")
    assert bob.wallet.balance().tokens == before
    for path, content in kept.items():
        path.write_bytes(content)
    assert bob.market.license(asset.name, max_price="3").asset == asset.name

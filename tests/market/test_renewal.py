"""More time on a license, and licenses given away."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, InputError, NotFound, PriceError
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


@pytest.fixture
def monthly(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    """An asset that costs 3 tokens for 30 days."""
    return alice.market.publish(
        table_folder, name=fresh("monthly"), license=License.commercial("3", duration="30 days")
    )


def test_a_renewal_adds_its_time_to_the_same_license_and_pays_its_price(monthly, alice, bob) -> None:  # type: ignore[no-untyped-def]
    first = bob.market.license(monthly.name, max_price="3")
    had = bob.wallet.balance().tokens
    again = bob.market.renew(monthly.name, max_price="3")
    assert again.id == first.id
    assert again.expires_at == first.expires_at + 30 * 86_400
    assert bob.wallet.balance().tokens == had - to_wei("3")
    assert [sale.license for sale in alice.market.sales() if sale.asset == monthly.name] == [first.id, first.id]


def test_a_renewal_needs_a_cap_that_covers_it(monthly, bob) -> None:  # type: ignore[no-untyped-def]
    bob.market.license(monthly.name, max_price="3")
    had = bob.wallet.balance().tokens
    for cap in (None, "2.999"):
        with pytest.raises(PriceError, match=rf'lab.market.renew\("{monthly.name}", max_price="3"\)'):
            bob.market.renew(monthly.name, max_price=cap)
    assert bob.wallet.balance().tokens == had


def test_what_has_no_end_or_is_not_held_cannot_be_renewed(monthly, alice, carol, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    endless = alice.market.publish(table_folder, name=fresh("endless"), license=License.commercial("1"))
    carol.market.license(endless.name, max_price="1")
    for name in (endless.name, monthly.name):
        with pytest.raises(NotFound, match=f"you hold no license for {name} that ends"):
            carol.market.renew(name, max_price="3")


def test_limited_seats_are_for_whoever_waits(alice, bob, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    terms = License.commercial("3", duration="30 days", seats=1)
    asset = alice.market.publish(table_folder, name=fresh("seat"), license=terms)
    bob.market.license(asset.name, max_price="3")
    had = bob.wallet.balance().tokens
    with pytest.raises(ChainError, match="seats"):
        bob.market.renew(asset.name, max_price="3")
    assert bob.wallet.balance().tokens == had


def test_an_owner_gives_a_license_away(monthly, alice, carol) -> None:  # type: ignore[no-untyped-def]
    had = carol.wallet.balance().tokens
    given = alice.market.give(monthly.name, "carol")
    assert (given.asset, given.holder) == (monthly.name, "carol")
    assert carol.market.may_use(monthly.name, "read")
    assert carol.wallet.balance().tokens == had


def test_nobody_gives_away_what_belongs_to_somebody_else(monthly, bob) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="belongs to alice"):
        bob.market.give(monthly.name, "bob")

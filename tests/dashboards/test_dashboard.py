"""The dashboard without a browser: what is read, and that it is drawn escaped and only read."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.dashboards import Dashboard, page, read
from sahara_lab.errors import NetworkError

pytestmark = pytest.mark.network


@pytest.fixture
def sold(alice, bob, table_folder, fresh):  # type: ignore[no-untyped-def]
    """An asset of Alice's with markup in its title, licensed by Bob for 4 tokens."""
    asset = alice.market.publish(
        table_folder, name=fresh("board"), title="<img src=x>", license=License.commercial_remix("4", "10%")
    )
    bob.market.license(asset.name, max_price="4")
    return asset


def test_a_sale_is_in_the_books_of_both(alice, bob, sold):  # type: ignore[no-untyped-def]
    seller, buyer = read(alice), read(bob)
    earned = {line.asset: line for line in seller.earnings.lines}[sold.name]
    fee = next(sale.fee for sale in seller.sales if sale.asset == sold.name)
    assert earned.received == 4 * 10**18 - fee
    assert sold.name in [grant.asset for grant in buyer.licenses]
    assert buyer.valid_licenses >= 1


def test_the_page_holds_no_markup_of_a_publisher_and_asks_no_stranger_for_anything(alice, sold):  # type: ignore[no-untyped-def]
    html = page(read(alice))
    assert "<img" not in html
    assert "<script" not in html
    assert "http" not in html
    assert sold.name in html


def test_an_account_with_nothing_is_told_how_to_begin(carol):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    board = read(carol)
    empty = replace(
        board, earnings=replace(board.earnings, lines=(), claimable=0), licenses=(), sales=(), jobs=(), proposals=()
    )
    for hint in ("lab.market.publish", "%sahara license", "%%sahara train", "%sahara propose"):
        assert hint in page(empty)


def test_what_was_read_stays_when_the_network_goes_away(alice, monkeypatch):  # type: ignore[no-untyped-def]
    board = Dashboard(alice)

    def fail(lab: object) -> None:
        raise NetworkError("the network does not answer", hint="Run: sahara-lab up")

    monkeypatch.setattr("sahara_lab.dashboards.dashboard.read", fail)
    board.refresh()
    assert "sahara-lab up" in board._page.value
    assert "sahara-board" in board._page.value


def test_where_no_widget_runs_there_is_text_and_html(bob):  # type: ignore[no-untyped-def]
    data, _ = Dashboard(bob)._repr_mimebundle_()
    assert data["text/plain"].startswith("bob")
    assert "sahara-board" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data

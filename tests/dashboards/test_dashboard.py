"""The dashboard without a browser: what is read, and that it is drawn escaped and only read."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.dashboards import Dashboard, page, read
from sahara_lab.dashboards.guard import ACTIONS_VARIABLE, may_act
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


def test_calls_of_served_models_are_shown(carol):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from sahara_lab.serving.ledger import UsageRow

    board = replace(read(carol), usage=(UsageRow("carol/net", "2026-11-23", "key <b>app</b>", 3, 0, 2 * 10**16),))
    html = page(board)
    assert "carol/net" in html
    assert "0.02 SAHARA" in html
    assert "<b>app" not in html


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


@pytest.mark.parametrize(
    ("environment", "acts"),
    [
        ({}, True),
        ({"SERVER_SOFTWARE": "jupyter/2.20"}, True),
        ({"SERVER_SOFTWARE": "voila/0.5.13"}, False),
        ({"VOILA_REQUEST_URL": "http://evil.example/"}, False),
        ({"SERVER_SOFTWARE": "voila/0.5.13", ACTIONS_VARIABLE: "1"}, True),
    ],
)
def test_a_page_of_voila_acts_only_when_its_starter_said_so(environment: dict[str, str], acts: bool) -> None:
    assert may_act(environment) is acts


def test_a_dashboard_that_only_shows_has_no_buttons_that_spend(alice) -> None:  # type: ignore[no-untyped-def]
    assert Dashboard(alice, votes=lambda lab: pytest.fail("made a panel to vote with"), actions=False)._claiming is None


def test_a_claim_is_asked_about_before_it_is_paid(alice, sold) -> None:  # type: ignore[no-untyped-def]
    claiming = Dashboard(alice, actions=True)._claiming
    due = alice.market.earnings().claimable
    claiming._pay()
    assert alice.market.earnings().claimable == due
    claiming._open.click()
    claiming._yes.click()
    assert alice.market.earnings().claimable == 0


def test_a_network_that_stops_during_a_claim_is_told_in_the_page(alice, sold, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    claiming = Dashboard(alice, actions=True)._claiming
    claiming._open.click()

    def fail() -> None:
        raise NetworkError("the network does not answer", hint="Run: sahara-lab up")

    monkeypatch.setattr(alice.market, "claim", fail)
    claiming._yes.click()
    assert "sahara-lab up" in claiming._words.value
    assert claiming._open in claiming.widget.children

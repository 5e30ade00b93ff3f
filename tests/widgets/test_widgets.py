"""The widgets without a browser: what they show, and that actions are checked again in the kernel."""

from __future__ import annotations

import json

import pytest

from sahara_lab import DaoPanel, EarningsPanel, License, LicenseCard, LicenseChooser, LineageGraph
from sahara_lab.errors import InputError, NetworkError
from sahara_lab.widgets.front import ActionWidget

pytestmark = pytest.mark.network


def press(widget: ActionWidget, message: object) -> None:
    """What the front end sends about the state it shows."""
    if isinstance(message, dict):
        message = {**message, "turn": getattr(widget, widget.state_name)["turn"]}
    widget._take(widget, message, [])


@pytest.fixture
def asset(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    return alice.market.publish(
        table_folder, name=fresh("widget"), license=[License.commercial_remix("5", "10%"), License.commercial("9")]
    ).name


def test_the_card_shows_every_payee(asset, bob):  # type: ignore[no-untyped-def]
    offers = {offer["flavor"]: offer for offer in LicenseCard(asset, bob).card["offers"]}
    assert set(offers) == {"Commercial Remix", "Commercial"}
    assert abs(sum(line["share"] for line in offers["Commercial"]["lines"]) - 1) < 1e-9


def test_buying_takes_the_price_from_the_kernel_not_from_the_message(asset, bob):  # type: ignore[no-untyped-def]
    card = LicenseCard(asset, bob)
    before = bob.wallet.balance().tokens
    key = next(offer["key"] for offer in card.card["offers"] if offer["flavor"] == "Commercial Remix")
    press(card, {"action": "buy", "key": key, "price": "9999"})
    assert before - bob.wallet.balance().tokens == 5 * 10**18
    assert "You hold license" in card.card["licensed"]


def test_a_double_click_buys_once(asset, carol):  # type: ignore[no-untyped-def]
    card = LicenseCard(asset, carol)
    before = carol.wallet.balance().tokens
    key = next(offer["key"] for offer in card.card["offers"] if offer["flavor"] == "Commercial")
    message = {"action": "buy", "key": key, "turn": card.card["turn"]}
    for _ in range(2):
        card._take(card, message, [])
    assert before - carol.wallet.balance().tokens == 9 * 10**18
    assert [grant.asset for grant in carol.market.licenses()].count(asset) == 1


@pytest.mark.parametrize(
    "message", [{"action": "drain"}, {"action": "buy", "key": "free"}, {"action": "buy"}, {}, "buy", None]
)
def test_a_message_that_is_no_offer_does_nothing(asset, bob, message):  # type: ignore[no-untyped-def]
    card = LicenseCard(asset, bob)
    before = bob.wallet.balance().tokens
    press(card, message)
    assert bob.wallet.balance().tokens == before


def test_the_panel_votes_and_shows_failures_in_one_line(alice, carol):  # type: ignore[no-untyped-def]
    panel = DaoPanel(carol)
    press(panel, {"action": "propose", "parameter": "fee", "value": "2%", "reason": "cheaper"})
    number = panel.panel["proposals"][0]["number"]
    carol.network.advance(2)
    press(panel, {"action": "vote", "number": number, "choice": "for"})
    assert panel.panel["proposals"][0]["my_vote"] == "for"
    press(panel, {"action": "vote", "number": number, "choice": "for"})
    assert "already" in panel.panel["error"]
    press(panel, {"action": "vote", "number": "1; drop", "choice": "for"})
    assert "no proposal" in panel.panel["error"]


def test_the_network_going_away_is_said_and_the_buttons_come_back(asset, bob, monkeypatch):  # type: ignore[no-untyped-def]
    card = LicenseCard(asset, bob)
    shown = card.card["offers"]

    def fail(name: str) -> None:
        raise NetworkError("the network does not answer", hint="Run: sahara-lab up")

    monkeypatch.setattr(bob.market, "get", fail)
    press(card, {"action": "refresh"})
    assert "sahara-lab up" in card.card["error"]
    assert card.card["busy"] is False
    assert card.card["offers"] == shown


def test_offers_of_one_flavor_are_told_apart(alice, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    terms = [License.commercial("3", duration="30 days"), License.commercial("8")]
    name = alice.market.publish(table_folder, name=fresh("widget"), license=terms).name
    card = LicenseCard(name, carol)
    before = carol.wallet.balance().tokens
    dear = next(offer["key"] for offer in card.card["offers"] if offer["price"] == "8 SAHARA")
    press(card, {"action": "buy", "key": dear})
    assert before - carol.wallet.balance().tokens == 8 * 10**18


def test_no_secret_is_in_what_a_notebook_saves(asset, bob):  # type: ignore[no-untyped-def]
    saved = json.dumps([LicenseCard(asset, bob).get_state(["card"]), DaoPanel(bob).get_state(["panel"])])
    passphrase = (bob.profile.keystores / ".passphrase").read_text().strip()
    assert passphrase not in saved
    assert "private" not in saved.lower()


def test_where_no_widget_runs_there_is_text_and_html(asset, bob):  # type: ignore[no-untyped-def]
    data, _ = LicenseCard(asset, bob)._repr_mimebundle_()
    assert asset in data["text/plain"]
    assert "<script" not in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_answers_become_terms_that_can_be_published(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    chooser = LicenseChooser(use="build")
    for answer in ({"price": "5"}, {"back": " 12% "}):
        press(chooser, {"action": "answer", **answer})
    assert chooser.license == License.commercial_remix("5", "12%")
    press(chooser, {"action": "answer", "use": "work"})
    assert chooser.license == License.commercial("5")
    name = alice.market.publish(table_folder, name=fresh("chosen"), license=chooser.license).name
    assert [offer.flavor for offer in alice.market.get(name).offers] == ["Commercial"]


def test_only_questions_that_are_open_can_be_answered_and_closed_ones_keep_their_answer():  # type: ignore[no-untyped-def]
    chooser = LicenseChooser(use="build", price="5", back="10%")
    press(chooser, {"action": "answer", "use": "anything"})
    assert chooser.chooser["error"]  # what may be passed on freely cannot ask for a share
    press(chooser, {"action": "answer", "use": "study"})
    asked = {question["key"]: question["open"] for question in chooser.chooser["questions"]}
    assert asked == {"use": True, "price": True, "back": False, "lasts": True}
    press(chooser, {"action": "answer", "use": "build"})
    assert chooser.license == License.commercial_remix("5", "10%")


@pytest.mark.parametrize("answers", [{"price": "lots"}, {"use": "steal"}, {"lasts": "a while"}, {"use": 7}])
def test_answers_that_make_no_license_are_said_and_change_nothing(answers):  # type: ignore[no-untyped-def]
    chooser = LicenseChooser()
    before = chooser.license
    press(chooser, {"action": "answer", **answers})
    assert chooser.chooser["error"]
    assert chooser.license == before


@pytest.mark.parametrize("answers", [{"prize": "5"}, {"use": "work", "price": "lots"}])
def test_a_chooser_begins_with_answers_to_its_questions_only(answers):  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        LicenseChooser(**answers)


def test_the_graph_has_what_the_chain_says(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    terms = License.commercial_remix("1", "5%")
    top = alice.market.publish(table_folder, name=fresh("top"), license=terms).name
    below = alice.market.publish(table_folder, name=fresh("below"), license=terms, parents=[top]).name
    graph = LineageGraph(below, alice)
    assert [[one["name"] for one in generation] for generation in graph.graph["generations"]] == [[top], [below]]
    data, _ = graph._repr_mimebundle_()
    assert top in data["text/plain"]
    assert below in data["text/html"]


def test_what_was_earned_is_claimed_by_one_press(asset, alice, bob):  # type: ignore[no-untyped-def]
    bob.market.license(asset, license="Commercial", max_price="9")
    panel = EarningsPanel(alice)
    assert not panel.earnings["nothing"]
    assert asset in panel._repr_mimebundle_()[0]["text/plain"]
    press(panel, {"action": "claim"})
    assert panel.earnings["nothing"]
    assert alice.market.earnings().claimable == 0


def test_the_card_says_what_the_dao_decided(asset, alice, bob, decide):  # type: ignore[no-untyped-def]
    decide(alice.market.decision(asset, "disputed", "carol says it is hers"))
    card = LicenseCard(asset, bob)
    assert card.card["warning"] == "The DAO disputes this listing."
    assert "The DAO disputes this listing" in card.twins()["text/plain"]
    assert "The DAO disputes this listing" in card.twins()["text/html"]
    assert card.card["offers"]
    decide(alice.market.decision(asset, "taken down", "she showed her notebook"))
    press(card, {"action": "refresh"})
    assert card.card["offers"] == []

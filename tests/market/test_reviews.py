"""Reviews by license holders, verified publishers, reports, takedown by vote and appeal: on a real network."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.chain import ChainError
from sahara_lab.errors import AccessDenied, InputError, NotFound

pytestmark = pytest.mark.network


@pytest.fixture
def listed(alice: Any, table_folder: Any, fresh: Any) -> str:
    """An asset of Alice's that costs 3, or nothing for research."""
    terms = [License.commercial("3"), License.non_commercial_research()]
    return str(alice.market.publish(table_folder, name=fresh("listed"), license=terms).name)


def test_license_holders_review_and_the_listing_shows_count_and_mean(
    alice: Any, bob: Any, carol: Any, listed: str
) -> None:
    bob.market.license(listed, license="Commercial", max_price="3")
    carol.market.license(listed, license="Non-Commercial Research")
    bob.market.review(listed, 5, "clean rows")
    found = carol.market.review(listed, 2, "too\nfew \x1b[31mrows")
    assert [(one.author, one.stars, one.text, one.paid) for one in found] == [
        ("carol", 2, "too few [31mrows", False), ("bob", 5, "clean rows", True),
    ]  # fmt: skip
    assert (found.mean, found.paid) == (3.5, 1)
    known = bob.market.get(listed).reputation
    assert (known.reviews, known.mean) == (2, 3.5)
    [item] = [item for item in bob.market.search(listed.partition("/")[2]).items if item.name == listed]
    assert item.reputation.stars_text == "★ 3.5 (2)"


def test_a_review_is_written_anew_and_withdrawn(bob: Any, listed: str) -> None:
    bob.market.license(listed, license="Commercial", max_price="3")
    bob.market.review(listed, 1)
    assert [one.stars for one in bob.market.review(listed, 4, "better")] == [4]
    bob.market.withdraw_review(listed)
    assert len(bob.market.reviews(listed)) == 0
    assert bob.market.get(listed).reputation.mean is None
    with pytest.raises(ChainError, match="no review"):
        bob.market.withdraw_review(listed)


def test_who_holds_no_license_does_not_review(alice: Any, bob: Any, listed: str) -> None:
    with pytest.raises(NotFound, match="hold no license"):
        bob.market.review(listed, 5)
    with pytest.raises(NotFound, match="hold no license"):
        alice.market.review(listed, 5)
    alice.market.give(listed, "alice", license="Commercial")
    with pytest.raises(ChainError, match="yours"):
        alice.market.review(listed, 5)


@pytest.mark.parametrize(("stars", "text"), [(0, ""), (6, ""), (-1, ""), (5, "x" * 1025)])
def test_stars_and_texts_out_of_bounds_are_refused_before_anything_is_signed(
    bob: Any, listed: str, stars: int, text: str
) -> None:
    with pytest.raises(InputError):
        bob.market.review(listed, stars, text)


def test_a_license_that_can_be_given_back_is_no_receipt_yet(
    alice: Any, bob: Any, table_folder: Any, fresh: Any
) -> None:
    terms = License.commercial("3", refund_window="1 day")
    asset = alice.market.publish(table_folder, name=fresh("trial"), license=terms)
    bob.market.license(asset.name, max_price="3")
    with pytest.raises(ChainError, match="given back"):
        bob.market.review(asset.name, 1, "paid by a rival")


def test_a_takedown_is_a_vote_with_an_appeal(alice: Any, bob: Any, carol: Any, listed: str, decide: Any) -> None:
    bob.market.license(listed, license="Commercial", max_price="3")
    carol.market.report(listed, "these are my rows")
    with pytest.raises(ChainError, match="already"):
        carol.market.report(listed, "again")
    assert alice.market.get(listed).reputation.reports == 1
    word = listed.partition("/")[2]

    decide(alice.market.decision(listed, "disputed", "carol says they are hers"))
    quote = carol.market.quote(listed)
    assert quote.reputation.warning == "The DAO disputes this listing."
    assert "disputes this listing" in quote._repr_mimebundle_()["text/plain"]
    assert "disputes this listing" in carol.market.get(listed)._repr_mimebundle_()["text/html"]
    assert "disputes this listing" in carol.market.search(word)._repr_mimebundle_()["text/plain"]

    alice.market.appeal(listed, "I counted them myself")
    assert carol.market.get(listed).reputation.warning.endswith("its owner has appealed.")

    decide(alice.market.decision(listed, "taken down", "carol showed her notebook"))
    with pytest.raises(AccessDenied, match="carol showed her notebook"):
        carol.market.license(listed, license="Commercial", max_price="3")
    assert carol.market.search(word).total == 0
    assert listed in [item.name for item in alice.market.search(word).items]
    assert bob.market.may_use(listed, "read")  # who paid keeps what was paid for

    decide(alice.market.decision(listed, "clear", "it was another notebook"))
    assert carol.market.get(listed).reputation.warning == ""


def test_a_verified_publisher_is_shown_as_one(alice: Any, bob: Any, carol: Any, listed: str, decide: Any) -> None:
    assert not carol.market.get(listed).reputation.verified
    decide(alice.market.verification("alice", "met at a conference"))
    assert listed in [item.name for item in carol.market.search(listed.partition("/")[2], verified=True).items]
    assert carol.market.search("").facets["verified"]["yes"] >= 1
    assert "verified publisher" in carol.market.get(listed)._repr_mimebundle_()["text/plain"]
    decide(alice.market.verification("alice", "key stolen", verified=False))
    assert not carol.market.get(listed).reputation.verified
    assert carol.market.search("", verified=True).total == 0


def test_only_the_owner_appeals_and_only_against_a_decision(alice: Any, bob: Any, listed: str) -> None:
    with pytest.raises(ChainError, match="nothing was decided"):
        alice.market.appeal(listed, "why")
    with pytest.raises(ChainError, match="belongs to someone else"):
        bob.market.appeal(listed, "why")
    with pytest.raises(InputError, match="512"):
        alice.market.appeal(listed, "")


def test_a_network_without_these_contracts_has_listings_without_opinions(
    bob: Any, listed: str, monkeypatch: Any
) -> None:
    for name in ("Reviews", "Moderation"):
        monkeypatch.delitem(bob.chain.addresses, name)
        bob.chain._contracts.pop(name, None)
    assert bob.market.get(listed).reputation.summary == ""
    assert len(bob.market.reviews(listed)) == 0
    with pytest.raises(Exception, match="without reviews"):
        bob.market.report(listed, "nothing to write to")

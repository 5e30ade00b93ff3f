"""Asking for licenses, and answering."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.errors import InputError, NotFound

pytestmark = pytest.mark.network


@pytest.fixture
def quiet(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    """An asset that nobody offers."""
    return alice.market.publish(table_folder, name=fresh("quiet"))


def mine(account, asset):  # type: ignore[no-untyped-def]
    return [request for request in account.market.requests() if request.asset == asset.name]


def test_what_is_asked_for_is_granted_and_opens(quiet, alice, bob) -> None:  # type: ignore[no-untyped-def]
    asked = bob.market.request(quiet.name, note="for my\nthesis")
    assert asked.status == "open"
    [request] = mine(alice, quiet)
    assert (request.number, request.account, request.note) == (asked.number, "bob", "for my thesis")
    assert request.terms.flavor == "Non-Commercial Research"
    given = alice.market.grant(request)
    assert (given.holder, given.terms.flavor) == ("bob", "Non-Commercial Research")
    assert bob.market.may_use(quiet.name, "training")
    assert mine(alice, quiet) == []
    assert bob.market.requests(sent=True)[0].status == "granted"
    with pytest.raises(InputError, match="was granted already"):
        alice.market.grant(request.number)


def test_what_is_declined_can_be_asked_again_under_other_terms(quiet, alice, carol) -> None:  # type: ignore[no-untyped-def]
    first = carol.market.request(quiet.name, license=License.commercial("0"))
    assert carol.market.request(quiet.name, license=License.commercial("0")).number == first.number + 1
    [request] = mine(alice, quiet)
    assert request.number == first.number + 1, "asking again replaces what was asked"
    alice.market.decline(request.number)
    assert carol.market.requests(sent=True)[0].status == "declined"
    assert mine(alice, quiet) == []
    again = carol.market.request(quiet.name, license=License.non_commercial_research(duration="30 days"))
    assert [one.number for one in mine(alice, quiet)] == [again.number]


def test_only_owners_answer_and_only_what_was_asked(quiet, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    asked = bob.market.request(quiet.name)
    with pytest.raises(InputError, match="belongs to alice"):
        carol.market.grant(asked.number)
    with pytest.raises(NotFound, match="no request 999999"):
        alice.market.grant(999_999)
    with pytest.raises(InputError, match="is yours"):
        alice.market.request(quiet.name)
    with pytest.raises(InputError, match="513 bytes"):
        bob.market.request(quiet.name, note="x" * 513)

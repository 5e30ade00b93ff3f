"""Collections: revenue for many, divided by weight."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, InputError
from sahara_lab.market.collections import parse_weights
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


@pytest.fixture
def pets(alice, bob, carol, table_folder, fresh):  # type: ignore[no-untyped-def]
    """Carol's collection with an asset of Alice's and one of Bob's, which costs 40."""
    cats = alice.market.publish(table_folder, name=fresh("cats"))
    dogs = bob.market.publish(table_folder, name=fresh("dogs"))
    made = carol.market.publish(table_folder, name=fresh("pets"), kind="collection", license=License.commercial("40"))
    alice.market.collection(made.name).join(cats.name)
    bob.market.collection(made.name).join(dogs.name)
    return made.name, cats.name, dogs.name


def test_members_earn_by_weight_and_claim_without_doing_more(pets, alice, bob, carol) -> None:  # type: ignore[no-untyped-def]
    name, cats, dogs = pets
    members = carol.market.collection(name).set_weights({cats: 3, dogs: 1})
    assert [(member.asset, member.weight) for member in members] == [(cats, 3), (dogs, 1)]
    quote = bob.market.quote(name)
    assert [line.account for line in quote.lines] == ["its members"]
    bob.market.license(name, max_price="40")
    revenue = to_wei("40") - quote.fee
    assert [member.due for member in carol.market.collection(name).members()] == [revenue * 3 // 4, revenue // 4]
    line = next(line for line in alice.market.earnings().lines if line.asset == cats)
    assert line.claimable == revenue * 3 // 4
    total, had = alice.market.earnings().claimable, alice.wallet.balance().tokens
    assert alice.market.claim() == total
    assert alice.wallet.balance().tokens - had == total
    assert next(line for line in carol.market.earnings().lines if line.asset == name).claimable == 0
    assert carol.market.collection(name).collect() == revenue // 4


def test_who_did_not_agree_is_no_member(pets, alice, carol, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    name, cats, _ = pets
    birds = alice.market.publish(table_folder, name=fresh("birds"))
    with pytest.raises(ChainError, match="has not agreed"):
        carol.market.collection(name).set_weights({cats: 1, birds.name: 1})
    with pytest.raises(ChainError, match="belongs to someone else"):
        alice.market.collection(name).set_weights({cats: 1})
    with pytest.raises(InputError, match="is a dataset"):
        carol.market.collection(cats)


def test_weights_are_typed_as_pairs() -> None:
    assert parse_weights(["alice/cats=3", "bob/dogs=0"]) == {"alice/cats": 3, "bob/dogs": 0}
    for text in ("alice/cats", "alice/cats=", "alice/cats=-1", "alice/cats=1.5"):
        with pytest.raises(InputError, match="alice/cats=3"):
            parse_weights([text])

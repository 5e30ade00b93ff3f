"""What an asset was made from and what was made from it."""

from __future__ import annotations

import pytest

from sahara_lab import License

pytestmark = pytest.mark.network


@pytest.fixture
def made(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    """Publishes an asset with parents; its name."""

    def publish(base: str, *parents: str) -> str:
        name = fresh(base)
        terms = License.commercial_remix("1", "5%")
        return alice.market.publish(table_folder, name=name, license=terms, parents=parents).name

    return publish


def test_a_diamond_is_drawn_once_each_at_its_greatest_distance(alice, made):  # type: ignore[no-untyped-def]
    spring = made("spring")
    left, right = made("left", spring), made("right", spring)
    mouth = made("mouth", left, right, spring)
    family = alice.market.family(mouth)
    assert [[one.name for one in generation] for generation in family.generations] == [
        [spring],
        sorted([left, right]),
        [mouth],
    ]
    assert {(tie.child, tie.parent) for tie in family.ties} == {
        (left, spring),
        (right, spring),
        (mouth, left),
        (mouth, right),
        (mouth, spring),
    }
    assert family.complete
    above = alice.market.family(left)
    assert [one.generation for one in above.relatives] == [-1, 0, 1]


def test_who_has_no_relatives_is_a_family_of_one(alice, made):  # type: ignore[no-untyped-def]
    alone = made("alone")
    family = alice.market.family(alone)
    assert [one.name for one in family.relatives] == [alone]
    assert (family.ties, family.complete) == ((), True)


def test_what_does_not_fit_is_said(alice, made, monkeypatch):  # type: ignore[no-untyped-def]
    import sahara_lab.market.family as module

    top = made("top")
    for number in range(3):
        made(f"below{number}", top)
    monkeypatch.setattr(module, "MAX_RELATIVES", 2)
    family = alice.market.family(top)
    assert len(family.relatives) == 2
    assert not family.complete

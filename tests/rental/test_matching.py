"""Machines are filtered by what they have, and ordered by price, speed or what is known of their owner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError
from sahara_lab.rental.matching import Wanted, chosen_by, matching, reputation
from sahara_lab.rental.offers import Hardware, Offer
from sahara_lab.units import to_wei

PLAIN = Hardware(cpu="A", cores=8, gpus=(), memory=16 << 30, disk=1 << 40, gflops=50)
OFFER = Offer(
    provider="ann", agent=1, url="https://ann.example", rate=to_wei("0.01"), workers=4, stake=to_wei("1"), heartbeat=10,
    isolation="bubblewrap", hardware=PLAIN, staked=to_wei("5"), completed=4,
)  # fmt: skip
DEAR = replace(
    OFFER, provider="ben", rate=to_wei("0.05"), hardware=replace(PLAIN, gpus=("NVIDIA H100",), cores=32), completed=90
)
BARE = replace(
    OFFER, provider="cyd", rate=to_wei("0.001"), isolation="none (UNSAFE)", staked=to_wei("0"), ended_badly=9
)
ALL = [DEAR, BARE, OFFER]


def names(offers: Any) -> list[str]:
    return [offer.provider for offer in offers]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("price", ["cyd", "ann", "ben"]), ("speed", ["ben", "cyd", "ann"]), ("reputation", ["ben", "ann", "cyd"])],
)
def test_the_best_comes_first(order: str, expected: list[str]) -> None:
    assert names(matching(ALL, Wanted(), order)) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(cores=9), ["ben"]),
        (Wanted(memory=17 << 30), []),
        (Wanted(gpus=1), ["ben"]),
        (Wanted(gpu="h100"), ["ben"]),
        (Wanted(gpu="a100"), []),
        (Wanted(gpu="h100", gpus=2), []),
        (Wanted(most=to_wei("0.01")), ["cyd", "ann"]),
        (Wanted(stake=to_wei("1")), ["ann", "ben"]),
        (Wanted(done=10), ["ben"]),
        (Wanted(isolated=True), ["ann", "ben"]),
    ],
)
def test_a_machine_has_to_have_what_is_wanted(wanted: Wanted, expected: list[str]) -> None:
    assert names(matching(ALL, wanted)) == expected


def test_any_is_chosen_by_words_and_a_name_is_a_name() -> None:
    assert chosen_by("carol") is None
    assert chosen_by("any") == (Wanted(), "price")
    assert chosen_by("any:gpu,reputation") == (Wanted(gpus=1), "reputation")
    with pytest.raises(InputError, match="not chosen by 'beauty'"):
        chosen_by("any:beauty")
    with pytest.raises(InputError, match="no order by 'beauty'"):
        matching(ALL, Wanted(), "beauty")


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_reputation_rises_with_what_was_right_and_falls_with_what_was_not(good: int, bad: int) -> None:
    offer = replace(OFFER, completed=good, ended_badly=bad)
    assert 0 <= reputation(offer) < 1
    assert reputation(replace(offer, passed=1)) > reputation(offer)
    assert reputation(replace(offer, failed=1)) <= reputation(offer)
    assert reputation(replace(OFFER, completed=1)) < reputation(replace(OFFER, completed=100, ended_badly=5))

"""The license solver against a model that tries every subset of the sources and every license there could be."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sahara_lab.licensing.limits import ALL_USES, RELATIONS, Limits, allowed_flavors, joined, limits_of
from sahara_lab.licensing.royalties import Debt, fewest_above, table_of
from sahara_lab.licensing.solver import Source, conflicts_of
from sahara_lab.licensing.terms import COMMERCIAL, FLAVOR_USES, License
from tests.chain import royalty_model as model

CAP = 5_000

FLAVORS = [
    License.open_use(),
    License.non_commercial_research(),
    License.commercial("5"),
    License.commercial_remix("25", "10%"),
    License.compute_only("2"),
]
TERMS = [replace(license, reciprocal=alike) for license in FLAVORS for alike in (False, True)]
EVERY_OUTPUT = [
    replace(FLAVORS[0], flavor="Any", uses=uses, reciprocal=alike, price=price)
    for uses in range(1, ALL_USES + 1)
    for alike in (False, True)
    for price in (0, 1)
]


def source(asset: int, license: License, relation: str = "derived_from", **debt: object) -> Source:
    limits = limits_of(license).passed(relation)
    owed = Debt(asset, **{"royalty_bps": license.royalty_bps, "own": False, **debt})  # type: ignore[arg-type]
    return Source(f"owner/a{asset}", relation, owed, limits, license=asset)


# -- the model --------------------------------------------------------------------------------------------------------


def breaks(some: tuple[Source, ...], outputs: tuple[License, ...]) -> bool:
    """Whether these sources cannot stand behind one output, by going through everything."""
    if any(one.uncovered for one in some) or len(some) > 16:
        return True
    known = {one.asset: dict(one.debt.table) for one in some}
    debts = tuple(model.Debt(one.asset, one.debt.royalty_bps, one.own) for one in some)
    if isinstance(model.table(debts, known, CAP), str):
        return True
    if outputs:
        return any(forbids(one, output) for one in some for output in outputs)
    return not any(all(not forbids(one, output) for one in some) for output in EVERY_OUTPUT)


def forbids(one: Source, output: License) -> bool:
    """The rules of docs/spec/licensing.md, read a second time."""
    if output.uses & ~one.limits.uses:
        return True
    if output.price and not one.limits.uses & COMMERCIAL:
        return True
    return any(not output.reciprocal or output.uses != mask for mask in one.limits.alike)


def subsets(sources: list[Source]) -> chain[tuple[Source, ...]]:
    return chain.from_iterable(combinations(sources, size) for size in range(1, len(sources) + 1))


@st.composite
def sources(draw: st.DrawFn) -> list[Source]:
    made = []
    for asset in range(101, 101 + draw(st.integers(1, 7))):
        license = draw(st.sampled_from(TERMS))
        license = replace(license, royalty_bps=draw(st.sampled_from([0, 700, 1_000, 2_600, 5_001])))
        own = draw(st.integers(0, 3)) == 0
        payees = draw(st.lists(st.integers(1, 24), max_size=draw(st.sampled_from([1, 3, 14])), unique=True))
        table = {payee: draw(st.sampled_from([1, 10_000_000, 40_000_000])) for payee in payees}
        one = source(asset, license, draw(st.sampled_from(RELATIONS)), own=own, table=table)
        if own:
            one = replace(one, license=0, debt=replace(one.debt, royalty_bps=0))
        elif draw(st.integers(0, 11)) == 0:
            one = replace(one, license=0, uncovered="nothing allows derivatives")
        made.append(one)
    return made


outputs = st.lists(st.sampled_from(TERMS), max_size=2).map(tuple)


@settings(max_examples=400, deadline=None)
@given(sources(), outputs)
def test_the_smallest_conflict_is_the_one_that_trying_everything_finds(
    made: list[Source], asked: tuple[License, ...]
) -> None:
    found = conflicts_of(made, asked, CAP)
    broken = next((some for some in subsets(made) if breaks(some, asked)), None)
    assert bool(found) == (broken is not None)
    if broken is None:
        return
    assert len(found[0].sources) == len(broken)
    for conflict in found:
        some = tuple(one for one in made if one.name in conflict.sources)
        assert breaks(some, asked), conflict
        for fewer in combinations(some, len(some) - 1):
            kinds = {one.kind for one in conflicts_of(list(fewer), asked, CAP)}
            assert conflict.kind == "sharing" or conflict.kind not in kinds, conflict


@settings(max_examples=300, deadline=None)
@given(sources())
def test_what_will_be_owed_is_what_the_specification_tells(made: list[Source]) -> None:
    known = {one.asset: dict(one.debt.table) for one in made}
    debts = tuple(model.Debt(one.asset, one.debt.royalty_bps, one.own) for one in made)
    expected = model.table(debts, known, cap=10_000)
    if isinstance(expected, str):
        return
    assert table_of([one.debt for one in made]) == expected


@settings(max_examples=300, deadline=None)
@given(sources())
def test_a_flavor_is_allowed_if_and_only_if_no_source_forbids_it(made: list[Source]) -> None:
    for allowed in allowed_flavors(joined(one.limits for one in made)):
        uses = FLAVOR_USES[allowed.flavor]
        possible = [
            output for output in EVERY_OUTPUT if output.uses == uses and not any(forbids(one, output) for one in made)
        ]
        assert allowed.ok == bool(possible)
        if allowed.ok:
            assert allowed.free == all(output.price == 0 for output in possible)
            assert allowed.alike == all(output.reciprocal for output in possible)


@given(st.lists(st.sets(st.integers(1, 12), max_size=6), max_size=8), st.integers(0, 12))
def test_the_fewest_are_the_fewest(items: list[set[int]], limit: int) -> None:
    def union(some: object) -> int:
        return len(set().union(*some))  # type: ignore[misc]

    found = fewest_above(items, union, limit)
    tried = (some for size in range(1, len(items) + 1) for some in combinations(items, size))
    expected = next((len(some) for some in tried if union(some) > limit), 0)
    assert len(found) == expected
    assert not found or union(found) > limit


# -- one thing each ---------------------------------------------------------------------------------------------------


def test_a_stack_above_the_cap_names_the_fewest_that_exceed_it() -> None:
    shares = [500, 3_000, 1_000, 2_500, 100]
    made = [source(n, replace(FLAVORS[3], royalty_bps=bps)) for n, bps in enumerate(shares, 1)]
    [conflict] = conflicts_of(made, (), CAP)
    assert conflict.kind == "stack"
    assert conflict.sources == ("owner/a2", "owner/a4")
    assert conflict.why == "owner/a2 and owner/a4 together ask for 55% of the revenue, and at most 50% may be owed"


def test_research_data_does_not_end_up_in_something_sold() -> None:
    research = source(1, License.non_commercial_research(), "trained_on")
    [conflict] = conflicts_of([research], (License.commercial("9"),), CAP)
    assert conflict.kind == "terms"
    assert not conflict.enforced
    assert "commercial" in conflict.why
    assert conflicts_of([research], (License.non_commercial_research("0"),), CAP) == ()


def test_a_free_license_made_of_research_data_cannot_have_a_price() -> None:
    research = source(1, License.non_commercial_research())
    assert "a price is one" in conflicts_of([research], (License.non_commercial_research("3"),), CAP)[0].why


def test_two_share_alike_sources_that_ask_for_different_uses_exclude_each_other() -> None:
    made = [source(1, TERMS[1]), source(2, FLAVORS[3]), source(3, TERMS[3])]
    [first, *_] = conflicts_of(made, (), CAP)
    assert first.kind == "sharing"
    assert len(first.sources) == 2


def test_a_benchmark_leaves_no_trace_in_what_is_measured_with_it() -> None:
    assert limits_of(License.non_commercial_research()).passed("evaluated_on") == Limits()


@pytest.mark.parametrize("count", [17, 40])
def test_more_parents_than_an_asset_can_have_are_said_at_once(count: int) -> None:
    made = [source(n, License.open_use()) for n in range(1, count + 1)]
    [conflict] = conflicts_of(made, (), CAP)
    assert conflict.kind == "parents"
    assert len(conflict.sources) == 17


def test_sixteen_sources_with_the_same_ancestors_are_judged() -> None:
    above = dict.fromkeys(range(1, 11), 1_000_000)
    made = [source(100 + n, replace(FLAVORS[3], royalty_bps=300), table=above) for n in range(16)]
    [conflict] = conflicts_of(made, (), CAP)
    assert conflict.kind == "payees"
    assert len(conflict.sources) == 7

"""For any text, price and history: the catalog answers what a plain list would."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.market.catalog import Catalog, Offer, Record
from sahara_lab.market.catalog.fts import FtsIndex
from sahara_lab.market.catalog.index import TantivyIndex
from sahara_lab.market.catalog.prices import band_of, is_exact, rounded

LARGEST = 2**256 - 1

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
prices = (
    st.integers(0, LARGEST) | st.integers(0, 3) | st.integers(LARGEST - 3, LARGEST) | st.integers(2**64 - 2, 2**64 + 2)
)
offers = st.lists(st.tuples(prices, st.sampled_from(["Commercial", "Commercial Remix", "Open Use"])), max_size=3)
relaxed = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def record(number: int, offered: list[tuple[int, str]], title: str = "same", kind: str = "dataset") -> Record:
    terms = tuple(Offer(f"0x{n}", price, flavor) for n, (price, flavor) in enumerate(offered))
    return Record(number, f"a/n{number}", "a", "a", kind, title, offers=terms, created=number % 3)


@pytest.fixture(scope="module", params=[TantivyIndex, FtsIndex])
def filled(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder), index=request.param(Path(folder)))
        titles = ["plain words", "Ünïcode 手写 🙂", 'quote " and (paren', "a:b^2 [x TO y]", "NOT AND OR"]
        catalog.apply([record(n, [], title) for n, title in enumerate(titles, 1)], (1, "a"))
        yield catalog


@relaxed
@given(text=texts, sort=st.sampled_from(["relevance", "newest", "price", "name"]), cap=st.none() | prices)
def test_no_text_raises_and_every_answer_is_a_page(filled: Catalog, text: str, sort: str, cap: int | None) -> None:
    page = filled.search(text, sort=sort, max_price_wei=cap, license=text or None, owner=text or None)
    assert 0 <= page.total <= 5
    assert len(page.items) == page.total
    assert filled.search(text).total <= 5


@pytest.fixture(scope="module", params=[TantivyIndex, FtsIndex])
def reused(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    with tempfile.TemporaryDirectory() as folder:
        yield Catalog(Path(folder), index=request.param(Path(folder)))


@relaxed
@given(title=texts, summary=texts, tags=st.lists(texts, max_size=3))
def test_what_was_taken_in_is_found_by_its_own_title(
    reused: Catalog, title: str, summary: str, tags: list[str]
) -> None:
    reused.rollback_to(-1)
    reused.apply([Record(1, "a/n", "a", "a", "dataset", title, summary, tuple(tags))], (1, "a"))
    kept = reused.get(1)
    assert kept is not None
    assert kept == kept.cleaned()  # cleaning once is enough
    assert all(isinstance(text.encode(), bytes) for text in (kept.title, kept.summary, *kept.tags))
    assert reused.search(kept.title).total == 1
    assert reused.search(title).total in (0, 1)


@given(a=prices, b=prices, bits=st.sampled_from([27, 55]))
def test_rounded_prices_never_change_sides(a: int, b: int, bits: int) -> None:
    if a <= b:
        assert rounded(a, bits) <= rounded(b, bits)
    if a != b and is_exact(a, bits) and is_exact(b, bits):
        assert rounded(a, bits) != rounded(b, bits)
    assert rounded(LARGEST, 55) < 2**63
    assert rounded(LARGEST, 27) < 2**34 - 1


@given(price=prices)
def test_every_price_has_a_band(price: int) -> None:
    assert (band_of(price) == "free") == (price == 0)


@relaxed
@given(
    listed=st.lists(offers, min_size=1, max_size=8),
    cap=prices,
    flavor=st.none() | st.sampled_from(["Commercial", "Open Use"]),
    text=st.sampled_from(["", "same"]),
)
def test_price_filter_and_order_are_exact(
    reused: Catalog, listed: list[list[tuple[int, str]]], cap: int, flavor: str | None, text: str
) -> None:
    records = [record(number, offered) for number, offered in enumerate(listed, 1)]
    reused.rollback_to(-1)
    reused.apply(records, (1, "a"))
    found = reused.search(text, max_price_wei=cap, license=flavor, sort="price")
    fit = [r for r in records if any(o.price <= cap and flavor in (None, o.flavor) for o in r.offers)]
    assert [r.id for r in found.items] == [r.id for r in sorted(fit, key=lambda r: (r.price, r.id))]
    assert found.total == len(fit)


steps = st.lists(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["red", "green"])), max_size=4) | st.integers(0, 12),
    max_size=12,
)


@relaxed
@given(steps=steps)
def test_any_history_of_batches_and_rollbacks_equals_a_replay(
    reused: Catalog, steps: list[list[tuple[int, str]] | int]
) -> None:
    """A step is a batch of (id, title) or a block to roll back to."""
    batches: list[tuple[int, dict[int, str]]] = []
    reused.rollback_to(-1)
    for step in steps:
        if isinstance(step, int):
            batches = [batch for batch in batches if batch[0] <= step]
            cursor = reused.rollback_to(step)
            assert (cursor.block if cursor else None) == (batches[-1][0] if batches else None)
        else:
            block = batches[-1][0] + 1 if batches else 1
            batches.append((block, dict(step)))
            reused.apply([record(number, [], title) for number, title in step], (block, str(block)))
        expected: dict[int, str] = {}
        for _, batch in batches:
            expected.update(batch)
        for color in ("red", "green"):
            found = {r.id for r in reused.search(color).items}
            assert found == {number for number, title in expected.items() if title == color}
        assert {r.id: r.title for r in reused.search().items} == expected

"""The catalog as a searcher and the chain's reader meet it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sahara_lab.errors import InputError
from sahara_lab.market.catalog import Catalog, Changes, Cursor, Offer, Record, sync
from sahara_lab.market.catalog.fts import FtsIndex
from sahara_lab.market.catalog.index import TantivyIndex

TOKEN = 10**18
LARGEST = 2**256 - 1


def listing(number: int, title: str = "", **fields: object) -> Record:
    values: dict[str, object] = {
        "id": number,
        "name": f"alice/asset-{number}",
        "owner": "alice",
        "creator": "alice",
        "kind": "dataset",
        "title": title or f"Asset {number}",
        "created": 1_700_000_000 + number,
        "updated": number,
    }
    return Record(**{**values, **fields})  # type: ignore[arg-type]


def offer(price: int, flavor: str = "Commercial") -> Offer:
    return Offer(terms_id=f"0x{price:x}", price=price, flavor=flavor)


@pytest.fixture(params=["tantivy", "fts5"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """Whatever finds the records, the answers are the same."""
    folder = tmp_path / "catalog"
    return Catalog(folder, index=TantivyIndex(folder) if request.param == "tantivy" else FtsIndex(folder))


def ids(page: object) -> list[int]:
    return [record.id for record in page.items]  # type: ignore[attr-defined]


# -- finding ----------------------------------------------------------------------------------------------------------


def test_record_comes_back_whole(catalog: Catalog) -> None:
    record = listing(
        7,
        "Handwritten digits",
        summary="Scans of numerals",
        tags=("vision", "ocr"),
        versions=3,
        version=3,
        offers=(Offer("0xaa", LARGEST, "Commercial", 17, 86_400, 2, 1_000),),
        parents=("bob/pens",),
        size_bytes=2**40,
        files=12,
    )
    catalog.apply([record], (1, "0x01"))
    assert catalog.get(7) == record
    assert catalog.by_name("alice/asset-7") == record
    assert catalog.by_name("ALICE/asset-7") == record
    assert catalog.get(8) is None
    assert catalog.by_name("alice/none") is None


def test_beginnings_of_words_find_titles_tags_and_names(catalog: Catalog) -> None:
    catalog.apply(
        [
            listing(1, "Handwritten digits", tags=("vision",)),
            listing(2, "Penguin census", name="bob/antarctica"),
            listing(3, "Street signs", tags=("digitized-photographs",)),
        ],
        (1, "0x01"),
    )
    assert set(ids(catalog.search("dig"))) == {1, 3}
    assert ids(catalog.search("d"))
    assert ids(catalog.search("vis")) == [1]
    assert ids(catalog.search("antarc")) == [2]
    assert ids(catalog.search("hand dig")) == [1]
    assert ids(catalog.search("handwritten pen")) == []
    assert ids(catalog.search("digitized-photographs")) == [3]


def test_beginning_longer_than_the_prefix_field_is_found_too(catalog: Catalog) -> None:
    catalog.apply([listing(1, "Electroencephalography recordings")], (1, "0x01"))
    assert ids(catalog.search("electroencephalog")) == [1]
    assert ids(catalog.search("electroencephaltrons")) == []


def test_exact_name_ranks_first(catalog: Catalog) -> None:
    noise = [listing(n, "digits digits digits", tags=("digits",), name=f"bob/digits-{n}") for n in range(2, 30)]
    catalog.apply([*noise, listing(1, "Scans", name="alice/digits", summary="one mention")], (1, "0x01"))
    assert ids(catalog.search("alice/digits"))[0] == 1
    assert ids(catalog.search("digits"))[0] == 1


def test_words_of_the_summary_count_as_whole_words(catalog: Catalog) -> None:
    catalog.apply([listing(1, "A", summary="crème brûlée recipes")], (1, "0x01"))
    assert ids(catalog.search("creme")) == [1]
    assert ids(catalog.search("BRÛLÉE recipes")) == [1]


def test_scripts_without_spaces_and_signs_are_found(catalog: Catalog) -> None:
    catalog.apply([listing(1, "手写数字数据集"), listing(2, "🙂 faces"), listing(3, "C++ (source)")], (1, "0x01"))
    assert ids(catalog.search("数字")) == [1]
    assert ids(catalog.search("🙂")) == [2]
    assert ids(catalog.search("++")) == [3]
    assert ids(catalog.search("(")) == [3]


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "(",
        "a AND",
        "NOT",
        "title:x",
        "x^9",
        "[a TO",
        "*",
        "\\",
        "💥" * 500,
        "\ud800",
        "\x00",
        "a" * 5_000,
        "' OR 1=1 --",
    ],
)
def test_any_text_is_a_question(catalog: Catalog, text: str) -> None:
    catalog.apply([listing(1)], (1, "0x01"))
    for sort in ("relevance", "price"):
        assert catalog.search(text, sort=sort).total in (0, 1)


def test_title_with_search_operators_is_found_by_itself(catalog: Catalog) -> None:
    catalog.apply([listing(1, 'NOT "quoted" AND (open')], (1, "0x01"))
    assert ids(catalog.search('NOT "quoted" AND (open')) == [1]


def test_words_in_quotation_marks_follow_each_other(catalog: Catalog) -> None:
    catalog.apply(
        [listing(1, "Street signs of Lisbon"), listing(2, "Signs in a street"), listing(3, summary="old street signs")],
        (1, "0x01"),
    )
    assert set(ids(catalog.search("street signs"))) == {1, 2, 3}
    assert set(ids(catalog.search('"street signs"'))) == {1, 3}
    assert ids(catalog.search('"street signs" lisb')) == [1]
    assert ids(catalog.search('"signs street"')) == []


def test_where_nothing_fits_similar_words_are_found_and_said_to_be_similar(catalog: Catalog) -> None:
    catalog.apply([listing(1, "Penguin census"), listing(2, "Handwritten digits"), listing(3, "Pen")], (1, "0x01"))
    for typed, meant in (("pengiun", 1), ("handwriten digits", 2), ("hadnwritten", 2), ("pemgu", 1)):
        page = catalog.search(typed)
        assert ids(page) == [meant]
        assert page.similar
    assert not catalog.search("penguin").similar
    assert catalog.search("pex").total == 0  # short words are taken as typed
    assert catalog.search("pengiun", kind="model").total == 0


def test_of_equal_words_what_is_licensed_more_often_comes_first(catalog: Catalog) -> None:
    catalog.apply([listing(n, "street signs", sold=sold) for n, sold in ((1, 0), (2, 500), (3, 20))], (1, "0x01"))
    assert ids(catalog.search("signs")) == [2, 3, 1]
    assert ids(catalog.search(sort="popular")) == [2, 3, 1]


# -- filters, sorting, pages ------------------------------------------------------------------------------------------


def test_facets_count_what_lifting_their_filter_would_show(catalog: Catalog) -> None:
    catalog.apply(
        [
            listing(1, "digits", offers=(offer(1),)),
            listing(2, "digits", kind="model", offers=(offer(2, "Open Use"), offer(3))),
            listing(3, "digits", kind="model"),
            listing(4, "other", kind="model"),
        ],
        (1, "0x01"),
    )
    for sort in ("relevance", "name"):
        page = catalog.search("digits", kind="model", sort=sort, facets=("kind", "license"))
        assert set(ids(page)) == {2, 3}
        assert page.facets == {"kind": {"model": 2, "dataset": 1}, "license": {"Commercial": 1, "Open Use": 1}}
    browsed = catalog.search(kind="dataset")
    assert browsed.facets["kind"] == {"model": 3, "dataset": 1}


def test_every_facet_can_be_chosen(catalog: Catalog) -> None:
    catalog.apply(
        [
            listing(1, "x", task="ocr", formats=("text/csv",), tags=("scans", "ink"), offers=(offer(5 * TOKEN),)),
            listing(2, "x", task="ocr", formats=("text/csv", "image/png"), owner="Bob", offers=(offer(0),)),
            listing(3, "x", kind="model", tags=("ink",)),
        ],
        (1, "0x01"),
    )
    facets = catalog.search("x", facets=("kind", "price", "task", "format", "tag", "owner")).facets
    assert facets == {
        "kind": {"dataset": 2, "model": 1},
        "price": {"free": 1, "1 to 10": 1},
        "task": {"ocr": 2},
        "format": {"text/csv": 2, "image/png": 1},
        "tag": {"ink": 2, "scans": 1},
        "owner": {"alice": 2, "bob": 1},
    }
    for chosen, expected in (
        ({"task": "ocr"}, {1, 2}), ({"format": "image/png"}, {2}), ({"tag": "Ink"}, {1, 3}), ({"owner": "BOB"}, {2}),
        ({"price": "1 to 10"}, {1}), ({"price": "free", "task": "ocr"}, {2}), ({"tag": "ink", "kind": "model"}, {3}),
        ({"tag": "none"}, set()),
    ):  # fmt: skip
        for text in ("", "x"):
            assert set(ids(catalog.search(text, **chosen))) == expected, chosen  # type: ignore[arg-type]
    chosen_tag = catalog.search("x", tag="scans", facets=("tag", "kind")).facets
    assert chosen_tag == {"tag": {"ink": 2, "scans": 1}, "kind": {"dataset": 1}}


def test_license_is_a_flavor_as_shown_or_the_first_words_of_several(catalog: Catalog) -> None:
    catalog.apply(
        [
            listing(1, "x", offers=(offer(1, "Commercial"),)),
            listing(2, "x", offers=(offer(1, "Commercial Remix"),)),
            listing(3, "x", offers=(offer(1, "Non-Commercial Research"),)),
        ],
        (1, "0x01"),
    )
    for text in ("", "x"):
        assert set(ids(catalog.search(text, license="commercial"))) == {1, 2}
        assert set(ids(catalog.search(text, license="Commercial"))) == {1}
        assert set(ids(catalog.search(text, license="commercial-remix"))) == {2}
        assert set(ids(catalog.search(text, license="non_commercial research"))) == {3}
        assert set(ids(catalog.search(text, license="Commercial remix"))) == {2}
        assert ids(catalog.search(text, license="Open Use")) == []
        assert ids(catalog.search(text, license="gratis")) == []
    catalog.apply([listing(1, "x")], (2, "0x02"))
    assert ids(catalog.search(license="Commercial")) == []  # not a wider meaning when the last of its name is gone


def test_license_and_price_must_meet_in_one_offer(catalog: Catalog) -> None:
    catalog.apply([listing(1, "x", offers=(offer(0, "Open Use"), offer(9 * TOKEN)))], (1, "0x01"))
    for text in ("", "x"):
        assert ids(catalog.search(text, max_price_wei=TOKEN)) == [1]
        assert ids(catalog.search(text, license="Commercial", max_price_wei=TOKEN)) == []
        assert ids(catalog.search(text, license="Commercial", max_price_wei=9 * TOKEN)) == [1]


@pytest.mark.parametrize("text", ["", "x"])
def test_prices_one_wei_apart_are_told_apart_at_every_size(catalog: Catalog, text: str) -> None:
    prices = sorted([0, 1, 25 * TOKEN - 1, 25 * TOKEN, 25 * TOKEN + 1, 2**64, 2**64 + 1, 2**255, LARGEST - 1, LARGEST])
    records = [listing(n, "x", offers=(offer(price),)) for n, price in enumerate(reversed(prices), 1)]
    catalog.apply([*records, listing(99, "x")], (1, "0x01"))
    page = catalog.search(text, sort="price")
    assert [record.price for record in page.items] == [*prices, None]
    for price in prices:
        found = catalog.search(text, max_price_wei=price, sort="price")
        assert [record.price for record in found.items] == [p for p in prices if p <= price]
    assert catalog.search(text, max_price_wei=LARGEST * 10).total == len(prices)


@pytest.mark.parametrize("text", ["", "same"])
@pytest.mark.parametrize("sort", ["relevance", "newest", "price", "name"])
def test_pages_divide_everything_without_gaps_or_repeats(catalog: Catalog, text: str, sort: str) -> None:
    catalog.apply([listing(n, "same", created=5, offers=(offer(3),)) for n in range(1, 54)], (1, "0x01"))
    pages = [catalog.search(text, sort=sort, page=page, per_page=10) for page in range(1, 8)]
    seen = [number for page in pages for number in ids(page)]
    assert sorted(seen) == list(range(1, 54))
    assert {page.total for page in pages} == {53}
    assert pages[6].items == ()
    assert catalog.search(text, sort=sort, page=10**30).items == ()


@pytest.mark.parametrize("text", ["", "same"])
@pytest.mark.parametrize("sort", ["relevance", "newest", "price", "popular", "reputation", "name"])
def test_next_leads_through_everything_once(catalog: Catalog, text: str, sort: str) -> None:
    records = [
        listing(n, "same", created=n % 3, sold=n % 2, reviews=1, stars=n % 5, offers=(offer(n % 4),))
        for n in range(1, 54)
    ]
    catalog.apply(records, (1, "a"))
    page = catalog.search(text, sort=sort, per_page=10)
    seen = ids(page)
    while page.next:
        page = catalog.search(text, sort=sort, per_page=10, after=page.next)
        assert page.total == 53
        seen += ids(page)
    assert sorted(seen) == list(range(1, 54))


@pytest.mark.parametrize("text", ["", "same"])
def test_the_best_reviewed_comes_first_and_one_reviewer_is_no_crowd(catalog: Catalog, text: str) -> None:
    catalog.apply(
        [
            listing(1, "same", reviews=1, stars=5),
            listing(2, "same", reviews=40, stars=180),
            listing(3, "same"),
            listing(4, "same", reviews=2, stars=2),
            listing(5, "same", reviews=99, stars=495, standing="disputed"),
        ],
        (1, "a"),
    )
    assert ids(catalog.search(text, sort="reputation")) == [2, 1, 3, 4, 5]


def test_only_its_owner_finds_what_was_taken_down(catalog: Catalog) -> None:
    gone = listing(2, "same", owner="Bob", standing="taken down")
    catalog.apply([listing(1, "same"), gone, listing(3, "same", standing="disputed")], (1, "a"))
    found = catalog.search("same", facets=("kind",))
    assert (set(ids(found)), found.total, found.facets) == ({1, 3}, 2, {"kind": {"dataset": 2}})
    assert catalog.search("", reader="alice").total == 2
    assert catalog.search("", reader="bob").total == 3
    catalog.apply([listing(2, "same", owner="Bob")], (2, "b"))
    assert catalog.search("same").total == 3


def test_verified_is_what_publishers_have_whom_the_reader_trusts(catalog: Catalog) -> None:
    catalog.apply([listing(n, "same", owner="Bob" if n % 2 else "alice") for n in range(1, 8)], (1, "a"))
    assert catalog.search("same").facets["verified"] == {}
    assert catalog.search("same", vouched=["bob"]).facets["verified"] == {"yes": 4}
    found = catalog.search("same", verified=True, vouched=["Bob", "carol"])
    assert (set(ids(found)), found.facets["verified"], found.facets["kind"]) == (
        {1, 3, 5, 7}, {"yes": 4}, {"dataset": 4},
    )  # fmt: skip
    assert catalog.search("", verified=True).total == 0


@pytest.mark.parametrize("sort", ["newest", "price", "popular"])
def test_what_comes_in_between_pages_moves_nothing(catalog: Catalog, sort: str) -> None:
    catalog.apply([listing(n, "same", sold=9, offers=(offer(5),)) for n in range(10, 30)], (1, "a"))
    first = catalog.search("same", sort=sort, per_page=10)
    catalog.apply([listing(40, "same", sold=99, offers=(offer(1),), created=2_000_000_000)], (2, "b"))
    second = catalog.search("same", sort=sort, per_page=10, after=first.next)
    assert len({*ids(first), *ids(second)}) == 20
    assert 40 not in ids(second)


def test_owner_filter_takes_handles_in_any_case(catalog: Catalog) -> None:
    catalog.apply([listing(1, "x", owner="Bob"), listing(2, "x")], (1, "0x01"))
    assert ids(catalog.search(owner="bob")) == ids(catalog.search("x", owner="BOB")) == [1]


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"kind": "nothing"}, "kind"), ({"sort": "best"}, "sort"), ({"page": 0}, "page"), ({"per_page": 1_000}, "page"),
     ({"max_price_wei": -1}, "price"), ({"price": "cheap"}, "price band"), ({"facets": ("size",)}, "facet"),
     ({"after": "elsewhere"}, "after"), ({"after": "bmV3ZXN0Oi0x"}, "after")],
)  # fmt: skip
def test_a_choice_that_does_not_exist_is_named(catalog: Catalog, wrong: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        catalog.search(**wrong)  # type: ignore[arg-type]


# -- untrusted text ---------------------------------------------------------------------------------------------------


def test_strangers_text_is_made_harmless_once(catalog: Catalog) -> None:
    catalog.apply(
        [
            listing(
                1,
                "re\u202egnal\u202c\x00\x07 e\u0301" + "x" * 5_000,
                summary="a\r\nb\ud800" + "y" * 10_000,
                tags=(*tuple(f"T{n}" for n in range(1000)), "T1"),
            )
        ],
        (1, "0x01"),
    )
    kept = catalog.get(1)
    assert kept is not None
    assert kept.title.startswith("regnal é")
    assert len(kept.title) == 200
    assert kept.summary.startswith("a by")
    assert len(kept.summary) == 2_000
    assert len(kept.tags) == 24
    assert kept.tags[0] == "t0"
    assert catalog.search("regnal").total == 1


@pytest.mark.parametrize("price", [-1, LARGEST + 1, 1.5, True])
def test_an_amount_that_is_no_wei_is_refused_and_nothing_is_written(catalog: Catalog, price: int) -> None:
    with pytest.raises(InputError):
        catalog.apply(
            [listing(1), listing(2, offers=(offer(price) if price != 1.5 else Offer("0x", 1.5, "x"),))], (1, "a")
        )  # type: ignore[arg-type]
    assert catalog.cursor() is None
    assert catalog.search().total == 0


# -- changes ----------------------------------------------------------------------------------------------------------


def test_a_later_record_replaces_the_earlier_one_everywhere(catalog: Catalog) -> None:
    catalog.apply([listing(1, "old words", offers=(offer(5, "Open Use"),))], (1, "0x01"))
    catalog.apply([listing(1, "new words", kind="model")], (2, "0x02"))
    assert ids(catalog.search("old")) == []
    page = catalog.search("new", facets=("kind", "license"))
    assert ids(page) == [1]
    assert page.facets == {"kind": {"model": 1}, "license": {}}
    assert catalog.cursor() == Cursor(2, "0x02")


def test_rollback_restores_what_was_and_says_where_to_read_on(catalog: Catalog) -> None:
    catalog.apply([listing(1, "first")], (10, "a"))
    catalog.apply([listing(1, "second"), listing(2, "newcomer")], (20, "b"))
    catalog.apply([listing(1, "third")], (30, "c"))
    assert catalog.rollback_to(25) == Cursor(20, "b")
    assert ids(catalog.search("second")) == [1]
    assert catalog.rollback_to(19) == Cursor(10, "a")
    assert ids(catalog.search("first")) == [1]
    assert catalog.get(2) is None
    assert ids(catalog.search("newcomer")) == []
    assert catalog.rollback_to(5) is None
    assert catalog.search().total == 0
    assert catalog.search("first").total == 0
    catalog.apply([listing(1, "again")], (6, "d"))
    assert ids(catalog.search("again")) == [1]


def test_rollback_deeper_than_is_remembered_starts_over(catalog: Catalog) -> None:
    catalog.apply([listing(1, "x")], (1, "h1"))
    for block in range(2, 300):
        catalog.apply([], (block, f"h{block}"))
    assert catalog.rollback_to(10) is None
    assert catalog.cursor() is None


class Chain:
    """A source that can reorganize: blocks of (hash, records)."""

    def __init__(self) -> None:
        self.blocks: list[tuple[str, list[Record]]] = []
        self.asked: list[Cursor | None] = []

    def mine(self, hash: str, *records: Record) -> None:
        self.blocks.append((hash, list(records)))

    def changes(self, cursor: Cursor | None) -> Changes:
        self.asked.append(cursor)
        start = 0
        if cursor is not None:
            start = cursor.block
            if start > len(self.blocks) or self.blocks[start - 1][0] != cursor.hash:
                return Changes((), (0, ""), rolled_back_to=min(start, len(self.blocks)))
        records = {record.id: record for _, found in self.blocks[start:] for record in found}
        return Changes(list(records.values()), (len(self.blocks), self.blocks[-1][0]))


def test_sync_follows_the_chain_through_a_reorganization(catalog: Catalog) -> None:
    chain = Chain()
    chain.mine("a1", listing(1, "kept"))
    assert sync(catalog, chain)
    chain.mine("a2", listing(2, "orphan"), listing(1, "changed"))
    sync(catalog, chain)
    chain.mine("a3", listing(3, "orphan"))
    sync(catalog, chain)
    assert catalog.search("orphan").total == 2
    del chain.blocks[1:]
    chain.mine("b2", listing(4, "winner"))
    sync(catalog, chain)
    assert catalog.search("orphan").total == 0
    assert ids(catalog.search("kept")) == [1]
    assert ids(catalog.search("winner")) == [4]
    assert catalog.cursor() == Cursor(2, "b2")


def test_sync_of_a_new_chain_forgets_the_old_one(catalog: Catalog) -> None:
    old, new = Chain(), Chain()
    for block in range(1, 41):
        old.mine(f"a{block}", listing(block, "old"))
        sync(catalog, old)
        new.mine(f"z{block}")
    new.mine("z41", listing(1, "new"))
    sync(catalog, new)
    assert len(new.asked) < 10
    assert catalog.search("old").total == 0
    assert ids(catalog.search("new")) == [1]


def test_sync_without_news_writes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    chain = Chain()
    chain.mine("a1", listing(1))
    sync(catalog, chain)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix in (".json", ".store")}
    sync(catalog, chain)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_importing_the_catalog_loads_no_engine() -> None:
    code = (
        "import sys, sahara_lab.market.catalog, sahara_lab.market.metadata\n"
        "heavy = {'tantivy', 'pyarrow', 'mlcroissant', 'pandas', 'yaml', 'sahara_lab.chain'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr

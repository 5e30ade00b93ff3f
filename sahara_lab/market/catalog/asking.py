"""One question put to a tantivy searcher."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.interfaces import Found
from sahara_lab.market.catalog.prices import BAND_NAMES, rounded
from sahara_lab.market.catalog.query import FACETS, Query
from sahara_lab.market.catalog.records import TAKEN_DOWN, flavors_meant
from sahara_lab.market.catalog.schema import COLUMNS, EDGE, JOINT, MARK, price_field
from sahara_lab.market.catalog.words import Words, edits

T = TypeVar("T")

_EXPANSIONS = 50
_BUCKETS = {"mix": 5_000, "task": 21, "forms": 500, "tag": 20, "owner": 20}
_MOST_SHOWN = 20
_HIGHEST = (1 << 64) - 1
_MOST_LONG_PRICES = 10_000


class Asked:
    """A checked query over one commit of the index."""

    def __init__(self, searcher: Any, schema: Any, analyze: Callable[[str], list[str]], query: Query) -> None:
        self._searcher = searcher
        self._schema = schema
        self._query = query
        self._words = Words.of(query.text, analyze)
        self._flavors = None
        if query.license is not None:
            known = [name for name, _ in searcher.terms_with_prefix("license", "")]
            self._flavors = flavors_meant(query.license, known)

    def answer(self) -> Found:
        """The page asked for; where nothing has the words as typed, what has similar ones."""
        found = self._answer(self._typed())
        if found.total == 0 and self._words.forgiving:
            similar = self._answer(self._mistyped())
            if similar.total:
                return Found(similar.ids, similar.total, similar.facets, similar.next, similar=True)
        return found

    def _answer(self, text: Any) -> Found:
        filters = self._filters()
        wanted = _all(text, filters.values())
        with _meanwhile(lambda: self._facets(text, filters, wanted)) as counted:
            total, addresses, following = self._page(wanted)
            ids = [int(i) for i in self._searcher.fast_field_values("id", addresses)]
        return Found(ids, total, counted(), following)

    # -- words --------------------------------------------------------------------------------------------------------

    def _typed(self) -> Any:
        """Every word must be there, as a word or as the beginning of one in name, title or tags."""
        from tantivy import Query as Q

        if not self._query.text:
            return Q.boolean_query([(_must(), Q.all_query()), (_not(), self._term("mark", MARK))])
        if not self._words:
            return Q.empty_query()
        clauses = [(_must(), self._word(word)) for word in self._words.words]
        clauses += [(_must(), _any(self._phrase(phrase))) for phrase in self._words.phrases]
        clauses += [(_must(), self._term("sign", sign)) for sign in self._words.signs]
        named = Q.const_score_query(self._term("exact", self._words.text), 50.0)
        return Q.boolean_query([*clauses, (_should(), named)])

    def _word(self, word: str) -> Any:
        from tantivy import Query as Q

        choices = [Q.boost_query(self._term("head", word), 4.0), self._term("body", word)]
        if len(word) <= EDGE:
            choices.append(self._term("edge", word))
        else:
            longer = [term for term, _ in self._searcher.terms_with_prefix("head", word, limit=_EXPANSIONS)]
            choices += [Q.term_set_query(self._schema, "head", longer)] if longer else []
        return _any(choices)

    def _phrase(self, phrase: tuple[str, ...]) -> list[Any]:
        from tantivy import Query as Q

        return [Q.phrase_query(self._schema, field, list(phrase)) for field in ("head", "body")]

    def _mistyped(self) -> Any:
        """Every word must be there as the beginning of one in name, title or tags, with a letter or two wrong."""
        from tantivy import Query as Q

        def close(word: str) -> Any:
            if not edits(word):
                return self._word(word)
            return Q.fuzzy_term_query(self._schema, "head", word, edits(word), True, prefix=True)

        return Q.boolean_query([(_must(), close(word)) for word in self._words.words])

    def _term(self, field: str, value: str) -> Any:
        from tantivy import Query as Q

        return Q.term_query(self._schema, field, value)

    # -- filters ------------------------------------------------------------------------------------------------------

    def _filters(self) -> dict[str, Any]:
        """By the facet that shows the other choices; "cap" and "standing" have none."""
        from tantivy import Query as Q

        query = self._query
        chosen = {"kind": query.kind, "price": query.price, "task": query.task, "format": query.format,
                  "tag": query.tag, "owner": query.owner}  # fmt: skip
        filters = {name: self._term(name, value) for name, value in chosen.items() if value is not None}
        if query.verified:
            filters["verified"] = self._vouched()
        if any(self._searcher.terms_with_prefix("standing", TAKEN_DOWN)):
            own = [self._term("owner", query.reader)] if query.reader else []
            hidden = Q.boolean_query([(_must(), self._term("standing", TAKEN_DOWN)), *((_not(), one) for one in own)])
            filters["standing"] = Q.boolean_query([(_must(), Q.all_query()), (_not(), hidden)])
        if self._flavors is not None:
            filters["license"] = Q.term_set_query(self._schema, "license", self._flavors)
        if query.max_price_wei is not None:
            filters["cap"] = self._at_most(query.max_price_wei)
        return filters

    def _vouched(self) -> Any:
        """What one of the owners has whom the DAO vouches for."""
        from tantivy import Query as Q

        owners = list(self._query.vouched)
        return Q.term_set_query(self._schema, "owner", owners) if owners else Q.empty_query()

    def _at_most(self, cap: int) -> Any:
        """An offer, of the license asked for, that costs at most ``cap``: to the wei."""
        from tantivy import FieldType
        from tantivy import Query as Q

        fields = sorted({price_field(flavor) for flavor in ([None] if self._flavors is None else self._flavors)})
        end = rounded(cap)
        ranges = [Q.range_query(self._schema, field, FieldType.Unsigned, None, end) for field in fields]
        cheap = _any(ranges) if ranges else Q.empty_query()
        # Prices of more digits than the field holds may be rounded down to the cap; these few are looked at one by one.
        edge = [Q.range_query(self._schema, field, FieldType.Unsigned, end, end) for field in fields]
        doubtful = _all(self._term("mark", "long price"), [_any(edge)]) if edge else Q.empty_query()
        dear = []
        for _, address in self._searcher.search(doubtful, _MOST_LONG_PRICES, count=False).hits:
            prices = json.loads(self._searcher.doc(address)["prices"][0])
            if all(int(prices[field]) > cap for field in fields if field in prices):
                dear += self._searcher.fast_field_values("id", [address])
        if not dear:
            return cheap
        return Q.boolean_query([(_must(), cheap), *((_not(), Q.term_query(self._schema, "id", i)) for i in dear)])

    # -- pages --------------------------------------------------------------------------------------------------------

    def _page(self, wanted: Any) -> tuple[int, list[Any], str | None]:
        """How many fit in all, the addresses of this page, and the cursor of the next one."""
        query, searcher = self._query, self._searcher
        start = _start(query)
        if query.sort in ("newest", "price", "popular", "reputation"):
            return self._keyed_page(wanted, start)
        if query.sort == "name":
            options: dict[str, Any] = {"order_by_field": "by_name", "order": _ascending()}
        else:
            options = {"weight_by_field": "sold"}
        offset = query.offset if start is None else start
        if offset >= searcher.num_docs:
            return self._total(wanted), [], None
        result = searcher.search(wanted, query.per_page, count=True, offset=offset, **options)
        total, hits = int(result.count), result.hits
        end = offset + len(hits)
        return total, [address for _, address in hits], _cursor(query.sort, end) if end < total else None

    def _keyed_page(self, wanted: Any, start: int | None) -> tuple[int, list[Any], str | None]:
        """A page of a sort by a unique number: the next one begins after the last number, whatever came in between."""
        from tantivy import FieldType, Order
        from tantivy import Query as Q

        query, searcher, field = self._query, self._searcher, f"by_{self._query.sort}"
        rising = query.sort == "price"
        order = Order.Asc if rising else Order.Desc
        total = None
        rest = wanted
        if start is not None or query.offset >= searcher.num_docs:
            total = self._total(wanted)
            if start is None or start in (0, _HIGHEST):
                return total, [], None
            low, high = (start + 1, None) if rising else (None, start - 1)
            rest = _all(wanted, [Q.range_query(self._schema, field, FieldType.Unsigned, low, high)])
        result = searcher.search(
            rest, query.per_page + 1, count=total is None, offset=query.offset if start is None else 0,
            order_by_field=field, order=order,
        )  # fmt: skip
        hits = result.hits[: query.per_page]
        more = len(result.hits) > query.per_page
        following = _cursor(query.sort, hits[-1][0]) if more else None
        return int(result.count) if total is None else total, [address for _, address in hits], following

    def _total(self, wanted: Any) -> int:
        return int(self._searcher.search(wanted, 1, count=True).count)

    # -- counts -------------------------------------------------------------------------------------------------------

    def _facets(self, text: Any, filters: dict[str, Any], wanted: Any) -> dict[str, dict[str, int]]:
        asked = self._query.facets
        counted = self._count(wanted, [name for name in asked if name not in filters and name != "verified"])
        for name in asked:
            others = [condition for facet, condition in filters.items() if facet != name]
            if name == "verified":
                many = self._total(_all(text, [*others, self._vouched()])) if self._query.vouched else 0
                counted[name] = {"yes": many} if many else {}
            elif name in filters:
                counted |= self._count(_all(text, others), [name])
        return {name: counted[name] for name in asked}

    def _count(self, wanted: Any, facets: Sequence[str]) -> dict[str, dict[str, int]]:
        """How the records divide by each of these facets."""
        needed = [column for column, told in COLUMNS.items() if set(told) & set(facets)]
        if not needed:
            return {}
        answer = self._searcher.aggregate(wanted, {column: _terms(column) for column in needed})
        tallies: dict[str, dict[str, int]] = {name: {} for name in FACETS}
        for column in needed:
            for bucket in answer[column]["buckets"]:
                _tally(tallies, column, str(bucket["key"]), int(bucket["doc_count"]))
        return {name: _ranked(name, tallies[name]) for name in facets}


def _all(text: Any, filters: Iterable[Any]) -> Any:
    """``text`` with its score, and every filter without one."""
    from tantivy import Query as Q

    filters = list(filters)
    if not filters:
        return text
    return Q.boolean_query([(_must(), text), *((_must(), Q.const_score_query(f, 0.0)) for f in filters)])


def _any(choices: list[Any]) -> Any:
    from tantivy import Query as Q

    return choices[0] if len(choices) == 1 else Q.boolean_query([(_should(), choice) for choice in choices])


def _must() -> Any:
    from tantivy import Occur

    return Occur.Must


def _should() -> Any:
    from tantivy import Occur

    return Occur.Should


def _not() -> Any:
    from tantivy import Occur

    return Occur.MustNot


def _ascending() -> Any:
    from tantivy import Order

    return Order.Asc


def _cursor(sort: str, value: int) -> str:
    return base64.urlsafe_b64encode(f"{sort}:{value}".encode()).decode().rstrip("=")


def _start(query: Query) -> int | None:
    """Where the page begins that ``after`` asks for: a sort key, or a number of records to leave out.

    Raises:
        InputError: it is no cursor of this sort.
    """
    if query.after is None:
        return None
    try:
        text = base64.urlsafe_b64decode(query.after[:100].encode() + b"==").decode()
        sort, _, value = text.partition(":")
        if sort == query.sort and value.isascii() and value.isdigit() and int(value) <= _HIGHEST:
            return int(value)
    except ValueError:
        pass
    raise InputError("'after' is not where a page of this search ended", hint="Use page.next of the page before")


def _terms(column: str) -> dict[str, Any]:
    return {"terms": {"field": column, "size": _BUCKETS[column]}}


def _tally(tallies: dict[str, dict[str, int]], column: str, value: str, count: int) -> None:
    """Add what a column's value says to the facets that it tells."""
    values = value.split(JOINT)
    if column == "mix":
        said = [("kind", values[0]), ("price", values[1]), *(("license", flavor) for flavor in values[2:])]
    else:
        said = [(COLUMNS[column][0], one) for one in values]
    for facet, one in said:
        if one:
            tallies[facet][one] = tallies[facet].get(one, 0) + count


def _ranked(facet: str, tally: dict[str, int]) -> dict[str, int]:
    if facet == "price":
        return {band: tally[band] for band in BAND_NAMES if band in tally}
    return dict(sorted(tally.items(), key=lambda entry: (-entry[1], entry[0]))[:_MOST_SHOWN])


@contextmanager
def _meanwhile(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do ``work`` in another thread while the block runs; what is given waits for its result.

    The index lets go of the interpreter while it searches, so that a second core counts while the first one ranks.
    """
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # a panic of the index is no Exception; it is raised where the result is wanted
            failure.append(error)

    def wait() -> T:
        thread.join()
        if failure:
            raise failure[0]
        return result[0]

    thread = threading.Thread(target=run, name="sahara-facets")
    thread.start()
    try:
        yield wait
    finally:
        thread.join()

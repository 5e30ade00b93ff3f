"""One question put to a tantivy searcher."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.market.catalog.interfaces import Found
from sahara_lab.market.catalog.prices import BAND_NAMES, rounded
from sahara_lab.market.catalog.query import Query
from sahara_lab.market.catalog.records import flavors_meant
from sahara_lab.market.catalog.schema import EDGE, MARK, price_field
from sahara_lab.market.catalog.words import Words, edits

_EXPANSIONS = 50
_BUCKETS = {"kind": 64, "license": 64, "price": 16, "task": 20, "format": 20, "tag": 20, "owner": 20}
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
        total, addresses, following = self._page(wanted)
        ids = [int(i) for i in self._searcher.fast_field_values("id", addresses)]
        return Found(ids, total, self._facets(text, filters, wanted), following)

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
        """By the facet that shows the other choices; "cap" has none."""
        from tantivy import Query as Q

        query = self._query
        chosen = {"kind": query.kind, "price": query.price, "task": query.task, "format": query.format,
                  "tag": query.tag, "owner": query.owner}  # fmt: skip
        filters = {name: self._term(name, value) for name, value in chosen.items() if value is not None}
        if self._flavors is not None:
            filters["license"] = Q.term_set_query(self._schema, "license", self._flavors)
        if query.max_price_wei is not None:
            filters["cap"] = self._at_most(query.max_price_wei)
        return filters

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
        if query.sort in ("newest", "price", "popular"):
            return self._keyed_page(wanted, start)
        if query.sort == "name":
            options: dict[str, Any] = {"order_by_field": "by_name", "order": _ascending()}
        else:
            options = {"weight_by_field": "sold"}
        total = int(searcher.search(wanted, 1, count=True).count)
        offset = query.offset if start is None else start
        if offset >= total:
            return total, [], None
        hits = searcher.search(wanted, query.per_page, count=False, offset=offset, **options).hits
        end = offset + len(hits)
        return total, [address for _, address in hits], _cursor(query.sort, end) if end < total else None

    def _keyed_page(self, wanted: Any, start: int | None) -> tuple[int, list[Any], str | None]:
        """A page of a sort by a unique number: the next one begins after the last number, whatever came in between."""
        from tantivy import FieldType, Order
        from tantivy import Query as Q

        query, searcher, field = self._query, self._searcher, f"by_{self._query.sort}"
        total = int(searcher.search(wanted, 1, count=True).count)
        rising = query.sort == "price"
        offset = query.offset if start is None else 0
        if offset >= total:
            return total, [], None
        if start is not None:
            low, high = (start + 1, None) if rising else (None, start - 1)
            if start in (0, _HIGHEST):
                return total, [], None
            wanted = _all(wanted, [Q.range_query(self._schema, field, FieldType.Unsigned, low, high)])
        order = Order.Asc if rising else Order.Desc
        result = searcher.search(
            wanted, query.per_page + 1, count=False, offset=offset, order_by_field=field, order=order
        )
        hits = result.hits[: query.per_page]
        more = len(result.hits) > query.per_page
        return total, [address for _, address in hits], _cursor(query.sort, hits[-1][0]) if more else None

    # -- counts -------------------------------------------------------------------------------------------------------

    def _facets(self, text: Any, filters: dict[str, Any], wanted: Any) -> dict[str, dict[str, int]]:
        counted: dict[str, Any] = {}
        together = {name: _terms(name) for name in self._query.facets if name not in filters}
        if together:
            counted |= self._searcher.aggregate(wanted, together)
        for name in self._query.facets:
            if name in filters:
                others = [condition for facet, condition in filters.items() if facet != name]
                counted |= self._searcher.aggregate(_all(text, others), {name: _terms(name)})
        return {name: _counts(name, counted[name]) for name in self._query.facets}


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


def _terms(field: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": _BUCKETS[field]}}


def _counts(name: str, aggregate: dict[str, Any]) -> dict[str, int]:
    buckets = {str(bucket["key"]): int(bucket["doc_count"]) for bucket in aggregate["buckets"]}
    if name == "price":
        return {band: buckets[band] for band in BAND_NAMES if band in buckets}
    return dict(sorted(buckets.items(), key=lambda bucket: (-bucket[1], bucket[0])))

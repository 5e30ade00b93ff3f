"""What cannot be meant is refused at the edge, with a hint."""

from __future__ import annotations

from typing import Any

import pytest

GOOD = {"name": "alice/digits", "license": "Commercial", "max_price": "25"}


@pytest.mark.parametrize(
    ("path", "query", "word"),
    [
        ("listings", {"page": "0"}, "page"),
        ("listings", {"page": "-1"}, "page"),
        ("listings", {"page": "1e3"}, "page"),
        ("listings", {"page": "99999999999"}, "page"),
        ("listings", {"per_page": "1000"}, "per_page"),
        ("listings", {"kind": "cat"}, "kind"),
        ("listings", {"license": "Free Beer"}, "license"),
        ("listings", {"sort": "random"}, "sort"),
        ("listings", {"max_price": "cheap"}, "not a number"),
        ("listings", {"max_price": "-5"}, "zero or more"),
        ("listings", {"q": "x" * 201}, "too long"),
        ("listings/alice/UPPER CASE", {}, "name"),
        ("quote", {}, "name"),
        ("quote", {"name": "../../etc"}, "name"),
        ("status", {"account": "../keystores"}, "account"),
        ("jobs", {"limit": "many"}, "limit"),
    ],
)
def test_a_bad_question_is_refused_with_a_reason(ask: Any, path: str, query: dict[str, str], word: str) -> None:
    answer = ask(path, **query)
    assert answer.status == 400
    assert answer.json["code"] == "input"
    assert word in answer.json["message"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("not json", "JSON"),
        ("[1]", "JSON"),
        ({**GOOD, "max_price": ""}, "max_price"),
        ({**GOOD, "max_price": "lots"}, "not a number"),
        ({**GOOD, "max_price": 25}, "text"),
        ({**GOOD, "name": "digits"}, "name"),
        ({**GOOD, "license": "Free Beer"}, "Free Beer"),
        ({**GOOD, "name": "alice/dig\x00its"}, "control"),
        ({**GOOD, "surprise": "1"}, "surprise"),
        (b"{" + b" " * 20_000 + b"}", "too large"),
    ],
)
def test_a_bad_purchase_is_refused_before_anything_is_spent(ask: Any, body: object, word: str) -> None:
    answer = ask("license", body=body)
    assert answer.status == 400
    assert word in answer.json["message"]


def test_a_purchase_without_a_cap_says_where_to_get_one(ask: Any) -> None:
    assert "quote" in ask("license", body={"name": "alice/digits"}).json["hint"]


def test_an_unknown_job_names_where_to_look(ask: Any) -> None:
    answer = ask("jobs/train-20200101-000000-aaaa")
    assert answer.status == 404
    assert answer.json["hint"]


def test_an_unknown_route_is_not_found(ask: Any) -> None:
    assert ask("surprise").status == 404

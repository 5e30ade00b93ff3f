"""The routes against the real embedded network: search, quote, license, claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sahara_lab as sahara
from sahara_lab.profile import HOME_VARIABLE, Profile

pytestmark = pytest.mark.network


@pytest.fixture
def asset(alice: Any, fresh: Any, table_folder: Path) -> str:
    """A dataset of Alice's on two offers."""
    name = fresh("served")
    offers = [sahara.License.commercial_remix("25", "10%"), sahara.License.non_commercial_research("5")]
    alice.market.publish(table_folder, name=name, title="Served table", description="A table.", license=offers)
    return f"alice/{name}"


def test_search_shows_what_was_just_published(ask: Any, asset: str) -> None:
    page = ask("listings", q=asset.split("/")[1], kind="dataset", license="Commercial Remix", max_price="25").json
    found = next(item for item in page["items"] if item["name"] == asset)
    assert found["title"] == "Served table"
    assert found["price"] == {"wei": str(5 * 10**18), "tokens": "5"}
    assert found["licenses"] == ["Non-Commercial Research", "Commercial Remix"]
    assert page["facets"]["kind"]["dataset"] >= 1


def test_a_quote_adds_up_and_a_license_costs_what_it_said(ask: Any, asset: str, bob: Any) -> None:
    quote = ask("quote", name=asset, license="Commercial Remix", account="bob").json
    assert quote["price"]["tokens"] == "25"
    assert sum(int(line["amount"]["wei"]) for line in quote["lines"]) + int(quote["fee"]["wei"]) == 25 * 10**18
    assert (quote["buyer"], quote["affordable"]) == ("bob", True)
    before = bob.wallet.balance().tokens
    body = {"name": asset, "license": "Commercial Remix", "max_price": quote["price"]["tokens"]}
    paid = ask("license", body=body, account="bob")
    assert (paid.status, paid.json["status"], paid.json["holder"]) == (201, "valid", "bob")
    assert before - bob.wallet.balance().tokens == 25 * 10**18
    detail = ask(f"listings/{asset}", account="bob").json
    assert [grant["id"] for grant in detail["held"]] == [paid.json["id"]]
    assert detail["owned"] is False
    assert [file["path"] for file in detail["files"]] == ["part.parquet"]
    assert paid.json["id"] in [grant["id"] for grant in ask("mine", account="bob").json["licenses"]]


def test_a_price_above_the_quote_that_was_shown_is_refused(ask: Any, asset: str, bob: Any) -> None:
    before = bob.wallet.balance().tokens
    answer = ask("license", body={"name": asset, "license": "Commercial Remix", "max_price": "24.999"}, account="bob")
    assert (answer.status, answer.json["code"]) == (409, "price")
    assert bob.wallet.balance().tokens == before


def test_the_owner_sees_and_claims_what_was_paid(ask: Any, asset: str, alice: Any, bob: Any) -> None:
    quote = bob.market.quote(asset)
    bob.market.license(asset, license=quote.terms, max_price="25")
    earned = ask(f"listings/{asset}", account="alice").json["earned"]
    assert (earned["sales"], earned["claimable"]["wei"]) == (1, str(quote.price - quote.fee))
    assert ask(f"listings/{asset}", account="bob").json["earned"] is None
    mine = ask("mine", account="alice").json
    assert asset in [item["name"] for item in mine["published"]]
    line = next(line for line in mine["earnings"]["lines"] if line["asset"] == asset)
    assert 0 < int(line["claimable"]["wei"]) <= 25 * 10**18
    assert ask("claim", body={}, account="alice").json["earnings"]["claimable"]["wei"] == "0"


def test_status_names_the_account_its_balance_and_the_others(ask: Any, bob: Any) -> None:
    status = ask("status", account="bob").json
    assert (status["account"], status["network"]["up"]) == ("bob", True)
    assert int(status["balance"]["wei"]) == bob.wallet.balance().tokens
    assert {"alice", "bob", "carol"} <= set(status["accounts"])


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("listings/alice/never-was", {}, 404, "not-found"),
        ("quote", {"name": "alice/never-was"}, 404, "not-found"),
        ("quote", {"name": "nobody-here/digits"}, 404, "not-found"),
        ("mine", {"account": "mallory"}, 404, "not-found"),
    ],
)
def test_what_does_not_exist_is_not_found(
    ask: Any, alice: Any, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = ask(path, **query)
    assert (answer.status, answer.json["code"]) == (status, code)


class TestNetworkDown:
    @pytest.fixture
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
        """A data folder in which no network has ever run."""
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "empty"))
        return Profile("local")

    def test_looking_does_not_start_a_network_and_names_the_repair(self, ask: Any, elsewhere: Profile) -> None:
        status = ask("status")
        assert status.status == 200
        assert status.json["network"]["up"] is False
        assert status.json["network"]["hint"] == "Run: sahara-lab up"
        answer = ask("listings")
        assert (answer.status, answer.json["hint"]) == (503, "Run: sahara-lab up")
        assert not elsewhere.network_file.exists()

    def test_the_button_starts_it_and_a_restart_elsewhere_is_found_again(self, ask: Any, elsewhere: Profile) -> None:
        from sahara_lab.localnet import down, ensure_up

        try:
            assert ask("network", body={}).json["network"]["up"] is True
            down(elsewhere)
            assert ask("status").json["network"]["up"] is False
            paying = ask("license", body={"name": "alice/digits", "license": "", "max_price": "25"}, account="bob")
            assert (paying.status, paying.json["hint"]) == (503, "Run: sahara-lab up")
            ensure_up(elsewhere)
            assert ask("status").json["network"]["up"] is True
        finally:
            down(elsewhere)


def test_a_holder_says_what_they_think_and_takes_it_back(ask: Any, asset: str, bob: Any) -> None:
    bob.market.license(asset, license="Non-Commercial Research", max_price="5")
    said = ask(f"listings/{asset}/reviews", body={"stars": "4", "text": "clean"}, account="bob")
    assert said.status == 201
    [review] = said.json["items"]
    assert (review["author"], review["stars"], review["text"], review["bought"], review["mine"]) == (
        "bob", 4, "clean", True, True,
    )  # fmt: skip
    assert ask(f"listings/{asset}/reviews", account="carol").json["items"][0]["mine"] is False
    assert ask(f"listings/{asset}", account="carol").json["reputation"]["mean"] == 4.0
    assert ask(f"listings/{asset}/reviews", method="DELETE", account="bob").json["items"] == []


@pytest.mark.parametrize("stars", ["0", "6", "", "five", "1.5"])
def test_stars_are_one_to_five(ask: Any, asset: str, stars: str) -> None:
    assert ask(f"listings/{asset}/reviews", body={"stars": stars}, account="bob").status == 400


def test_who_holds_no_license_neither_reviews_nor_appeals(ask: Any, asset: str) -> None:
    assert ask(f"listings/{asset}/reviews", body={"stars": "1", "text": "bad"}, account="carol").status == 404
    assert ask(f"listings/{asset}/appeal", body={"reason": "mine"}, account="carol").status == 409


def test_a_report_counts_once_for_each_account(ask: Any, asset: str) -> None:
    assert ask(f"listings/{asset}/report", body={"reason": "these are mine"}, account="carol").status == 200
    assert ask(f"listings/{asset}/report", body={"reason": "again"}, account="carol").status == 409
    assert ask(f"listings/{asset}", account="bob").json["reputation"]["reports"] == 1


def test_a_license_is_asked_for_and_the_owner_answers(ask: Any, alice: Any, fresh: Any, table_folder: Path) -> None:
    name = alice.market.publish(table_folder, name=fresh("asked")).name
    number = ask("requests", body={"name": name, "note": "for my thesis"}, account="carol").json["number"]
    [request] = [one for one in ask("mine", account="alice").json["requests"] if one["asset"] == name]
    assert (request["account"], request["note"], request["status"]) == ("carol", "for my thesis", "open")
    assert ask(f"requests/{number}/grant", body={}, account="bob").status == 400
    granted = ask(f"requests/{number}/grant", body={}, account="alice").json
    assert name not in [one["asset"] for one in granted["requests"]]
    mine = ask("mine", account="carol").json
    assert name in [grant["asset"] for grant in mine["licenses"]]
    assert mine["asked"][0]["status"] == "granted"
    assert ask(f"requests/{number}/decline", body={}, account="alice").status == 400


def test_the_statement_is_a_file_of_every_payment(ask: Any, asset: str, bob: Any) -> None:
    bob.market.license(asset, license="Non-Commercial Research", max_price="5")
    lines = ask("statement", account="alice").json["csv"].splitlines()
    assert any(asset in line and "bob" in line for line in lines[1:])

"""Statements of earnings and the gas of a purchase: to the wei, against the real ledger."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab import License
from sahara_lab.chain import Event
from sahara_lab.errors import InputError
from sahara_lab.licensing.royalties import SCALE
from sahara_lab.market.statement import divide, moment

PAYER = "0x" + "1" * 40


def event(name: str, number: int, asset: int, amount: int) -> Event:
    return Event(
        "RoyaltyLedger", name, {"asset": asset, "payer": PAYER, "amount": amount}, number, "", f"0x{number}", 0
    )


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10**24)), max_size=30),
    st.lists(st.integers(1, SCALE // 20), max_size=16),
)
def test_parts_add_up_to_what_the_ledger_divides(moves: list[tuple[bool, int]], shares: list[int]) -> None:
    table = list(enumerate(shares, 1))
    frozen = {"asset": 99, "payees": [payee for payee, _ in table], "shares": shares}
    events, ledger, gathered = [], dict.fromkeys(range(1, len(shares) + 1), 0), 0
    for number, (settles, amount) in enumerate([*moves, (True, 0)]):
        events.append(event("Settled" if settles else "Paid", number, 99, amount))
        if settles:
            for payee, share in table:
                ledger[payee] += gathered * share // SCALE
            gathered = 0
        else:
            gathered += amount
    found = dict.fromkeys(ledger, 0)
    whole = 0
    for part in divide([Event("RoyaltyLedger", "TableFrozen", frozen, 0, "", "0x", 0), *events]):
        whole += part.amount
        if part.payee != 99:
            found[part.payee] += part.amount
    assert found == ledger
    assert whole == sum(amount for settles, amount in moves if not settles)


def after_fee(lab: Any, tokens: int) -> int:
    """What is left of a price, in wei, when the DAO's fee is taken."""
    fee = next(entry.value for entry in lab.dao.parameters() if entry.name == "fee")
    return tokens * 10**18 * (10_000 - fee) // 10_000


@pytest.fixture(scope="module")
def family(alice: Any, bob: Any, carol: Any, tmp_path_factory: Any) -> tuple[str, str]:
    """Alice's data set, and Bob's remix of it, which Carol has licensed twice."""
    import secrets

    folder, tag = tmp_path_factory.mktemp("data"), secrets.token_hex(3)
    (folder / "rows.csv").write_text("x\n1\n")
    base = alice.market.publish(folder, name=f"base-{tag}", license=License.commercial_remix("25", "10%"))
    bob.market.license(base.name, max_price="25")
    remix = bob.market.publish(
        folder, name=f"remix-{tag}", parents=[base.name], license=License.commercial("7", duration="1 day")
    )
    carol.market.license(remix.name, max_price="7")
    alice.market.claim()
    carol.market.renew(remix.name, max_price="7")
    return base.name, remix.name


@pytest.mark.network
def test_a_statement_shows_sales_and_royalties_apart(alice: Any, family: tuple[str, str]) -> None:
    base, remix = family
    found = alice.market.statement(base)
    net, royalty = after_fee(alice, 25), after_fee(alice, 7) // 10
    assert [(line.kind, line.source, line.payer, line.amount) for line in found.earned] == [
        ("sale", base, "bob", net), ("sale", remix, "carol", royalty), ("renewal", remix, "carol", royalty),
    ]  # fmt: skip
    assert found.by_source == {base: net, remix: 2 * royalty}
    assert found.by_asset == {base: net + 2 * royalty}


@pytest.mark.network
def test_a_statement_says_what_each_ancestor_got(bob: Any, family: tuple[str, str]) -> None:
    base, remix = family
    found = bob.market.statement(remix)
    assert found.by_ancestor == {base: 2 * (after_fee(bob, 7) // 10)}
    assert {line.owner for line in found.passed_on} == {"alice"}
    assert found.total + sum(found.by_ancestor.values()) == 2 * after_fee(bob, 7)


@pytest.mark.network
def test_what_was_earned_is_what_was_claimed_and_what_still_can_be(bob: Any, family: tuple[str, str]) -> None:
    whole = bob.market.statement()
    assert whole.total == whole.claimed + bob.market.earnings().claimable


@pytest.mark.network
def test_the_csv_has_every_line(alice: Any, family: tuple[str, str], tmp_path: Any) -> None:
    statement = alice.market.statement(family[0])
    statement.csv(tmp_path / "earnings.csv")
    with (tmp_path / "earnings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["amount_wei"]) for row in rows) == statement.total
    assert rows[0]["payer"] == "bob"
    with pytest.raises(FileNotFoundError):
        statement.csv(tmp_path / "missing" / "earnings.csv")


@pytest.mark.network
def test_a_statement_can_be_of_a_time(alice: Any, family: tuple[str, str]) -> None:
    last = alice.market.statement(family[0]).earned[-1]
    assert alice.market.statement(family[0], since=last.time + 1).earned == ()
    assert alice.market.statement(family[0], since=last.time).earned[-1] == last
    assert last not in alice.market.statement(family[0], until=last.time).earned


@pytest.mark.network
def test_what_an_asset_earned_until_it_was_sold_is_the_sellers(alice: Any, bob: Any, tmp_path: Any, fresh: Any) -> None:
    (tmp_path / "rows.csv").write_text("x\n1\n")
    asset = alice.market.publish(tmp_path, name=fresh("sold"), license=License.commercial("4"))
    bob.market.license(asset.name, max_price="4")
    before = alice.market.statement().total
    alice.vault.transfer(asset.name, "bob")
    assert alice.market.statement().total == before
    assert asset.name not in bob.market.statement().by_asset


@pytest.mark.network
def test_a_parent_named_wrongly_lets_its_child_go(alice: Any, bob: Any, carol: Any, tmp_path: Any, fresh: Any) -> None:
    (tmp_path / "rows.csv").write_text("x\n1\n")
    wrong = alice.market.publish(tmp_path, name=fresh("wrong"), license=License.commercial_remix("1", "10%"))
    bob.market.license(wrong.name, max_price="1")
    child = bob.market.publish(
        tmp_path, name=fresh("child"), parents=[wrong.name], license=License.commercial("7", duration="1 day")
    )
    carol.market.license(child.name, max_price="7")
    before = alice.market.statement(wrong.name).by_source
    with pytest.raises(InputError, match="belongs to alice"):
        bob.market.waive(child.name, wrong.name)
    assert alice.market.waive(child.name, wrong.name).royalties == ()
    carol.market.renew(child.name, max_price="7")
    assert alice.market.statement(wrong.name).by_source == before, "what came in before stays, and nothing comes after"
    whole = bob.market.statement(child.name)
    assert whole.total == 2 * after_fee(bob, 7) - before[child.name]
    assert bob.market.earnings().claimable + whole.claimed >= whole.total
    with pytest.raises(InputError, match="owes nothing"):
        alice.market.waive(child.name, wrong.name)


@pytest.mark.network
def test_only_the_owner_sees_a_statement_of_an_asset(bob: Any, family: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="belongs to alice"):
        bob.market.statement(family[0])


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="2026-11-01"):
        moment(text)


@pytest.mark.network
def test_the_quote_names_the_gas_before_anything_is_signed(alice: Any, carol: Any, tmp_path: Any, fresh: Any) -> None:
    (tmp_path / "rows.csv").write_text("x\n1\n")
    terms = [License.commercial("4"), License.open_use()]
    asset = alice.market.publish(tmp_path, name=fresh("gas"), license=terms)
    for flavor, price in (("Commercial", "4"), ("Open Use", "0")):
        quote = carol.market.quote(asset.name, flavor)
        grant = carol.market.license(asset.name, license=flavor, max_price=price)
        used = int(carol.chain.rpc("eth_getTransactionReceipt", grant.tx_hash)["gasUsed"], 16)
        assert used <= quote.gas.units < 1.5 * used
        assert "units" in quote._repr_mimebundle_()["text/plain"]

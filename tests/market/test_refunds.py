"""Licenses that can be given back, and sellers who get their money without knowing of it."""

from __future__ import annotations

import pytest

from sahara_lab import License
from sahara_lab.chain.rpc import Rpc
from sahara_lab.errors import AccessDenied, ChainError, NotFound
from sahara_lab.licensing.policy import ChainAccessPolicy
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


@pytest.fixture
def refundable(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    terms = License.commercial_remix("8", "10%", refund_window="7 days")
    return alice.market.publish(table_folder, name=fresh("refundable"), license=terms)


def test_a_license_given_back_returns_the_price_and_opens_nothing_any_more(refundable, bob) -> None:  # type: ignore[no-untyped-def]
    had = bob.wallet.balance().tokens
    assert "within 7 days" in bob.market.quote(refundable.name)._repr_mimebundle_()["text/plain"]
    bought = bob.market.license(refundable.name, max_price="8")
    assert bob.market.refund(refundable.name) == to_wei("8")
    assert bob.wallet.balance().tokens == had
    assert not bob.market.may_use(refundable.name, "read")
    assert bought.id not in [license.id for license in bob.market.licenses()]
    with pytest.raises(AccessDenied):
        bob.vault.open(f"{refundable.name}/part.parquet").read(4)
    with pytest.raises(NotFound, match="no license"):
        bob.market.refund(refundable.name)
    again = bob.market.license(refundable.name, max_price="8")
    assert again.id != bought.id


def test_key_servers_refuse_at_once_what_a_final_block_still_allows(refundable, bob) -> None:  # type: ignore[no-untyped-def]
    bought = bob.market.license(refundable.name, max_price="8")
    assert bob.vault.open(f"{refundable.name}/part.parquet").read(4) == b"PAR1"
    # A judge whose "final" block is the one of the sale.
    sold = bob.chain.contract("LicenseToken").logs("LicenseIssued", 0, "latest")[-1]
    assert sold.args["license"] == bought.id
    judge = ChainAccessPolicy(bob.chain, hex(sold.block_number))
    assert judge.check(bob.keys.address, refundable.id, 1, "read").allowed
    bob.market.refund(refundable.name)
    decision = judge.check(bob.keys.address, refundable.id, 1, "read")
    assert (decision.allowed, decision.reason_code) == (False, "no-license")


def test_a_sale_counts_for_the_seller_when_it_is_final(refundable, alice, bob, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    def line() -> int:
        return next(line.claimable for line in alice.market.earnings().lines if line.asset == refundable.name)

    revenue = to_wei("8") - bob.market.quote(refundable.name).fee
    bob.market.license(refundable.name, max_price="8")
    assert line() == 0
    assert alice.market.earnings().held >= revenue
    bob.market.publish(table_folder, name=fresh("made"), parents=[refundable.name])
    with pytest.raises(ChainError, match="derivative"):
        bob.market.refund(refundable.name)
    assert line() == revenue
    due = alice.market.earnings().claimable
    assert alice.market.claim() == due
    assert line() == 0


def test_a_sale_that_is_final_from_the_start_cannot_be_given_back(alice, carol, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    asset = alice.market.publish(table_folder, name=fresh("final"), license=License.commercial("1"))
    assert "final" in carol.market.quote(asset.name)._repr_mimebundle_()["text/plain"]
    carol.market.license(asset.name, max_price="1")
    with pytest.raises(NotFound, match="given back"):
        carol.market.refund(asset.name)


def test_earnings_take_no_more_requests_for_more_assets(alice, bob, table_folder, fresh, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    asked: list[object] = []
    post = Rpc._post
    monkeypatch.setattr(Rpc, "_post", lambda self, body: asked.append(body) or post(self, body))

    def requests() -> int:
        asked.clear()
        alice.market.earnings()
        return len(asked)

    def sell() -> None:
        name = alice.market.publish(table_folder, name=fresh("more"), license=License.commercial("1")).name
        bob.market.license(name, max_price="1")

    sell()
    requests()  # what is asked once and kept
    before = requests()
    for _ in range(4):
        sell()
    requests()
    # Each of seven batches may have grown by a request; one for each pair of asset and source would be 24 more.
    assert requests() <= before + 7

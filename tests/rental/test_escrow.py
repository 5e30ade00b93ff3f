"""A job through the escrow on a real chain: bob pays, carol works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sahara_lab.errors import ChainError, InputError, NotFound, PriceError
from sahara_lab.localnet.founding import RULES
from sahara_lab.rental import EscrowJob, UsageVoucher
from sahara_lab.rental.vouchers import typed_data
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network
MANIFEST, WHY = b"\x11" * 32, b"\x22" * 32


@pytest.fixture
def running(bob, carol, fresh):  # type: ignore[no-untyped-def]
    """A funded job that carol took: 0.01 a second, 3 tokens at most, 4 of her stake behind it."""
    carol.staking.stake("4")
    job = bob.escrow.create(fresh("job"), "carol", rate="0.01", budget="3", lasts="1 hour", stake="4")
    bob.escrow.fund(job.id, max_price="3")
    return carol.escrow.accept(job.id)


def spent(bob, carol) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    bob.escrow.claim()
    carol.escrow.claim()
    return bob.wallet.balance().tokens, carol.wallet.balance().tokens


def test_a_job_is_paid_by_use_and_the_rest_comes_back(running: EscrowJob, bob, carol) -> None:  # type: ignore[no-untyped-def]
    locked = carol.staking.status().locked
    before = spent(bob, carol)
    for used in (30, 60, 100):
        voucher = UsageVoucher.from_json(bob.escrow.sign(running.id, used).to_json())
        carol.escrow.verify(voucher)
    assert carol.escrow.settle(voucher).released == to_wei("0.9")
    done = carol.escrow.submit(running.id, MANIFEST, [b"one", b"two"])
    assert (done.status, done.deliverable) == ("submitted", MANIFEST)
    assert bob.escrow.complete(running.id).status == "completed"
    assert spent(bob, carol) == (before[0] + to_wei("2"), before[1] + to_wei("1"))
    assert carol.staking.status().locked == locked - to_wei("4")


def test_vouchers_that_would_not_be_paid_are_not_believed(running: EscrowJob, bob, carol) -> None:  # type: ignore[no-untyped-def]
    voucher = bob.escrow.sign(running.id, 50)
    with pytest.raises(InputError, match="not signed by the job's client"):
        carol.escrow.verify(replace(voucher, resource_seconds=51))
    with pytest.raises(InputError, match="more than the budget"):
        bob.escrow.sign(running.id, 301)
    with pytest.raises(InputError, match="who signs its vouchers"):
        carol.escrow.sign(running.id, 1)
    carol.escrow.settle(voucher)
    with pytest.raises(ChainError, match="redeemed before"):
        carol.escrow.verify(voucher)


def test_a_dispute_is_shared_when_nobody_judges_it(running: EscrowJob, bob, carol) -> None:  # type: ignore[no-untyped-def]
    before = spent(bob, carol)
    carol.escrow.settle(bob.escrow.sign(running.id, 100))
    carol.escrow.submit(running.id, MANIFEST)
    with pytest.raises(PriceError, match=r"the bond is 0.15 SAHARA"):
        bob.escrow.dispute(running.id, WHY, max_bond="0.1")
    assert bob.escrow.dispute(running.id, WHY, max_bond="0.15").bond == to_wei("0.15")
    with pytest.raises(ChainError, match="not in a state, or at a time"):
        carol.escrow.refund(running.id)
    bob.network.advance(RULES.judgment_period)
    assert carol.escrow.refund(running.id).status == "expired"
    assert spent(bob, carol) == (before[0] + to_wei("3") - to_wei("0.95"), before[1] + to_wei("0.95"))


def test_a_client_stops_a_job_whose_provider_vanished(running: EscrowJob, bob, carol) -> None:  # type: ignore[no-untyped-def]
    before = spent(bob, carol)
    bob.escrow.stop(running.id)
    bob.network.advance(RULES.stop_delay)
    assert bob.escrow.refund(running.id).status == "expired"
    assert spent(bob, carol) == (before[0] + to_wei("3"), before[1])


def test_doing_it_twice_pays_once(bob, fresh) -> None:  # type: ignore[no-untyped-def]
    name = fresh("twice")
    terms = {"rate": "0.01", "budget": "3", "lasts": "1 hour"}
    job = bob.escrow.create(name, "carol", **terms)
    assert bob.escrow.create(name, "carol", **terms).id == job.id
    with pytest.raises(InputError, match="another job called"):
        bob.escrow.create(name, "alice", **terms)
    with pytest.raises(PriceError, match="your cap is 2"):
        bob.escrow.fund(job.id, max_price="2")
    had = bob.wallet.balance().tokens
    bob.escrow.fund(job.id, max_price="3")
    assert bob.escrow.fund(job.id, max_price="3").status == "funded"
    assert bob.wallet.balance().tokens == had - to_wei("3")
    bob.escrow.reject(job.id)
    assert bob.escrow.claim() == to_wei("3")


def test_what_the_contract_hashes_is_what_a_wallet_signs(running: EscrowJob, bob) -> None:  # type: ignore[no-untyped-def]
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    contract = bob.chain.contract("ComputeEscrow")
    message = typed_data(UsageVoucher, contract, bob.chain.chain_id, running.id, 60)
    digest = bytes(_hash_eip191_message(encode_typed_data(full_message=message)))
    assert contract.call("voucherDigest", running.id, 60) == digest


def test_unknown_jobs_and_bad_terms_are_refused_in_words(bob, fresh) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="no job 0x7"):
        bob.escrow.job(7)
    with pytest.raises(ChainError, match="the provider is the evaluator"):
        bob.escrow.create(fresh("bad"), "carol", rate="1", budget="2", lasts="1 hour", evaluator="carol")
    with pytest.raises(ChainError, match="did not appoint"):
        bob.escrow.create(fresh("bad"), "carol", rate="1", budget="2", lasts="1 hour", evaluator="alice", stake="1")

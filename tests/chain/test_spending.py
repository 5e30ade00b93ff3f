"""A limit is kept before anything is signed, on every way that tokens can leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sahara_lab.chain import Call, Receipt, Sender
from sahara_lab.chain.spending import Spending
from sahara_lab.errors import LimitError
from sahara_lab.units import WEI_PER_TOKEN

SOMEBODY = "0x00000000000000000000000000000000000000eE"
ONE = WEI_PER_TOKEN


@pytest.fixture
def wallet(world: Any, me: str) -> Iterator[Any]:
    opened = world.wallet(me)
    yield opened
    opened.limit(None)


def permit(value: int, kind: str = "Permit", nonce: int = 0) -> dict[str, Any]:
    field = [{"name": "value", "type": "uint256"}, {"name": "nonce", "type": "uint256"}]
    domain = [{"name": "name", "type": "string"}]
    return {
        "types": {"EIP712Domain": domain, kind: field},
        "primaryType": kind,
        "domain": {"name": "x"},
        "message": {"value": value, "nonce": nonce},
    }


def test_the_payment_that_goes_beyond_is_refused_and_the_others_are_made(world: Any, me: str, wallet: Any) -> None:
    had = world.balance(SOMEBODY)
    sender = Sender(world.chain, wallet, world.journal(me))
    wallet.limit("2")
    calls = [Call(world.token, "transfer", (SOMEBODY, ONE)) for _ in range(3)]
    first, second, third = sender.send_many(calls)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert isinstance(third, LimitError)
    assert "lab.wallet.limit" in third.hint
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 2 * ONE, 2)
    wallet.limit(None)
    assert isinstance(sender.send_many(calls)[2], Receipt)


def test_every_wallet_of_the_account_keeps_to_it(world: Any, me: str, wallet: Any) -> None:
    wallet.limit("1")
    world.sender(me).send(world.token, "transfer", SOMEBODY, ONE)
    with pytest.raises(LimitError):
        world.wallet(me).sign_typed_data(permit(1))


def test_allowances_and_permits_count_as_payments(world: Any, me: str, wallet: Any) -> None:
    sender = Sender(world.chain, wallet, world.journal(me))
    wallet.limit("3")
    sender.send(world.token, "approve", SOMEBODY, ONE)
    wallet.sign_typed_data(permit(ONE))
    wallet.sign_typed_data(permit(ONE, "TransferWithAuthorization", 7))
    with pytest.raises(LimitError, match="1 SAHARA is more than this session may still move"):
        sender.send(world.token, "approve", SOMEBODY, ONE)


def test_what_was_allowed_before_counts(wallet: Any) -> None:
    wallet.limit("3", already=2 * ONE)
    wallet.sign_typed_data(permit(ONE))
    with pytest.raises(LimitError):
        wallet.sign_typed_data(permit(1, nonce=1))
    with pytest.raises(LimitError, match="2 SAHARA by what was allowed before"):
        wallet.limit("1", already=2 * ONE)


def test_messages_that_could_cost_anything_and_coins_are_refused(world: Any, me: str, wallet: Any) -> None:
    wallet.limit("1000")
    with pytest.raises(LimitError, match="a message of type PermitBatch is not signed"):
        wallet.sign_typed_data(permit(1, "PermitBatch"))
    assert wallet.sign_typed_data(permit(1, "Grant"))
    with pytest.raises(LimitError, match="own coin"):
        Sender(world.chain, wallet, world.journal(me)).pay(SOMEBODY, 1)


@given(limit=some.integers(0, 30), amounts=some.lists(some.tuples(some.integers(0, 5), some.integers(0, 12))))
def test_no_sequence_of_signatures_moves_more_than_the_limit(limit: int, amounts: list[tuple[int, int]]) -> None:
    """Signatures with one nonce replace each other: the dearest of them counts."""
    spending, signed = Spending(), dict.fromkeys(range(6), 0)
    spending.allow(limit)
    for nonce, amount in amounts:
        data = "0xa9059cbb" + "00" * 32 + f"{amount * ONE:064x}"
        try:
            spending.transaction({"chainId": 1, "nonce": nonce, "value": 0, "data": data})
        except LimitError:
            assert sum(signed.values()) - signed[nonce] + amount > limit
            continue
        signed[nonce] = max(signed[nonce], amount)
        assert sum(signed.values()) <= limit

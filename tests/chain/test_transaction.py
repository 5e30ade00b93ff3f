"""Signed bytes are the ones that everybody else would make."""

from __future__ import annotations

from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as some

from sahara_lab.chain.fees import Fee
from sahara_lab.chain.transaction import read, refusal, sign


@settings(max_examples=60, deadline=None)
@given(
    key=some.binary(min_size=32, max_size=32).filter(lambda key: 0 < int.from_bytes(key, "big") < 2**255),
    chain_id=some.integers(1, 2**40),
    numbers=some.tuples(*[some.integers(0, 2**64 - 2)] * 5),
    data=some.one_of(some.binary(max_size=3), some.binary(min_size=50, max_size=60), some.binary(max_size=70_000)),
)
def test_bytes_and_hash_are_those_of_the_library(
    key: bytes, chain_id: int, numbers: tuple[int, ...], data: bytes
) -> None:
    nonce, tip, fee, gas, value = numbers
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "data": "0x" + data.hex(),
        "value": value,
        "gas": gas,
        "maxFeePerGas": fee,
        "maxPriorityFeePerGas": tip,
    }
    wanted = Account.from_key(key).sign_transaction(transaction)
    raw, tx_hash = sign(PrivateKey(key), transaction)
    assert raw == bytes(wanted.raw_transaction)
    assert tx_hash == "0x" + bytes(wanted.hash).hex()
    assert read("0x" + raw.hex()) | {"type": 2} == {**transaction, "to": transaction["to"].lower()}


@pytest.mark.parametrize("fee", [Fee(0), Fee(1), Fee(7, 7), Fee(10**9), Fee(10**9 + 7, 10**8 + 3)])
def test_a_raised_fee_is_at_least_a_tenth_higher_in_both_parts(fee: Fee) -> None:
    raised = fee.raised(Fee(0))
    assert raised.most >= fee.most * 1.1
    assert fee.tip * 1.1 <= raised.tip <= raised.most
    assert raised.most > fee.most


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("already known", "known"),
        ("transaction already imported", "known"),
        ("nonce too low: next nonce 5, tx nonce 4", "old"),
        ("replacement transaction underpriced", "occupied"),
        ("max fee per gas less than block base fee", "cheap"),
        ("transaction underpriced: gas tip cap 0, minimum needed 1", "cheap"),
        ("txpool is full", "full"),
        ("insufficient funds for gas * price + value", "final"),
        ("intrinsic gas too low", "final"),
    ],
)
def test_a_node_s_refusals_are_told_apart(message: str, kind: str) -> None:
    assert refusal(message) == kind

"""Vouchers as bytes: the digests of the specification, and what travels over the wire."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError
from sahara_lab.rental import CallVoucher, UsageVoucher
from sahara_lab.rental.vouchers import typed_data

USAGE = "0x1abcdc404e5f39f71ea6fc576c12c33d8773e035498565c64d4e04569def1dca"
CALL = "0x3b4e49aaef7161854809dcffc083b022eb9c1f94c2a14031301ef82cbc3454f4"
AT: Any = SimpleNamespace(address="0x0000000000000000000000000000000000000001")


def digest(message: dict[str, Any]) -> str:
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    return "0x" + bytes(_hash_eip191_message(encode_typed_data(full_message=message))).hex()


def test_digests_are_those_of_the_specification() -> None:
    assert digest(typed_data(UsageVoucher, AT, 31337, 7, 60)) == USAGE
    assert digest(typed_data(CallVoucher, AT, 31337, b"\x5a" * 32, 25 * 10**18)) == CALL


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=100))
def test_a_usage_voucher_arrives_as_it_was_sent(job: int, used: int, signature: bytes) -> None:
    sent = UsageVoucher(job, used, signature.hex())
    assert UsageVoucher.from_json(sent.to_json()) == sent


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**256 - 1), st.binary(min_size=1, max_size=100))
def test_a_call_voucher_arrives_as_it_was_sent(channel: bytes, amount: int, signature: bytes) -> None:
    sent = CallVoucher(channel.hex(), amount, signature.hex())
    assert CallVoucher.from_json(sent.to_json()) == sent


@pytest.mark.parametrize(
    "change",
    [
        {"job_id": "-1"}, {"job_id": "1e3"}, {"job_id": str(2**256)}, {"job_id": "9" * 10_000}, {"job_id": "²"},
        {"resource_seconds": str(2**64)}, {"resource_seconds": None}, {"signature": ""}, {"signature": "zz"},
        {"signature": "00" * 5_000},
    ],
)  # fmt: skip
def test_a_malformed_voucher_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        UsageVoucher.from_json({"job_id": "1", "resource_seconds": "2", "signature": "00"} | change)

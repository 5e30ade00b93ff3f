"""Amounts: exact both ways, and anything inexact is refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.errors import InputError
from sahara_lab.units import MAX_WEI, format_share, format_tokens, to_basis_points, to_bytes, to_tokens, to_wei


@given(st.integers(min_value=0, max_value=MAX_WEI))
def test_tokens_and_wei_convert_without_loss(wei: int) -> None:
    assert to_wei(str(to_tokens(wei))) == wei


@given(st.integers(min_value=0, max_value=MAX_WEI))
def test_what_is_shown_can_be_typed_back(wei: int) -> None:
    assert to_wei(format_tokens(wei, "")) == wei


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1e-19", "0." + "0" * 18 + "1", "1e80", 0.1, True])
def test_an_amount_that_is_not_exact_is_refused(text: object) -> None:
    with pytest.raises(InputError):
        to_wei(text)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=10_000))
def test_shares_convert_without_loss(points: int) -> None:
    assert to_basis_points(format_share(points)) == points


@pytest.mark.parametrize("text", ["101%", "-1%", "0.001%", "ten", "", "nan%", "1.5"])
def test_a_share_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        to_basis_points(text)


@pytest.mark.parametrize(
    ("typed", "size"), [("20 GB", 20 * 10**9), ("1.5kB", 1500), ("7", 7), ("0", 0), ("3 B", 3), (12, 12)]
)
def test_sizes_are_read_as_typed(typed: str | int, size: int) -> None:
    assert to_bytes(typed) == size


@pytest.mark.parametrize("typed", ["", "GB", "-1", "1 XB", "1e9", "1,5 GB", "ten"])
def test_what_is_no_size_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="not a size"):
        to_bytes(typed)

"""Prices of 256 bits in the 64 that an index compares fast, and the bands they fall into."""

from __future__ import annotations

from sahara_lab.errors import InputError
from sahara_lab.units import MAX_WEI

_TOKEN = 10**18

#: Bands of the price facet: name, and the first wei above it.
BANDS: tuple[tuple[str, int], ...] = (
    ("free", 1),
    ("under 1", _TOKEN),
    ("1 to 10", 10 * _TOKEN),
    ("10 to 100", 100 * _TOKEN),
    ("100 to 1,000", 1_000 * _TOKEN),
    ("1,000 and more", MAX_WEI + 1),
)
BAND_NAMES = tuple(name for name, _ in BANDS)


def checked_price(price: int) -> int:
    """``price`` itself.

    Raises:
        InputError: not an amount of wei.
    """
    if isinstance(price, bool) or not isinstance(price, int) or not 0 <= price <= MAX_WEI:
        raise InputError(f"{price!r} is not an amount of wei")
    return price


def band_of(price: int) -> str:
    """The name of the band that ``price`` wei falls into."""
    return next(name for name, end in BANDS if price < end)


def rounded(price: int, bits: int = 55) -> int:
    """``price`` as a floating-point number of ``bits`` significant bits, written so that greater numbers are greater.

    Prices of up to ``bits`` bits, trailing zeros aside, keep apart from all others; longer ones fall on the next
    smaller of these. With 55 bits the result is below 2^63, with 27 below 2^34.
    """
    if price < 1 << bits:
        return price
    exponent = price.bit_length() - bits
    return (exponent << (bits - 1)) + (price >> exponent)


def is_exact(price: int, bits: int = 55) -> bool:
    """Whether no other price has the same :func:`rounded` value."""
    exponent = max(0, price.bit_length() - bits)
    return price >> exponent << exponent == price

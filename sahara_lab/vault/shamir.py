"""Shamir's secret sharing, byte by byte over GF(256) with the AES polynomial x^8 + x^4 + x^3 + x + 1.

Share ``x`` of a secret byte ``s`` is ``s + a1 x + ... + a(t-1) x^(t-1)`` with coefficients uniform over all 256
values, zero included: a top coefficient that is never zero would tell t - 1 holders something.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sahara_lab.errors import InputError

MAX_SHARES = 255

_EXP = [0] * 510
_LOG = [0] * 256


def _fill_tables() -> None:
    value = 1
    for power in range(255):
        _EXP[power] = _EXP[power + 255] = value
        _LOG[value] = power
        value ^= value << 1  # times the generator 3
        if value & 0x100:
            value ^= 0x11B


_fill_tables()


def _multiply(a: int, b: int) -> int:
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def _divide(a: int, b: int) -> int:
    return _EXP[_LOG[a] + 255 - _LOG[b]] if a else 0


def split(secret: bytes, threshold: int, shares: int) -> dict[int, bytes]:
    """Split a secret into ``shares`` shares, numbered from 1, any ``threshold`` of which rebuild it.

    Raises:
        InputError: a threshold or a number of shares that makes no sense.
    """
    if not 1 <= threshold <= shares <= MAX_SHARES:
        raise InputError(f"{threshold} of {shares} shares is not a valid threshold")
    coefficients = [secret, *(secrets.token_bytes(len(secret)) for _ in range(threshold - 1))]
    return {x: _evaluate(coefficients, x) for x in range(1, shares + 1)}


def _evaluate(coefficients: list[bytes], x: int) -> bytes:
    result = bytearray(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        for at, byte in enumerate(coefficient):
            result[at] = _multiply(result[at], x) ^ byte
    return bytes(result)


def join(shares: Mapping[int, bytes]) -> bytes:
    """Rebuild the secret from shares by their numbers. Too few or wrong shares give a wrong secret, not an error.

    Raises:
        InputError: a number outside 1 to 255, or shares of different lengths.
    """
    if not shares or any(not 1 <= x <= MAX_SHARES for x in shares) or len({len(s) for s in shares.values()}) != 1:
        raise InputError("these are not shares of one secret")
    secret = bytearray(len(next(iter(shares.values()))))
    for x, share in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = _multiply(weight, _divide(other, other ^ x))
        for at, byte in enumerate(share):
            secret[at] ^= _multiply(byte, weight)
    return bytes(secret)

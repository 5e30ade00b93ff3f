"""Amounts of tokens: integers in wei inside, decimal tokens at the edge. Shares and sizes, as they are typed.

One token is 10**18 wei. ``Wei`` and ``Tokens`` are distinct types so that the type checker
refuses to mix them.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, localcontext
from typing import NewType

from sahara_lab.errors import InputError

Wei = NewType("Wei", int)
Tokens = NewType("Tokens", Decimal)

WEI_PER_TOKEN = 10**18
BASIS_POINTS = 10_000
MAX_WEI = 2**256 - 1


def to_wei(amount: str | int | Decimal) -> Wei:
    """Whole tokens as typed by a person ("25", "0.5") to wei.

    Raises:
        InputError: not a number, negative, more than 18 decimals, or beyond 256 bits.
    """
    if isinstance(amount, bool | float):
        raise InputError(f"amount {amount!r} is not exact", hint='Write it as text, for example "0.5"')
    try:
        value = Decimal(str(amount).strip().replace("_", ""))
    except InvalidOperation:
        raise InputError(f"amount {amount!r} is not a number", hint='Write it like "25" or "0.5"') from None
    if not value.is_finite() or value < 0:
        raise InputError(f"amount {amount!r} must be zero or more")
    with localcontext() as exact:
        exact.prec = 120
        wei = value * WEI_PER_TOKEN
        if wei != wei.to_integral_value():
            raise InputError(f"amount {amount!r} has more than 18 decimals")
    if wei > MAX_WEI:
        raise InputError(f"amount {amount!r} is too large")
    return Wei(int(wei))


def to_tokens(wei: int) -> Tokens:
    """Wei to whole tokens, exactly."""
    with localcontext() as exact:
        exact.prec = 120
        return Tokens(Decimal(wei) / WEI_PER_TOKEN)


def format_tokens(wei: int, symbol: str = "SAHARA") -> str:
    """Wei as a person reads it: ``"22.5 SAHARA"``, without loss."""
    text = f"{to_tokens(wei):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {symbol}".strip()


def to_basis_points(share: str | int | Decimal) -> int:
    """A share as typed ("10%", "0.1") to basis points (10 % is 1,000).

    Raises:
        InputError: not a share, outside 0 to 100 %, or finer than 0.01 %.
    """
    text = str(share).strip()
    try:
        value = Decimal(text.rstrip("%").strip())
    except InvalidOperation:
        raise InputError(f"share {share!r} is not a number", hint='Write it like "10%"') from None
    if not value.is_finite():
        raise InputError(f"share {share!r} is not a number", hint='Write it like "10%"')
    points = value * (100 if text.endswith("%") else BASIS_POINTS)
    if points != points.to_integral_value() or not 0 <= points <= BASIS_POINTS:
        raise InputError(f"share {share!r} must lie between 0% and 100% in steps of 0.01%")
    return int(points)


def format_share(basis_points: int) -> str:
    """Basis points as a person reads it: ``"10%"``."""
    text = f"{Decimal(basis_points) / 100:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(|[kMGT]?B)")
_UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def to_bytes(size: str | int) -> int:
    """Bytes of a size such as ``20 GB``; units are powers of a thousand.

    Raises:
        InputError: not a size.
    """
    if isinstance(size, int):
        return size
    match = _SIZE.fullmatch(size.strip())
    if not match:
        raise InputError(f"{size!r} is not a size", hint="Write it like 500 MB or 20 GB")
    return int(Decimal(match[1]) * _UNITS[match[2]])

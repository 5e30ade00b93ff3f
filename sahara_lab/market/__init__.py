"""The market: publish, search, quote, license, earn."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.market.service import Market
    from sahara_lab.market.values import Asset, Earnings, LicenseGrant, Quote

__all__ = ["Asset", "Earnings", "LicenseGrant", "Market", "Quote"]

_HOMES = {"Asset": "values", "Earnings": "values", "LicenseGrant": "values", "Market": "service", "Quote": "values"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Widgets for notebooks and dashboards: a license card and the DAO panel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.widgets.dao_panel import DaoPanel
    from sahara_lab.widgets.license_card import LicenseCard

__all__ = ["DaoPanel", "LicenseCard"]

_HOMES = {"DaoPanel": "dao_panel", "LicenseCard": "license_card"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

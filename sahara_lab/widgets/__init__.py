"""Widgets for notebooks and dashboards: license card and chooser, lineage graph, earnings and DAO panels."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.widgets.dao_panel import DaoPanel
    from sahara_lab.widgets.earnings_panel import EarningsPanel
    from sahara_lab.widgets.license_card import LicenseCard
    from sahara_lab.widgets.license_chooser import LicenseChooser
    from sahara_lab.widgets.lineage_graph import LineageGraph

__all__ = ["DaoPanel", "EarningsPanel", "LicenseCard", "LicenseChooser", "LineageGraph"]

_HOMES = {
    "DaoPanel": "dao_panel",
    "EarningsPanel": "earnings_panel",
    "LicenseCard": "license_card",
    "LicenseChooser": "license_chooser",
    "LineageGraph": "lineage_graph",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

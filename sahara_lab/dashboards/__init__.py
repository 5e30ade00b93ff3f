"""A dashboard for Voila and for notebooks: what an account earns, holds, runs and has voted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.dashboards.board import Board, read
    from sahara_lab.dashboards.dashboard import Dashboard
    from sahara_lab.dashboards.drawing import page

__all__ = ["Board", "Dashboard", "page", "read"]

_HOMES = {"Board": "board", "read": "board", "Dashboard": "dashboard", "page": "drawing"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

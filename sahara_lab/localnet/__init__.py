"""The embedded network: a chain node, contracts, accounts and key servers on this machine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sahara_lab.localnet.control import Status, advance, attach, down, ensure_up, status

if TYPE_CHECKING:
    from sahara_lab.localnet.checkup import Check, doctor

__all__ = ["Check", "Status", "advance", "attach", "doctor", "down", "ensure_up", "status"]


def __getattr__(name: str) -> Any:
    if name in ("Check", "doctor"):
        return getattr(import_module(f"{__name__}.checkup"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

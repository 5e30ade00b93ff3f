"""The embedded network: a chain node, contracts, accounts and key servers on this machine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sahara_lab.localnet.control import Status, advance, attach, down, ensure_up, status

if TYPE_CHECKING:
    from sahara_lab.localnet.accounts import create_account
    from sahara_lab.localnet.checkup import Check, doctor

__all__ = ["Check", "Status", "advance", "attach", "create_account", "doctor", "down", "ensure_up", "status"]

_HOMES = {"Check": "checkup", "create_account": "accounts", "doctor": "checkup"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

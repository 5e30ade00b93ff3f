"""Sahara Lab: own, share, license, train, sell and govern AI assets from a notebook.

    import sahara_lab as sahara
    lab = sahara.connect()

The heavy parts (torch, ray, cryptography, the chain client) load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sahara_lab._version import __version__
from sahara_lab.errors import SaharaError

if TYPE_CHECKING:
    from sahara_lab.lab import Lab, connect
    from sahara_lab.licensing.terms import License
    from sahara_lab.market.metadata import DataStatement
    from sahara_lab.widgets import DaoPanel, EarningsPanel, LicenseCard, LicenseChooser, LineageGraph

__all__ = [
    "DaoPanel",
    "DataStatement",
    "EarningsPanel",
    "Lab",
    "License",
    "LicenseCard",
    "LicenseChooser",
    "LineageGraph",
    "SaharaError",
    "__version__",
    "connect",
]

_HOMES = {
    "Lab": "sahara_lab.lab",
    "connect": "sahara_lab.lab",
    "License": "sahara_lab.licensing.terms",
    "DataStatement": "sahara_lab.market.metadata",
    "DaoPanel": "sahara_lab.widgets",
    "EarningsPanel": "sahara_lab.widgets",
    "LicenseCard": "sahara_lab.widgets",
    "LicenseChooser": "sahara_lab.widgets",
    "LineageGraph": "sahara_lab.widgets",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext sahara_lab``: the magics ``%sahara`` and ``%%sahara``."""
    from sahara_lab.magics import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext sahara_lab``."""
    from sahara_lab.magics import unload

    unload(ipython)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "sahara-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from sahara_lab.server.app import SaharaLabExtension

    return [{"module": "sahara_lab.server.app", "app": SaharaLabExtension}]

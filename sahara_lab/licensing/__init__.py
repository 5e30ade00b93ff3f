"""Licensing: terms, the policy that key servers ask, and the vault file system of a licensed reader."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.licensing.filesystem import LicensedVaultFileSystem
    from sahara_lab.licensing.policy import ChainAccessPolicy
    from sahara_lab.licensing.terms import License

__all__ = ["ChainAccessPolicy", "License", "LicensedVaultFileSystem"]

_HOMES = {"ChainAccessPolicy": "policy", "License": "terms", "LicensedVaultFileSystem": "filesystem"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

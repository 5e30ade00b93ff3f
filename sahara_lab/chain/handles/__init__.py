"""Typed handles of the contracts; each loads when first used. Made by contracts/tools/handles.py."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.chain.handles.asset_registry import AssetRegistry
    from sahara_lab.chain.handles.directory import Directory
    from sahara_lab.chain.handles.identity_registry import IdentityRegistry
    from sahara_lab.chain.handles.key_server_registry import KeyServerRegistry
    from sahara_lab.chain.handles.license_terms import LicenseTerms
    from sahara_lab.chain.handles.license_token import LicenseToken
    from sahara_lab.chain.handles.market import Market
    from sahara_lab.chain.handles.protocol_parameters import ProtocolParameters
    from sahara_lab.chain.handles.royalty_ledger import RoyaltyLedger
    from sahara_lab.chain.handles.sahara_access import SaharaAccess
    from sahara_lab.chain.handles.sahara_governor import SaharaGovernor
    from sahara_lab.chain.handles.sahara_timelock import SaharaTimelock
    from sahara_lab.chain.handles.sahara_token import SaharaToken


_HOMES = {
    "AssetRegistry": "asset_registry",
    "Directory": "directory",
    "IdentityRegistry": "identity_registry",
    "KeyServerRegistry": "key_server_registry",
    "LicenseTerms": "license_terms",
    "LicenseToken": "license_token",
    "Market": "market",
    "ProtocolParameters": "protocol_parameters",
    "RoyaltyLedger": "royalty_ledger",
    "SaharaAccess": "sahara_access",
    "SaharaGovernor": "sahara_governor",
    "SaharaTimelock": "sahara_timelock",
    "SaharaToken": "sahara_token",
}

__all__ = [
    "AssetRegistry",
    "Directory",
    "IdentityRegistry",
    "KeyServerRegistry",
    "LicenseTerms",
    "LicenseToken",
    "Market",
    "ProtocolParameters",
    "RoyaltyLedger",
    "SaharaAccess",
    "SaharaGovernor",
    "SaharaTimelock",
    "SaharaToken",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

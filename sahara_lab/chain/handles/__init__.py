"""Typed handles of the contracts; each loads when first used. Made by contracts/tools/handles.py."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.chain.handles.agent_registry import AgentRegistry
    from sahara_lab.chain.handles.asset_registry import AssetRegistry
    from sahara_lab.chain.handles.call_channel import CallChannel
    from sahara_lab.chain.handles.collection_shares import CollectionShares
    from sahara_lab.chain.handles.compute_escrow import ComputeEscrow
    from sahara_lab.chain.handles.directory import Directory
    from sahara_lab.chain.handles.feedback_receipts import FeedbackReceipts
    from sahara_lab.chain.handles.identity_registry import IdentityRegistry
    from sahara_lab.chain.handles.key_server_registry import KeyServerRegistry
    from sahara_lab.chain.handles.license_terms import LicenseTerms
    from sahara_lab.chain.handles.license_token import LicenseToken
    from sahara_lab.chain.handles.market import Market
    from sahara_lab.chain.handles.moderation import Moderation
    from sahara_lab.chain.handles.protocol_parameters import ProtocolParameters
    from sahara_lab.chain.handles.receipt_anchors import ReceiptAnchors
    from sahara_lab.chain.handles.refund_escrow import RefundEscrow
    from sahara_lab.chain.handles.reputation_registry import ReputationRegistry
    from sahara_lab.chain.handles.reviews import Reviews
    from sahara_lab.chain.handles.royalty_ledger import RoyaltyLedger
    from sahara_lab.chain.handles.sahara_access import SaharaAccess
    from sahara_lab.chain.handles.sahara_governor import SaharaGovernor
    from sahara_lab.chain.handles.sahara_timelock import SaharaTimelock
    from sahara_lab.chain.handles.sahara_token import SaharaToken
    from sahara_lab.chain.handles.staking import Staking
    from sahara_lab.chain.handles.teams import Teams
    from sahara_lab.chain.handles.validation_registry import ValidationRegistry


_HOMES = {
    "AgentRegistry": "agent_registry",
    "AssetRegistry": "asset_registry",
    "CallChannel": "call_channel",
    "CollectionShares": "collection_shares",
    "ComputeEscrow": "compute_escrow",
    "Directory": "directory",
    "FeedbackReceipts": "feedback_receipts",
    "IdentityRegistry": "identity_registry",
    "KeyServerRegistry": "key_server_registry",
    "LicenseTerms": "license_terms",
    "LicenseToken": "license_token",
    "Market": "market",
    "Moderation": "moderation",
    "ProtocolParameters": "protocol_parameters",
    "ReceiptAnchors": "receipt_anchors",
    "RefundEscrow": "refund_escrow",
    "ReputationRegistry": "reputation_registry",
    "Reviews": "reviews",
    "RoyaltyLedger": "royalty_ledger",
    "SaharaAccess": "sahara_access",
    "SaharaGovernor": "sahara_governor",
    "SaharaTimelock": "sahara_timelock",
    "SaharaToken": "sahara_token",
    "Staking": "staking",
    "Teams": "teams",
    "ValidationRegistry": "validation_registry",
}

__all__ = [
    "AgentRegistry",
    "AssetRegistry",
    "CallChannel",
    "CollectionShares",
    "ComputeEscrow",
    "Directory",
    "FeedbackReceipts",
    "IdentityRegistry",
    "KeyServerRegistry",
    "LicenseTerms",
    "LicenseToken",
    "Market",
    "Moderation",
    "ProtocolParameters",
    "ReceiptAnchors",
    "RefundEscrow",
    "ReputationRegistry",
    "Reviews",
    "RoyaltyLedger",
    "SaharaAccess",
    "SaharaGovernor",
    "SaharaTimelock",
    "SaharaToken",
    "Staking",
    "Teams",
    "ValidationRegistry",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

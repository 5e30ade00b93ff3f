"""Structs that the contracts take and give; made from their ABI by contracts/tools/handles.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Edge(NamedTuple):
    """``IAssetRegistry.Edge``."""

    parent: int
    license: int
    relation: int


class Version(NamedTuple):
    """``IAssetRegistry.Version``."""

    root: bytes
    manifest_hash: bytes
    metadata_hash: bytes
    epoch: int
    published_at: int
    uri: str


class KeyServer(NamedTuple):
    """``IKeyServerRegistry.KeyServer``."""

    account: str
    active: bool
    url: str
    encryption_key: bytes


class Terms(NamedTuple):
    """``ILicenseTerms.Terms``."""

    currency: str
    price: int
    duration: int
    seats: int
    royalty_bps: int
    uses: int
    transferable: bool
    attribution: bool
    reciprocal: bool
    compute_only: bool
    text_uri: str
    text_hash: bytes


class License(NamedTuple):
    """``ILicenseToken.License``."""

    asset: int
    terms_id: bytes
    issued_at: int
    expires_at: int
    royalty_bps: int
    uses: int


class Quote(NamedTuple):
    """``IMarket.Quote``."""

    currency: str
    price: int
    fee: int
    payees: Sequence[int]
    accounts: Sequence[str]
    amounts: Sequence[int]


class Debt(NamedTuple):
    """``IRoyaltyLedger.Debt``."""

    parent: int
    royalty_bps: int
    own: bool


class Checkpoint208(NamedTuple):
    """``Checkpoints.Checkpoint208``."""

    key: int
    value: int


#: Class by the name that the ABI gives the struct.
STRUCTS = {
    "IAssetRegistry.Edge": Edge,
    "IAssetRegistry.Version": Version,
    "IKeyServerRegistry.KeyServer": KeyServer,
    "ILicenseTerms.Terms": Terms,
    "ILicenseToken.License": License,
    "IMarket.Quote": Quote,
    "IRoyaltyLedger.Debt": Debt,
    "Checkpoints.Checkpoint208": Checkpoint208,
}

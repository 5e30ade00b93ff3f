"""Structs that the contracts take and give; made from their ABI by contracts/tools/handles.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class MetadataEntry(NamedTuple):
    """``IAgentRegistry.MetadataEntry``."""

    metadata_key: str
    metadata_value: bytes


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


class Channel(NamedTuple):
    """``ICallChannel.Channel``."""

    payer: str
    deposit: int
    payee: str
    redeemed: int
    currency: str
    closes_at: int
    closed: bool
    asset: int


class IComputeEscrowTerms(NamedTuple):
    """``IComputeEscrow.Terms``."""

    provider: str
    evaluator: str
    currency: str
    rate: int
    budget: int
    stake: int
    holdback_bps: int
    expires_at: int
    spec: bytes


class Job(NamedTuple):
    """``IComputeEscrow.Job``."""

    client: str
    status: int
    accepted: bool
    holdback_bps: int
    deadline: int
    provider: str
    stake: int
    evaluator: str
    bond: int
    currency: str
    rate: int
    budget: int
    resource_seconds: int
    deliverable: bytes


class Backed(NamedTuple):
    """``IFeedbackReceipts.Backed``."""

    client: str
    index_: int
    license: int


class KeyServer(NamedTuple):
    """``IKeyServerRegistry.KeyServer``."""

    account: str
    active: bool
    url: str
    encryption_key: bytes


class ILicenseTermsTerms(NamedTuple):
    """``ILicenseTerms.Terms``."""

    currency: str
    price: int
    refund_window: int
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


class Price(NamedTuple):
    """``ILicenseTerms.Price``."""

    currency: str
    amount: int
    refund_window: int


class Rights(NamedTuple):
    """``ILicenseTerms.Rights``."""

    duration: int
    seats: int
    royalty_bps: int
    uses: int
    transferable: bool
    attribution: bool
    reciprocal: bool
    compute_only: bool


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


class Listing(NamedTuple):
    """``IModeration.Listing``."""

    standing: int
    appealed: bool
    reports: int


class Anchor(NamedTuple):
    """``IReceiptAnchors.Anchor``."""

    tree_size: int
    time: int
    root: bytes


class Feedback(NamedTuple):
    """``IReputationRegistry.Feedback``."""

    value: int
    decimals: int
    revoked: bool
    tag1: str
    tag2: str


class Debt(NamedTuple):
    """``IRoyaltyLedger.Debt``."""

    parent: int
    royalty_bps: int
    own: bool


class Checkpoint208(NamedTuple):
    """``Checkpoints.Checkpoint208``."""

    key: int
    value: int


class Pool(NamedTuple):
    """``IStaking.Pool``."""

    assets: int
    shares: int
    generation: int
    leaving: int
    locked: int


class Position(NamedTuple):
    """``IStaking.Position``."""

    shares: int
    leaving: int
    available_at: int


#: Class by the name that the ABI gives the struct.
STRUCTS = {
    "IAgentRegistry.MetadataEntry": MetadataEntry,
    "IAssetRegistry.Edge": Edge,
    "IAssetRegistry.Version": Version,
    "ICallChannel.Channel": Channel,
    "IComputeEscrow.Terms": IComputeEscrowTerms,
    "IComputeEscrow.Job": Job,
    "IFeedbackReceipts.Backed": Backed,
    "IKeyServerRegistry.KeyServer": KeyServer,
    "ILicenseTerms.Terms": ILicenseTermsTerms,
    "ILicenseTerms.Price": Price,
    "ILicenseTerms.Rights": Rights,
    "ILicenseToken.License": License,
    "IMarket.Quote": Quote,
    "IModeration.Listing": Listing,
    "IReceiptAnchors.Anchor": Anchor,
    "IReputationRegistry.Feedback": Feedback,
    "IRoyaltyLedger.Debt": Debt,
    "Checkpoints.Checkpoint208": Checkpoint208,
    "IStaking.Pool": Pool,
    "IStaking.Position": Position,
}

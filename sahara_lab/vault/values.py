"""What the vault is given and what it gives back; the protocols through which it asks the floors above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sahara_lab.signing import LocalSigner


@dataclass(frozen=True)
class VaultRef:
    """One published version of a vault, as the chain anchors it.

    Attributes:
        name: full name, ``owner/name``.
        root: RFC 6962 root over the ciphertext of all objects.
        manifest_hash: SHA-256 of the manifest's bytes; an older manifest, though once valid, does not match it.
        location: fsspec URL of the folder that holds the vault.
        creator: account that registered the asset; stays the same when the asset is sold.
        owner: present owner, whose grants are believed too; the creator when empty.
        key_servers: where key servers are now, by id; without it the manifest's addresses are used.
        server_accounts: who signs a key server's receipts, by id; receipts of servers not listed are not checked.
    """

    asset: int
    name: str
    version: int
    epoch: int
    root: bytes
    manifest_hash: bytes
    location: str
    chain_id: int
    registry: str
    creator: str
    owner: str = ""
    key_servers: Mapping[int, str] = field(default_factory=dict, compare=False)
    server_accounts: Mapping[int, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Session:
    """A session key and the wallet's signature that lets it ask for keys until ``expires_at``.

    ``released`` holds keys that were released in it: they end with it, and leave this process neither in a pickle nor
    in a repr.
    """

    signer: LocalSigner = field(repr=False)
    delegation: dict[str, Any]
    delegation_signature: bytes = field(repr=False)
    expires_at: int
    released: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "key": self.signer.private_bytes(),
            "delegation": self.delegation,
            "delegation_signature": self.delegation_signature,
            "expires_at": self.expires_at,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        object.__setattr__(self, "signer", LocalSigner(state.pop("key")))
        object.__setattr__(self, "released", {})
        for name, value in state.items():
            object.__setattr__(self, name, value)


@runtime_checkable
class Credentials(Protocol):
    """How a reader proves who it is. ``encryption_key`` opens direct grants; None where only a session is at hand."""

    @property
    def account(self) -> str:
        """Address of the reading account."""

    def session(self) -> Session:
        """A session with time left; renewed on demand."""

    @property
    def encryption_key(self) -> Any:
        """HPKE private key (or its seed), or None."""


class ManifestSource(Protocol):
    """Resolves names to anchored versions."""

    def resolve(self, owner_name: str, version: int | None) -> VaultRef:
        """The version, the newest when none is given; ``NotFound`` when there is none."""


@dataclass(frozen=True)
class Decision:
    """A policy's answer, and the block it was found at.

    ``reason_code`` is one of ok, no-license, expired, not-final, stale-epoch, compute-only, unknown-asset,
    unknown-class. ``until`` is
    when what allows it ends, in seconds since the epoch; 0 for never.
    """

    allowed: bool
    license: int
    block_number: int
    block_hash: str | bytes
    reason_code: str
    detail: str = ""
    until: int = 0


class AccessPolicy(Protocol):
    """Asked by key servers. The vault does not know what a license is."""

    def identity(self, asset: int) -> tuple[str, str] | None:
        """Creator's address and the asset's own name (without owner); None when unknown."""

    def owner(self, asset: int) -> str | None:
        """Address of the present owner, who may see the asset's receipts; None when unknown."""

    def check(self, account: str, asset: int, epoch: int, use: str, access_class: str) -> Decision:
        """Whether the account may have keys of this epoch and class for this use."""


@dataclass(frozen=True)
class KeyServer:
    """A key server that shares are sealed to."""

    id: int
    encryption_key: bytes = field(repr=False)
    url: str = ""


@dataclass(frozen=True)
class ReleaseClass:
    """Who guards the keys: ``threshold`` of these servers, together, release them to whom the policy allows.

    Attributes:
        name: whom; the policy knows what it means. "read" is every licensee who may read.
        path: the folder or file whose key it is; "" for all of the version.
    """

    name: str
    key_servers: tuple[KeyServer, ...] | list[KeyServer]
    threshold: int
    path: str = ""


@dataclass(frozen=True)
class Packed:
    """A vault written to storage, ready to be anchored; ``kept`` of its files kept the objects they had before."""

    root: bytes
    manifest_hash: bytes
    location: str
    dataset_id: bytes
    epoch: int
    size: int
    files: int
    kept: int = 0


@dataclass(frozen=True)
class Verified:
    """Every stored byte of a version was compared with its anchored root."""

    name: str
    objects: int
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.name}: {self.objects} objects, {self.size:,} bytes as published (root {self.root.hex()[:16]}…)"

"""Agents as ERC-721 tokens: the identity registry of ERC-8004.

Made from the ABI and NatSpec of AgentRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import MetadataEntry
from sahara_lab.chain.orders import Call


class Approval(NamedTuple):
    """``Approval(address,address,uint256)``."""

    owner: str
    approved: str
    token_id: int


class ApprovalForAll(NamedTuple):
    """``ApprovalForAll(address,address,bool)``."""

    owner: str
    operator: str
    approved: bool


class EIP712DomainChanged(NamedTuple):
    """``EIP712DomainChanged()``."""


class MetadataSet(NamedTuple):
    """ERC-8004: a metadata entry changed, `agentWallet` among them (20 bytes, or none)."""

    agent_id: int
    indexed_metadata_key: bytes
    metadata_key: str
    metadata_value: bytes


class PrimaryAgentSet(NamedTuple):
    """`account` is known by `agentId` from now on; 0 when by none."""

    account: str
    agent_id: int


class Registered(NamedTuple):
    """ERC-8004: an agent came to be."""

    agent_id: int
    agent_uri: str
    owner: str


class Transfer(NamedTuple):
    """``Transfer(address,address,uint256)``."""

    from_: str
    to: str
    token_id: int


class URIUpdated(NamedTuple):
    """ERC-8004: the registration file is elsewhere."""

    agent_id: int
    new_uri: str
    updated_by: str


class Eip712DomainResult(NamedTuple):
    """What ``eip712Domain()`` gives."""

    fields: bytes
    name: str
    version: str
    chain_id: int
    verifying_contract: str
    salt: bytes
    extensions: list[int]


class AgentRegistry(Handle):
    """Agents as ERC-721 tokens: the identity registry of ERC-8004."""

    CONTRACT = "AgentRegistry"

    def HANDLES(self) -> View[str]:
        """``HANDLES()``."""
        return View(self, "HANDLES()")

    def agent_count(self) -> View[int]:
        """Agents so far; ids are given out from 1 upward."""
        return View(self, "agentCount()")

    def agent_of(self, account: str) -> View[int]:
        """The agent that an account is known by, or 0: the first it registered unless it chose another."""
        return View(self, "agentOf(address)", account)

    def agent_of_handle(self, handle: str) -> View[int]:
        """The agent that a handle stands for, or 0."""
        return View(self, "agentOfHandle(string)", handle)

    def approve(self, to: str, token_id: int) -> Call:
        """``approve(address,uint256)``."""
        return Call(self.contract, "approve", (to, token_id))

    def balance_of(self, owner: str) -> View[int]:
        """``balanceOf(address)``."""
        return View(self, "balanceOf(address)", owner)

    def eip712_domain(self) -> View[Eip712DomainResult]:
        """``eip712Domain()``."""
        return View(self, "eip712Domain()", result=Eip712DomainResult)

    def get_agent_wallet(self, agent_id: int) -> View[str]:
        """Where the agent is paid, or zero."""
        return View(self, "getAgentWallet(uint256)", agent_id)

    def get_approved(self, token_id: int) -> View[str]:
        """``getApproved(uint256)``."""
        return View(self, "getApproved(uint256)", token_id)

    def get_metadata(self, agent_id: int, metadata_key: str) -> View[bytes]:
        """An entry, or nothing."""
        return View(self, "getMetadata(uint256,string)", agent_id, metadata_key)

    def handle_of(self, agent_id: int) -> View[str]:
        """The handle that stands for the agent, or nothing: its owner's, if it is their primary agent."""
        return View(self, "handleOf(uint256)", agent_id)

    def is_approved_for_all(self, owner: str, operator: str) -> View[bool]:
        """``isApprovedForAll(address,address)``."""
        return View(self, "isApprovedForAll(address,address)", owner, operator)

    def is_authorized_or_owner(self, spender: str, agent_id: int) -> View[bool]:
        """Whether `spender` is the owner or approved for the agent; reverts for an unknown agent."""
        return View(self, "isAuthorizedOrOwner(address,uint256)", spender, agent_id)

    def name(self) -> View[str]:
        """``name()``."""
        return View(self, "name()")

    def owner_of(self, agent_id: int) -> View[str]:
        """ERC-721."""
        return View(self, "ownerOf(uint256)", agent_id)

    def register(self) -> Call:
        """The same without a registration file, which comes with `setAgentURI`."""
        return Call(self.contract, "register")

    def register_with_agent_uri(self, agent_uri: str) -> Call:
        """The same without metadata."""
        return Call(self.contract, "register", (agent_uri,))

    def register_with_agent_uri_metadata(self, agent_uri: str, metadata: Sequence[MetadataEntry]) -> Call:
        """Registers an agent of the caller, which is also its wallet at first."""
        return Call(self.contract, "register", (agent_uri, metadata))

    def safe_transfer_from(self, from_: str, to: str, token_id: int) -> Call:
        """``safeTransferFrom(address,address,uint256)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, token_id))

    def safe_transfer_from_with_data(self, from_: str, to: str, token_id: int, data: bytes) -> Call:
        """``safeTransferFrom(address,address,uint256,bytes)``."""
        return Call(self.contract, "safeTransferFrom", (from_, to, token_id, data))

    def set_agent_uri(self, agent_id: int, new_uri: str) -> Call:
        """Where the registration file is."""
        return Call(self.contract, "setAgentURI", (agent_id, new_uri))

    def set_agent_wallet(self, agent_id: int, new_wallet: str, deadline: int, signature: bytes) -> Call:
        """Where the agent is paid.

        deadline: At most five minutes ahead.

        signature: Of `newWallet` over the EIP-712 type `AgentWalletSet(uint256 agentId,address
        newWallet,address owner,uint256 deadline)`; ERC-1271 for contracts.
        """
        return Call(self.contract, "setAgentWallet", (agent_id, new_wallet, deadline, signature))

    def set_approval_for_all(self, operator: str, approved: bool) -> Call:
        """``setApprovalForAll(address,bool)``."""
        return Call(self.contract, "setApprovalForAll", (operator, approved))

    def set_metadata(self, agent_id: int, metadata_key: str, metadata_value: bytes) -> Call:
        """Writes an entry for everybody to read."""
        return Call(self.contract, "setMetadata", (agent_id, metadata_key, metadata_value))

    def set_primary_agent(self, agent_id: int) -> Call:
        """Makes an agent of the caller the one that their handle stands for; 0 for none."""
        return Call(self.contract, "setPrimaryAgent", (agent_id,))

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """``supportsInterface(bytes4)``."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def symbol(self) -> View[str]:
        """``symbol()``."""
        return View(self, "symbol()")

    def token_uri(self, agent_id: int) -> View[str]:
        """``tokenURI(uint256)``."""
        return View(self, "tokenURI(uint256)", agent_id)

    def transfer_from(self, from_: str, to: str, token_id: int) -> Call:
        """``transferFrom(address,address,uint256)``."""
        return Call(self.contract, "transferFrom", (from_, to, token_id))

    def unset_agent_wallet(self, agent_id: int) -> Call:
        """The agent has no wallet until another is set; a transfer of the agent does the same."""
        return Call(self.contract, "unsetAgentWallet", (agent_id,))

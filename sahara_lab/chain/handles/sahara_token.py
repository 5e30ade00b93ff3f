"""SAHARA: payments and votes.

Made from the ABI and NatSpec of SaharaToken by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Checkpoint208
from sahara_lab.chain.orders import Call


class Approval(NamedTuple):
    """``Approval(address,address,uint256)``."""

    owner: str
    spender: str
    value: int


class AuthorizationCanceled(NamedTuple):
    """``AuthorizationCanceled(address,bytes32)``."""

    authorizer: str
    nonce: bytes


class AuthorizationUsed(NamedTuple):
    """``AuthorizationUsed(address,bytes32)``."""

    authorizer: str
    nonce: bytes


class DelegateChanged(NamedTuple):
    """``DelegateChanged(address,address,address)``."""

    delegator: str
    from_delegate: str
    to_delegate: str


class DelegateVotesChanged(NamedTuple):
    """``DelegateVotesChanged(address,uint256,uint256)``."""

    delegate: str
    previous_votes: int
    new_votes: int


class EIP712DomainChanged(NamedTuple):
    """``EIP712DomainChanged()``."""


class Transfer(NamedTuple):
    """``Transfer(address,address,uint256)``."""

    from_: str
    to: str
    value: int


class Eip712DomainResult(NamedTuple):
    """What ``eip712Domain()`` gives."""

    fields: bytes
    name: str
    version: str
    chain_id: int
    verifying_contract: str
    salt: bytes
    extensions: list[int]


class SaharaToken(Handle):
    """SAHARA: payments and votes."""

    CONTRACT = "SaharaToken"

    def CLOCK_MODE(self) -> View[str]:
        """How `clock` counts, in the words of ERC-6372."""
        return View(self, "CLOCK_MODE()")

    def DOMAIN_SEPARATOR(self) -> View[bytes]:
        """``DOMAIN_SEPARATOR()``."""
        return View(self, "DOMAIN_SEPARATOR()")

    def allowance(self, owner: str, spender: str) -> View[int]:
        """``allowance(address,address)``."""
        return View(self, "allowance(address,address)", owner, spender)

    def approve(self, spender: str, value: int) -> Call:
        """``approve(address,uint256)``."""
        return Call(self.contract, "approve", (spender, value))

    def authorization_state(self, authorizer: str, nonce: bytes) -> View[bool]:
        """``authorizationState(address,bytes32)``."""
        return View(self, "authorizationState(address,bytes32)", authorizer, nonce)

    def balance_of(self, account: str) -> View[int]:
        """``balanceOf(address)``."""
        return View(self, "balanceOf(address)", account)

    def cancel_authorization(self, authorizer: str, nonce: bytes, v: int, r: bytes, s: bytes) -> Call:
        """``cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)``."""
        return Call(self.contract, "cancelAuthorization", (authorizer, nonce, v, r, s))

    def checkpoints(self, account: str, pos: int) -> View[Checkpoint208]:
        """``checkpoints(address,uint32)``."""
        return View(self, "checkpoints(address,uint32)", account, pos)

    def clock(self) -> View[int]:
        """Voting power is looked up by block time in seconds (ERC-6372)."""
        return View(self, "clock()")

    def decimals(self) -> View[int]:
        """``decimals()``."""
        return View(self, "decimals()")

    def delegate(self, delegatee: str) -> Call:
        """``delegate(address)``."""
        return Call(self.contract, "delegate", (delegatee,))

    def delegate_by_sig(self, delegatee: str, nonce: int, expiry: int, v: int, r: bytes, s: bytes) -> Call:
        """``delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)``."""
        return Call(self.contract, "delegateBySig", (delegatee, nonce, expiry, v, r, s))

    def delegates(self, account: str) -> View[str]:
        """``delegates(address)``."""
        return View(self, "delegates(address)", account)

    def eip712_domain(self) -> View[Eip712DomainResult]:
        """``eip712Domain()``."""
        return View(self, "eip712Domain()", result=Eip712DomainResult)

    def get_past_total_supply(self, timepoint: int) -> View[int]:
        """``getPastTotalSupply(uint256)``."""
        return View(self, "getPastTotalSupply(uint256)", timepoint)

    def get_past_votes(self, account: str, timepoint: int) -> View[int]:
        """``getPastVotes(address,uint256)``."""
        return View(self, "getPastVotes(address,uint256)", account, timepoint)

    def get_votes(self, account: str) -> View[int]:
        """``getVotes(address)``."""
        return View(self, "getVotes(address)", account)

    def name(self) -> View[str]:
        """``name()``."""
        return View(self, "name()")

    def nonces(self, owner: str) -> View[int]:
        """``nonces(address)``."""
        return View(self, "nonces(address)", owner)

    def num_checkpoints(self, account: str) -> View[int]:
        """``numCheckpoints(address)``."""
        return View(self, "numCheckpoints(address)", account)

    def permit(self, owner: str, spender: str, value: int, deadline: int, v: int, r: bytes, s: bytes) -> Call:
        """``permit(address,address,uint256,uint256,uint8,bytes32,bytes32)``."""
        return Call(self.contract, "permit", (owner, spender, value, deadline, v, r, s))

    def receive_with_authorization(
        self,
        from_: str,
        to: str,
        value: int,
        valid_after: int,
        valid_before: int,
        nonce: bytes,
        v: int,
        r: bytes,
        s: bytes,
    ) -> Call:
        """``receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)``."""
        return Call(
            self.contract, "receiveWithAuthorization", (from_, to, value, valid_after, valid_before, nonce, v, r, s)
        )

    def symbol(self) -> View[str]:
        """``symbol()``."""
        return View(self, "symbol()")

    def total_supply(self) -> View[int]:
        """``totalSupply()``."""
        return View(self, "totalSupply()")

    def transfer(self, to: str, value: int) -> Call:
        """``transfer(address,uint256)``."""
        return Call(self.contract, "transfer", (to, value))

    def transfer_from(self, from_: str, to: str, value: int) -> Call:
        """``transferFrom(address,address,uint256)``."""
        return Call(self.contract, "transferFrom", (from_, to, value))

    def transfer_with_authorization(
        self,
        from_: str,
        to: str,
        value: int,
        valid_after: int,
        valid_before: int,
        nonce: bytes,
        v: int,
        r: bytes,
        s: bytes,
    ) -> Call:
        """``transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)``."""
        return Call(
            self.contract, "transferWithAuthorization", (from_, to, value, valid_after, valid_before, nonce, v, r, s)
        )

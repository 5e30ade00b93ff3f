"""Checks of agents' work by validators: the validation registry of ERC-8004.

Made from the ABI and NatSpec of ValidationRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class ValidationRequest(NamedTuple):
    """ERC-8004: an agent asks for a check of its work."""

    validator_address: str
    agent_id: int
    request_uri: str
    request_hash: bytes


class ValidationResponse(NamedTuple):
    """ERC-8004: the validator answered, for the first time or again."""

    validator_address: str
    agent_id: int
    request_hash: bytes
    response: int
    response_uri: str
    response_hash: bytes
    tag: str


class GetSummaryResult(NamedTuple):
    """What ``getSummary(uint256,address[],string)`` gives."""

    count_: int
    average_response: int


class GetValidationStatusResult(NamedTuple):
    """What ``getValidationStatus(bytes32)`` gives."""

    validator_address: str
    agent_id: int
    response: int
    response_hash: bytes
    tag: str
    last_update: int


class ValidationRegistry(Handle):
    """Checks of agents' work by validators: the validation registry of ERC-8004."""

    CONTRACT = "ValidationRegistry"

    def AGENTS(self) -> View[str]:
        """``AGENTS()``."""
        return View(self, "AGENTS()")

    def MAX_TAG_BYTES(self) -> View[int]:
        """``MAX_TAG_BYTES()``."""
        return View(self, "MAX_TAG_BYTES()")

    def agent_validations_page(self, agent_id: int, first: int, limit: int) -> View[list[bytes]]:
        """At most `limit` of `getAgentValidations`, from `first` on."""
        return View(self, "agentValidationsPage(uint256,uint256,uint256)", agent_id, first, limit)

    def get_agent_validations(self, agent_id: int) -> View[list[bytes]]:
        """All requests of an agent, as the ERC has it."""
        return View(self, "getAgentValidations(uint256)", agent_id)

    def get_identity_registry(self) -> View[str]:
        """The agents whose work is checked here."""
        return View(self, "getIdentityRegistry()")

    def get_summary(self, agent_id: int, validator_addresses: Sequence[str], tag: str) -> View[GetSummaryResult]:
        """Mean of the responses of the named validators, or of all, under `tag`, or under any; rounded down.
        Walks all of the agent's requests, as the ERC has it.
        """
        return View(
            self, "getSummary(uint256,address[],string)", agent_id, validator_addresses, tag, result=GetSummaryResult
        )

    def get_validation_status(self, request_hash: bytes) -> View[GetValidationStatusResult]:
        """A request and its last answer; `lastUpdate` is its time in seconds, 0 while there is none."""
        return View(self, "getValidationStatus(bytes32)", request_hash, result=GetValidationStatusResult)

    def get_validator_requests(self, validator_address: str) -> View[list[bytes]]:
        """All requests to a validator; unbounded, as the ERC has it."""
        return View(self, "getValidatorRequests(address)", validator_address)

    def validation_request(self, validator_address: str, agent_id: int, request_uri: str, request_hash: bytes) -> Call:
        """Asks `validatorAddress` to check work of an agent of the caller.

        request_hash: keccak256 of the request; put something random in it, since the first who uses a hash
        has it.
        """
        return Call(self.contract, "validationRequest", (validator_address, agent_id, request_uri, request_hash))

    def validation_response(
        self, request_hash: bytes, response: int, response_uri: str, response_hash: bytes, tag: str
    ) -> Call:
        """Answers a request, or answers it anew.

        response: 0 for failed to 100 for passed.
        """
        return Call(self.contract, "validationResponse", (request_hash, response, response_uri, response_hash, tag))

    def validator_requests_page(self, validator_address: str, first: int, limit: int) -> View[list[bytes]]:
        """At most `limit` of `getValidatorRequests`, from `first` on."""
        return View(self, "validatorRequestsPage(address,uint256,uint256)", validator_address, first, limit)

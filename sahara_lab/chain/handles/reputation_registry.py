"""Feedback on agents: the reputation registry of ERC-8004.

Made from the ABI and NatSpec of ReputationRegistry by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Feedback
from sahara_lab.chain.orders import Call


class FeedbackRevoked(NamedTuple):
    """ERC-8004: the client took feedback back."""

    agent_id: int
    client_address: str
    feedback_index: int


class NewFeedback(NamedTuple):
    """ERC-8004: `feedbackIndex` counts a client's feedback on the agent from 1."""

    agent_id: int
    client_address: str
    feedback_index: int
    value: int
    value_decimals: int
    indexed_tag1: bytes
    tag1: str
    tag2: str
    endpoint: str
    feedback_uri: str
    feedback_hash: bytes


class ResponseAppended(NamedTuple):
    """ERC-8004: somebody answered feedback."""

    agent_id: int
    client_address: str
    feedback_index: int
    responder: str
    response_uri: str
    response_hash: bytes


class GetSummaryResult(NamedTuple):
    """What ``getSummary(uint256,address[],string,string)`` gives."""

    count_: int
    summary_value: int
    summary_value_decimals: int


class ReadAllFeedbackResult(NamedTuple):
    """What ``readAllFeedback(uint256,address[],string,string,bool)`` gives."""

    clients: list[str]
    feedback_indexes: list[int]
    values: list[int]
    value_decimals: list[int]
    tag1s: list[str]
    tag2s: list[str]
    revoked_statuses: list[bool]


class ReadFeedbackResult(NamedTuple):
    """What ``readFeedback(uint256,address,uint64)`` gives."""

    value: int
    value_decimals: int
    tag1: str
    tag2: str
    is_revoked: bool


class ReputationRegistry(Handle):
    """Feedback on agents: the reputation registry of ERC-8004."""

    CONTRACT = "ReputationRegistry"

    def AGENTS(self) -> View[str]:
        """``AGENTS()``."""
        return View(self, "AGENTS()")

    def MAX_TAG_BYTES(self) -> View[int]:
        """``MAX_TAG_BYTES()``."""
        return View(self, "MAX_TAG_BYTES()")

    def append_response(
        self, agent_id: int, client_address: str, feedback_index: int, response_uri: str, response_hash: bytes
    ) -> Call:
        """Answers feedback; open to anyone."""
        return Call(
            self.contract, "appendResponse", (agent_id, client_address, feedback_index, response_uri, response_hash)
        )

    def client_count(self, agent_id: int) -> View[int]:
        """How many gave feedback."""
        return View(self, "clientCount(uint256)", agent_id)

    def clients_page(self, agent_id: int, first: int, limit: int) -> View[list[str]]:
        """At most `limit` of `getClients`, from `first` on."""
        return View(self, "clientsPage(uint256,uint256,uint256)", agent_id, first, limit)

    def feedback_page(self, agent_id: int, client: str, first: int, limit: int) -> View[list[Feedback]]:
        """At most `limit` of a client's feedback, revoked or not, from index `first` (1 or more) on."""
        return View(self, "feedbackPage(uint256,address,uint64,uint64)", agent_id, client, first, limit)

    def get_clients(self, agent_id: int) -> View[list[str]]:
        """Everybody who gave feedback; unbounded, as the ERC has it."""
        return View(self, "getClients(uint256)", agent_id)

    def get_identity_registry(self) -> View[str]:
        """The agents that are rated here."""
        return View(self, "getIdentityRegistry()")

    def get_last_index(self, agent_id: int, client_address: str) -> View[int]:
        """How much feedback a client gave."""
        return View(self, "getLastIndex(uint256,address)", agent_id, client_address)

    def get_response_count(
        self, agent_id: int, client_address: str, feedback_index: int, responders: Sequence[str]
    ) -> View[int]:
        """Responses by `responders`, or by all where none is named, to one feedback, to all of a client (index
        0), or to all of the agent (client zero).
        """
        return View(
            self,
            "getResponseCount(uint256,address,uint64,address[])",
            agent_id,
            client_address,
            feedback_index,
            responders,
        )

    def get_summary(
        self, agent_id: int, client_addresses: Sequence[str], tag1: str, tag2: str
    ) -> View[GetSummaryResult]:
        """Mean of what the named clients said and did not revoke, an empty tag matching every tag. Reverts where
        that would mix measures, that is values with different `tag1`.
        """
        return View(
            self,
            "getSummary(uint256,address[],string,string)",
            agent_id,
            client_addresses,
            tag1,
            tag2,
            result=GetSummaryResult,
        )

    def give_feedback(
        self,
        agent_id: int,
        value: int,
        value_decimals: int,
        tag1: str,
        tag2: str,
        endpoint: str,
        feedback_uri: str,
        feedback_hash: bytes,
    ) -> Call:
        """Rates an agent of somebody else. Only value, decimals and tags are kept; the rest is in the event.

        The parts are in memory: nine of them as calldata are more than the stack holds.
        """
        return Call(
            self.contract,
            "giveFeedback",
            (agent_id, value, value_decimals, tag1, tag2, endpoint, feedback_uri, feedback_hash),
        )

    def read_all_feedback(
        self, agent_id: int, client_addresses: Sequence[str], tag1: str, tag2: str, include_revoked: bool
    ) -> View[ReadAllFeedbackResult]:
        """All feedback of the named clients, or of all where none is named; unbounded then, as the ERC has it."""
        return View(
            self,
            "readAllFeedback(uint256,address[],string,string,bool)",
            agent_id,
            client_addresses,
            tag1,
            tag2,
            include_revoked,
            result=ReadAllFeedbackResult,
        )

    def read_feedback(self, agent_id: int, client_address: str, feedback_index: int) -> View[ReadFeedbackResult]:
        """One client's feedback by its index, from 1."""
        return View(
            self,
            "readFeedback(uint256,address,uint64)",
            agent_id,
            client_address,
            feedback_index,
            result=ReadFeedbackResult,
        )

    def revoke_feedback(self, agent_id: int, feedback_index: int) -> Call:
        """Takes feedback of the caller back; it stays readable and counts no longer."""
        return Call(self.contract, "revokeFeedback", (agent_id, feedback_index))

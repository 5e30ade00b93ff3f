"""The DAO: proposals and votes of SAHARA holders, carried out by the timelock.

Made from the ABI and NatSpec of SaharaGovernor by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class EIP712DomainChanged(NamedTuple):
    """``EIP712DomainChanged()``."""


class LateQuorumVoteExtensionSet(NamedTuple):
    """``LateQuorumVoteExtensionSet(uint64,uint64)``."""

    old_vote_extension: int
    new_vote_extension: int


class ProposalCanceled(NamedTuple):
    """``ProposalCanceled(uint256)``."""

    proposal_id: int


class ProposalCreated(NamedTuple):
    """``ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)``."""

    proposal_id: int
    proposer: str
    targets: list[str]
    values: list[int]
    signatures: list[str]
    calldatas: list[bytes]
    vote_start: int
    vote_end: int
    description: str


class ProposalExecuted(NamedTuple):
    """``ProposalExecuted(uint256)``."""

    proposal_id: int


class ProposalExtended(NamedTuple):
    """``ProposalExtended(uint256,uint64)``."""

    proposal_id: int
    extended_deadline: int


class ProposalQueued(NamedTuple):
    """``ProposalQueued(uint256,uint256)``."""

    proposal_id: int
    eta_seconds: int


class ProposalThresholdSet(NamedTuple):
    """``ProposalThresholdSet(uint256,uint256)``."""

    old_proposal_threshold: int
    new_proposal_threshold: int


class QuorumNumeratorUpdated(NamedTuple):
    """``QuorumNumeratorUpdated(uint256,uint256)``."""

    old_quorum_numerator: int
    new_quorum_numerator: int


class TimelockChange(NamedTuple):
    """``TimelockChange(address,address)``."""

    old_timelock: str
    new_timelock: str


class VoteCast(NamedTuple):
    """``VoteCast(address,uint256,uint8,uint256,string)``."""

    voter: str
    proposal_id: int
    support: int
    weight: int
    reason: str


class VoteCastWithParams(NamedTuple):
    """``VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)``."""

    voter: str
    proposal_id: int
    support: int
    weight: int
    reason: str
    params: bytes


class VotingDelaySet(NamedTuple):
    """``VotingDelaySet(uint256,uint256)``."""

    old_voting_delay: int
    new_voting_delay: int


class VotingPeriodSet(NamedTuple):
    """``VotingPeriodSet(uint256,uint256)``."""

    old_voting_period: int
    new_voting_period: int


class Eip712DomainResult(NamedTuple):
    """What ``eip712Domain()`` gives."""

    fields: bytes
    name: str
    version: str
    chain_id: int
    verifying_contract: str
    salt: bytes
    extensions: list[int]


class ProposalVotesResult(NamedTuple):
    """What ``proposalVotes(uint256)`` gives."""

    against_votes: int
    for_votes: int
    abstain_votes: int


class SaharaGovernor(Handle):
    """The DAO: proposals and votes of SAHARA holders, carried out by the timelock."""

    CONTRACT = "SaharaGovernor"

    def BALLOT_TYPEHASH(self) -> View[bytes]:
        """``BALLOT_TYPEHASH()``."""
        return View(self, "BALLOT_TYPEHASH()")

    def CLOCK_MODE(self) -> View[str]:
        """``CLOCK_MODE()``."""
        return View(self, "CLOCK_MODE()")

    def COUNTING_MODE(self) -> View[str]:
        """``COUNTING_MODE()``."""
        return View(self, "COUNTING_MODE()")

    def EXTENDED_BALLOT_TYPEHASH(self) -> View[bytes]:
        """``EXTENDED_BALLOT_TYPEHASH()``."""
        return View(self, "EXTENDED_BALLOT_TYPEHASH()")

    def MAX_QUORUM_PERCENT(self) -> View[int]:
        """``MAX_QUORUM_PERCENT()``."""
        return View(self, "MAX_QUORUM_PERCENT()")

    def MAX_THRESHOLD_PERCENT(self) -> View[int]:
        """Largest stake that may be asked of a proposer: 1 % of the supply."""
        return View(self, "MAX_THRESHOLD_PERCENT()")

    def MAX_VOTING_DELAY(self) -> View[int]:
        """``MAX_VOTING_DELAY()``."""
        return View(self, "MAX_VOTING_DELAY()")

    def MAX_VOTING_PERIOD(self) -> View[int]:
        """``MAX_VOTING_PERIOD()``."""
        return View(self, "MAX_VOTING_PERIOD()")

    def MIN_QUORUM_PERCENT(self) -> View[int]:
        """``MIN_QUORUM_PERCENT()``."""
        return View(self, "MIN_QUORUM_PERCENT()")

    def MIN_VOTING_PERIOD(self) -> View[int]:
        """``MIN_VOTING_PERIOD()``."""
        return View(self, "MIN_VOTING_PERIOD()")

    def cancel(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description_hash: bytes
    ) -> Call:
        """``cancel(address[],uint256[],bytes[],bytes32)``."""
        return Call(self.contract, "cancel", (targets, values, calldatas, description_hash))

    def cast_vote(self, proposal_id: int, support: int) -> Call:
        """``castVote(uint256,uint8)``."""
        return Call(self.contract, "castVote", (proposal_id, support))

    def cast_vote_by_sig(self, proposal_id: int, support: int, voter: str, signature: bytes) -> Call:
        """``castVoteBySig(uint256,uint8,address,bytes)``."""
        return Call(self.contract, "castVoteBySig", (proposal_id, support, voter, signature))

    def cast_vote_with_reason(self, proposal_id: int, support: int, reason: str) -> Call:
        """``castVoteWithReason(uint256,uint8,string)``."""
        return Call(self.contract, "castVoteWithReason", (proposal_id, support, reason))

    def cast_vote_with_reason_and_params(self, proposal_id: int, support: int, reason: str, params: bytes) -> Call:
        """``castVoteWithReasonAndParams(uint256,uint8,string,bytes)``."""
        return Call(self.contract, "castVoteWithReasonAndParams", (proposal_id, support, reason, params))

    def cast_vote_with_reason_and_params_by_sig(
        self, proposal_id: int, support: int, voter: str, reason: str, params: bytes, signature: bytes
    ) -> Call:
        """``castVoteWithReasonAndParamsBySig(uint256,uint8,address,string,bytes,bytes)``."""
        return Call(
            self.contract, "castVoteWithReasonAndParamsBySig", (proposal_id, support, voter, reason, params, signature)
        )

    def clock(self) -> View[int]:
        """``clock()``."""
        return View(self, "clock()")

    def eip712_domain(self) -> View[Eip712DomainResult]:
        """``eip712Domain()``."""
        return View(self, "eip712Domain()", result=Eip712DomainResult)

    def execute(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description_hash: bytes
    ) -> Call:
        """``execute(address[],uint256[],bytes[],bytes32)``."""
        return Call(self.contract, "execute", (targets, values, calldatas, description_hash))

    def get_proposal_id(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description_hash: bytes
    ) -> View[int]:
        """``getProposalId(address[],uint256[],bytes[],bytes32)``."""
        return View(
            self, "getProposalId(address[],uint256[],bytes[],bytes32)", targets, values, calldatas, description_hash
        )

    def get_votes(self, account: str, timepoint: int) -> View[int]:
        """``getVotes(address,uint256)``."""
        return View(self, "getVotes(address,uint256)", account, timepoint)

    def get_votes_with_params(self, account: str, timepoint: int, params: bytes) -> View[int]:
        """``getVotesWithParams(address,uint256,bytes)``."""
        return View(self, "getVotesWithParams(address,uint256,bytes)", account, timepoint, params)

    def has_voted(self, proposal_id: int, account: str) -> View[bool]:
        """``hasVoted(uint256,address)``."""
        return View(self, "hasVoted(uint256,address)", proposal_id, account)

    def hash_proposal(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description_hash: bytes
    ) -> View[int]:
        """``hashProposal(address[],uint256[],bytes[],bytes32)``."""
        return View(
            self, "hashProposal(address[],uint256[],bytes[],bytes32)", targets, values, calldatas, description_hash
        )

    def late_quorum_vote_extension(self) -> View[int]:
        """``lateQuorumVoteExtension()``."""
        return View(self, "lateQuorumVoteExtension()")

    def name(self) -> View[str]:
        """``name()``."""
        return View(self, "name()")

    def nonces(self, owner: str) -> View[int]:
        """``nonces(address)``."""
        return View(self, "nonces(address)", owner)

    def on_erc1155_batch_received(
        self, arg0: str, arg1: str, arg2: Sequence[int], arg3: Sequence[int], arg4: bytes
    ) -> Call:
        """``onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)``."""
        return Call(self.contract, "onERC1155BatchReceived", (arg0, arg1, arg2, arg3, arg4))

    def on_erc1155_received(self, arg0: str, arg1: str, arg2: int, arg3: int, arg4: bytes) -> Call:
        """``onERC1155Received(address,address,uint256,uint256,bytes)``."""
        return Call(self.contract, "onERC1155Received", (arg0, arg1, arg2, arg3, arg4))

    def on_erc721_received(self, arg0: str, arg1: str, arg2: int, arg3: bytes) -> Call:
        """``onERC721Received(address,address,uint256,bytes)``."""
        return Call(self.contract, "onERC721Received", (arg0, arg1, arg2, arg3))

    def proposal_deadline(self, proposal_id: int) -> View[int]:
        """``proposalDeadline(uint256)``."""
        return View(self, "proposalDeadline(uint256)", proposal_id)

    def proposal_eta(self, proposal_id: int) -> View[int]:
        """``proposalEta(uint256)``."""
        return View(self, "proposalEta(uint256)", proposal_id)

    def proposal_needs_queuing(self, proposal_id: int) -> View[bool]:
        """``proposalNeedsQueuing(uint256)``."""
        return View(self, "proposalNeedsQueuing(uint256)", proposal_id)

    def proposal_proposer(self, proposal_id: int) -> View[str]:
        """``proposalProposer(uint256)``."""
        return View(self, "proposalProposer(uint256)", proposal_id)

    def proposal_snapshot(self, proposal_id: int) -> View[int]:
        """``proposalSnapshot(uint256)``."""
        return View(self, "proposalSnapshot(uint256)", proposal_id)

    def proposal_threshold(self) -> View[int]:
        """``proposalThreshold()``."""
        return View(self, "proposalThreshold()")

    def proposal_votes(self, proposal_id: int) -> View[ProposalVotesResult]:
        """``proposalVotes(uint256)``."""
        return View(self, "proposalVotes(uint256)", proposal_id, result=ProposalVotesResult)

    def propose(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description: str
    ) -> Call:
        """``propose(address[],uint256[],bytes[],string)``."""
        return Call(self.contract, "propose", (targets, values, calldatas, description))

    def queue(
        self, targets: Sequence[str], values: Sequence[int], calldatas: Sequence[bytes], description_hash: bytes
    ) -> Call:
        """``queue(address[],uint256[],bytes[],bytes32)``."""
        return Call(self.contract, "queue", (targets, values, calldatas, description_hash))

    def quorum(self, timepoint: int) -> View[int]:
        """``quorum(uint256)``."""
        return View(self, "quorum(uint256)", timepoint)

    def quorum_denominator(self) -> View[int]:
        """``quorumDenominator()``."""
        return View(self, "quorumDenominator()")

    def quorum_numerator(self) -> View[int]:
        """``quorumNumerator()``."""
        return View(self, "quorumNumerator()")

    def quorum_numerator_with_timepoint(self, timepoint: int) -> View[int]:
        """``quorumNumerator(uint256)``."""
        return View(self, "quorumNumerator(uint256)", timepoint)

    def relay(self, target: str, value: int, data: bytes) -> Call:
        """``relay(address,uint256,bytes)``."""
        return Call(self.contract, "relay", (target, value, data))

    def set_late_quorum_vote_extension(self, new_vote_extension: int) -> Call:
        """``setLateQuorumVoteExtension(uint48)``."""
        return Call(self.contract, "setLateQuorumVoteExtension", (new_vote_extension,))

    def set_proposal_threshold(self, new_proposal_threshold: int) -> Call:
        """``setProposalThreshold(uint256)``."""
        return Call(self.contract, "setProposalThreshold", (new_proposal_threshold,))

    def set_voting_delay(self, new_voting_delay: int) -> Call:
        """``setVotingDelay(uint48)``."""
        return Call(self.contract, "setVotingDelay", (new_voting_delay,))

    def set_voting_period(self, new_voting_period: int) -> Call:
        """``setVotingPeriod(uint32)``."""
        return Call(self.contract, "setVotingPeriod", (new_voting_period,))

    def state(self, proposal_id: int) -> View[int]:
        """``state(uint256)``."""
        return View(self, "state(uint256)", proposal_id)

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """``supportsInterface(bytes4)``."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def timelock(self) -> View[str]:
        """``timelock()``."""
        return View(self, "timelock()")

    def token(self) -> View[str]:
        """``token()``."""
        return View(self, "token()")

    def update_quorum_numerator(self, new_quorum_numerator: int) -> Call:
        """``updateQuorumNumerator(uint256)``."""
        return Call(self.contract, "updateQuorumNumerator", (new_quorum_numerator,))

    def update_timelock(self, arg0: str) -> View[None]:
        """The timelock owns everything, so a governor without it would govern nothing: it cannot be changed."""
        return View(self, "updateTimelock(address)", arg0)

    def version(self) -> View[str]:
        """``version()``."""
        return View(self, "version()")

    def voting_delay(self) -> View[int]:
        """``votingDelay()``."""
        return View(self, "votingDelay()")

    def voting_period(self) -> View[int]:
        """``votingPeriod()``."""
        return View(self, "votingPeriod()")

"""The DAO: OpenZeppelin's Governor with a timelock that owns every protocol parameter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sahara_lab.chain import Chain, Event, Receipt, Sender
from sahara_lab.chain.abi import checksum
from sahara_lab.display import format_time
from sahara_lab.errors import GovernanceError, InputError, NotFound
from sahara_lab.governance.cards import proposal_card
from sahara_lab.identity import Directory
from sahara_lab.units import Wei, format_share, to_basis_points

#: Order of OpenZeppelin's ``IGovernor.ProposalState``.
STATES = ("pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed")
#: Order of ``GovernorCountingSimple.VoteType``.
CHOICES = ("against", "for", "abstain")


@dataclass(frozen=True)
class Parameter:
    """One parameter that a proposal can change: its value and hard limit in basis points."""

    name: str
    label: str
    value: int
    maximum: int
    getter: str
    setter: str

    def __str__(self) -> str:
        return f"{self.label}: {format_share(self.value)} (at most {format_share(self.maximum)})"


@dataclass(frozen=True)
class Proposal:
    """A proposal as it stands now. Votes are in wei of voting power, times in seconds of the chain's clock."""

    number: int
    id: int
    title: str
    description: str
    proposer: str
    state: str
    for_votes: Wei
    against_votes: Wei
    abstain_votes: Wei
    quorum: Wei
    starts_at: int
    ends_at: int
    eta: int
    now: int
    actions: tuple[str, ...]
    my_vote: str | None
    targets: tuple[str, ...]
    values: tuple[int, ...]
    calldatas: tuple[bytes, ...]

    @property
    def next_step(self) -> str | None:
        """What can be done with it now: ``vote``, ``queue``, ``execute`` or nothing."""
        if self.state == "queued":
            return "execute" if self.now >= self.eta else None
        return {"active": "vote", "succeeded": "queue"}.get(self.state)

    def __str__(self) -> str:
        return f"#{self.number} {self.title} ({self.state})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return proposal_card(self)


@dataclass(frozen=True)
class Action:
    """A call that a proposal would make: a contract by its name, a function and its arguments."""

    contract: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Guardian:
    """The founding guardian, who may cancel queued proposals until ``sunset`` (seconds of the chain's clock)."""

    account: str
    sunset: int
    active: bool

    def __str__(self) -> str:
        return f"{self.account} may cancel queued proposals until {format_time(self.sunset)}"


_STAMP = re.compile(r"\s*proposed at \d+\s*$")

_PARAMETERS = {
    "fee": ("Protocol fee on license sales", "feeBps", "setFeeBps", 1_000),
    "max-royalty": ("Cap on the royalties an asset may owe", "maxRoyaltyBps", "setMaxRoyaltyBps", 9_000),
}


class Dao:
    """Proposals and votes of one account. Spending nothing but gas."""

    def __init__(self, chain: Chain, directory: Directory, address: str, sender: Sender, from_block: int) -> None:
        self._chain = chain
        self._directory = directory
        self._address = address
        self._sender = sender
        self._from_block = from_block
        self._governor = chain.contract("SaharaGovernor")
        self._parameters = chain.contract("ProtocolParameters")
        self._token = chain.contract("SaharaToken")
        self._timelock = chain.contract("SaharaTimelock")
        self._modules = chain.contract("Directory")

    # -- reading ------------------------------------------------------------------------------------------------------

    def parameters(self) -> list[Parameter]:
        """The parameters that the DAO owns, with their present values."""
        values = self._chain.batch_call([(self._parameters, entry[1], ()) for entry in _PARAMETERS.values()])
        return [
            Parameter(name, label, value, maximum, getter, setter)
            for (name, (label, getter, setter, maximum)), value in zip(_PARAMETERS.items(), values, strict=True)
        ]

    def power(self, account: str | None = None) -> Wei:
        """Voting power in wei: tokens delegated to the account."""
        address = self._directory.address(account) if account else self._address
        return Wei(self._token.call("getVotes", address))

    def proposals(self) -> list[Proposal]:
        """Every proposal, newest first."""
        created = self._governor.logs("ProposalCreated", self._from_block, "latest")
        return [self._read(number, event) for number, event in reversed(list(enumerate(created, 1)))]

    def proposal(self, number: int) -> Proposal:
        """One proposal by its number (counted from 1).

        Raises:
            NotFound: no proposal has that number.
        """
        created = self._governor.logs("ProposalCreated", self._from_block, "latest")
        if not 1 <= number <= len(created):
            raise NotFound(f"there is no proposal {number}", hint=f"There are {len(created)}; see: %sahara proposals")
        return self._read(number, created[number - 1])

    def _read(self, number: int, event: Event) -> Proposal:
        what = event.args
        identity = what["proposalId"]
        now = self._now()
        governor = self._governor
        state, votes, eta, voted = self._chain.batch_call(
            [
                (governor, "state", (identity,)),
                (governor, "proposalVotes", (identity,)),
                (governor, "proposalEta", (identity,)),
                (governor, "hasVoted", (identity, self._address)),
            ]
        )
        against, favor, abstain = votes.values() if isinstance(votes, dict) else votes
        snapshot = what["voteStart"]
        quorum = governor.call("quorum", min(snapshot, now - 1))
        title, _, description = _STAMP.sub("", what["description"]).partition("\n")
        return Proposal(
            number=number,
            id=identity,
            title=title.lstrip("# ").strip(),
            description=description.strip(),
            proposer=self._directory.handle(what["proposer"]),
            state=STATES[state],
            for_votes=Wei(favor),
            against_votes=Wei(against),
            abstain_votes=Wei(abstain),
            quorum=Wei(quorum),
            starts_at=snapshot,
            ends_at=governor.call("proposalDeadline", identity),
            eta=eta,
            now=now,
            actions=tuple(
                self._explain(target, data) for target, data in zip(what["targets"], what["calldatas"], strict=True)
            ),
            my_vote=self._vote_of(identity) if voted else None,
            targets=tuple(what["targets"]),
            values=tuple(what["values"]),
            calldatas=tuple(bytes(data) for data in what["calldatas"]),
        )

    def _now(self) -> int:
        return self._chain.block("latest").timestamp

    def _vote_of(self, identity: int) -> str | None:
        for event in self._governor.logs("VoteCast", self._from_block, "latest"):
            if event.args["proposalId"] == identity and event.args["voter"] == self._address:
                return CHOICES[event.args["support"]]
        return None

    def guardian(self) -> Guardian:
        """Who may cancel what waits in the timelock, and until when."""
        account, sunset = self._chain.batch_call([(self._timelock, one, ()) for one in ("GUARDIAN", "SUNSET")])
        return Guardian(self._directory.handle(account), sunset, active=self._now() < sunset)

    def _explain(self, target: str, data: bytes) -> str:
        for label, _, setter, _ in _PARAMETERS.values():
            probe = self._parameters.encode(setter, 0)
            if data[:4] == probe[:4] and target == self._parameters.address:
                return f"{label} becomes {format_share(int.from_bytes(data[4:36], 'big'))}"
        if target == self._modules.address and data[:4] == self._modules.encode("set", bytes(32), target)[:4]:
            name = data[4:36].rstrip(b"\0").decode("ascii", "replace")
            return f"{name} is the contract at {checksum('0x' + data[48:68].hex())} from then on"
        known = {address: name for name, address in self._chain.addresses.items()}
        return f"a call of {len(data)} bytes to {known.get(target, target)}"

    # -- acting -------------------------------------------------------------------------------------------------------

    def propose_parameter(self, name: str, value: str | int, title: str | None = None, reason: str = "") -> Proposal:
        """Propose a new value ("3%") for a parameter ("fee").

        Raises:
            InputError: no such parameter, or a value beyond its hard limit.
        """
        if name not in _PARAMETERS:
            raise InputError(f"there is no parameter {name!r}", hint=f"Parameters are: {', '.join(_PARAMETERS)}")
        label, _, setter, maximum = _PARAMETERS[name]
        points = to_basis_points(value)
        if points > maximum:
            raise InputError(f"{label.lower()} can be at most {format_share(maximum)}")
        heading = title or f"Set the {label[0].lower()}{label[1:]} to {format_share(points)}"
        return self.propose([Action("ProtocolParameters", setter, (points,))], heading, reason)

    def propose_key_server(self, account: str, url: str, encryption_key: bytes, reason: str = "") -> Proposal:
        """Propose that the network recognizes a key server.

        Args:
            account: address that signs its receipts and anchors its log.
            encryption_key: public key that shares are sealed to (MLKEM768_X25519, 1216 bytes).

        Raises:
            InputError: the URL is not one that readers on other machines can use.
        """
        if not url.startswith(("https://", "http://")) or len(url) > 512:
            raise InputError(f"{url[:80]!r} is not a key server's address", hint="Write https://keys.example")
        action = Action("KeyServerRegistry", "add", (account, url, encryption_key))
        return self.propose([action], f"Recognize the key server at {url}", reason)

    def propose_module(self, name: str, address: str, title: str | None = None, reason: str = "") -> Proposal:
        """Propose that the directory names another contract: clients use it from their next connection on.

        The contract is there already; the one it follows stays, with everything in it.
        """
        action = Action("Directory", "set", (name.encode("ascii").ljust(32, b"\0"), address))
        return self.propose([action], title or f"Let {name} be the contract at {address}", reason)

    def propose(self, actions: Sequence[Action], title: str, reason: str = "") -> Proposal:
        """Propose calls that the timelock makes, all or none, if the vote passes. The slowest class sets the delay."""
        targets = [self._chain.contract(action.contract) for action in actions]
        calldatas = [
            target.encode(action.function, *action.arguments) for target, action in zip(targets, actions, strict=True)
        ]
        # The clock makes a repeated proposal a new one: the Governor identifies proposals by their content.
        description = f"# {title}\n\n{reason}\n\nproposed at {self._now()}"
        calls = ([target.address for target in targets], [0] * len(targets), calldatas, description)
        receipt = self._sender.send(self._governor, "propose", *calls)
        identity = next(e.args["proposalId"] for e in receipt.events if e.name == "ProposalCreated")
        return next(proposal for proposal in self.proposals() if proposal.id == identity)

    def vote(self, number: int, choice: str, reason: str = "") -> Proposal:
        """Vote ``for``, ``against`` or ``abstain``.

        Raises:
            GovernanceError: voting is not open, the account voted already or has no voting power.
        """
        if choice not in CHOICES:
            raise InputError(f"{choice!r} is not a choice", hint="Vote for, against or abstain")
        proposal = self.proposal(number)
        if proposal.state == "pending":
            raise GovernanceError(f"voting on proposal {number} opens in {max(1, proposal.starts_at - proposal.now)} s")
        if proposal.state != "active":
            raise GovernanceError(f"voting on proposal {number} is closed: it is {proposal.state}")
        if proposal.my_vote:
            raise GovernanceError(f"you voted {proposal.my_vote} on proposal {number} already")
        if not self._governor.call("getVotes", self._address, proposal.starts_at):
            raise GovernanceError(
                "you had no voting power when this vote began",
                hint="Delegate your tokens to yourself: lab.dao.delegate()",
            )
        self._sender.send(self._governor, "castVoteWithReason", proposal.id, CHOICES.index(choice), reason)
        return self.proposal(number)

    def queue(self, number: int) -> Proposal:
        """Put a proposal that succeeded into the timelock."""
        return self._advance(number, "queue", "succeeded")

    def execute(self, number: int) -> Proposal:
        """Carry out a queued proposal whose delay has passed."""
        return self._advance(number, "execute", "queued")

    def cancel(self, number: int) -> Proposal:
        """Cancel a queued proposal, as the founding guardian, before the sunset.

        Raises:
            GovernanceError: it is not queued, this account is not the guardian, or the guardian has retired.
        """
        proposal, guardian = self.proposal(number), self.guardian()
        if proposal.state != "queued":
            raise GovernanceError(f"proposal {number} is {proposal.state}; the guardian cancels what is queued")
        if self._directory.address(guardian.account) != self._address:
            raise GovernanceError(f"only the guardian, {guardian.account}, may cancel")
        if not guardian.active:
            raise GovernanceError(f"the guardian retired at {format_time(guardian.sunset)}")
        digest = self._description_hash(number)
        # The Governor's own address and the description's hash, as OpenZeppelin's GovernorTimelockControl joins them.
        governor = bytes.fromhex(self._governor.address[2:]).ljust(32, b"\0")
        salt = bytes(one ^ other for one, other in zip(governor, digest, strict=True))
        operation = self._timelock.call(
            "hashOperationBatch",
            list(proposal.targets), list(proposal.values), list(proposal.calldatas), bytes(32), salt,
        )  # fmt: skip
        self._sender.send(self._timelock, "cancel", operation)
        return self.proposal(number)

    def _description_hash(self, number: int) -> bytes:
        from eth_utils import keccak

        created = self._governor.logs("ProposalCreated", self._from_block, "latest")[number - 1]
        return bytes(keccak(text=created.args["description"]))

    def delegate(self, account: str | None = None) -> Receipt:
        """Give one's voting power to ``account``, or to oneself: undelegated tokens do not vote."""
        address = self._directory.address(account) if account else self._address
        return self._sender.send(self._token, "delegate", address)

    def _advance(self, number: int, step: str, needed: str) -> Proposal:
        proposal = self.proposal(number)
        if proposal.state != needed:
            raise GovernanceError(f"proposal {number} is {proposal.state}; to {step} it, it must be {needed}")
        if step == "execute" and proposal.now < proposal.eta:
            raise GovernanceError(
                f"the timelock opens in {proposal.eta - proposal.now} s", hint="Wait, then execute again"
            )
        digest = self._description_hash(number)
        self._sender.send(
            self._governor, step, list(proposal.targets), list(proposal.values), list(proposal.calldatas), digest
        )
        return self.proposal(number)

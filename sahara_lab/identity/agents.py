"""Agents after ERC-8004: who they are, what clients with a receipt say of them, and checks of their work."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sahara_lab.chain import Chain, Sender, Wallet
from sahara_lab.errors import ChainError, InputError, NotFound
from sahara_lab.identity.directory import ZERO_ADDRESS, Directory
from sahara_lab.identity.values import (
    Agent,
    Agents,
    Feedback,
    FeedbackList,
    Reputation,
    Validation,
    Validations,
    WalletProof,
    inline,
    read_inline,
)
from sahara_lab.signing import TypedData, canonical_json
from sahara_lab.units import Wei

FILE_TYPE = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1"
MOST_DECIMALS = 18
PROOF_LIFETIME = 240  # seconds; the registry takes no proof that is good for more than 300
_PAGE = 100


class Identity:
    """Agents, seen and managed by one account."""

    def __init__(self, chain: Chain, directory: Directory, wallet: Wallet, sender: Sender, from_block: int) -> None:
        self._chain = chain
        self._directory = directory
        self._wallet = wallet
        self._sender = sender
        self._from_block = from_block
        self._agents = chain.contract("AgentRegistry")
        self._feedback = chain.contract("ReputationRegistry")
        self._receipts = chain.contract("FeedbackReceipts")
        self._checks = chain.contract("ValidationRegistry")
        self._licenses = chain.contract("LicenseToken")

    # -- agents -------------------------------------------------------------------------------------------------------

    def register(
        self, name: str, description: str = "", *, services: Mapping[str, str] | None = None, uri: str | None = None
    ) -> Agent:
        """Register an agent of this account.

        The registration file is written on chain, which takes a second transaction since it names the agent's id; with
        ``uri`` it is yours, wherever you keep it.

        Args:
            services: where the agent can be reached: ``{"MCP": "https://…"}``.
        """
        if not name.strip() and uri is None:
            raise InputError("an agent needs a name")
        if uri is not None:
            receipt = self._sender.send(self._agents, "register", uri, intent=f"agent {uri} {self._agents.address}")
        else:
            receipt = self._sender.send(self._agents, "register")
        number = next(event.args["agentId"] for event in receipt.events if event.name == "Registered")
        if uri is None:
            self._sender.send(self._agents, "setAgentURI", number, self._file(number, name, description, services))
        return self.agent(number)

    def _file(self, number: int, name: str, description: str, services: Mapping[str, str] | None) -> str:
        where = f"eip155:{self._chain.chain_id}:{self._agents.address}"
        return inline(
            canonical_json(
                {
                    "type": FILE_TYPE,
                    "name": name,
                    "description": description,
                    "image": "",
                    "services": [{"name": kind, "endpoint": url} for kind, url in (services or {}).items()],
                    "x402Support": False,
                    "active": True,
                    "registrations": [{"agentId": number, "agentRegistry": where}],
                    "supportedTrust": ["reputation", "crypto-economic"],
                }
            )
        )

    def agent(self, which: Agent | int | str) -> Agent:
        """An agent by its id, or the one that a handle or an account stands for.

        Raises:
            NotFound: there is none.
        """
        if isinstance(which, Agent):
            return self.agent(which.id)
        number = self._number(which)
        try:
            owner, wallet, uri, handle = self._chain.batch_call(
                [(self._agents, view, (number,)) for view in ("ownerOf", "getAgentWallet", "tokenURI", "handleOf")]
            )
        except ChainError as error:
            raise NotFound(f"there is no agent {number}", hint=f"Agents so far: {self._count()}") from error
        return Agent(number, owner, handle, None if wallet == ZERO_ADDRESS else wallet, uri, read_inline(uri))

    def agents(self) -> Agents:
        """All registered agents, newest first."""
        return Agents(self.agent(number) for number in range(self._count(), 0, -1))

    def set_uri(self, agent: Agent | int | str, uri: str) -> Agent:
        """Move an own agent's registration file."""
        number = self._number(agent)
        self._sender.send(self._agents, "setAgentURI", number, uri)
        return self.agent(number)

    def set_metadata(self, agent: Agent | int | str, key: str, value: bytes) -> None:
        """Write an entry about an own agent for everybody to read, contracts included."""
        self._sender.send(self._agents, "setMetadata", self._number(agent), key, value)

    def metadata(self, agent: Agent | int | str, key: str) -> bytes:
        """An entry about an agent; empty when there is none."""
        return bytes(self._agents.call("getMetadata", self._number(agent), key))

    def make_primary(self, agent: Agent | int | str) -> Agent:
        """Let this account's handle stand for one of its agents."""
        number = self._number(agent)
        self._sender.send(self._agents, "setPrimaryAgent", number)
        return self.agent(number)

    def prove_wallet(self, agent: Agent | int | str) -> WalletProof:
        """This account's consent that an agent, maybe of another account, is paid here; give it to the owner."""
        found = self.agent(agent)
        deadline = self._chain.block().timestamp + PROOF_LIFETIME
        typed = self._wallet_message(found, self._wallet.address, deadline)
        return WalletProof(self._wallet.address, deadline, self._wallet.sign_typed_data(typed))

    def set_wallet(self, agent: Agent | int | str, proof: WalletProof) -> Agent:
        """Have an own agent paid where ``proof`` says."""
        number = self._number(agent)
        self._sender.send(self._agents, "setAgentWallet", number, proof.wallet, proof.deadline, proof.signature)
        return self.agent(number)

    def _wallet_message(self, agent: Agent, wallet: str, deadline: int) -> TypedData:
        """EIP-712, as the registries of ERC-8004 that are deployed have it."""
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "AgentWalletSet": [
                    {"name": "agentId", "type": "uint256"},
                    {"name": "newWallet", "type": "address"},
                    {"name": "owner", "type": "address"},
                    {"name": "deadline", "type": "uint256"},
                ],
            },
            "primaryType": "AgentWalletSet",
            "domain": {
                "name": "ERC8004IdentityRegistry",
                "version": "1",
                "chainId": self._chain.chain_id,
                "verifyingContract": self._agents.address,
            },
            "message": {"agentId": agent.id, "newWallet": wallet, "owner": agent.owner, "deadline": deadline},
        }

    def _number(self, which: Agent | int | str) -> int:
        if isinstance(which, Agent):
            return which.id
        if isinstance(which, int) or which.isdecimal():
            return int(which)
        number = int(self._agents.call("agentOf", self._directory.address(which)))
        if not number:
            raise NotFound(f"{which} stands for no agent", hint="Register one: lab.identity.register(NAME)")
        return number

    def _count(self) -> int:
        return int(self._agents.call("agentCount"))

    # -- feedback -----------------------------------------------------------------------------------------------------

    def rate(
        self,
        agent: Agent | int | str,
        value: str | int | Decimal,
        tag: str = "starred",
        *,
        part: str = "",
        endpoint: str = "",
        uri: str = "",
        license: int | None = None,
    ) -> Feedback:
        """Give feedback on somebody else's agent, and put a license behind it, without which it does not count.

        Args:
            value: ``"99.77"``; what it measures is ``tag``, for example ``starred`` (0 to 100), ``uptime`` (percent).
            part: narrows the measure, as ``month`` does ``tradingYield``.
            license: the receipt; by default an unused license of this account for an asset of the agent's owner.
        """
        found = self.agent(agent)
        amount, decimals = _fixed_point(value)
        sent = self._sender.send(
            self._feedback, "giveFeedback", found.id, amount, decimals, tag, part, endpoint, uri, bytes(32)
        )
        index = next(event.args["feedbackIndex"] for event in sent.events if event.name == "NewFeedback")
        receipt = license if license is not None else self._unused_license(found.owner)
        if receipt:
            self.back(found, index, receipt)
        return self._feedback_of(found.id, [(self._wallet.address, index)])[0]

    def back(self, agent: Agent | int | str, index: int, license: int) -> None:
        """Put one of this account's licenses behind its feedback ``index`` on an agent."""
        self._sender.send(self._receipts, "back", self._number(agent), index, license)

    def revoke(self, agent: Agent | int | str, index: int) -> None:
        """Take own feedback back; it stays readable and counts no longer."""
        self._sender.send(self._feedback, "revokeFeedback", self._number(agent), index)

    def respond(self, agent: Agent | int | str, client: str, index: int, uri: str) -> None:
        """Answer feedback; anybody may, for example its agent's owner."""
        address = self._directory.address(client)
        self._sender.send(self._feedback, "appendResponse", self._number(agent), address, index, uri, bytes(32))

    def feedback(self, agent: Agent | int | str) -> FeedbackList:
        """Everything said of an agent, with or without a receipt, revoked or not."""
        number = self._number(agent)
        places: list[tuple[str, int]] = []
        for clients in self._pages("ReputationRegistry", "clientsPage", number):
            counts = self._chain.batch_call([(self._feedback, "getLastIndex", (number, client)) for client in clients])
            places += [(client, n) for client, count in zip(clients, counts, strict=True) for n in range(1, count + 1)]
        return FeedbackList(self._feedback_of(number, places))

    def reputation(self, agent: Agent | int | str, tag: str = "starred", *, part: str = "") -> Reputation:
        """The mean of what clients with a receipt said under one measure, and what faking it would cost."""
        found = self.agent(agent)
        backed = [one for page in self._pages("FeedbackReceipts", "page", found.id) for one in page]
        said = self._feedback_of(found.id, [(one["client"], one["index"]) for one in backed])
        counted = [one for one in said if not one.revoked and one.tag == tag and part in ("", one.part)]
        mean = sum((one.value for one in counted), Decimal(0)) / len(counted) if counted else None
        return Reputation(
            agent=found,
            tag=tag,
            mean=mean,
            count=len(counted),
            cost_of_faking=self._fees({one.receipt for one in counted}),
            clients=int(self._feedback.call("clientCount", found.id)),
        )

    def _feedback_of(self, agent: int, places: list[tuple[str, int]]) -> list[Feedback]:
        calls = [(self._feedback, "readFeedback", (agent, *place)) for place in places]
        calls += [(self._receipts, "receiptOf", (agent, *place)) for place in places]
        answers = self._chain.batch_call(calls) if calls else []
        read = [said.values() if isinstance(said, dict) else said for said in answers[: len(places)]]
        return [
            Feedback(
                agent=agent,
                client=self._directory.handle(client),
                index=index,
                value=Decimal(value).scaleb(-decimals),
                tag=tag,
                part=part,
                revoked=revoked,
                receipt=receipt,
            )
            for (client, index), (value, decimals, tag, part, revoked), receipt in zip(
                places, read, answers[len(places) :], strict=True
            )
        ]

    def _unused_license(self, owner: str) -> int:
        """A license of this account for an asset of ``owner`` that stands behind no feedback yet, or 0."""
        registry = self._chain.contract("AssetRegistry")
        for event in reversed(self._licenses.logs("LicenseIssued", self._from_block)):
            if event.args["holder"] != self._wallet.address:
                continue
            license, asset = event.args["license"], event.args["asset"]
            try:
                holder, seller, spent = self._chain.batch_call(
                    [
                        (self._licenses, "ownerOf", (license,)),
                        (registry, "ownerOf", (asset,)),
                        (self._receipts, "isSpent", (license,)),
                    ]
                )
            except ChainError:  # a license that is no more
                continue
            if holder == self._wallet.address and seller == owner and not spent:
                return int(license)
        return 0

    def _fees(self, licenses: set[int]) -> Wei:
        if not licenses:
            return Wei(0)
        sold = self._chain.contract("Market").logs("LicenseSold", self._from_block)
        return Wei(sum(event.args["fee"] for event in sold if event.args["license"] in licenses))

    # -- checks of work -----------------------------------------------------------------------------------------------

    def request_validation(
        self, agent: Agent | int | str, validator: str, request: Mapping[str, Any], *, nonce: str | None = None
    ) -> Validation:
        """Ask a validator to check an own agent's work.

        Args:
            request: what to check, as JSON; it is written on chain for everybody to read, so name files, do not
                include them.
            nonce: 32 random hex digits; asking again with the same asks once.
        """
        number = self._number(agent)
        nonce = nonce or secrets.token_hex(16)
        payload = canonical_json({"agentId": number, "nonce": nonce, "request": dict(request)})
        from eth_utils import keccak

        digest = keccak(payload)
        address = self._directory.address(validator)
        if self._chain.batch_try([(self._checks, "getValidationStatus", (digest,))]) == [None]:
            self._sender.send(self._checks, "validationRequest", address, number, inline(payload), digest)
        return self.validation(digest)

    def answer_validation(
        self, request: Validation | bytes, response: int, *, tag: str = "", uri: str = "", evidence: bytes = bytes(32)
    ) -> Validation:
        """Answer a request to this account: 0 for failed to 100 for passed. It may be answered again.

        Args:
            uri: where evidence lies; ``evidence`` is its keccak256.
        """
        digest = request.hash if isinstance(request, Validation) else request
        if not 0 <= response <= 100:
            raise InputError(f"a response is 0 to 100, not {response}")
        self._sender.send(self._checks, "validationResponse", digest, response, uri, evidence, tag)
        return self.validation(digest)

    def validation(self, request: bytes) -> Validation:
        """A request by its hash, with its last answer.

        Raises:
            ChainError: nobody made it.
        """
        return self._validation(request, self._checks.call("getValidationStatus", request))

    def validations(self, agent: Agent | int | str) -> Validations:
        """Requests to check an agent's work, oldest first."""
        return self._validations("agentValidationsPage", self._number(agent))

    def requests(self, validator: str | None = None) -> Validations:
        """Requests to a validator, by default to this account, oldest first."""
        address = self._directory.address(validator) if validator else self._wallet.address
        return self._validations("validatorRequestsPage", address)

    def payload(self, request: Validation) -> dict[str, Any]:
        """What was asked to be checked; empty where it lies elsewhere than on chain."""
        for event in self._checks.logs("ValidationRequest", self._from_block):
            if bytes(event.args["requestHash"]) == request.hash:
                asked = read_inline(event.args["requestURI"]).get("request")
                return asked if isinstance(asked, dict) else {}
        return {}

    def _validations(self, view: str, of: int | str) -> Validations:
        hashes = [bytes(one) for page in self._pages("ValidationRegistry", view, of) for one in page]
        found = self._chain.batch_call([(self._checks, "getValidationStatus", (one,)) for one in hashes])
        return Validations(self._validation(one, status) for one, status in zip(hashes, found, strict=True))

    def _validation(self, request: bytes, status: Any) -> Validation:
        parts = status.values() if isinstance(status, dict) else status
        validator, agent, response, evidence, tag, answered_at = parts
        return Validation(
            hash=request,
            agent=agent,
            validator=self._directory.handle(validator),
            response=response if answered_at else None,
            tag=tag,
            evidence=bytes(evidence),
            answered_at=answered_at,
        )

    def _pages(self, contract: str, view: str, of: int | str) -> Iterator[Any]:
        """Pages of a list until one is not full."""
        first = 0
        while page := self._chain.contract(contract).call(view, of, first, _PAGE):
            yield page
            if len(page) < _PAGE:
                return
            first += _PAGE


def services_of(pairs: Sequence[str]) -> dict[str, str]:
    """Addresses written as ``KIND=URL``, by kind.

    Raises:
        InputError: one of them is not.
    """
    found = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(kind and url for kind, url in found.items()):
        raise InputError("a service is written KIND=URL", hint="For example: --service MCP=https://agent.example/mcp")
    return found


def _fixed_point(value: str | int | Decimal) -> tuple[int, int]:
    """A number as an integer and its digits behind the point.

    Raises:
        InputError: it is no number, or has more than 18 digits behind the point.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InputError(f"{value!r} is not a number") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MOST_DECIMALS or number.adjusted() > 37:
        raise InputError(f"{value!r} cannot be feedback", hint="At most 18 digits behind the point, and 38 before it")
    decimals = max(0, -exponent)
    return int(number.scaleb(decimals)), decimals

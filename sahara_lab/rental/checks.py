"""Checks of rented jobs on chain: the provider asks the renter, who answers in the validation registry (ERC-8004).

Only an agent's owner can ask for a check of its work, so a provider asks before it knows which segment is looked at,
and the signed manifest names the request. Only the one who was asked can answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import ChainError
from sahara_lab.identity.values import inline
from sahara_lab.signing import canonical_json

if TYPE_CHECKING:
    from sahara_lab.chain import Chain, Contract
    from sahara_lab.identity import Identity

TAG = "recomputed"
PASSED, FAILED = 100, 0


def ask_check(identity: Identity, agent: int, client: str, job_id: int, nonce: str) -> str:
    """Ask ``client`` to check a job; the same nonce asks once. Returns the request's hash in hex."""
    return identity.request_validation(agent, client, {"job": f"{job_id:#066x}"}, nonce=nonce).hash.hex()


def answer_check(identity: Identity, agents: Contract, request: str, provider: str, verdict: Mapping[str, Any]) -> bool:
    """Record a verdict, unless it is undecided: a segment that nobody could judge is no mark for or against anybody.

    Args:
        request: hash that the provider's manifest names.
        provider: its address; the request has to be for an agent of its own.
        verdict: as :meth:`Verdict.as_json` gives it.

    Returns whether it is on chain: not so where there is no request to this account about that provider's agent.
    """
    if verdict["outcome"] == "undecided":
        return False
    try:
        asked = identity.validation(bytes.fromhex(request))
        mine = any(one.hash == asked.hash for one in identity.requests())
        if not mine or agents.call("ownerOf", asked.agent) != provider:
            return False
    except (ChainError, ValueError):
        return False
    from eth_utils import keccak

    document = canonical_json(dict(verdict))
    response = PASSED if verdict["attestation"] == TAG else FAILED
    identity.answer_validation(asked, response, tag=TAG, uri=inline(document), evidence=keccak(document))
    return True


def checks_of_agents(chain: Chain, from_block: int) -> dict[int, dict[str, Any]]:
    """By agent: segments that were recomputed and right (``passed``), or not (``failed``), and by how many renters."""
    last = {}
    for event in chain.contract("ValidationRegistry").logs("ValidationResponse", from_block):
        if event.args["tag"] == TAG:
            last[bytes(event.args["requestHash"])] = event.args
    found: dict[int, dict[str, Any]] = {}
    renters: dict[int, set[str]] = {}
    for args in last.values():
        agent = int(args["agentId"])
        one = found.setdefault(agent, {"passed": 0, "failed": 0, "checkers": 0})
        one["passed" if args["response"] == PASSED else "failed"] += 1
        renters.setdefault(agent, set()).add(args["validatorAddress"])
        one["checkers"] = len(renters[agent])
    return found

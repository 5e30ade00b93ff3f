"""Agents, feedback with receipts, and checks of work, on a real chain."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, InputError, NotFound
from sahara_lab.identity.values import inline, read_inline
from sahara_lab.units import to_wei


@pytest.fixture
def agent(alice: Any, fresh: Callable[[str], str]) -> Any:
    return alice.identity.register(
        fresh("classifier"), "Tells penguins apart", services={"MCP": "https://a.example/mcp"}
    )


@pytest.fixture
def licensed(alice: Any, bob: Any, table_folder: Path, fresh: Callable[[str], str]) -> int:
    """A license that Bob bought from Alice for 20 SAHARA."""
    name = fresh("rated")
    alice.market.publish(table_folder, name=name, license=License.commercial_remix(price="20", royalty="0%"))
    return int(bob.market.license(f"alice/{name}", max_price="20").id)


def test_an_agent_has_a_file_on_chain_that_names_it(alice: Any, bob: Any, agent: Any) -> None:
    seen = bob.identity.agent(agent.id)
    assert seen == agent
    assert seen.owner == seen.wallet == alice.wallet.address
    assert seen.services == {"MCP": "https://a.example/mcp"}
    registry = alice.chain.addresses["AgentRegistry"]
    assert seen.file["registrations"] == [
        {"agentId": agent.id, "agentRegistry": f"eip155:{alice.chain.chain_id}:{registry}"}
    ]
    assert agent.id in [one.id for one in bob.identity.agents()]
    assert "Tells penguins apart" in seen._repr_mimebundle_()["text/plain"]


def test_a_handle_stands_for_one_agent(alice: Any, bob: Any, agent: Any) -> None:
    alice.identity.make_primary(agent)
    assert bob.identity.agent("alice").id == agent.id
    assert bob.identity.agent(agent.id).handle == "alice"
    with pytest.raises(NotFound, match="no agent"):
        bob.identity.agent(10_000)


def test_metadata_and_file_are_the_owners(alice: Any, bob: Any, agent: Any) -> None:
    alice.identity.set_metadata(agent, "model", b"penguin-net@3")
    assert bob.identity.metadata(agent, "model") == b"penguin-net@3"
    assert alice.identity.set_uri(agent, "ipfs://file").uri == "ipfs://file"
    with pytest.raises(ChainError, match="belongs to someone else"):
        bob.identity.set_metadata(agent, "model", b"mine")
    with pytest.raises(ChainError, match="with a proof"):
        alice.identity.set_metadata(agent, "agentWallet", bytes(20))


def test_another_wallet_consents_to_be_paid(alice: Any, bob: Any, carol: Any, agent: Any) -> None:
    proof = bob.identity.prove_wallet(agent)
    assert alice.identity.set_wallet(agent, proof).wallet == bob.wallet.address
    other = alice.identity.register("other", uri="ipfs://other")
    with pytest.raises(ChainError, match="has not signed"):
        alice.identity.set_wallet(other, proof)


def test_feedback_counts_with_a_license_behind_it(alice: Any, bob: Any, carol: Any, agent: Any, licensed: int) -> None:
    said = bob.identity.rate(agent, "97.5")
    assert (said.value, said.receipt, said.client) == (Decimal("97.5"), licensed, "bob")
    assert carol.identity.rate(agent, 1, license=0).receipt == 0
    found = carol.identity.reputation(agent)
    assert (found.mean, found.count, found.clients) == (Decimal("97.5"), 1, 2)
    fee = alice.chain.contract("ProtocolParameters").call("feeBps")
    assert found.cost_of_faking == to_wei("20") * fee // 10_000 > 0
    assert [one.value for one in carol.identity.feedback(agent)] == [Decimal("97.5"), 1]
    bob.identity.revoke(agent, said.index)
    assert carol.identity.reputation(agent).mean is None


def test_a_license_is_spent_once(bob: Any, agent: Any, licensed: int) -> None:
    assert bob.identity.rate(agent, 80, license=licensed).receipt == licensed
    second = bob.identity.rate(agent, 90, "uptime", license=0)
    assert second.receipt == 0
    with pytest.raises(ChainError, match="stands behind other feedback"):
        bob.identity.back(agent, second.index, licensed)


def test_nobody_rates_their_own_agent(alice: Any, agent: Any) -> None:
    with pytest.raises(ChainError, match="own agent"):
        alice.identity.rate(agent, 100)


def test_measures_are_kept_apart(bob: Any, carol: Any, agent: Any, licensed: int) -> None:
    bob.identity.rate(agent, 560, "responseTime")
    assert carol.identity.reputation(agent).mean is None
    assert carol.identity.reputation(agent, "responseTime").mean == 560


def test_feedback_can_be_answered(alice: Any, bob: Any, agent: Any) -> None:
    said = bob.identity.rate(agent, 3)
    alice.identity.respond(agent, "bob", said.index, "ipfs://sorry")
    registry = alice.chain.contract("ReputationRegistry")
    assert registry.call("getResponseCount", agent.id, bob.wallet.address, said.index, []) == 1


@pytest.mark.parametrize("value", ["much", "0.0000000000000000001", "1e40", "NaN"])
def test_feedback_is_a_number_that_fits(bob: Any, agent: Any, value: str) -> None:
    with pytest.raises(InputError):
        bob.identity.rate(agent, value)


def test_a_validator_checks_work(alice: Any, bob: Any, agent: Any) -> None:
    asked = alice.identity.request_validation(agent, "bob", {"job": "train-1", "output": "sha256:00"})
    assert asked.response is None
    waiting = bob.identity.requests()[-1]
    assert waiting.hash == asked.hash
    assert bob.identity.payload(waiting) == {"job": "train-1", "output": "sha256:00"}
    done = bob.identity.answer_validation(waiting, 100, tag="re-executed")
    assert (done.response, done.tag, done.validator) == (100, "re-executed", "bob")
    assert alice.identity.validations(agent)[-1] == done
    with pytest.raises(ChainError, match="only the validator"):
        alice.identity.answer_validation(asked, 100)


@pytest.mark.parametrize(
    "uri", ["ipfs://x", "data:application/json;base64,###", inline(b"[1]"), inline(b"[" * 10**5), ""]
)
def test_a_strangers_file_is_read_or_left_alone(uri: str) -> None:
    assert read_inline(uri) == {}

"""Proposals from the first word to the changed parameter."""

from __future__ import annotations

import pytest

from sahara_lab.errors import GovernanceError, InputError, NotFound

pytestmark = pytest.mark.network


def value_of(lab, name):  # type: ignore[no-untyped-def]
    return next(parameter.value for parameter in lab.dao.parameters() if parameter.name == name)


def test_a_vote_changes_the_fee(alice, bob, carol):  # type: ignore[no-untyped-def]
    proposal = alice.dao.propose_parameter("fee", "4%", reason="More key servers.")
    alice.network.advance(2)
    alice.dao.vote(proposal.number, "for", reason="Yes")
    bob.dao.vote(proposal.number, "for")
    tally = carol.dao.vote(proposal.number, "against")
    assert tally.for_votes == alice.dao.power() + bob.dao.power()
    assert tally.against_votes == carol.dao.power()
    assert carol.dao.proposal(proposal.number).my_vote == "against"
    alice.network.advance("6 minutes")
    assert alice.dao.proposal(proposal.number).state == "succeeded"
    alice.dao.queue(proposal.number)
    alice.network.advance("1 minute")
    assert alice.dao.execute(proposal.number).state == "executed"
    assert value_of(alice, "fee") == 400


def test_a_defeated_proposal_cannot_be_queued(alice, bob, carol):  # type: ignore[no-untyped-def]
    before = value_of(alice, "fee")
    proposal = alice.dao.propose_parameter("fee", "9%")
    alice.network.advance(2)
    bob.dao.vote(proposal.number, "against")
    carol.dao.vote(proposal.number, "against")
    alice.network.advance("6 minutes")
    with pytest.raises(GovernanceError, match="defeated"):
        alice.dao.queue(proposal.number)
    assert value_of(alice, "fee") == before


def test_nobody_votes_twice(alice):  # type: ignore[no-untyped-def]
    proposal = alice.dao.propose_parameter("fee", "1%")
    alice.network.advance(2)
    alice.dao.vote(proposal.number, "abstain")
    with pytest.raises(GovernanceError, match="already"):
        alice.dao.vote(proposal.number, "for")


def test_a_value_beyond_its_limit_is_refused_before_a_proposal(alice):  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="at most 10%"):
        alice.dao.propose_parameter("fee", "11%")


def test_an_unknown_proposal_is_not_found(alice):  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound):
        alice.dao.vote(10_000, "for")


def queued(lab, proposal):  # type: ignore[no-untyped-def]
    """A proposal that passed and waits in the timelock."""
    lab.network.advance(2)
    lab.dao.vote(proposal.number, "for")
    lab.network.advance("6 minutes")
    return lab.dao.queue(proposal.number)


def test_what_changes_more_waits_longer(alice):  # type: ignore[no-untyped-def]
    module = alice.chain.addresses["Market"]
    parameter = queued(alice, alice.dao.propose_parameter("fee", "2%"))
    directory = queued(alice, alice.dao.propose_module("Example", module))
    shortest = alice.chain.contract("SaharaTimelock").call("getMinDelay")
    assert parameter.eta - parameter.now <= shortest
    assert shortest < directory.eta - directory.now <= 3 * shortest
    assert directory.actions == (f"Example is the contract at {module} from then on",)


def test_the_guardian_cancels_what_waits(alice, bob):  # type: ignore[no-untyped-def]
    before = value_of(alice, "fee")
    assert alice.dao.guardian().account == "alice"
    assert alice.dao.guardian().active
    proposal = queued(alice, alice.dao.propose_parameter("fee", "5%"))
    with pytest.raises(GovernanceError, match="only the guardian"):
        bob.dao.cancel(proposal.number)
    assert alice.dao.cancel(proposal.number).state == "canceled"
    with pytest.raises(GovernanceError, match="canceled"):
        alice.dao.execute(proposal.number)
    assert value_of(alice, "fee") == before


def test_a_proposal_may_make_several_calls(alice):  # type: ignore[no-untyped-def]
    from sahara_lab.governance import Action

    treasury = alice.chain.addresses["SaharaTimelock"]
    calls = [
        Action("SaharaToken", "transfer", (alice.wallet.address, 1)),
        Action("SaharaToken", "transfer", (treasury, 1)),
    ]
    proposal = queued(alice, alice.dao.propose(calls, "Pay an auditor"))
    alice.network.advance(10)
    assert alice.dao.execute(proposal.number).state == "executed"
    assert proposal.title == "Pay an auditor"

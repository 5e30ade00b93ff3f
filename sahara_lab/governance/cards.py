"""How a proposal looks in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sahara_lab.display import bundle, card
from sahara_lab.units import format_tokens

if TYPE_CHECKING:
    from sahara_lab.governance.dao import Proposal


def proposal_card(proposal: Proposal) -> dict[str, str]:
    """MIME bundle of a proposal: state, tally and what it would change."""
    rows = [
        ("Would do", "; ".join(proposal.actions)),
        ("Proposed by", proposal.proposer),
        ("For", format_tokens(proposal.for_votes)),
        ("Against", format_tokens(proposal.against_votes)),
        ("Abstain", format_tokens(proposal.abstain_votes)),
        ("Quorum", format_tokens(proposal.quorum)),
    ]
    if proposal.my_vote:
        rows.append(("Your vote", proposal.my_vote))
    if proposal.next_step:
        rows.append(("Next step", proposal.next_step))
    return bundle(str(proposal), card(f"#{proposal.number} {proposal.title}", rows, badge=proposal.state))

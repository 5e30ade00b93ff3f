"""Which feedback on agents has a receipt.

Made from the ABI and NatSpec of FeedbackReceipts by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Backed
from sahara_lab.chain.orders import Call


class FeedbackBacked(NamedTuple):
    """`license`, of `asset`, stands behind feedback from now on."""

    agent_id: int
    client: str
    index_: int
    license: int
    asset: int


class GetSummaryResult(NamedTuple):
    """What ``getSummary(uint256,string,string,uint256,uint256)`` gives."""

    arg0: int
    arg1: int
    arg2: int


class FeedbackReceipts(Handle):
    """Which feedback on agents has a receipt."""

    CONTRACT = "FeedbackReceipts"

    def AGENTS(self) -> View[str]:
        """``AGENTS()``."""
        return View(self, "AGENTS()")

    def ASSETS(self) -> View[str]:
        """``ASSETS()``."""
        return View(self, "ASSETS()")

    def LICENSES(self) -> View[str]:
        """``LICENSES()``."""
        return View(self, "LICENSES()")

    def REFUNDS(self) -> View[str]:
        """``REFUNDS()``."""
        return View(self, "REFUNDS()")

    def REPUTATION(self) -> View[str]:
        """``REPUTATION()``."""
        return View(self, "REPUTATION()")

    def back(self, agent_id: int, index: int, license: int) -> Call:
        """Puts a license of the caller behind their feedback. It may have expired since, and may change hands
        later.
        """
        return Call(self.contract, "back", (agent_id, index, license))

    def count(self, agent_id: int) -> View[int]:
        """How much feedback on the agent has a receipt, revoked feedback included."""
        return View(self, "count(uint256)", agent_id)

    def get_summary(self, agent_id: int, tag1: str, tag2: str, first: int, limit: int) -> View[GetSummaryResult]:
        """Mean of feedback with a receipt under `tag1` and, unless empty, `tag2`; what was revoked is left out.

        first: Of the feedback that `page` would give with the same bounds.
        """
        return View(
            self,
            "getSummary(uint256,string,string,uint256,uint256)",
            agent_id,
            tag1,
            tag2,
            first,
            limit,
            result=GetSummaryResult,
        )

    def is_spent(self, license: int) -> View[bool]:
        """Whether a license stands behind some feedback."""
        return View(self, "isSpent(uint256)", license)

    def page(self, agent_id: int, first: int, limit: int) -> View[list[Backed]]:
        """At most `limit` of it, from `first` on, oldest first."""
        return View(self, "page(uint256,uint256,uint256)", agent_id, first, limit)

    def receipt_of(self, agent_id: int, client: str, index: int) -> View[int]:
        """The license behind feedback, or 0. What was revoked later keeps it and counts no longer."""
        return View(self, "receiptOf(uint256,address,uint64)", agent_id, client, index)

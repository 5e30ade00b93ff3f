"""Having all ranks do something after the same batch: two-phase, so that no rank acts while another does not.

Ranks train in lockstep, and saving is a collective: a rank that saved or stopped alone would leave the others waiting
for ever. So the controller proposes a batch ahead; a rank that reaches it before the decision waits; when any rank was
past it already, the controller calls it off and proposes a later one. (Two-phase commit, Gray 1978.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_DECIDED_WITHIN = 30.0
_LOOK = 0.1

Order = Callable[..., list[dict[str, Any] | None]]


class Appointment:
    """A rank's side: the batch after which it acts, and whether that is settled."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at: int | None = None
        self._what = ""
        self._settled = False

    def propose(self, at: int, what: str, batches: int) -> bool:
        """Note a batch count to act at; False when ``batches`` shows that it is past."""
        with self._changed:
            if batches >= at:
                return False
            self._at, self._what, self._settled = at, what, False
            return True

    def decide(self, go: bool) -> None:
        """The controller's word on what it proposed."""
        with self._changed:
            self._settled = go
            if not go:
                self._at = None
            self._changed.notify_all()

    def due(self, batches: int) -> str:
        """What to do after this batch, or nothing; waits where a proposal is not decided yet."""
        if self._at is None or batches < self._at:
            return ""
        with self._changed:
            decided = self._changed.wait_for(lambda: self._at is None or self._settled, _DECIDED_WITHIN)
            if not decided or self._at is None:
                return ""
            return self._what

    def kept(self) -> None:
        """What was due is done."""
        with self._changed:
            self._at, self._settled = None, False


def agree(order: Order, what: str) -> bool | None:
    """The controller's side: one attempt. True when all ranks will act, False to try again, None when one has gone.

    Args:
        order: gives every rank an order and returns their answers.
    """
    first = order("where")
    time.sleep(_LOOK)
    second = order("where")
    if any(answer is None for answer in (*first, *second)):
        return None
    before = max(answer["batches"] for answer in first if answer)
    after = max(answer["batches"] for answer in second if answer)
    if not all(answer["fitting"] for answer in second if answer):
        return False
    answers = order("propose", at=after + 1 + 2 * (after - before), what=what)
    go = all(answer is not None and answer["accepted"] for answer in answers)
    order("decide", go=go)
    return go if all(answer is not None for answer in answers) else None

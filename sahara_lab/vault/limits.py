"""What a key server lets one caller do: token buckets, sizes and times."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

MAX_CALLERS = 65_536


@dataclass(frozen=True)
class Rate:
    """So many requests at once, and so many a second after that."""

    burst: int
    per_second: float


@dataclass(frozen=True)
class Limits:
    """Limits of a key server.

    Attributes:
        body: bytes of a request, which has to arrive within ``body_seconds``.
        answer_seconds: after which a caller is told to come again, should the chain be slow.
        workers: requests that are decided at the same time; ``waiting`` more may wait, others are sent away.
        account: counted once the account's signature was checked, so that nobody can use up another's.
        address: counted before anything is checked, for checking a signature costs a millisecond.
    """

    body: int = 16 << 10
    body_seconds: float = 10.0
    answer_seconds: float = 15.0
    workers: int = 16
    waiting: int = 128
    account: Rate = field(default=Rate(120, 2.0))
    address: Rate = field(default=Rate(2000, 50.0))


class Buckets:
    """A token bucket for each caller; the callers that were quiet longest are forgotten first."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Use one token: 0 when there was one, else the seconds until there is."""
        now = time.monotonic()
        with self._lock:
            level, since = self._levels.pop(caller, (float(self._rate.burst), now))
            level = min(self._rate.burst, level + (now - since) * self._rate.per_second)
            allowed = level >= 1
            self._levels[caller] = (level - 1 if allowed else level, now)
            if len(self._levels) > MAX_CALLERS:
                self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate.per_second

"""Waiting for what happens elsewhere: in another process, in a later block."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], patience: float = 120.0) -> Any:
    """The first true value of a condition; fails when there is none within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found

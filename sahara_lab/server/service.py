"""What the routes ask for, as plain blocking calls on the SDK; each runs in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sahara_lab._version import __version__
from sahara_lab.errors import InputError, SaharaError
from sahara_lab.profile import Profile
from sahara_lab.server import serialize
from sahara_lab.server.serialize import Json

FLAVORS = ("Open Use", "Non-Commercial Research", "Commercial", "Commercial Remix", "Compute-Only")
SORTS = ("relevance", "newest", "price")


def _connect(profile: str, account: str) -> Any:
    from sahara_lab import connect

    return connect(profile=profile, account=account)


class LabService:
    """One ``Lab`` per account, made when first needed and dropped when the network goes away.

    Args:
        profile: the network's name.
        account: acts when a request names none.
        connect: makes a ``Lab``; ``sahara_lab.connect`` unless a test counts calls.
    """

    def __init__(self, profile: str, account: str, connect: Callable[[str, str], Any] = _connect) -> None:
        self._profile = Profile(profile)
        self._account = account
        self._connect = connect
        self._labs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Drop what was connected: the next request attaches anew."""
        with self._lock:
            self._labs.clear()

"""Looks at the network and the jobs so that no browser has to, and tells all of them when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sahara_lab.errors import SaharaError
from sahara_lab.server.service import LabService

SCHEMA = Path(__file__).parent / "events" / "changed.yaml"
EVENT = "https://sahara-lab.invalid/events/changed"

Pulse = dict[str, object]


class Watcher:
    """Takes the pulse now and then; ``tell`` gets the names of what is not as it was.

    Args:
        service: what is looked at.
        tell: called on the server's loop with "network", "market", "jobs" or "reviews".
        interval: seconds between two looks.
    """

    def __init__(self, service: LabService, tell: Callable[[str], None], interval: float = 1.0) -> None:
        self._service = service
        self._tell = tell
        self._interval = interval
        self._last: Pulse = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Take the pulse once, and tell what is not as it was at the last look."""
        pulse = await asyncio.to_thread(self._service.pulse)
        for what, now in pulse.items():
            if what in self._last and self._last[what] != now:
                self._tell(what)
        self._last |= pulse

    async def _watch(self) -> None:
        while True:
            # A look that fails is no news; what is wrong is said to whoever asks for something.
            with suppress(SaharaError, OSError):
                await self.look()
            await asyncio.sleep(self._interval)

"""Keeps a zygote ready, and replaces it while idle once runs have shown what else is worth importing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from sahara_lab.compute.zygote import Zygote


class Nursery:
    """At most two zygotes: the one in use, and its successor while that still imports."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._numbers = itertools.count()
        self._current: Zygote | None = None
        self._next: Zygote | None = None

    def want(self, modules: Iterable[str]) -> None:
        """Start a zygote with these modules unless one that has them is there."""
        wanted = frozenset(modules)
        if self._current is None or not self._current.alive:
            self._current = self._new(wanted)
            return
        newest = self._next if self._next is not None else self._current
        if not wanted <= newest.modules:
            if self._next is not None:
                self._next.end()
            self._next = self._new(wanted | newest.modules)

    def settle(self) -> None:
        """While nothing runs: let a successor that is ready take over."""
        if self._next is not None and self._next.ready:
            if self._current is not None:
                self._current.end()
            self._current, self._next = self._next, None

    @property
    def ready(self) -> bool:
        return self._current is not None and self._current.ready

    @property
    def failed(self) -> bool:
        return self._current is not None and not self._current.alive

    @property
    def address(self) -> str:
        assert self._current is not None
        return self._current.address

    def end(self) -> None:
        for zygote in (self._current, self._next):
            if zygote is not None:
                zygote.end()

    def _new(self, modules: frozenset[str]) -> Zygote:
        return Zygote(self._home / f"zygote-{next(self._numbers)}", sorted(modules))

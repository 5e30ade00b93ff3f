"""Keeps a zygote ready, and replaces it while idle once runs have shown what else is worth importing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from sahara_lab.compute.zygote import Zygote

_WORTH_A_SUCCESSOR = 30  # modules


class Nursery:
    """At most two zygotes: the one in use, and its successor while that still imports."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._numbers = itertools.count()
        self._current: Zygote | None = None
        self._next: Zygote | None = None

    def need(self, modules: Iterable[str]) -> None:
        """Have a zygote; a new one starts with these modules imported."""
        if self._current is None or not self._current.alive:
            self._current = self._new(frozenset(modules))

    def learn(self, modules: Iterable[str]) -> None:
        """After a run: if it imported much that the zygote lacks, start a successor that has it."""
        newest = self._next or self._current
        if newest is None:
            return
        wanted = frozenset(modules) - newest.modules
        packages = {name.partition(".")[0] for name in wanted} - {name.partition(".")[0] for name in newest.modules}
        if packages or len(wanted) > _WORTH_A_SUCCESSOR:
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

"""Bringing the catalog up to the chain's head, through reorganizations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sahara_lab.errors import NetworkError
from sahara_lab.market.catalog.catalog import Catalog
from sahara_lab.market.catalog.interfaces import Cursor
from sahara_lab.market.catalog.records import Record

_ROUNDS = 1_000
_ROLLBACKS = 70


@dataclass(frozen=True)
class Changes:
    """What changed on chain after a cursor.

    Attributes:
        records: assets as they are at ``cursor``, whole.
        cursor: how far this reaches: block number and hash.
        rolled_back_to: the asked cursor is no longer on the chain; this block is the newest known to still be.
            The records are then not looked at: the catalog goes back and asks again.
        more: there is more to read after ``cursor`` now.
    """

    records: Iterable[Record]
    cursor: tuple[int, str]
    rolled_back_to: int | None = None
    more: bool = False


class ChangeSource(Protocol):
    """Where changes come from."""

    def changes(self, cursor: Cursor | None) -> Changes:
        """What changed after ``cursor``; everything when it is None."""


def sync(catalog: Catalog, source: ChangeSource, *, patience: float = 10.0) -> bool:
    """Take in what changed, until there is no more.

    Returns:
        False when another process or server was at it for all of ``patience``: what is here is then a little old, and
        readable.

    Raises:
        NetworkError: the chain keeps reorganizing under the reader, or cannot be read. What was taken in stays.
    """
    try:
        with catalog.following(patience):
            _pull(catalog, source)
            return True
    except TimeoutError:
        return False


def _pull(catalog: Catalog, source: ChangeSource) -> None:
    rollbacks = 0
    for _ in range(_ROUNDS):
        cursor = catalog.cursor()
        changes = source.changes(cursor)
        if changes.rolled_back_to is not None and cursor is not None:
            rollbacks += 1
            if rollbacks > _ROLLBACKS:
                raise NetworkError("the chain reorganizes faster than it can be read", hint="Try again in a moment")
            # The source may know no better than that this cursor is gone. Steps back that double reach the beginning
            # soon, as they must when a network was made anew.
            catalog.rollback_to(min(changes.rolled_back_to, cursor.block - 2 ** (rollbacks - 1)))
            continue
        if changes.cursor == cursor and not changes.records:
            return
        catalog.apply(changes.records, changes.cursor)
        if not changes.more:
            return

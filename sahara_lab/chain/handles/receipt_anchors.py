"""Roots of the key servers' receipt logs.

Made from the ABI and NatSpec of ReceiptAnchors by contracts/tools/handles.py.
"""

from __future__ import annotations

from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.handles.structs import Anchor
from sahara_lab.chain.orders import Call


class Anchored(NamedTuple):
    """A key server wrote the head of its receipt log; `index` counts its anchors from 0."""

    server_id: int
    index_: int
    tree_size: int
    root: bytes
    time: int


class CoveringResult(NamedTuple):
    """What ``covering(uint256,uint64)`` gives."""

    index_: int
    arg1: Anchor


class ReceiptAnchors(Handle):
    """Roots of the key servers' receipt logs."""

    CONTRACT = "ReceiptAnchors"

    def SERVERS(self) -> View[str]:
        """``SERVERS()``."""
        return View(self, "SERVERS()")

    def anchor(self, server_id: int, tree_size: int, root: bytes) -> Call:
        """Writes the head of the caller's receipt log. A server that the DAO switched off may still do so: what
        it released before must stay provable.
        """
        return Call(self.contract, "anchor", (server_id, tree_size, root))

    def count(self, server_id: int) -> View[int]:
        """Anchors of a server so far."""
        return View(self, "count(uint256)", server_id)

    def covering(self, server_id: int, leaf_index: int) -> View[CoveringResult]:
        """The first anchor whose tree has the receipt at `leafIndex` (from 0): the one that dates it."""
        return View(self, "covering(uint256,uint64)", server_id, leaf_index, result=CoveringResult)

    def get(self, server_id: int, index: int) -> View[Anchor]:
        """One anchor by its index, from 0."""
        return View(self, "get(uint256,uint256)", server_id, index)

    def latest(self, server_id: int) -> View[Anchor]:
        """The last anchor; all zeros before the first."""
        return View(self, "latest(uint256)", server_id)

    def page(self, server_id: int, first: int, limit: int) -> View[list[Anchor]]:
        """At most `limit` anchors from `first` on, oldest first."""
        return View(self, "page(uint256,uint256,uint256)", server_id, first, limit)

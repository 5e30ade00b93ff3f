"""Reading events on from where one stopped, through reorganizations."""

from __future__ import annotations

from typing import Any

from sahara_lab.chain.client import Chain, Event, decode_log
from sahara_lab.errors import ChainError

BLOCKS_AT_ONCE = 5_000

Position = tuple[int, str]  # block number and hash


class EventLog:
    """A resumable stream of the events of some contracts.

    Args:
        from_block: where the contracts were deployed.
    """

    def __init__(self, chain: Chain, contracts: list[str], from_block: int = 0) -> None:
        self._chain = chain
        self._contracts = {chain.addresses[name].lower(): chain.contract(name) for name in contracts}
        self._from_block = from_block

    def read(self, cursor: Position | None) -> tuple[list[Event], Position, int | None]:
        """Events after ``cursor``, the new cursor, and how far to roll back first.

        The third value is None in the ordinary case. When the cursor's block is no longer on the chain it is a lower
        block number: the caller drops what came after it, goes back to the newest position it kept at or below it
        (None when it kept none) and reads again, until the chain knows its position.
        """
        head = self._chain.block("latest")
        if cursor is not None and not self._on_chain(cursor, head.number):
            return [], cursor, max(min(cursor[0] - 1, head.number), self._from_block - 1)
        start = self._from_block if cursor is None else cursor[0] + 1
        events: list[Event] = []
        while start <= head.number:
            end = min(start + BLOCKS_AT_ONCE - 1, head.number)
            events += self._between(start, end)
            start = end + 1
        if not self._on_chain((head.number, head.hash), head.number):  # it changed while it was read
            return self.read(cursor)
        return events, (head.number, head.hash), None

    def _on_chain(self, cursor: Position, head: int) -> bool:
        if cursor[0] > head:
            return False
        try:
            return self._chain.block(cursor[0]).hash == cursor[1]
        except ChainError:
            return False

    def _between(self, start: int, end: int) -> list[Event]:
        query: dict[str, Any] = {"address": list(self._contracts), "fromBlock": hex(start), "toBlock": hex(end)}
        logs = self._chain.rpc("eth_getLogs", query)
        return [event for log in logs if (event := decode_log(self._contracts, log))]

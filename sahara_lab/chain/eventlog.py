"""Reading events on from where one stopped: through reorganizations, and from nodes that leave things out.

A node is believed only as far as it can be checked. Every block near the head, and a sample of those before, is held
against its header's bloom filter; a block that should have events and came without is asked for again by its hash
(EIP-234), which a node that does not have the block must refuse.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from sahara_lab.chain.client import Block, Chain, Event, decode_log
from sahara_lab.chain.heads import Heads
from sahara_lab.chain.rpc import RpcError
from sahara_lab.errors import NetworkError

#: A request asks for so many blocks at first and at most, and should bring about so many logs.
FIRST_BLOCKS, BLOCKS_AT_ONCE, LOGS_AT_ONCE = 500, 5_000, 4_000
#: One reading ends after about this many events; ``Batch.more`` then says that there are more.
EVENTS_AT_ONCE = 20_000
#: So many blocks below the head are all checked, the ones before by ``SAMPLE`` of each request.
RECENT = 256
SAMPLE = 64
#: A request with so many logs may have hit a silent limit: all blocks after its last log are checked.
MANY = 1_000
#: Blocks until an event counts as final where the node does not say: two epochs of Ethereum.
CONFIRMATIONS = 64
#: Seconds that a node which is behind what was read already is waited for.
LAG = 1.0
#: Seconds without an answer after which :meth:`EventLog.follow` gives up.
OUTAGE = 60.0
_TRAIL = 1_024
_TRIES = 6

Log = dict[str, Any]


class Position(NamedTuple):
    """How far the chain has been read: a block's number and hash."""

    block: int
    hash: str


@dataclass(frozen=True)
class Batch:
    """What one reading found.

    Attributes:
        events: oldest first; none when something was rolled back.
        position: read on from here; None: from the beginning, or from an older position that the caller kept.
        final: the newest block that cannot be undone.
        rolled_back_to: drop every event after this block, it is no longer on the chain; None in the ordinary case.
        more: there is more to read now.
    """

    events: tuple[Event, ...]
    position: Position | None
    final: int
    rolled_back_to: int | None = None
    more: bool = False

    def is_final(self, event: Event) -> bool:
        """Whether ``event`` can no longer be undone; money should move on final events only."""
        return event.block_number <= self.final


class _Moved(Exception):
    """The chain changed, or another node answered, in the middle of a reading."""


class _Gap(Exception):
    """The node left events out of a range."""


class EventLog:
    """A resumable stream of the events of some contracts.

    Args:
        from_block: where the contracts were deployed.
        trail: positions kept from an earlier process, so that a reorganization in between costs only what it dropped.
    """

    def __init__(self, chain: Chain, contracts: list[str], from_block: int = 0, trail: tuple[Position, ...] = ()):
        self._chain = chain
        self._contracts = {chain.addresses[name].lower(): chain.contract(name) for name in contracts}
        self._from_block = from_block
        self._trail: dict[int, str] = dict(trail)
        self._size = FIRST_BLOCKS

    def read(self, cursor: Position | tuple[int, str] | None) -> Batch:
        """What happened after ``cursor``.

        When the cursor's block is no longer on the chain, the batch says how far to roll back, and nothing else.

        Raises:
            NetworkError: the node is away, or contradicts itself for seconds.
            RpcError: the node refuses to give the events of a single block.
        """
        at = None if cursor is None else Position(*cursor)
        for attempt in range(_TRIES):
            head = self._head(at)
            if at is not None and not self._on_chain(at, head):
                return self._rollback(at, head)
            try:
                return self._read_on(at, head)
            except _Moved:
                time.sleep(0.05 * 2**attempt)
        raise NetworkError(
            f"the chain node at {self._chain.rpc.place} contradicts itself about recent blocks",
            hint="Try again in a minute, or use another node",
        )

    def follow(
        self, cursor: Position | None = None, *, every: float = 1.0, stop: threading.Event | None = None
    ) -> Iterator[Batch]:
        """Events as they come, until ``stop`` is set; outages are waited out.

        The node is asked when it announces a block over a websocket, and where it has none ``every`` so many seconds.
        A batch comes when there are events, when some were rolled back, or when more have become final.

        Raises:
            NetworkError: the node did not answer for a minute.
        """
        stop = stop or threading.Event()
        final, answered = -1, time.monotonic()
        heads = Heads(self._chain.rpc.url, every)
        try:
            while not stop.is_set():
                try:
                    batch = self.read(cursor)
                except NetworkError:
                    if time.monotonic() - answered > OUTAGE:
                        raise
                    stop.wait(every)
                    continue
                answered = time.monotonic()
                if batch.rolled_back_to is not None and batch.position is None:  # nothing known is left: start over
                    batch = replace(batch, rolled_back_to=self._from_block - 1)
                cursor = batch.position
                if batch.events or batch.rolled_back_to is not None or batch.final > final:
                    yield batch
                final = batch.final
                if not batch.more:
                    heads.wait(cursor.hash if cursor else "", stop)
        finally:
            heads.close()

    # -- where the chain is -------------------------------------------------------------------------------------------

    def _head(self, at: Position | None) -> Block:
        """The newest block; a node that is behind what it said before gets a moment to catch up."""
        deadline = time.monotonic() + LAG
        head = self._chain.block("latest")
        while at is not None and head.number < at.block and time.monotonic() < deadline:
            time.sleep(0.1)
            head = self._chain.block("latest")
        return head

    def _on_chain(self, at: Position, head: Block) -> bool:
        if at.block >= head.number:
            return at == (head.number, head.hash)
        found = self._chain.blocks([at.block])[0]
        return found is not None and found.hash == at.hash

    def _rollback(self, at: Position, head: Block) -> Batch:
        """Go back to the newest block of the trail that the chain still has."""
        known = sorted((number for number in self._trail if number < at.block and number <= head.number), reverse=True)
        found = zip(known, self._chain.blocks(known), strict=True)
        fork = next((number for number, block in found if block and block.hash == self._trail[number]), None)
        self._trail = {} if fork is None else {n: name for n, name in self._trail.items() if n <= fork}
        if fork is None:
            back = max(min(at.block - 1, head.number), self._from_block - 1)
            return Batch((), None, self._final(head), rolled_back_to=back)
        return Batch((), Position(fork, self._trail[fork]), self._final(head), rolled_back_to=fork, more=True)

    def _final(self, head: Block) -> int:
        try:
            return min(self._chain.block("finalized").number, head.number)
        except RpcError:  # a chain without the tag
            return head.number - CONFIRMATIONS

    def _remember(self, number: int, block_hash: str) -> None:
        self._trail[number] = block_hash
        while len(self._trail) > _TRAIL:
            del self._trail[min(self._trail)]

    # -- what happened ------------------------------------------------------------------------------------------------

    def _read_on(self, at: Position | None, head: Block) -> Batch:
        start = self._from_block if at is None else at.block + 1
        events: list[Event] = []
        with _undisturbed():
            while start <= head.number and len(events) < EVENTS_AT_ONCE:
                logs, start = self._next(start, head)
                events += [event for log in logs if (event := decode_log(self._contracts, log))]
        more = start <= head.number
        reached = self._chain.block(start - 1) if more else head
        position = Position(reached.number, reached.hash)
        if not self._on_chain(Position(head.number, head.hash), self._chain.block("latest")):
            raise _Moved  # what was read may be from both sides of the change
        self._remember(*position)
        return Batch(tuple(events), position, self._final(head), more=more)

    def _next(self, start: int, head: Block) -> tuple[list[Log], int]:
        """The logs of the next range, and where the one after begins.

        A range that is refused, too slow or incomplete is halved; the next one may be larger again.
        """
        lost = 0
        while True:
            end = min(start + self._size - 1, head.number)
            try:
                logs = self._between(start, end, head)
            except (RpcError, NetworkError, _Gap) as error:
                lost += isinstance(error, NetworkError)
                if (start == end and isinstance(error, RpcError)) or lost == 3:
                    raise
                self._size = max((end - start + 1) // 2, 1)
                continue
            if len(logs) > LOGS_AT_ONCE:
                self._size = max(self._size // 2, 1)
            elif len(logs) < LOGS_AT_ONCE // 2:
                self._size = min(2 * self._size, BLOCKS_AT_ONCE)
            return logs, end + 1

    def _between(self, start: int, end: int, head: Block) -> list[Log]:
        query = {"address": list(self._contracts), "fromBlock": hex(start), "toBlock": hex(end)}
        by_block: dict[int, list[Log]] = {}
        for log in self._chain.rpc("eth_getLogs", query):
            number = int(log["blockNumber"] or "0x0", 16)
            if start <= number <= end and not log.get("removed"):
                by_block.setdefault(number, []).append(log)
        self._check(by_block, start, end, head)
        return [log for number in sorted(by_block) for log in _in_order(by_block[number])]

    def _check(self, by_block: dict[int, list[Log]], start: int, end: int, head: Block) -> None:
        """Hold the logs of a range against its headers, and complete them where they fall short."""
        last = max(by_block, default=start)
        every = 1 if end > head.number - RECENT else -(-(end - start + 1) // SAMPLE)
        numbers = set(range(start, end + 1, every)) | {last}
        if sum(map(len, by_block.values())) >= MANY:
            numbers |= set(range(last, end + 1))
        headers = self._chain.blocks(sorted(numbers))
        doubtful = []
        for header in headers:
            if header is None:
                raise _Moved
            logs = by_block.get(header.number, [])
            if any(log["blockHash"] != header.hash for log in logs):
                raise _Moved
            # A cut answer ends inside or after the last block that it tells of.
            if self._lacks(header, logs) or (logs and header.number == last):
                doubtful.append(header)
            if header.number > head.number - RECENT:
                self._remember(header.number, header.hash)
        for header, logs in zip(doubtful, self._by_hash(doubtful), strict=True):
            if len(_in_order(logs)) <= len(_in_order(by_block.get(header.number, []))):
                continue
            if len(numbers) < end - start + 1:
                raise _Gap  # the blocks that were not looked at may lack some, too
            by_block[header.number] = logs

    def _lacks(self, header: Block, logs: list[Log]) -> bool:
        """Whether the block's filter knows of an event of ours that is not among ``logs``."""
        if not header.bloom:
            return False
        had = {(log["address"].lower(), log["topics"][0]) for log in logs if log["topics"]}
        return any(header.bloom & mask == mask and kind not in had for kind, mask in self._masks.items())

    def _by_hash(self, headers: list[Block]) -> list[list[Log]]:
        asked = [("eth_getLogs", [{"address": list(self._contracts), "blockHash": header.hash}]) for header in headers]
        try:
            return [list(logs) for logs in self._chain.rpc.batch(asked)]
        except RpcError as error:  # the node, or the one behind it that answered, does not have the block
            raise _Moved from error

    @cached_property
    def _masks(self) -> dict[tuple[str, str], int]:
        """The filter bits of each event that can be among ours."""
        return {
            (address, event.topic): _bloom(address) | _bloom(event.topic)
            for address, contract in self._contracts.items()
            for event in contract.abi.events.values()
        }


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let the garbage collector rest: it would walk the growing results again and again, for a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _in_order(logs: list[Log]) -> list[Log]:
    """A block's logs by their place in it, each once."""
    by_place = {int(log["logIndex"], 16): log for log in logs}
    return [by_place[place] for place in sorted(by_place)]


def _bloom(value: str) -> int:
    """The three bits that a value sets in a block's filter (Yellow Paper, section 4.3.1)."""
    from eth_utils import keccak

    digest = keccak(hexstr=value)
    return sum({1 << (int.from_bytes(digest[place : place + 2], "big") % 2048) for place in (0, 2, 4)})

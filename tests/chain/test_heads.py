"""Followers hear of a block when it is made; without a websocket, or with one that fails, they ask by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sahara_lab.chain import Chain, EventLog
from sahara_lab.chain import heads as module
from sahara_lab.chain.heads import Heads
from tests.chain.gate import Gate
from tests.chain.test_eventlog_faults import paid, pay

LONG = 30.0  # seconds that a wait by the clock would take


@pytest.fixture
def gate(world: Any) -> Iterator[Gate]:
    made = Gate(world.node.url)
    yield made
    made.close()


def subscribed(gate: Gate, every: float = LONG) -> Heads:
    """Waits that have their websocket; the first one ends at once."""
    heads = Heads(gate.url, every)
    heads.wait("", threading.Event())
    assert heads.connected
    return heads


def head(world: Any) -> str:
    return str(world.chain.block("latest").hash)


def waited(heads: Heads, known: str, meanwhile: Callable[[], object]) -> float:
    """Seconds until a wait ended, with something done while it lasted."""
    started = time.monotonic()
    actor = threading.Timer(0.2, meanwhile)
    actor.start()
    heads.wait(known, threading.Event())
    actor.join()
    return time.monotonic() - started


def test_a_block_ends_the_wait(world: Any, gate: Gate) -> None:
    heads = subscribed(gate)
    assert waited(heads, head(world), lambda: world.chain.rpc("evm_mine")) < LONG / 2
    heads.close()


def test_announcements_of_what_was_read_do_not(world: Any, gate: Gate) -> None:
    heads = subscribed(gate, every=0.05)
    world.chain.rpc("anvil_mine", "0x3")
    known, started = head(world), time.monotonic()
    heads.wait(known, threading.Event())
    assert time.monotonic() - started > 0.05 * module.PATIENCE - 0.1
    heads.close()


def test_being_called_off_ends_the_wait(world: Any, gate: Gate) -> None:
    heads, stop = subscribed(gate), threading.Event()
    started = time.monotonic()
    threading.Timer(0.2, stop.set).start()
    heads.wait(head(world), stop)
    assert time.monotonic() - started < LONG / 2
    heads.close()


def test_where_there_is_no_websocket_the_clock_decides(world: Any, gate: Gate) -> None:
    gate.refusing = True
    heads, stop = Heads(gate.url, 0.01), threading.Event()
    for _ in range(5):
        heads.wait(head(world), stop)
    assert not heads.connected
    assert gate.asked == 1  # not at each wait


def test_a_websocket_that_breaks_is_noticed_and_opened_again(
    world: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.0)
    heads = Heads(gate.url, LONG)
    heads.wait("", threading.Event())
    assert waited(heads, head(world), gate.cut) < LONG / 2
    heads.wait(head(world), threading.Event())
    assert heads.connected
    assert gate.websockets == 2
    heads.close()


def test_a_websocket_that_says_nothing_while_blocks_are_made_is_given_up(world: Any, gate: Gate) -> None:
    heads, stop = subscribed(gate, every=0.02), threading.Event()
    gate.clog()
    known = head(world)
    world.chain.rpc("evm_mine")
    heads.wait(known, stop)  # nothing is heard; the clock ends the wait
    assert heads.connected
    heads.wait(head(world), stop)  # the follower found a block that was not announced
    assert not heads.connected


@pytest.mark.parametrize("trouble", ["none", "refused", "cut", "clogged"])
def test_followers_miss_nothing_whatever_becomes_of_the_websocket(world: Any, gate: Gate, trouble: str) -> None:
    gate.refusing = trouble == "refused"
    chain = Chain(gate.url, world.chain.chain_id, world.chain.addresses)
    log = EventLog(chain, ["SaharaToken"], world.deployment.block)
    stop, seen = threading.Event(), list[int]()

    def follow() -> None:
        for batch in log.follow(every=0.05, stop=stop):
            if batch.rolled_back_to is not None:
                seen.clear()  # small enough to be read again from the start
            seen.extend(paid(batch.events))

    reader = threading.Thread(target=follow)
    reader.start()
    pay(world, 101)
    if trouble == "cut":
        gate.cut()
    if trouble == "clogged":
        gate.clog()
    pay(world, 102, 103)
    deadline = time.monotonic() + 30
    while seen[-3:] != [101, 102, 103] and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    reader.join(10)
    assert seen[-3:] == [101, 102, 103]

"""Reading events from a node that lags, cuts, stumbles or changes its mind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sahara_lab.chain import Chain, Event, EventLog, Position, RpcError
from sahara_lab.chain import eventlog as module
from sahara_lab.chain.abi import checksum
from sahara_lab.errors import ChainError, NetworkError
from tests.chain.proxy import Proxy

SOMEBODY = checksum("0x" + "c0ffee".zfill(40))


def pay(world: Any, *amounts: int) -> None:
    for amount in amounts:
        world.forgetful("alice").send(world.token, "transfer", SOMEBODY, amount)


def paid(events: Any) -> list[int]:
    return [event.args["value"] for event in events if event.args.get("to") == SOMEBODY]


@pytest.fixture
def truth(world: Any) -> Callable[[], list[int]]:
    """What the real node tells."""
    return lambda: paid(world.token.logs("Transfer", world.deployment.block))


@pytest.fixture
def log(world: Any, proxy: Proxy) -> EventLog:
    chain = Chain(proxy.url, world.chain.chain_id, world.chain.addresses)
    return EventLog(chain, ["SaharaToken", "AssetRegistry"], world.deployment.block)


@pytest.mark.parametrize("keep", ["half", "nothing", "all but one"])
def test_events_left_out_of_a_range_are_found(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]], keep: str
) -> None:
    pay(world, 1, 2, 3)
    cut = {"half": lambda found: found[: len(found) // 2], "nothing": lambda found: [], "all but one": lambda f: f[:-1]}
    proxy.answers("eth_getLogs", lambda params, found: cut[keep](found))
    assert paid(log.read(None).events) == truth()


def test_events_left_out_of_old_blocks_are_found(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECENT", 1)
    monkeypatch.setattr(module, "SAMPLE", 4)
    pay(world, 4, 5)
    world.chain.rpc("anvil_mine", hex(20))
    proxy.answers("eth_getLogs", lambda params, found: found[: len(found) // 2])
    assert paid(log.read(None).events) == truth()


def test_a_range_with_too_many_results_is_asked_for_in_parts(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]]
) -> None:
    pay(world, 6, 7, 8)

    def refuse(params: list[Any], got: dict[str, Any]) -> dict[str, Any]:
        asked = params[0]
        if "blockHash" in asked or int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) < 3:
            return got
        return {"id": got["id"], "error": {"code": -32005, "message": "query returned more than 10000 results"}}

    proxy.will("eth_getLogs", "changed", times=100, change=refuse)
    assert paid(log.read(None).events) == truth()


def test_a_node_that_refuses_a_single_block_is_quoted(proxy: Proxy, log: EventLog) -> None:
    def refuse(params: list[Any], got: dict[str, Any]) -> dict[str, Any]:
        return {"id": got["id"], "error": {"code": -32000, "message": "history is pruned"}}

    proxy.will("eth_getLogs", "changed", times=100, change=refuse)
    with pytest.raises(RpcError, match="history is pruned"):
        log.read(None)


def test_repeated_and_withdrawn_logs_count_once(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]]
) -> None:
    pay(world, 9)

    def muddle(params: list[Any], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*reversed(found), *found, {**found[-1], "removed": True}]

    proxy.answers("eth_getLogs", muddle, times=100)
    assert paid(log.read(None).events) == truth()


@pytest.mark.parametrize("kind", ["lost", "silent", "garbled"])
def test_a_dropped_connection_is_tried_again(
    proxy: Proxy, log: EventLog, truth: Callable[[], list[int]], kind: str
) -> None:
    proxy.will("eth_getLogs", kind)
    assert paid(log.read(None).events) == truth()


def test_a_node_that_is_away_is_one_clear_line(proxy: Proxy, log: EventLog) -> None:
    proxy.will("eth_getLogs", "lost", times=100)
    with pytest.raises(NetworkError, match=r"the chain node at http://127.0.0.1:\d+ does not answer"):
        log.read(None)


def test_too_many_requests_are_waited_out(proxy: Proxy, log: EventLog, truth: Callable[[], list[int]]) -> None:
    proxy.will("eth_getLogs", "status", times=2)
    assert paid(log.read(None).events) == truth()


def test_a_node_that_stays_too_busy_is_one_clear_line(
    proxy: Proxy, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sahara_lab.chain.rpc.BACKOFF", (0.01, 0.01))
    proxy.will("eth_getBlockByNumber", "status", times=100)
    with pytest.raises(NetworkError, match=r"is too busy \(HTTP 429\)\. Try again in a minute"):
        log.read(None)


def test_a_node_that_falls_behind_for_a_moment_costs_nothing(world: Any, proxy: Proxy, log: EventLog) -> None:
    pay(world, 10)
    position = log.read(None).position
    behind = world.chain.rpc("eth_getBlockByNumber", hex(position.block - 3), False)
    proxy.answers("eth_getBlockByNumber", lambda params, found: behind, times=2)
    batch = log.read(position)
    assert batch.rolled_back_to is None
    assert batch.position == position


def test_a_node_that_stays_behind_takes_nothing_away_for_good(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]]
) -> None:
    pay(world, 11, 12)
    before = log.read(None)
    behind = world.chain.rpc("eth_getBlockByNumber", hex(before.position.block - 2), False)  # type: ignore[union-attr]

    def lag(params: list[Any], found: Any) -> Any:
        return behind if params[0] == "latest" else found

    fault = proxy.answers("eth_getBlockByNumber", lag, times=1_000)
    back = log.read(before.position)
    assert back.rolled_back_to is not None
    fault.times = 0
    kept = [event for event in before.events if event.block_number <= back.rolled_back_to]
    assert paid([*kept, *log.read(back.position).events]) == truth()


def test_a_node_without_the_blocks_it_named_is_one_clear_line(
    proxy: Proxy, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TRIES", 2)
    head = [0]

    def forget(params: list[Any], found: Any) -> Any:
        if params[0] == "latest":
            head[0] = int(found["number"], 16)
            return found
        return None if params[0] == hex(head[0]) else found

    proxy.answers("eth_getBlockByNumber", forget, times=10_000)
    with pytest.raises(NetworkError, match="contradicts itself about recent blocks"):
        log.read(None)


def test_ten_blocks_replaced_cost_ten_blocks(world: Any, log: EventLog, truth: Callable[[], list[int]]) -> None:
    first = log.read(None)
    pay(world, *range(100, 112))
    second = log.read(first.position)
    assert paid(second.events) == list(range(100, 112))
    world.chain.rpc("anvil_reorg", 10, [])
    back = log.read(second.position)
    assert back.position is not None
    assert back.rolled_back_to == second.position.block - 10  # type: ignore[union-attr]
    kept = [e for e in [*first.events, *second.events] if e.block_number <= back.rolled_back_to]
    assert paid(kept)[-2:] == [100, 101]
    assert paid([*kept, *log.read(back.position).events]) == truth()


def test_another_process_goes_on_through_a_reorganization(
    world: Any, log: EventLog, truth: Callable[[], list[int]]
) -> None:
    kept = log.read(None)
    pay(world, 201, 202, 203)
    reached = log.read(kept.position)
    world.chain.rpc("anvil_reorg", 3, [])
    assert kept.position is not None
    again = EventLog(world.chain, ["SaharaToken", "AssetRegistry"], world.deployment.block, (kept.position,))
    back = again.read(reached.position)
    assert back.position == kept.position
    assert paid([*kept.events, *again.read(back.position).events]) == truth()


def test_finality_is_told(world: Any, log: EventLog) -> None:
    pay(world, 301)
    batch = log.read(None)
    assert not batch.is_final(batch.events[-1])
    assert batch.is_final(batch.events[0])
    world.chain.rpc("anvil_mine", hex(3))
    assert log.read(batch.position).is_final(batch.events[-1])


def test_a_chain_without_finality_counts_blocks(world: Any, proxy: Proxy, log: EventLog) -> None:
    def unknown(params: list[Any], got: dict[str, Any]) -> dict[str, Any]:
        if params[0] != "finalized":
            return got
        return {"id": got["id"], "error": {"code": -32602, "message": "unknown block tag"}}

    proxy.will("eth_getBlockByNumber", "changed", times=1_000, change=unknown)
    batch = log.read(None)
    assert batch.position is not None
    assert batch.final == batch.position.block - module.CONFIRMATIONS


def test_following_keeps_the_state_right_through_everything(
    world: Any, proxy: Proxy, log: EventLog, truth: Callable[[], list[int]]
) -> None:
    """A reader that follows while payments are made, connections drop and blocks are replaced."""
    events: list[Event] = []
    stop = threading.Event()

    def follow() -> None:
        for batch in log.follow(every=0.02, stop=stop):
            if batch.rolled_back_to is not None:
                events[:] = [event for event in events if event.block_number <= batch.rolled_back_to]
            events.extend(batch.events)

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        pay(world, 401, 402)
        proxy.will("eth_getLogs", "lost")
        proxy.will("eth_getBlockByNumber", "status")
        proxy.answers("eth_getLogs", lambda params, found: found[:-1])
        pay(world, 403, 404)
        time.sleep(0.2)
        world.chain.rpc("anvil_reorg", 2, [])
        pay(world, 405)
        deadline = time.monotonic() + 4
        while paid(events) != truth() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        stop.set()
        reader.join()
    assert paid(events)[-3:] == [401, 402, 405]
    assert paid(events) == truth()


def test_a_short_log_is_refused(world: Any) -> None:
    kind = world.token.abi.events["Transfer"]
    with pytest.raises(ChainError, match="a log of Transfer is malformed"):
        kind.decode([kind.topic], b"")


def test_a_long_history_comes_in_parts(world: Any, log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = log.read(None)
    monkeypatch.setattr(module, "EVENTS_AT_ONCE", 5)
    monkeypatch.setattr(module, "BLOCKS_AT_ONCE", 4)
    parts = EventLog(world.chain, ["SaharaToken", "AssetRegistry"], world.deployment.block)
    parts._size = 4
    events: list[Event] = []
    position: Position | None = None
    more = True
    while more:
        batch = parts.read(position)
        events, position, more = [*events, *batch.events], batch.position, batch.more
    assert events == list(whole.events)
    assert position == whole.position


def test_a_providers_secret_stays_out_of_messages() -> None:
    chain = Chain("http://user:pass@127.0.0.1:1/v2/secret", 1, {})
    with pytest.raises(NetworkError, match=r"at http://127.0.0.1:1 does not answer"):
        chain.check()

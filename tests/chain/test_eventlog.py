"""Reading on through reorganizations."""

from __future__ import annotations

from typing import Any

import pytest

from sahara_lab.chain import Event, EventLog, Position

SOMEBODY = "0x000000000000000000000000000000000000bEEF"


class Reader:
    """Keeps what an indexer keeps: events, and the positions it has been at."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.events: list[Event] = []
        self.positions: list[Position] = []
        self.rollbacks = 0

    def catch_up(self) -> None:
        while True:
            batch = self._log.read(self.positions[-1] if self.positions else None)
            if batch.rolled_back_to is None:
                self.events += batch.events
                assert batch.position is not None
                self.positions.append(batch.position)
                return
            self.rollbacks += 1
            self.positions = [position for position in self.positions if position[0] <= batch.rolled_back_to]
            kept = self.positions[-1][0] if self.positions else -1
            self.events = [event for event in self.events if event.block_number <= kept]

    def paid(self) -> list[int]:
        return [event.args["value"] for event in self.events if event.args.get("to") == SOMEBODY]


@pytest.fixture
def reader(world: Any) -> Reader:
    return Reader(EventLog(world.chain, ["SaharaToken"], world.deployment.block))


def pay(world: Any, amount: int) -> None:
    world.forgetful("alice").send(world.token, "transfer", SOMEBODY, amount)


def test_every_event_is_read_once(world: Any, reader: Reader) -> None:
    reader.catch_up()
    had = reader.paid()
    pay(world, 1)
    reader.catch_up()
    reader.catch_up()
    pay(world, 2)
    reader.catch_up()
    assert reader.paid() == [*had, 1, 2]
    assert reader.rollbacks == 0


def test_a_reorganization_takes_back_what_it_dropped(world: Any, reader: Reader) -> None:
    reader.catch_up()
    had = reader.paid()
    for amount in (11, 12, 13):
        pay(world, amount)
        reader.catch_up()
    world.chain.rpc("anvil_reorg", 2, [])
    reader.catch_up()
    assert reader.rollbacks > 0
    assert reader.paid() == [*had, 11]
    pay(world, 14)
    reader.catch_up()
    assert reader.paid() == [*had, 11, 14]


def test_a_chain_that_became_shorter_is_noticed(world: Any, reader: Reader) -> None:
    """As after a hard stop of the embedded network, which loses its last blocks."""
    reader.catch_up()
    had = reader.paid()
    kept = world.chain.rpc("evm_snapshot")
    for amount in (21, 22, 23):
        pay(world, amount)
        reader.catch_up()
    assert world.chain.rpc("evm_revert", kept)
    reader.catch_up()
    assert reader.paid() == had
    pay(world, 24)
    reader.catch_up()
    assert reader.paid() == [*had, 24]


def test_a_reader_that_kept_one_position_only_starts_over(world: Any, reader: Reader) -> None:
    reader.catch_up()
    before = reader.paid()
    pay(world, 31)
    late = Reader(EventLog(world.chain, ["SaharaToken"], world.deployment.block))
    late.catch_up()
    world.chain.rpc("anvil_reorg", 1, [])
    late.catch_up()
    assert late.paid() == before

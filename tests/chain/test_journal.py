"""What the journal remembers through crashes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.chain import journal as module
from sahara_lab.chain.journal import Entry, Journal


def entry(tx: str, intent: str, nonce: int, **more: Any) -> Entry:
    return Entry(tx, "Market.buy", intent, nonce, more.pop("at", int(time.time())), raw="0x02", **more)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def test_only_transactions_without_a_fate_are_unfinished(journal: Journal) -> None:
    journal.begin([entry("0x1", "a", 0)])
    journal.begin([entry("0x2", "b", 1)])
    journal.end([("0x1", "mined")])
    assert [one.tx for one in journal.unfinished()] == ["0x2"]


def test_a_torn_line_spoils_neither_the_lines_before_nor_the_next_one(journal: Journal, tmp_path: Path) -> None:
    journal.begin([entry("0x1", "a", 0)])
    with (tmp_path / "journal.jsonl").open("a") as stream:
        stream.write('{"tx": "0x2", "wh')
    journal.begin([entry("0x3", "c", 1)])
    assert [one.tx for one in journal.unfinished()] == ["0x1", "0x3"]


@pytest.mark.parametrize("line", ["[]", "3", "{}", '{"tx": "0x9"}', '{"tx": "0x1", "what": 1, "extra": 2}', "\x00\x00"])
def test_strange_lines_are_passed_over(journal: Journal, tmp_path: Path, line: str) -> None:
    journal.begin([entry("0x1", "a", 0)])
    with (tmp_path / "journal.jsonl").open("a") as stream:
        stream.write(line + "\n")
    assert [one.tx for one in journal.unfinished()] == ["0x1"]


def test_a_request_is_unanswered_until_somebody_was_told(journal: Journal) -> None:
    journal.begin([entry("0x1", "pay", 0)])
    assert journal.attempt("pay")
    journal.end([("0x1", "mined")], told=False)
    assert journal.attempt("pay")
    journal.end([("0x1", "mined")])
    assert not journal.attempt("pay")
    assert not journal.attempt("other")


def test_what_ended_long_ago_is_another_when_repeated_unless_it_was_named(journal: Journal) -> None:
    for tx, lasts in (("0x1", False), ("0x2", True)):
        journal.begin([entry(tx, tx, 0, at=0, lasts=lasts)])
        journal.end([(tx, "mined")], told=False)
    assert not journal.attempt("0x1")
    assert journal.attempt("0x2")


def test_what_has_no_end_is_the_same_however_old_and_whatever_the_clock_says(journal: Journal) -> None:
    journal.begin([entry("0x1", "a", 0, at=0), entry("0x2", "b", 1, at=2**40)])
    assert journal.attempt("a")
    assert journal.attempt("b")


def test_a_named_purpose_is_served_once_for_all_time(journal: Journal) -> None:
    journal.begin([entry("0x1", "a", 0, lasts=True)])
    journal.end([("0x1", "reverted")])
    assert not journal.attempt("a"), "it had no effect"
    journal.begin([entry("0x2", "a", 1, lasts=True)])
    journal.end([("0x2", "mined")])
    assert [one.tx for one in journal.attempt("a")] == ["0x2"]


def test_versions_of_one_transaction_go_together(journal: Journal) -> None:
    journal.begin([entry("0x1", "a", 0)])
    journal.end([("0x1", "taken")])
    journal.begin([entry("0x2", "a", 1)])
    journal.begin([entry("0x3", "a", 1)])
    assert [one.tx for one in journal.attempt("a")] == ["0x2", "0x3"]


def test_the_journal_of_another_chain_is_set_aside(journal: Journal, tmp_path: Path) -> None:
    journal.begin([entry("0x1", "a", 0)])
    journal.belongs_to("0xgenesis")
    assert journal.unfinished()
    journal.belongs_to("0xother")
    assert not journal.unfinished()
    assert (tmp_path / "journal.old").exists()
    journal.belongs_to("0xother")
    journal.begin([entry("0x2", "b", 0)])
    assert [one.tx for one in Journal(tmp_path / "journal.jsonl").unfinished()] == ["0x2"]


def test_what_one_process_writes_another_reads_even_when_the_file_is_shortened(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Journal(tmp_path / "journal.jsonl")
    monkeypatch.setattr(module, "LARGEST", 1_000)
    monkeypatch.setattr(module, "RECENT", 5)
    for number in range(60):
        writer, reader = (journal, other) if number % 3 else (other, journal)
        writer.begin([entry(f"0x{number}", f"{number}", number, lasts=number % 2 == 0)])
        assert [one.tx for one in reader.unfinished()] == [f"0x{number}"]
        reader.end([(f"0x{number}", "mined")])
        assert not writer.unfinished()
    assert not journal.unfinished()
    assert all(journal.attempt(str(number)) for number in range(0, 60, 2)), "named purposes are never dropped"
    assert {one.nonce for one in journal.standing()} >= set(range(55, 60))


def test_the_file_stays_small_and_keeps_what_is_open(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 2_000)
    monkeypatch.setattr(module, "RECENT", 5)
    journal.begin([entry("0xopen", "open", 0)])
    for number in range(100):
        journal.begin([entry(f"0x{number}", f"{number}", number)])
        journal.end([(f"0x{number}", "mined")])
    path = tmp_path / "journal.jsonl"
    assert path.stat().st_size < 5_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.tx for one in journal.unfinished()] == ["0xopen"]
    assert all(json.loads(line) for line in path.read_text().splitlines())

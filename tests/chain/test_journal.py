"""What the journal remembers through crashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sahara_lab.chain import journal as module
from sahara_lab.chain.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def test_only_transactions_without_a_fate_are_unfinished(journal: Journal) -> None:
    journal.begin("0x1", "Market.buy", "a", 0)
    journal.begin("0x2", "Market.buy", "b", 1)
    journal.end("0x1", "mined")
    assert [entry.tx for entry in journal.unfinished()] == ["0x2"]


def test_a_torn_line_spoils_neither_the_lines_before_nor_the_next_one(journal: Journal, tmp_path: Path) -> None:
    journal.begin("0x1", "Market.buy", "a", 0)
    with (tmp_path / "journal.jsonl").open("a") as stream:
        stream.write('{"tx": "0x2", "wh')
    journal.begin("0x3", "Market.buy", "c", 1)
    assert [entry.tx for entry in journal.unfinished()] == ["0x1", "0x3"]


@pytest.mark.parametrize("line", ["[]", "3", "{}", '{"tx": "0x9"}', '{"tx": "0x1", "what": 1, "extra": 2}', "\x00\x00"])
def test_strange_lines_are_passed_over(journal: Journal, tmp_path: Path, line: str) -> None:
    journal.begin("0x1", "Market.buy", "a", 0)
    with (tmp_path / "journal.jsonl").open("a") as stream:
        stream.write(line + "\n")
    assert [entry.tx for entry in journal.unfinished()] == ["0x1"]


def test_a_request_is_unanswered_until_somebody_was_told(journal: Journal) -> None:
    journal.begin("0x1", "Token.transfer", "pay", 0)
    assert journal.unanswered("pay") is not None
    journal.end("0x1", "mined", told=False)
    assert journal.unanswered("pay") is not None
    journal.end("0x1", "mined")
    assert journal.unanswered("pay") is None
    assert journal.unanswered("other") is None


def test_an_old_request_is_a_new_one_when_repeated(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.begin("0x1", "Token.transfer", "pay", 0)
    monkeypatch.setattr(module, "MEMORY", -1)
    assert journal.unanswered("pay") is None


def test_the_file_stays_small_and_keeps_what_is_open(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 2_000)
    journal.begin("0xopen", "Market.buy", "open", 0)
    for number in range(100):
        journal.begin(f"0x{number}", "Market.buy", f"{number}", number)
        journal.end(f"0x{number}", "mined")
    path = tmp_path / "journal.jsonl"
    assert path.stat().st_size < 3_000
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.tx for entry in journal.unfinished()] == ["0xopen"]
    assert all(json.loads(line) for line in path.read_text().splitlines())

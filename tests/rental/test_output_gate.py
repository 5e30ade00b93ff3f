"""What passes the gate before an owner's data, and what does not."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sahara_lab.errors import InputError, IntegrityError
from sahara_lab.rental.gate import check_canary, examine
from sahara_lab.rental.guarding import read_guard, write_guard
from sahara_lab.rental.reviewing import visible

ROW = (5.1, 3.5, 1.4, 0.2)
NAMED = ("Ada Lovelace", 36, 1815)
MOST = 1 << 20


def result(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    if isinstance(content, dict):
        save_file(content, str(path))
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_weights_and_metrics_pass(tmp_path: Path) -> None:
    torch.manual_seed(0)
    paths = [
        result(tmp_path, "model.safetensors", {"layer": torch.randn(64, 64)}),
        result(tmp_path, "metrics.csv", "epoch,loss\n0,0.51\n1,0.35\n"),
        result(tmp_path, "metrics.json", '{"loss": 0.35}'),
    ]
    assert examine(paths, {"metrics": {"loss": 0.35}}, [ROW, NAMED], MOST) == []


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("column", [False, True])
def test_a_canary_row_in_weights_is_found_in_every_precision(tmp_path: Path, dtype: Any, column: bool) -> None:
    table = torch.randn(50, len(ROW), dtype=torch.float64)
    table[17] = torch.tensor(ROW, dtype=torch.float64)
    stored = (table.T if column else table).to(dtype).contiguous()
    path = result(tmp_path, "model.safetensors", {"layer": stored})
    assert examine([path], {}, [ROW], MOST) == ["a canary row is in model.safetensors"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "a,b,c,d\n5.1,3.5,1.4,0.2\n"),
        ("rows.json", "[[5.10, 3.5,\n 1.4e0, 0.20]]"),
        ("rows.csv", "who\nAda Lovelace\n"),
        ("rows.json", json.dumps({"who": "Ada Lovelace"})),
    ],
)
def test_a_canary_row_in_text_is_found(tmp_path: Path, name: str, text: str) -> None:
    assert examine([result(tmp_path, name, text)], {}, [ROW, NAMED], MOST) == [f"a canary row is in {name}"]


def test_a_canary_row_in_bytes_of_a_tensor_or_in_the_record_is_found(tmp_path: Path) -> None:
    import struct

    hidden = torch.frombuffer(bytearray(b"??" + struct.pack("<4d", *ROW)), dtype=torch.uint8)
    assert examine([result(tmp_path, "model.safetensors", {"x": hidden})], {}, [ROW], MOST)
    assert examine([], {"values": {"x": list(ROW)}}, [ROW], MOST) == ["a canary row is in the record"]
    assert examine([], {"error": {"message": "no Ada Lovelace"}}, [NAMED], MOST) == ["a canary row is in the record"]


def test_results_that_are_too_large_together_do_not_pass(tmp_path: Path) -> None:
    paths = [result(tmp_path, f"{n}.csv", "1\n" * 300) for n in range(2)]
    assert examine(paths[:1], {}, [], 1000) == []
    assert "1,202 bytes; at most 1,000" in examine(paths, {}, [], 1000)[0]
    assert "at most 1,000" in examine([], {"values": {"x": "y" * 2000}}, [], 1000)[0]


@pytest.mark.parametrize("name", ["model.safetensors", "rows.csv", "rows.json", "model.pkl", "model.ckpt"])
def test_a_pickle_does_not_pass_under_any_name(tmp_path: Path, name: str) -> None:
    [problem] = examine([result(tmp_path, name, pickle.dumps([1, 2, 3]))], {}, [], MOST)
    assert name in problem


def test_odd_files_spoil_the_whole_result(tmp_path: Path) -> None:
    from sahara_lab.rental.tenancy import _left, _take

    out = tmp_path / "work" / "out"
    out.mkdir(parents=True)
    for number in range(17):
        (out / f"{number}.csv").touch()
    with pytest.raises(IntegrityError, match="more than 16"):
        _left(tmp_path / "work")
    os.mkfifo(out / "pipe.csv")
    with pytest.raises(IntegrityError, match="no result"):
        _take(tmp_path / "work", "pipe.csv", tmp_path / "taken")


def test_rows_that_honest_results_would_hold_are_no_canaries(tmp_path: Path) -> None:
    for row in ([1, 2], [0, 0, 0, 0], ["short"], [True, False, True], []):
        with pytest.raises(InputError, match="too common"):
            check_canary(row)
    assert read_guard(tmp_path, 7).canaries == ()
    written = write_guard(tmp_path, 7, [torch.tensor(ROW, dtype=torch.float64).numpy(), NAMED], 500)
    assert read_guard(tmp_path, 7) == written
    assert written.canaries == (ROW, NAMED)
    (tmp_path / "guards" / "7.json").write_text("{")
    with pytest.raises(IntegrityError, match="damaged"):
        read_guard(tmp_path, 7)


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_whatever_bytes_a_job_leaves_the_gate_answers(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("left")
    for name in ("a.safetensors", "a.json", "a.csv"):
        examine([result(folder, name, data)], {}, [ROW, NAMED], MOST)


def test_code_shows_what_it_hides() -> None:
    assert visible("x = 1\n\ty\x1b[2K\u202e\u200b") == "x = 1\n\ty\\x1b[2K\\u202e\\u200b"

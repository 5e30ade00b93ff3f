"""Serving from a terminal and from a notebook: the same verbs, one line an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.network, pytest.mark.ray]


def sahara(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sahara_lab.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=240, check=False)


def test_the_command_line_serves_calls_and_stops(publish_model: Any, tmp_path: Path, ray: None) -> None:
    name = publish_model(_words(tmp_path / "asset"), "words")
    loader = tmp_path / "loader.py"
    loader.write_text(
        "import json\n\ndef known(files):\n    return set(json.loads(files.read('words.json')))\n\n"
        "def load(files):\n    words = known(files)\n    return lambda instances: [one in words for one in instances]\n"
    )
    served = sahara("serve", name, "--loader", f"{loader}:load", "--price", "0.01")
    assert "running, 1 of 1 copies" in served.stdout, served.stderr
    assert name in sahara("serve").stdout
    assert sahara("call", name, '"owl"').stdout.strip() == "true"
    key = sahara("serving", "new-key", "shop", "--budget", "5").stdout.strip()
    called = sahara("-a", "bob", "call", name, '"dog"', "--key-file", "-", stdin=key)
    assert called.stdout.strip() == "false", called.stderr
    assert "1 of 5" in sahara("serving", "keys").stdout
    dear = sahara("-a", "bob", "call", name, '"dog"')
    assert (dear.returncode, dear.stderr.strip().count("\n")) == (1, 0)
    assert "0.01 SAHARA" in dear.stderr
    paid = sahara("-a", "bob", "call", name, '"owl"', "--max-price", "0.01", "--budget", "0.1")
    assert paid.stdout.strip() == "true", paid.stderr
    assert "0.09 SAHARA" in sahara("-a", "bob", "serving", "prepay", name).stdout
    assert "shop" in sahara("serving", "usage").stdout
    assert "redeemed 0.01 SAHARA" in sahara("serving", "settle").stdout
    assert "served no longer" in sahara("serve", name, "--stop").stdout
    assert "not served" in sahara("call", name, '"owl"').stderr
    assert "not JSON" in sahara("call", name, "owl").stderr


def test_a_notebook_serves_with_a_function_of_its_own(
    notebook: Any, publish_model: Any, tmp_path: Path, ray: None
) -> None:
    name = publish_model(_words(tmp_path), "more-words")
    notebook("%sahara use alice")
    notebook(
        "def load(files):\n    n = len(files.json('words.json'))\n    return lambda many: [n + one for one in many]"
    )
    served = notebook(f"%sahara serve {name} --loader load")
    assert served.healthy
    notebook("x = 40")
    assert notebook(f"%sahara call {name} x") == 42
    notebook(f"%sahara call {name} 1 --as answer")
    assert notebook("answer") == 3
    assert name in notebook("%sahara serve")._repr_mimebundle_()["text/plain"]
    assert "own calls" in notebook("%sahara serve --usage")._repr_mimebundle_()["text/plain"]
    notebook(f"%sahara serve {name} --stop")
    notebook("%sahara use bob")


def _words(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "words.json").write_text(json.dumps({"owl": 1, "cat": 2}))
    return folder

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import cloudpickle
import pytest

from sahara_lab.compute.capturing import capture, free_names, readable_size
from sahara_lab.errors import JobError


def names(source: str) -> set[str]:
    hard, soft = free_names(source)
    return hard | soft


def test_names_the_cell_reads_are_found_in_order_of_use() -> None:
    assert names("model = Net(width)\nmodel.fit(data)") == {"Net", "width", "data"}
    assert names("import torch\ntorch.ones(2)") == set()
    assert names("x = x + 1") == {"x"}
    assert names("total += 1") == {"total"}
    assert names("for row in rows:\n    print(row)") == {"rows"}
    assert names("with open(path) as file:\n    text = file.read()") == {"path"}


def test_names_read_inside_functions_classes_and_comprehensions_are_found() -> None:
    assert names("def f(a):\n    return a * scale\nf(1)") == {"scale"}
    assert names("class Net(Base):\n    size = width\n    def run(self):\n        return helper(self)") == {
        "Base",
        "width",
        "helper",
    }
    assert names("squares = [n * factor for n in numbers]") == {"factor", "numbers"}
    assert names("key = lambda row: row[column]") == {"column"}


def test_names_assigned_before_use_stay_behind() -> None:
    assert names("trainer = make()\ntrainer.fit()\nprint(trainer)") == {"make"}
    assert names("scale = 2\ndef f(a):\n    return a * scale") == set()


def test_names_assigned_only_on_one_branch_may_come_along() -> None:
    hard, soft = free_names("if flag:\n    model = 1\nprint(model)")
    assert (hard, soft) == ({"flag"}, {"model"})
    hard, soft = free_names("if flag:\n    model = 1\nelse:\n    model = 2\nprint(model)")
    assert (hard, soft) == ({"flag"}, set())


def test_captured_variables_are_listed_with_type_and_size() -> None:
    captured = capture("print(data, rate)", {"data": b"x" * 5000, "rate": 0.1, "unused": object()})
    assert [(item.name, item.type) for item in captured.names] == [("data", "bytes"), ("rate", "float")]
    assert captured.names[0].size >= 5000
    assert cloudpickle.loads(captured.blob) == {"data": b"x" * 5000, "rate": 0.1}
    assert "data (5.0 kB)" in repr(captured)


def test_objects_shared_between_variables_stay_shared() -> None:
    inner: list[int] = [1]
    values = cloudpickle.loads(capture("a, b", {"a": inner, "b": [inner]}).blob)
    assert values["b"][0] is values["a"]


def test_variable_that_cannot_travel_is_named_with_its_type() -> None:
    with pytest.raises(JobError, match=r"'guard' \(_thread\.lock\) cannot be sent .*Create it inside the cell"):
        capture("guard.acquire()", {"guard": threading.Lock()})


def test_part_that_cannot_travel_is_named_inside_its_variable() -> None:
    class Loader:
        def __init__(self) -> None:
            self.options = {"lock": threading.Lock()}

    with pytest.raises(JobError, match=r"'loader'.*because of loader\.options\['lock'\] \(_thread\.lock\)"):
        capture("loader.run()", {"loader": Loader()})


def test_leftover_that_the_cell_only_may_read_is_left_out_when_it_cannot_travel() -> None:
    captured = capture("if False:\n    guard = 1\nprint('x') or guard", {"guard": threading.Lock()})
    assert captured.names == ()


def test_notebook_command_in_the_cell_is_explained() -> None:
    with pytest.raises(JobError, match=r"line 2 .*notebook command \('%matplotlib inline'\)"):
        capture("x = 1\n%matplotlib inline", {})


def test_cell_that_is_not_python_is_refused_with_its_line() -> None:
    with pytest.raises(JobError, match="line 2 of the cell is not Python"):
        capture("x = 1\ny = = 2", {})


def test_class_of_an_earlier_cell_travels_by_value_with_its_source(
    notebook: Callable[..., dict[str, Any]],
) -> None:
    variables = notebook("class Counter:\n    def next(self):\n        return 41 + 1\n")
    captured = capture("Counter().next()", variables)
    assert "return 41 + 1" in "".join(captured.sources.values())
    program = f"import cloudpickle; print(cloudpickle.loads({captured.blob!r})['Counter']().next())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "42"


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 B"), (1536, "1.5 kB"), (25_000_000, "25 MB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert readable_size(size) == text

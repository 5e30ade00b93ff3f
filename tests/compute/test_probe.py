"""A probe runs the first steps of a cell, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute
from sahara_lab.errors import JobError


def test_probe_tells_the_length_of_a_run_from_its_first_steps(
    local: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    before = {job.id for job in local.jobs()}
    found = local.probe("pl.Trainer(max_epochs=1000).fit(Digits(), training)", notebook(cells.data, cells.model))
    assert found.total_steps == 22_000
    assert found.seconds == pytest.approx(found.first_step + 22_000 / found.steps_per_second)
    assert str(found).startswith("about ")
    assert {job.id for job in local.jobs()} == before


def test_probe_of_a_cell_that_fails_says_why(local: Compute) -> None:
    with pytest.raises(JobError, match="ZeroDivisionError"):
        local.probe("1 / 0", {})

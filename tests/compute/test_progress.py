from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from sahara_lab.compute.progress import Progress, progress_html, progress_of, progress_text

RECORD: dict[str, Any] = {"id": "train-1", "name": None, "workers": 2}


def event(kind: str, time: float, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "time": time, **fields}


def step(number: int, total: int | None = 100, **values: float) -> dict[str, Any]:
    return event(
        "progress",
        10 + number / 10,
        step=number,
        epoch=number // 10,
        total_steps=total,
        max_epochs=10,
        steps_per_second=10.0,
        values=values,
    )


def running() -> Progress:
    events = [event("status", 9.0, status="running", message="")]
    events += [step(number, train_loss=1 / number) for number in range(1, 51)]
    return progress_of(events, RECORD)


def test_line_tells_step_speed_time_left_and_loss() -> None:
    assert progress_text(running()) == "train-1 · running · step 50/100 · 10 steps/s · 5 s left · train_loss 0.02"


def test_picture_is_well_formed_and_has_a_bar_and_a_curve() -> None:
    html = progress_html(running())
    tree = ET.fromstring(html)  # noqa: S314 - our own text
    bar = tree.find(".//div[@role='progressbar']")
    assert bar is not None
    assert bar.get("aria-valuenow") == "50"
    assert len(tree.findall(".//polyline")) == 1


def test_picture_has_no_fixed_colors_outside_of_theme_fallbacks() -> None:
    html = re.sub(r"var\(--jp-[^()]*(\([^()]*\))?[^()]*\)", "", progress_html(running()))
    assert not re.search(r"#[0-9a-f]{3,6}|rgb|white|black", html)


def test_text_from_the_cell_is_escaped() -> None:
    progress = progress_of(
        [
            event("status", 1, status="failed", message="<script>alert(1)</script>"),
            event("log", 2, stream="stdout", text="<img src=x>"),
            step(1, **{"<b>": 1.0}),
        ],
        {**RECORD, "name": "<i>"},
    )
    html = progress_html(progress)
    assert "<script>" not in html
    assert "<img" not in html
    assert "<b>" not in html.replace("<b>1</b>", "")
    assert "&lt;i&gt;" in html


def test_job_of_unknown_length_has_no_time_left() -> None:
    progress = progress_of([event("status", 1, status="running", message=""), step(7, total=None)], RECORD)
    assert progress.fraction is None
    assert progress.seconds_left is None
    assert "step 7" in progress_text(progress)


def test_curves_stay_small_however_long_the_run() -> None:
    progress = progress_of((step(number, total=10**6, loss=float(number)) for number in range(1, 20_000)), RECORD)
    assert len(progress.curves["loss"]) <= 161
    assert progress.curves["loss"][0][0] == 1
    assert progress.curves["loss"][-1][0] == 19_999


def test_only_the_last_lines_of_output_are_shown() -> None:
    progress = progress_of((event("log", n, stream="stdout", text=f"line {n}") for n in range(50)), RECORD)
    assert progress.lines == ["line 46", "line 47", "line 48", "line 49"]

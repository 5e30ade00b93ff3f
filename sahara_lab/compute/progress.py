"""A job's events as one line of text and as a small picture. Pure: no I/O, no Jupyter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any

_POINTS = 160
_SHOWN_METRICS = 4
_SHOWN_LINES = 4
_WIDTH, _HEIGHT = 150, 34


@dataclass
class Progress:
    """Where a job stands. Feed it events in order; draw it whenever you like."""

    id: str = ""
    name: str | None = None
    workers: int = 0
    status: str = "starting"
    message: str = ""
    step: int = 0
    epoch: int = 0
    total_steps: int | None = None
    max_epochs: int | None = None
    steps_per_second: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    began: float | None = None
    latest: float | None = None

    def add(self, event: dict[str, Any]) -> Progress:
        """Take one event into account."""
        self.began = self.began if self.began is not None else event["time"]
        self.latest = event["time"]
        kind = event["kind"]
        if kind == "status":
            self.status, self.message = event["status"], event["message"]
        elif kind in ("progress", "metrics"):
            self.step, self.epoch = event["step"], event["epoch"]
            if kind == "progress":
                self.total_steps = event["total_steps"]
                self.max_epochs = event.get("max_epochs", self.max_epochs)
                self.steps_per_second = event["steps_per_second"] or self.steps_per_second
            for name, value in event["values"].items():
                self.values[name] = value
                self._point(name, value)
        elif kind == "log":
            self.lines = [*self.lines, event["text"]][-_SHOWN_LINES:]
        return self

    def _point(self, name: str, value: float) -> None:
        curve = self.curves.setdefault(name, [])
        if curve and curve[-1][0] == self.step:
            curve[-1] = (self.step, value)
            return
        curve.append((self.step, value))
        if len(curve) > _POINTS:
            del curve[1:-1:2]

    @property
    def fraction(self) -> float | None:
        """Share of the steps done, or None when the number of steps is unknown."""
        if self.status == "done":
            return 1.0
        return min(1.0, self.step / self.total_steps) if self.total_steps else None

    @property
    def seconds_left(self) -> float | None:
        if self.status != "running" or not self.total_steps or not self.steps_per_second:
            return None
        return max(0.0, (self.total_steps - self.step) / self.steps_per_second)

    @property
    def seconds(self) -> float:
        return 0.0 if self.began is None or self.latest is None else self.latest - self.began

    def main_metrics(self) -> list[str]:
        """The metrics worth a curve: losses first, then what the cell logged, without step-wise doubles."""
        names = [name for name in self.values if not (name.endswith("_step") and f"{name[:-5]}_epoch" in self.values)]
        if "loss" in names and any(name in names for name in ("train_loss", "train_loss_epoch")):
            names.remove("loss")
        return sorted(names, key=lambda name: ("loss" not in name, name.startswith("val")))[:_SHOWN_METRICS]


def progress_of(events: Iterable[dict[str, Any]], record: dict[str, Any]) -> Progress:
    """Fold a job's events, given its record."""
    progress = Progress(id=record["id"], name=record.get("name"), workers=record["workers"])
    for event in events:
        progress.add(event)
    return progress


def progress_text(progress: Progress) -> str:
    """One line for a terminal: status, step, speed, time left, metrics."""
    parts = [progress.name or progress.id, progress.status]
    if progress.step:
        total = f"/{progress.total_steps}" if progress.total_steps else ""
        parts.append(f"step {progress.step}{total}")
    if progress.status == "running" and progress.steps_per_second:
        parts.append(f"{progress.steps_per_second:.3g} steps/s")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    parts += [f"{name} {_number(progress.values[name])}" for name in progress.main_metrics()]
    if progress.message:
        parts.append(progress.message)
    return " · ".join(parts)


def progress_html(progress: Progress) -> str:
    """The same for a notebook: a bar and a curve for each main metric. Follows the Lab's theme, light or dark."""
    color = _COLORS.get(progress.status, _BRAND)
    head = (
        f'<span style="font-weight:600">{escape(progress.name or progress.id)}</span>'
        f'<span style="color:{color};font-weight:600">{escape(progress.status)}</span>'
        f'<span style="{_FAINT}">{escape(_facts(progress))}</span>'
    )
    cards = "".join(_card(name, progress) for name in progress.main_metrics())
    parts = [
        f'<div style="display:flex;gap:10px;align-items:baseline;flex-wrap:wrap">{head}</div>',
        _bar(progress, color),
    ]
    if cards:
        parts.append(f'<div style="display:flex;gap:22px;flex-wrap:wrap;margin-top:8px">{cards}</div>')
    if progress.message and progress.status != "running":
        tone = f"color:{color}" if progress.status in ("failed", "lost") else _FAINT
        parts.append(f'<div style="margin-top:6px;{tone}">{escape(progress.message)}</div>')
    if progress.lines:
        text = escape("\n".join(progress.lines))
        parts.append(
            '<pre style="margin:8px 0 0;padding:6px 8px;max-height:7em;overflow:auto;white-space:pre-wrap;'
            "background:var(--jp-layout-color2,rgba(127,127,127,.12));color:inherit;border-radius:3px;"
            f'font-size:var(--jp-code-font-size,12px)">{text}</pre>'
        )
    return (
        '<div style="max-width:720px;padding:8px 0;color:var(--jp-ui-font-color1,inherit);'
        'font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:var(--jp-ui-font-size1,13px)">'
        + "".join(parts)
        + "</div>"
    )


_BRAND = "var(--jp-brand-color1,#1976d2)"
_COLORS = {
    "done": "var(--jp-success-color1,#388e3c)",
    "failed": "var(--jp-error-color1,#d32f2f)",
    "lost": "var(--jp-error-color1,#d32f2f)",
    "stopped": "var(--jp-warn-color1,#f57c00)",
    "stopping": "var(--jp-warn-color1,#f57c00)",
}
_FAINT = "color:var(--jp-ui-font-color2,inherit);opacity:.85"


def _facts(progress: Progress) -> str:
    facts = [f"{progress.workers} worker{'s' * (progress.workers != 1)}"]
    if progress.step:
        total = f" of {progress.total_steps:,}" if progress.total_steps else ""
        facts.append(f"step {progress.step:,}{total}")
        epochs = f" of {progress.max_epochs:,}" if progress.max_epochs and progress.max_epochs > 0 else ""
        facts.append(f"epoch {progress.epoch + (progress.status == 'running')}{epochs}")
    if progress.status == "running" and progress.steps_per_second:
        facts.append(f"{progress.steps_per_second:.3g} steps/s")
    if progress.seconds_left is not None:
        facts.append(f"{_duration(progress.seconds_left)} left")
    elif progress.seconds >= 1:
        facts.append(_duration(progress.seconds))
    return " · ".join(facts)


def _bar(progress: Progress, color: str) -> str:
    fraction = progress.fraction
    width = 100.0 * (fraction if fraction is not None else 0.0)
    percent = "" if fraction is None else f' aria-valuenow="{width:.0f}"'
    return (
        f'<div role="progressbar" aria-label="training progress" aria-valuemin="0" aria-valuemax="100"{percent} '
        'style="margin-top:6px;height:6px;border-radius:3px;overflow:hidden;'
        'background:var(--jp-layout-color3,rgba(127,127,127,.3))">'
        f'<div style="height:100%;width:{width:.1f}%;background:{color};border-radius:3px"></div></div>'
    )


def _card(name: str, progress: Progress) -> str:
    label = f'<span style="{_FAINT}">{escape(name)}</span> <b>{_number(progress.values[name])}</b>'
    return f'<div style="min-width:{_WIDTH}px"><div>{label}</div>{_curve(name, progress.curves.get(name, []))}</div>'


def _curve(name: str, points: list[tuple[int, float]]) -> str:
    if len(points) < 2:
        return ""
    steps, values = [point[0] for point in points], [point[1] for point in points]
    low, high = min(values), max(values)
    width, height = max(1, steps[-1] - steps[0]), (high - low) or 1.0
    path = " ".join(
        f"{(step - steps[0]) / width * (_WIDTH - 4) + 2:.1f},{(high - value) / height * (_HEIGHT - 4) + 2:.1f}"
        for step, value in points
    )
    last_x, last_y = path.rsplit(" ", 1)[-1].split(",")
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(name)} over steps" style="display:block">'
        f'<polyline points="{path}" style="fill:none;stroke:{_BRAND};stroke-width:1.5;stroke-linejoin:round"/>'
        f'<circle cx="{last_x}" cy="{last_y}" r="2" style="fill:{_BRAND}"/></svg>'
    )


def _number(value: float) -> str:
    return f"{value:.4g}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"

"""Execution: training cells on a warm gang of Ray workers, watched from anywhere.

The door of this package. Nothing here imports Ray or torch: the process that people work in
only talks to the *keeper*, a background process that owns the local Ray, the workers and the
records. That is why a job outlives the kernel that started it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.compute.capturing import Captured, CapturedName, capture
    from sahara_lab.compute.job import Job, Meter, Usage
    from sahara_lab.compute.options import Options
    from sahara_lab.compute.progress import Progress, progress_html, progress_of, progress_text
    from sahara_lab.compute.service import Compute

_DOOR = {
    "Captured": "capturing",
    "CapturedName": "capturing",
    "Compute": "service",
    "Job": "job",
    "Meter": "job",
    "Options": "options",
    "Progress": "progress",
    "Usage": "job",
    "capture": "capturing",
    "progress_html": "progress",
    "progress_of": "progress",
    "progress_text": "progress",
}

__all__ = [
    "Captured",
    "CapturedName",
    "Compute",
    "Job",
    "Meter",
    "Options",
    "Progress",
    "Usage",
    "capture",
    "progress_html",
    "progress_of",
    "progress_text",
]


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_DOOR[name]}"), name)
    globals()[name] = value
    return value

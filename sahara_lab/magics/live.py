"""A job in its cell: one display that changes in place, or one line a change where nobody watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.display import display

from sahara_lab.compute import Progress, progress_html, progress_text
from sahara_lab.display import Html

if TYPE_CHECKING:
    from sahara_lab.compute import Job

PERIOD = 0.25  # seconds between two pictures


class Live:
    """Follows a job. The first interrupt asks it to stop and keeps a checkpoint; the second leaves it running."""

    def __init__(self, job: Job, *, quiet: bool = False) -> None:
        self._job = job
        self._quiet = quiet
        self._progress = Progress(id=job.id, name=job.name, workers=job.workers)
        self._handle: Any = None
        self._shown = 0.0
        self._status = ""

    def run(self) -> None:
        """Return when the job has ended or was left."""
        self._job.watch(self._take, on_stop=self._stopping)
        if self._job.finished:
            self._show(force=True)
        else:
            print(f"{self._job.id} goes on by itself; follow it with: %sahara attach {self._job.id}")

    def _stopping(self) -> None:
        print("stopping after a step that all workers agree on; a checkpoint is kept (interrupt again to leave it)")

    def _take(self, event: dict[str, Any]) -> None:
        self._progress.add(event)
        if event.get("kind") == "log" and self._quiet:
            print(event.get("text", "").rstrip("\n"))
        self._show()

    def _show(self, *, force: bool = False) -> None:
        if self._quiet:
            if self._progress.status != self._status or force:
                self._status = self._progress.status
                print(progress_text(self._progress))
            return
        now = time.monotonic()
        if not force and now - self._shown < PERIOD:
            return
        self._shown = now
        picture = {"text/plain": progress_text(self._progress), "text/html": str(Html(progress_html(self._progress)))}
        if self._handle is None:
            self._handle = display(picture, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(picture, raw=True)

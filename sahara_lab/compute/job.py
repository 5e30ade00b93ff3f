"""A training job as people hold it: a view of its folder, from any process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from sahara_lab.compute import outcome
from sahara_lab.compute.link import Link, alive
from sahara_lab.compute.progress import progress_html, progress_of, progress_text
from sahara_lab.compute.record import FINAL, Event, JobFolder, Record, now
from sahara_lab.errors import JobError

_POLL = 0.05
_LOOK_FOR_KEEPER_EVERY = 1.0
_METER_EVERY = 30.0


@dataclass(frozen=True)
class Usage:
    """What a job has used so far."""

    job: str
    workers: int
    seconds: float
    finished: bool


class Meter(Protocol):
    """Told what jobs use, while somebody watches them and when they end."""

    def report(self, usage: Usage) -> None: ...


@dataclass
class _Place:
    """How far somebody has read a job's events."""

    cursor: int = 0
    pending: deque[Event] = field(default_factory=deque)


class Job:
    """One training job. Reading it costs a file read; it never needs the kernel that started it."""

    def __init__(self, folder: JobFolder, link: Callable[[str | None], Link], meter: Meter | None = None) -> None:
        self._folder = folder
        self._link = link
        self._meter = meter

    # What it is

    @property
    def id(self) -> str:
        return self._folder.id

    @property
    def folder(self) -> Path:
        return self._folder.path

    def record(self) -> Record:
        """Everything known about the job, as JSON values. Holds no secrets."""
        record = self._folder.read()
        if record["status"] not in FINAL and not alive(record, self._folder):
            record = self._folder.read()
            if record["status"] not in FINAL:
                record = self._mark_lost(record)
        return record

    @property
    def name(self) -> str | None:
        return cast("str | None", self._folder.read()["name"])

    @property
    def status(self) -> str:
        """``starting``, ``running``, ``stopping``, ``stopped``, ``done``, ``failed`` or ``lost``."""
        return str(self.record()["status"])

    @property
    def finished(self) -> bool:
        return self.status in FINAL

    @property
    def created(self) -> str:
        return str(self._folder.read()["created"])

    @property
    def workers(self) -> int:
        return int(self._folder.read()["workers"])

    @property
    def inputs(self) -> list[str]:
        """Names of the assets the job was given, as ``owner/name``."""
        return list(self._folder.read()["inputs"])

    @property
    def collected(self) -> list[dict[str, Any]]:
        """What the ``collect`` hook returned in each worker."""
        return list(self._folder.read().get("collected", []))

    @property
    def captured(self) -> list[dict[str, Any]]:
        """Notebook variables that travelled to the workers: name, type and pickled size."""
        return list(self._folder.read()["captured"])

    @property
    def source(self) -> str:
        return self._folder.cell_file.read_text("utf-8")

    # What came out

    @property
    def metrics(self) -> dict[str, float]:
        """The latest value of each logged metric."""
        return dict(self._folder.read().get("metrics", {}))

    @property
    def history(self) -> list[dict[str, Any]]:
        """Every reported set of metrics, oldest first: ``step``, ``epoch``, ``time`` and the values."""
        events, _ = self.events()
        return [
            {"step": event["step"], "epoch": event["epoch"], "time": event["time"], **event["values"]}
            for event in events
            if event["kind"] in ("metrics", "progress") and event["values"]
        ]

    @property
    def error(self) -> str | None:
        """Why the job failed or was lost, in one line."""
        error = self.record().get("error")
        return None if error is None else str(error["message"])

    @property
    def traceback(self) -> str | None:
        """The part of the traceback that lies in the person's own code."""
        error = self._folder.read().get("error") or {}
        return cast("str | None", error.get("traceback"))

    @property
    def checkpoint(self) -> Path | None:
        """Lightning checkpoint to go on from; also there after a stop or a failure, if one was made before."""
        return self._folder.checkpoint

    @property
    def weights(self) -> Path | None:
        """The fitted module's weights as safetensors."""
        return self._folder.weights if self._folder.weights.exists() else None

    @property
    def best(self) -> Path | None:
        """The weights with the best monitored metric (``val_loss`` unless told otherwise) as safetensors."""
        return self._folder.best if self._folder.best.exists() else None

    @property
    def manifest(self) -> Path | None:
        """The run manifest: code, environment, inputs, metrics and hashes of the outputs."""
        return self._folder.manifest if self._folder.manifest.exists() else None

    @property
    def values(self) -> dict[str, Any]:
        """Plain values (numbers, text, lists, dictionaries) that the cell assigned on rank 0."""
        return dict(self._folder.read().get("values", {}))

    # Watching and stopping

    def events(self, cursor: int = 0) -> tuple[list[Event], int]:
        """Events after ``cursor``, and the cursor for the next call."""
        return self._folder.events(cursor)

    def wait(self, on_event: Callable[[Event], None] | None = None, timeout: float | None = None) -> Job:
        """Return when the job has finished, whatever its end. Interrupting the wait leaves the job running.

        Args:
            on_event: called with each event, from the job's beginning on.
            timeout: seconds after which to give up waiting; the job goes on.

        Raises:
            TimeoutError: the job is still running.
        """
        return self._follow(_Place(), on_event, timeout)

    def watch(self, on_event: Callable[[Event], None] | None = None, on_stop: Callable[[], None] | None = None) -> Job:
        """Wait as a notebook does: the first interrupt asks the job to stop, the second leaves it to itself.

        Args:
            on_event: called with each event, once, also across the interrupt.
            on_stop: called when the first interrupt has asked the job to stop.
        """
        place = _Place()
        try:
            return self._follow(place, on_event, None)
        except KeyboardInterrupt:
            self.stop()
        try:
            if on_stop is not None:
                on_stop()
            return self._follow(place, on_event, None)
        except KeyboardInterrupt:
            return self

    def _follow(self, place: _Place, on_event: Callable[[Event], None] | None, timeout: float | None) -> Job:
        began = metered = time.monotonic()
        looked, status = -1.0, ""
        while True:
            moment = time.monotonic()
            if moment - looked >= _LOOK_FOR_KEEPER_EVERY:
                looked, status = moment, self.status
            else:
                status = str(self._folder.read()["status"])
            events, place.cursor = self.events(place.cursor)
            place.pending.extend(events)
            while place.pending:
                event = place.pending.popleft()
                if on_event is not None:
                    on_event(event)
            if status in FINAL:
                self._report(True)
                return self
            if moment - metered >= _METER_EVERY:
                metered = moment
                self._report(False)
            if timeout is not None and moment - began > timeout:
                raise TimeoutError(f"job {self.id} is still {status} after {timeout:g} s")
            time.sleep(_POLL)

    def result(self, timeout: float | None = None) -> dict[str, float]:
        """Wait for the end and return the final metrics.

        Raises:
            JobError: the job failed or was lost.
        """
        self.wait(timeout=timeout)
        self.raise_for_status()
        return self.metrics

    def raise_for_status(self) -> None:
        """Raise a JobError in one line if the job failed or was lost."""
        record = self.record()
        if record["status"] in ("failed", "lost"):
            raise JobError(f"job {self.id} {_ENDINGS[record['status']]}: {record['error']['message']}")

    def stop(self, *, force: bool = False) -> None:
        """Ask all workers to stop after the same step and keep a checkpoint; returns at once.

        Args:
            force: do not wait for the step; what was learned since the last checkpoint is lost.
        """
        if self.finished:
            return
        try:
            cluster = self._folder.read().get("options", {}).get("cluster")
            self._link(cluster).ask("stop", start=False, job=self.id, force=force)
        except ConnectionError:
            self.record()  # nobody works on it any more: this marks it

    # Bringing the model back

    def load_into(self, model: Any) -> Any:
        """Load the trained weights into a module of the same shape and return it.

        Raises:
            JobError: the job left no weights, or they do not fit.
        """
        weights = self.weights
        if weights is None:
            raise JobError(f"job {self.id} left no weights ({self.status})", hint="Train it to its end first")
        from safetensors.torch import load_model

        try:
            load_model(model, str(weights), device="cpu")
        except RuntimeError as error:
            raise JobError(
                f"the weights of job {self.id} do not fit this {type(model).__name__}",
                hint="Give a model made the same way as in the cell",
            ) from error
        return model

    def model(self, namespace: MutableMapping[str, Any] | None = None) -> Any:
        """The fitted module, built again from its class and saved hyperparameters, with the trained weights.

        Args:
            namespace: where classes of earlier cells are looked up; the notebook's variables by default.

        Raises:
            JobError: the class is not to be found or needs arguments; ``load_into`` does the rest.
        """
        description = self._folder.read().get("model")
        if description is None:
            raise JobError(f"job {self.id} left no model ({self.status})", hint="Train it to its end first")
        kind = description["class"]
        try:
            factory = self._class(description, namespace)
            model = factory(**description["hyperparameters"])
        except Exception as error:
            raise JobError(
                f"{kind} could not be made again from its class alone: {error}",
                hint="Make the model yourself and call job.load_into(model)",
            ) from error
        return self.load_into(model)

    def bring_back(self, namespace: MutableMapping[str, Any]) -> list[str]:
        """Give a notebook what running the cell there would have left: plain values and the fitted model.

        Returns the names that were set or updated. A model that exists there already gets the weights in place.
        """
        names: list[str] = []
        for name, value in self.values.items():
            namespace[name] = value
            names.append(name)
        description = self._folder.read().get("model") or {}
        model: Any = None
        for name in description.get("names", []):
            existing = namespace.get(name)
            try:
                if type(existing).__qualname__ == description["class"] and name in self._captured_names():
                    model = self.load_into(existing)
                else:
                    model = model if model is not None else self.model(namespace)
                    namespace[name] = model
            except JobError:
                continue
            names.append(name)
        return names

    def _captured_names(self) -> set[str]:
        return {str(item["name"]) for item in self.captured}

    def _class(self, description: dict[str, Any], namespace: MutableMapping[str, Any] | None) -> Any:
        if description["module"] != "__main__":
            from importlib import import_module

            return getattr(import_module(description["module"]), description["class"])
        if namespace is None:
            import __main__

            namespace = vars(__main__)
        if description["class"] in namespace and description["class"] in self._captured_names():
            return namespace[description["class"]]
        return outcome.definitions(self.source, namespace).get(description["class"]) or namespace[description["class"]]

    def _mark_lost(self, record: Record) -> Record:
        kept = f". A checkpoint is kept: run the cell again with --resume {self.id}" if self.checkpoint else ""
        message = "the job service that ran it is gone" + kept
        error = {"message": message, "line": None, "traceback": None, "type": None}
        record.update(status="lost", message=message, finished=now(), error=error)
        self._folder.write(record)
        self._folder.append({"kind": "status", "status": "lost", "message": message})
        return record

    def _report(self, finished: bool) -> None:
        if self._meter is not None:
            record = self._folder.read()
            seconds = float(record.get("seconds") or time.time() - record["created_at"])
            self._meter.report(Usage(self.id, int(record["workers"]), seconds, finished))

    def __repr__(self) -> str:
        return f"Job({progress_text(progress_of(self.events()[0], self.record()))})"

    def _repr_html_(self) -> str:
        return progress_html(progress_of(self.events()[0], self.record()))


_ENDINGS = {"failed": "failed", "lost": "was lost"}

"""How a Sahara worker looks into ordinary Lightning code, without changing it.

Lightning asks the entry point group ``pytorch_lightning.callbacks_factory`` for callbacks each time
a ``Trainer`` is made. Outside a Sahara worker the answer is an empty list, and costs nothing: this
module imports neither torch nor Lightning until a worker has called :func:`activate`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_METRICS_EVERY = 0.25
_SAVE_AT_MOST_EVERY = 5.0
_TRAIN_PER_SAVE = 20.0

Send = Callable[[dict[str, Any]], None]


class RunState:
    """What one worker knows about its run; read by the control thread while training goes on."""

    def __init__(self, send: Send, rank: int, checkpoint: Path, resume: Path | None) -> None:
        self.send = send
        self.rank = rank
        self.checkpoint = checkpoint
        self.resume = resume
        self.fits = 0
        self.fitting = False
        self.batches = 0
        self.stop_at: int | None = None
        self.stopped = False
        self.module: Any = None
        self.trainer: Any = None
        self._saved_at = -math.inf
        self._save_cost = 0.0
        self._shown_at = -math.inf
        self._rate_from: tuple[float, int] | None = None
        self._told: dict[str, float] = {}
        self._rate: float | None = None
        self._total: int | None = None

    def fit_begins(self, trainer: Any, module: Any) -> None:
        self.fits += 1
        self.fitting = True
        self.trainer, self.module = trainer, module
        self._rate_from = None
        if self.stopped:
            trainer.should_stop = True  # a later fit of the same cell
        with contextlib.suppress(Exception):  # depends on user code and loaders of unknown length
            total = trainer.estimated_stepping_batches
            self._total = int(total) if math.isfinite(total) else None
        if self.rank == 0:
            self.send({"kind": "fit", "total_steps": self._total})

    def batch_ends(self, trainer: Any, outputs: Any) -> None:
        self.batches += 1
        if self.rank == 0:
            moment = time.monotonic()
            if moment - self._shown_at >= _METRICS_EVERY:
                self._shown_at = moment
                self._show(trainer, outputs, moment)
        if self.stop_at is not None and self.batches >= self.stop_at and not self.stopped:
            self.stopped = True
            self.save(trainer)
            trainer.fit_loop.min_epochs = 0  # a stop asked for by a person wins over the cell's own minimum
            trainer.fit_loop.epoch_loop.min_steps = 0
            trainer.should_stop = True

    def epoch_ends(self, trainer: Any) -> None:
        """Keep a checkpoint. All ranks must take part in saving, so rank 0 decides and tells the others."""
        if self.rank == 0:
            self.metrics(trainer)
        due = time.monotonic() - self._saved_at >= max(_SAVE_AT_MOST_EVERY, _TRAIN_PER_SAVE * self._save_cost)
        if trainer.strategy.broadcast(due):
            self.save(trainer)

    def fit_ends(self, trainer: Any) -> None:
        if not self.stopped:
            self.save(trainer)
        if self.rank == 0:
            self._show(trainer, None, time.monotonic())
            self.metrics(trainer)
        self.fitting = False

    def save(self, trainer: Any) -> None:
        """Write the checkpoint beside the old one, then put it in its place. Collective: every rank calls it."""
        began = time.monotonic()
        temporary = self.checkpoint.with_name("next.ckpt")
        trainer.save_checkpoint(temporary)
        if self.rank == 0:
            temporary.replace(self.checkpoint)
            self.send({"kind": "checkpoint", "step": trainer.global_step, "epoch": trainer.current_epoch})
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - began

    def metrics(self, trainer: Any) -> None:
        values = self._changed(numbers(trainer.callback_metrics))
        if values:
            self.send(
                {"kind": "metrics", "step": trainer.global_step, "epoch": trainer.current_epoch, "values": values}
            )

    def _show(self, trainer: Any, outputs: Any, moment: float) -> None:
        values = numbers(trainer.callback_metrics)
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        values = self._changed({**numbers({"loss": loss}), **values} if loss is not None else values)
        if self._rate_from is None:
            self._rate_from = (moment, self.batches)
        elif moment - self._rate_from[0] >= 1.0:
            self._rate = (self.batches - self._rate_from[1]) / (moment - self._rate_from[0])
            self._rate_from = (moment, self.batches)
        self.send(
            {
                "kind": "progress",
                "step": trainer.global_step,
                "epoch": trainer.current_epoch,
                "total_steps": self._total,
                "max_epochs": trainer.max_epochs,
                "steps_per_second": self.steps_per_second,
                "values": values,
            }
        )

    def _changed(self, values: dict[str, float]) -> dict[str, float]:
        """Only news: an epoch's metric stays in Lightning's dictionary through all steps of the next epoch."""
        news = {name: value for name, value in values.items() if self._told.get(name) != value}
        self._told |= news
        return news

    @property
    def steps_per_second(self) -> float | None:
        return None if self._rate is None else round(self._rate, 2)


def numbers(values: Any) -> dict[str, float]:
    """The entries of a metrics mapping that are finite single numbers."""
    found: dict[str, float] = {}
    for name, value in dict(values).items():
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            number = float(value)
            if math.isfinite(number):
                found[str(name)] = number
    return found


_state: RunState | None = None


def activate(state: RunState | None) -> None:
    """Called by a worker before it runs a cell."""
    global _state
    _state = state


def callbacks() -> list[Any]:
    """Entry point of group ``pytorch_lightning.callbacks_factory``."""
    return [] if _state is None else _make(_state, "pytorch_lightning")


def callbacks_of_lightning() -> list[Any]:
    """Entry point of group ``lightning.pytorch.callbacks_factory``, for ``import lightning.pytorch as pl``."""
    return [] if _state is None else _make(_state, "lightning.pytorch")


def _make(state: RunState, package: str) -> list[Any]:
    watch, resume = _classes(package)
    made: list[Any] = [watch(state)]
    if state.resume is not None and state.fits == 0:
        made.append(resume(state))
    return made


@cache
def _classes(package: str) -> tuple[type[Any], type[Any]]:
    from importlib import import_module

    package_callbacks = import_module(f"{package}.callbacks")

    class SaharaWatch(package_callbacks.Callback):  # type: ignore[misc, name-defined]
        """Reports progress, keeps a checkpoint, stops all ranks at the agreed step."""

        def __init__(self, state: RunState) -> None:
            self._run = state

        def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
            if trainer.progress_bar_callback is not None:
                trainer.progress_bar_callback.disable()  # the notebook shows the job's own

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            self._run.fit_begins(trainer, pl_module)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            self._run.batch_ends(trainer, outputs)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self._run.epoch_ends(trainer)

        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if self._run.rank == 0 and not trainer.sanity_checking and self._run.fitting:
                self._run.metrics(trainer)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self._run.fit_ends(trainer)

    class SaharaResume(package_callbacks.OnExceptionCheckpoint):  # type: ignore[misc, name-defined]
        """Makes the first ``fit`` go on from a job's checkpoint: Lightning asks callbacks of this kind for one."""

        def __init__(self, state: RunState) -> None:
            super().__init__(dirpath=state.checkpoint.parent)
            self._run = state

        @property
        def ckpt_path(self) -> str | None:
            return str(self._run.resume) if self._run.fits == 0 else None

        def setup(self, trainer: Any, *_: Any, **__: Any) -> None:
            pass

        def on_exception(self, *_: Any, **__: Any) -> None:
            pass

        def state_dict(self) -> dict[str, Any]:
            return {}

    return SaharaWatch, SaharaResume

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

from sahara_lab.compute import checkpoints, plateau
from sahara_lab.compute.agreement import Appointment
from sahara_lab.compute.options import Options
from sahara_lab.compute.position import Position
from sahara_lab.compute.verification import randomness, segments
from sahara_lab.errors import JobError

_METRICS_EVERY = 0.25
_SAVE_AT_MOST_EVERY = 5.0
_EDGE_AT_MOST_EVERY = 0.5
_TRAIN_PER_SAVE = 20.0

Send = Callable[[dict[str, Any]], None]


class RunState:
    """What one worker knows about its run; read by the control thread while training goes on."""

    def __init__(
        self, send: Send, rank: int, folder: Path, resume: Path | None, options: Options, position: Position
    ) -> None:
        self.send = send
        self.rank = rank
        self.folder = folder
        self.resume = resume
        self.options = options
        self.position = position
        self.appointment = Appointment()
        self.fits = 0
        self.fitting = False
        self.batches = 0
        self.stopped = False
        self.weights: dict[str, Any] | None = None
        self.best: float | None = None
        self._done_in_epoch = 0
        self._until = _target(options.until)
        self._random: list[dict[str, Any]] = []
        self._resumed_random: list[dict[str, Any]] = []
        self._plateau: list[float | None] = []
        self._missed: list[float | None] = []
        self._save_at_epoch_end = False
        self._saved_step = -1
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
        self._saved_step = -1
        plateau.make_up_for(trainer, self._missed)
        self._missed = []
        in_mid_epoch = self.position.in_mid_epoch
        if not in_mid_epoch:  # beginning an epoch draws a number, which the checkpoint is before
            self._go_on_with_random_numbers(trainer)
        self.position.install(trainer)
        if in_mid_epoch:
            self._go_on_with_random_numbers(trainer)
        if self.fits > 1 and self.rank == 0:
            segments.forget(self.folder)  # they are of one fit, and the result is of several
        if self.stopped:
            trainer.should_stop = True  # a later fit of the same cell
        with contextlib.suppress(Exception):  # depends on user code and loaders of unknown length
            total = trainer.estimated_stepping_batches
            self._total = int(total) if math.isfinite(total) else None
        if self.rank == 0:
            self.send({"kind": "fit", "total_steps": self._total})

    def batch_ends(self, trainer: Any, outputs: Any) -> None:
        self.batches += 1
        if self.batches == 1:
            trainer.fit_loop._restarting = False  # else a resumed epoch ends without the step of ReduceLROnPlateau
        if self.rank == 0:
            moment = time.monotonic()
            if moment - self._shown_at >= _METRICS_EVERY:
                self._shown_at = moment
                self._show(trainer, outputs, moment)
        if self._until is not None and trainer.global_step > self._until[0]:
            self._stop(trainer)  # it goes on where the other run did not
            return
        if self._ends_here(trainer, "batch") and not self._last_batch(trainer):
            self._stop_at(trainer, self._done(trainer), "batch")
            return
        what = self.appointment.due(self.batches)
        if what and not trainer.fit_loop._should_accumulate():  # else after the batch that completes the step
            self.appointment.kept()
            self._act(trainer, what)
        elif trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps and not self._last_batch(trainer):
            self.save(trainer, self._done(trainer), "batch")  # the run ends here, and may be continued with more steps

    def _act(self, trainer: Any, what: str) -> None:
        """Save, or save and stop, with all other ranks."""
        if self._last_batch(trainer):
            self._save_at_epoch_end = True  # what belongs to the end of an epoch still comes
        else:
            self.save(trainer, self._done(trainer), "batch")
        if what == "stop":
            self._stop(trainer)

    def _stop(self, trainer: Any) -> None:
        if not self.stopped:
            self.stopped = True
            trainer.fit_loop.min_epochs = 0  # a stop asked for by a person wins over the cell's own minimum
            trainer.fit_loop.epoch_loop.min_steps = 0
            trainer.should_stop = True

    def _ends_here(self, trainer: Any, where: str) -> bool:
        """Whether this is where another run, which is being computed again, had its checkpoint."""
        if self._until is None or self.stopped or self._until[1] != where:
            return False
        return bool(trainer.global_step == self._until[0] and not trainer.fit_loop._should_accumulate())

    def _stop_at(self, trainer: Any, done_in_epoch: int, where: str) -> None:
        self.save(trainer, done_in_epoch, where)
        if self._until is not None and not self._until[2]:
            self._stop(trainer)

    def _go_on_with_random_numbers(self, trainer: Any) -> None:
        """With those that the run of the checkpoint would have had, if it had as many ranks."""
        found, self._resumed_random = self._resumed_random, []
        if len(found) == trainer.world_size:
            randomness.restore(found[self.rank])

    @staticmethod
    def _last_batch(trainer: Any) -> bool:
        return bool(trainer.fit_loop.epoch_loop.batch_progress.is_last_batch)

    @staticmethod
    def _done(trainer: Any) -> int:
        return int(trainer.fit_loop.epoch_loop.batch_progress.current.processed)

    def epoch_ends(self, trainer: Any) -> None:
        """Keep a checkpoint. All ranks must take part in saving, so rank 0 decides and tells the others."""
        if self.rank == 0:
            self.metrics(trainer)
        if self.stopped and not self._save_at_epoch_end:
            return
        if self._ends_here(trainer, "epoch"):
            self._stop_at(trainer, 0, "epoch")
            return
        if self._save_at_epoch_end or trainer.strategy.broadcast(self.save_due):
            self._save_at_epoch_end = False
            self.save(trainer, 0, "epoch")

    @property
    def save_due(self) -> bool:
        """Whether enough was trained since the last checkpoint for another one to be worth its cost."""
        if self._until is not None:
            return False
        at_most_every = _SAVE_AT_MOST_EVERY if self.options.segments is None else _EDGE_AT_MOST_EVERY
        return time.monotonic() - self._saved_at >= max(at_most_every, _TRAIN_PER_SAVE * self._save_cost)

    def validation_ends(self, trainer: Any) -> None:
        """Keep the weights if they are the best so far by the monitored metric."""
        if self.rank != 0:
            return
        self.metrics(trainer)
        values = numbers(trainer.callback_metrics)
        name = self.options.monitor or next((name for name in ("val_loss", "valid_loss") if name in values), None)
        if name is None or name not in values or type(trainer.strategy).__name__ == "FSDPStrategy":
            return
        value = values[name]
        sign = 1 if any(word in name.lower() for word in ("loss", "error", "perplexity", "mse", "mae")) else -1
        if self.best is None or sign * value < sign * self.best:
            from sahara_lab.compute.outcome import save_weights

            self.best = value
            save_weights(self.module, self.folder / "best.safetensors")
            self.send(
                {
                    "kind": "best",
                    "metric": name,
                    "value": value,
                    "step": trainer.global_step,
                    "epoch": trainer.current_epoch,
                }
            )

    def fit_ends(self, trainer: Any) -> None:
        if type(trainer.strategy).__name__ == "FSDPStrategy":  # each rank holds a part: all of them join it together
            self.weights = trainer.strategy.lightning_module_state_dict()
        if not self.stopped and self._saved_step != trainer.global_step:
            self.save(trainer, 0, "end")
        if self.rank == 0:
            self._show(trainer, None, time.monotonic())
            self.metrics(trainer)
        self.fitting = False

    def save(self, trainer: Any, done_in_epoch: int, where: str) -> None:
        """Write a checkpoint and list it once it is whole. Collective: every rank calls it.

        Args:
            where: after a ``batch``, at the end of an ``epoch``, or at the ``end`` of the run.

        Raises:
            JobError: the parameters are not finite; the checkpoints of before are kept.
        """
        began = time.monotonic()
        _check_finite(self.module, trainer.global_step)
        self._done_in_epoch = done_in_epoch
        path = checkpoints.new_file(self.folder / "checkpoints", trainer.global_step)
        self._random = randomness.of_all_ranks()
        self._plateau = plateau.due(trainer) if where == "epoch" else []
        trainer.save_checkpoint(path)
        if self.rank == 0:
            checkpoints.keep(path, step=trainer.global_step, epoch=trainer.current_epoch)
            self._keep_edge(path, trainer, where)
            self.send(
                {
                    "kind": "checkpoint",
                    "step": trainer.global_step,
                    "epoch": trainer.current_epoch,
                    "file": path.name,
                }
            )
        self._saved_step = trainer.global_step
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - began

    def _keep_edge(self, path: Path, trainer: Any, where: str) -> None:
        if self.options.segments is None or self.fits > 1:
            return
        segments.keep(
            path,
            self.folder,
            self.options.segments,
            step=trainer.global_step,
            epoch=trainer.current_epoch,
            where=where,
            exact=where != "batch" or self.position.in_process(trainer),
        )

    def state(self) -> dict[str, Any]:
        """What goes into the checkpoint beside Lightning's own."""
        if self.trainer is None:
            return {}
        position = self.position.state(self.trainer, self._done_in_epoch)
        return {"position": position, "best": self.best, "random": self._random, "plateau": self._plateau}

    def load(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state` gave in the run that this one goes on from."""
        if state:
            self.position.load(state["position"])
            self.best = state["best"]
            self._resumed_random = state.get("random") or []
            self._missed = state.get("plateau") or []

    def metrics(self, trainer: Any) -> None:
        values = self._changed(numbers(trainer.callback_metrics))
        if values:
            self.send(
                {"kind": "metrics", "step": trainer.global_step, "epoch": trainer.current_epoch, "values": values}
            )

    def _show(self, trainer: Any, outputs: Any, moment: float) -> None:
        values = numbers(trainer.callback_metrics)
        if isinstance(outputs, dict) and not _finite(outputs.get("loss")):
            _check_finite(self.module, trainer.global_step)
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


def _target(until: str | None) -> tuple[int, str, bool] | None:
    """``Options.until`` as a step, a place, and whether the run has to end there by itself."""
    if until is None:
        return None
    step, where, *last = until.split()
    return int(step), where, bool(last)


def numbers(values: Any) -> dict[str, float]:
    """The entries of a metrics mapping that are finite single numbers."""
    found: dict[str, float] = {}
    for name, value in dict(values).items():
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            number = float(value)
            if math.isfinite(number):
                found[str(name)] = number
    return found


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, RuntimeError):
        return True


def _check_finite(module: Any, step: int) -> None:
    """A loss may be infinite once (mixed precision skips that step); parameters that are not finite stay so."""
    import torch

    for name, parameter in module.named_parameters():
        if parameter.is_floating_point() and not bool(torch.isfinite(parameter.detach()).all()):
            raise JobError(
                f"the model's {name} is not a finite number any more at step {step}",
                hint="Lower the learning rate, clip gradients, or look for NaN in the data",
            )


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

    class SaharaWatch(package_callbacks.Checkpoint):  # type: ignore[misc, name-defined]
        """Reports progress, keeps a checkpoint, stops all ranks at the agreed step.

        Lightning calls callbacks of this kind last, so that a checkpoint of an epoch's end has what the others and the
        model itself do there.
        """

        def __init__(self, state: RunState) -> None:
            self._run = state

        def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
            if trainer.progress_bar_callback is not None:
                trainer.progress_bar_callback.disable()  # the notebook shows the job's own
            difference = self._run.options.contradiction(trainer) if stage == "fit" else None
            if difference is not None:
                raise JobError(difference)

        def state_dict(self) -> dict[str, Any]:
            return self._run.state()

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            self._run.load(state_dict)

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            self._run.fit_begins(trainer, pl_module)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            self._run.batch_ends(trainer, outputs)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self._run.epoch_ends(trainer)

        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.sanity_checking and self._run.fitting:
                self._run.validation_ends(trainer)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self._run.fit_ends(trainer)

    class SaharaResume(package_callbacks.OnExceptionCheckpoint):  # type: ignore[misc, name-defined]
        """Makes the first ``fit`` go on from a job's checkpoint: Lightning asks callbacks of this kind for one."""

        def __init__(self, state: RunState) -> None:
            super().__init__(dirpath=state.folder)
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

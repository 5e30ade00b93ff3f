"""The step of ``ReduceLROnPlateau`` at the end of an epoch, which Lightning makes after the epoch's last checkpoint.

A run that goes on from such a checkpoint would lose it. So the metric that it would have been made with is kept in the
checkpoint, and the step made up for before the next epoch begins.
"""

from __future__ import annotations

from typing import Any


def due(trainer: Any) -> list[float | None]:
    """For each schedule of the fit, the metric of the step that it is about to make; None where it makes none."""
    found: list[float | None] = []
    for config in trainer.lr_scheduler_configs:
        waits = config.reduce_on_plateau and config.interval == "epoch"
        steps = waits and (trainer.current_epoch + 1) % config.frequency == 0
        value = trainer.callback_metrics.get(config.monitor) if steps else None
        found.append(None if value is None else float(value))
    return found


def make_up_for(trainer: Any, missed: list[float | None]) -> None:
    """Make the steps that :func:`due` told of, where the schedules are the same as then."""
    if len(missed) != len(trainer.lr_scheduler_configs):
        return
    from importlib import import_module

    call = import_module(f"{type(trainer).__module__.rsplit('.', 1)[0]}.call")
    progress = trainer.fit_loop.epoch_loop.scheduler_progress
    for config, value in zip(trainer.lr_scheduler_configs, missed, strict=True):
        if value is not None:
            progress.increment_ready()
            call._call_lightning_module_hook(trainer, "lr_scheduler_step", config.scheduler, value)
            progress.increment_completed()

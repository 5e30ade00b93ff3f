"""What a training job may be told about its run: processes, devices, numbers, limits. Light to import."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sahara_lab.compute.clusters import canonical
from sahara_lab.errors import JobError

MOST_WORKERS: Final = 64
MOST_SEGMENTS: Final = 64
BACKENDS: Final = ("gang", "local", "cluster")
ACCELERATORS: Final = ("auto", "cpu", "gpu", "cuda", "mps")
STRATEGIES: Final = ("auto", "ddp", "fsdp")
_PRECISIONS: Final = {
    "16": "16-mixed", "16-mixed": "16-mixed", "16-true": "16-true", "32": "32-true", "32-true": "32-true",
    "64": "64-true", "64-true": "64-true", "bf16": "bf16-mixed", "bf16-mixed": "bf16-mixed", "bf16-true": "bf16-true",
}  # fmt: skip


FLAGS: Final[Mapping[str, tuple[type, str]]] = {
    "workers": (int, "processes that train together; 2 when left out"),
    "cpus": (float, "cores for each worker"),
    "gpus": (int, "GPUs for each worker, 0 or 1"),
    "accelerator": (str, f"one of {', '.join(ACCELERATORS)}"),
    "strategy": (str, f"one of {', '.join(STRATEGIES)}"),
    "precision": (str, "32, 16, bf16, 64 or one of Lightning's longer names"),
    "epochs": (int, "how often to go through the data"),
    "seed": (int, "makes the run repeatable"),
    "monitor": (str, "the metric whose best value decides which weights are kept as the best"),
    "restarts": (int, "how often to go on by itself after a worker died; 2 when left out"),
    "segments": (int, "keep up to so many checkpoints between which the run can be verified"),
    "backend": (str, "gang (warm workers on this machine) or local (without Ray)"),
    "cluster": (str, "a Ray cluster of your own, ray://HOST:10001, or none: this machine"),
}
"""What the options are called and mean where they are typed: in the magic and on the command line."""


@dataclass(frozen=True)
class Options:
    """Options of one training job. An option fills what the cell's ``Trainer(...)`` leaves out.

    Where both say something, and not the same, the job fails before its first step: nobody has to guess which won.

    Args:
        workers: processes that train together.
        cpus: cores for each worker; the machine's cores are shared out when left out.
        gpus: GPUs for each worker, 0 or 1 (a process drives one device); all that there are when left out.
        accelerator, strategy, precision, epochs: as ``pl.Trainer`` takes them.
        seed: seeds Python, NumPy and torch in every worker before the cell, and the order of the data.
        monitor: the metric whose best value decides which weights are kept as ``best.safetensors``.
        restarts: how often a job whose worker died goes on by itself from its last checkpoint.
        backend: ``gang`` (warm Ray actors on this machine), ``local`` (processes without Ray), or ``cluster``.
        segments: keep up to so many checkpoints, between which the run can be computed again; seeds it where ``seed``
            does not.
        until: end where another run had its checkpoint: a step, and ``batch``, ``epoch`` or ``end``; with ``last`` the
            run has to end there by itself, and makes one more step if it does not.
        cluster: address of the Ray cluster that the ``cluster`` backend trains on.
    """

    workers: int = 2
    cpus: float | None = None
    gpus: int | None = None
    accelerator: str | None = None
    strategy: str | None = None
    precision: str | None = None
    epochs: int | None = None
    seed: int | None = None
    monitor: str | None = None
    restarts: int = 2
    backend: str = "gang"
    segments: int | None = None
    until: str | None = None
    cluster: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Checked options; what is None counts as left out.

        Raises:
            JobError: one of them is not possible; says what is.
        """
        for name in given:
            if name not in NAMES:
                raise JobError(f"training has no option '{name}'", hint=f"It has: {', '.join(NAMES)}")
        values = {name: value for name, value in given.items() if value is not None}
        if values.get("precision") is not None:
            values["precision"] = _PRECISIONS.get(str(values["precision"]), str(values["precision"]))
        if values.get("cluster") is not None:
            if values.setdefault("backend", "cluster") != "cluster":
                raise JobError(f"the backend {values['backend']} knows no cluster", hint="Leave one of the two out")
            values["cluster"] = canonical(values["cluster"])
        made = cls(**values)
        made._check()
        return made

    def _check(self) -> None:
        if not 1 <= self.workers <= MOST_WORKERS:
            raise JobError(
                f"{self.workers} workers are not possible", hint=f"Give --workers between 1 and {MOST_WORKERS}"
            )
        _one_of("accelerator", self.accelerator, ACCELERATORS)
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("precision", self.precision, tuple(_PRECISIONS))
        _one_of("backend", self.backend, BACKENDS)
        if self.backend == "cluster" and self.cluster is None:
            raise JobError("a cluster has an address", hint="Give --cluster ray://HOST:10001")
        if self.cpus is not None and not 0 < self.cpus <= 1024:
            raise JobError(f"{self.cpus:g} cores a worker are not possible", hint="Give --cpus a positive number")
        if self.gpus not in (None, 0, 1):
            raise JobError(
                f"{self.gpus} GPUs a worker are not possible: a process drives one",
                hint=f"Give --workers {self.workers * max(self.gpus or 1, 1)} --gpus 1",
            )
        if self.gpus and self.accelerator == "cpu":
            raise JobError("a worker with a GPU does not train on the CPU", hint="Leave out --gpus or --accelerator")
        if self.epochs is not None and self.epochs < 1:
            raise JobError(f"{self.epochs} epochs are not possible", hint="Give --epochs a positive number")
        if self.seed is not None and not 0 <= self.seed < 2**32:
            raise JobError(f"{self.seed} is no seed", hint="Give --seed between 0 and 4294967295")
        if not 0 <= self.restarts <= 100:
            raise JobError(f"{self.restarts} restarts are not possible", hint="Give --restarts between 0 and 100")
        if self.segments is not None and not 1 <= self.segments <= MOST_SEGMENTS:
            raise JobError(
                f"{self.segments} segments are not possible", hint=f"Give --segments between 1 and {MOST_SEGMENTS}"
            )
        if self.until is not None and re.fullmatch(r"\d{1,12} (batch|epoch|end)( last)?", self.until) is None:
            raise JobError(
                f"a run cannot end at {self.until!r}", hint="Give a step and batch, epoch or end: '480 epoch'"
            )

    def as_json(self) -> dict[str, Any]:
        """What is not left out, as the record of a job holds it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def trainer_environment(self) -> dict[str, str]:
        """Lightning's ``PL_TRAINER_*`` variables: defaults of ``Trainer`` that explicit arguments win over."""
        said = {
            "PL_TRAINER_ACCELERATOR": self.accelerator or ("cpu" if self.gpus == 0 else None),
            "PL_TRAINER_STRATEGY": self.strategy,
            "PL_TRAINER_PRECISION": self.precision,
            "PL_TRAINER_MAX_EPOCHS": self.epochs,
            "PL_GLOBAL_SEED": self.seed,
        }
        return {name: str(value) for name, value in said.items() if value is not None}

    def contradiction(self, trainer: Any) -> str | None:
        """How the cell's Trainer differs from these options, in words; None when it does not."""
        accelerator = type(trainer.accelerator).__name__.removesuffix("Accelerator").lower()
        wanted = self.trainer_environment()
        pairs = (
            ("epochs", "max_epochs", self.epochs, trainer.max_epochs),
            ("precision", "precision", self.precision, str(trainer.precision)),
            ("strategy", "strategy", self.strategy, getattr(trainer.strategy, "strategy_name", None)),
            ("accelerator", "accelerator", wanted.get("PL_TRAINER_ACCELERATOR"), accelerator),
        )
        for option, argument, asked, has in pairs:
            if asked in (None, "auto") or asked == has or (asked == "gpu" and has in ("cuda", "mps")):
                continue
            return (
                f"the option --{option} says {asked}, the cell's Trainer has {argument}={has}: leave one of the two out"
            )
        return None


NAMES: Final = tuple(field.name for field in fields(Options))
"""Names of all options, for who takes them among others."""


def _one_of(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise JobError(f"'{value}' is no {name}", hint=f"Give --{name} one of: {', '.join(choices)}")

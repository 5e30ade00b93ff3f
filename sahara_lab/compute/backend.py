"""What runs the processes of a job: the one interface between the controller and any kind of workers."""

from __future__ import annotations

import queue
from typing import Any, Protocol

from sahara_lab.compute.options import Options
from sahara_lab.compute.requirements import Requirements
from sahara_lab.compute.runner import Assignment

Message = tuple[int, dict[str, Any]]


class Backend(Protocol):
    """Workers that run one job at a time, each run in fresh processes.

    There are three: :class:`~sahara_lab.compute.gang.Gang` (warm Ray actors on this machine),
    :class:`~sahara_lab.compute.local.LocalGang` (processes without Ray) and
    :class:`~sahara_lab.compute.cluster_gang.ClusterGang` (actors on the nodes of a Ray cluster). Another one is one
    more kind in the controller's table; what it meters comes from the job's record through a
    :class:`~sahara_lab.compute.job.Meter`. What a worker may read comes with the ``setup`` hook and what it used goes
    out through ``collect``; nothing here knows about prices.
    """

    messages: queue.SimpleQueue[Message]
    """What the ranks say, as ``(rank, message)``; the last one of each rank is ``exit`` or ``gone``."""
    actors: list[int]
    """Process ids of what stays warm between jobs."""
    broken: bool
    """Whether it has to be made again before the next run."""
    own_zygotes: bool
    """Whether its seats fork runs from zygotes of their own, on other machines."""

    def want(self, workers: int, options: Options, modules: list[str], needs: Requirements) -> None:
        """Begin to have at least this many seats; returns before they are ready.

        Raises:
            JobError: they never will be; says what there is.
        """

    def room(self, workers: int, options: Options) -> int:
        """How many of these workers there is room for after some were lost; at most as many."""

    @property
    def shortage(self) -> str:
        """What the seats wait for, in words; empty when they wait for nothing."""

    def ready(self) -> bool:
        """Whether every seat is there; waits for a moment.

        Raises:
            JobError: they never will be; says why.
        """

    def start(self, zygote: str, assignments: list[Assignment], setup: bytes | None) -> list[int]:
        """Start a run, one seat for each assignment, and return the processes' ids."""

    def order(self, op: str, **fields: Any) -> list[dict[str, Any] | None]:
        """Give all ranks an order and return their answers."""

    def end(self) -> None:
        """Kill the run's processes; the seats stay."""

    def dismiss(self) -> None:
        """Give the workers back."""

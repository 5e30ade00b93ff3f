"""Where a run stands in its data, so that a resumed run loses no batch and repeats none.

Lightning restores its counters but not the position inside a data loader. Each loader's sampler is put behind one that
can begin an epoch after a number of batches, without reading them. Shuffling gets a seed for each epoch where the cell
left it to chance, so that the order of an interrupted epoch can be had again, and a run be recomputed by others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any


class Resumable:
    """A sampler in front of another: seeds it for the epoch, and skips what was trained on before."""

    def __init__(self, inner: Any, seed: int, epoch: Callable[[], int]) -> None:
        self._inner = inner
        self._seed = seed
        self._epoch = epoch
        self._unseeded = [sampler for sampler in _chain(inner) if getattr(sampler, "generator", 0) is None]
        self._seeded = [sampler for sampler in _chain(inner) if getattr(sampler, "generator", None) is not None]
        self.states: list[Any] = []
        self.resume: list[Any] | None = None
        self.skip = 0

    def __iter__(self) -> Iterator[Any]:
        import torch

        for sampler in self._unseeded:
            sampler.generator = torch.Generator().manual_seed(self._seed + self._epoch())
        if self.resume is not None:
            for sampler, state in zip(self._seeded, self.resume, strict=True):
                sampler.generator.set_state(state)
            self.resume = None
        self.states = [sampler.generator.get_state() for sampler in self._seeded]
        skip, self.skip = self.skip, 0
        yield from islice(iter(self._inner), skip, None)  # a generator: loaders call iter twice and use the second

    def __len__(self) -> int:
        return len(self._inner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._inner, name)


class Position:
    """The data position of one fit; its state goes into the checkpoint."""

    def __init__(self, seed: int | None, job: str) -> None:
        self._seed = seed if seed is not None else int.from_bytes(hashlib.sha256(job.encode()).digest()[:4], "big")
        self._resumed: dict[str, Any] | None = None
        self._samplers: list[Resumable | None] = []

    def state(self, trainer: Any, batches: int) -> dict[str, Any]:
        """What to keep: ``batches`` of the present epoch are done (0: the epoch is complete)."""
        return {
            "seed": self._seed,
            "epoch": trainer.fit_loop.epoch_progress.current.processed,
            "batches": batches,
            "world": trainer.world_size,
            "generators": [sampler.states if sampler is not None else [] for sampler in self._samplers],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._resumed = state
        self._seed = state["seed"]

    @property
    def in_mid_epoch(self) -> bool:
        """Whether what is to be resumed was in the middle of an epoch."""
        return self._resumed is not None and self._resumed["batches"] > 0

    @staticmethod
    def in_process(trainer: Any) -> bool:
        """Whether all data is read by the training process itself, whose random numbers a checkpoint has."""
        loaders = trainer.fit_loop._combined_loader.flattened
        return all(getattr(loader, "num_workers", 0) == 0 for loader in loaders)

    def install(self, trainer: Any) -> None:
        """Put a resumable sampler before each loader's own, and go to where the checkpoint was. Once for each fit."""
        from lightning_fabric.utilities.data import _set_sampler_epoch

        loop = trainer.fit_loop
        resumed, self._resumed = self._resumed, None
        loaders = loop._combined_loader.flattened
        if any(hasattr(loader, "load_state_dict") for loader in loaders):
            return  # a loader that keeps its own position: Lightning restores it
        self._samplers = [self._wrapped(loader, trainer) for loader in loaders]
        epoch = loop.epoch_progress.current.processed
        skip = 0
        if resumed is not None and resumed["batches"] == 0:
            _begin_epoch(loop)
        elif resumed is not None and resumed["epoch"] == epoch:
            skip = _rescaled(resumed, trainer)
            for sampler, states in zip(self._samplers, resumed["generators"], strict=True):
                if sampler is not None:
                    sampler.resume = states or None
        for loader in loaders:
            _set_sampler_epoch(loader, epoch)
        if all(sampler is not None for sampler in self._samplers):
            for sampler in self._samplers:
                assert sampler is not None
                sampler.skip = skip
            iter(loop._data_fetcher)
        else:
            iter(loop._data_fetcher)
            for _ in range(skip):  # a stream without a sampler can only be read up to there
                next(loop._data_fetcher)
            loop._data_fetcher.fetched -= skip  # Lightning adds what a checkpoint counted

    def _seeded(self, inner: Any, dataset: Any, world: int) -> Any:
        """The sampler with a seeded order that does not depend on the number of workers."""
        from torch.utils.data import DistributedSampler, RandomSampler

        def ours(sampler: Any) -> Any:
            shuffles = type(sampler) is RandomSampler and not sampler.replacement and sampler._num_samples is None
            if world == 1 and shuffles and sampler.generator is None:
                sampler = DistributedSampler(dataset, num_replicas=1, rank=0, shuffle=True)
            if type(sampler) is DistributedSampler:
                sampler.seed = self._seed
            return sampler

        if getattr(inner, "sampler", None) is not None:
            inner.sampler = ours(inner.sampler)
            return inner
        return ours(inner)

    def _wrapped(self, loader: Any, trainer: Any) -> Resumable | None:
        from torch.utils.data import DataLoader, IterableDataset

        if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset):
            return None
        name = "batch_sampler" if loader.batch_sampler is not None else "sampler"
        inner = getattr(loader, name)
        if isinstance(inner, Resumable):
            inner = inner._inner
        inner = self._seeded(inner, loader.dataset, trainer.world_size)
        made = Resumable(inner, self._seed, lambda: int(trainer.fit_loop.epoch_progress.current.processed))
        loader.__dict__[name] = made  # DataLoader refuses plain assignment, though its iterators look here
        return made


def _begin_epoch(loop: Any) -> None:
    """Go on with a whole epoch: with ``max_steps`` set, Lightning takes every checkpoint for one in mid-epoch."""
    if not loop.restarting:
        return
    if loop.restarted_on_epoch_end:
        loop.epoch_progress.increment_completed()
    loop.reset_restart_stage()
    loop.epoch_loop.reset_restart_stage()
    loop.epoch_loop.restarting = False
    loop._restarting = False


def _rescaled(resumed: dict[str, Any], trainer: Any) -> int:
    """Batches to skip for each rank; with another number of workers, those that cover the same samples."""
    batches, world = int(resumed["batches"]), int(resumed["world"])
    if not batches or world == trainer.world_size:
        return batches
    skip = batches * world // int(trainer.world_size)
    progress = trainer.fit_loop.epoch_loop.batch_progress.current
    progress.ready = progress.started = progress.processed = skip
    progress.completed = max(0, skip - 1)
    return skip


def _chain(sampler: Any) -> list[Any]:
    """A sampler and those that it draws from, Lightning's own wrappers included."""
    found: list[Any] = []
    while sampler is not None and sampler not in found:
        found.append(sampler)
        inside = getattr(sampler, "sampler", None)
        sampler = inside if inside is not None else getattr(getattr(sampler, "dataset", None), "_sampler", None)
    return found

"""Comparing what was claimed with what was found: everything in a checkpoint that decides how training goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sahara_lab.compute.verification.verdict import Difference, Tolerance

_PARTS = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "global_step", "epoch")


def comparable(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a Lightning checkpoint that are compared: weights, optimizers, schedules, position, randomness."""
    found = {name: checkpoint[name] for name in _PARTS if name in checkpoint}
    callbacks = {}
    for name, state in checkpoint.get("callbacks", {}).items():
        if "SaharaWatch" in str(name):
            found["run"] = {part: state.get(part) for part in ("position", "random")}
        elif not str(name).startswith("ModelCheckpoint"):  # which holds paths
            callbacks[name] = state
    return {**found, "callbacks": callbacks}


def compare(claimed: Any, found: Any, tolerance: Tolerance) -> Difference:
    """The largest difference of two nested values of tensors, numbers and text."""
    worst = Difference()
    within = True
    for one in _differences(claimed, found, tolerance, ""):
        within = within and one.within
        if worst.same or (one.absolute, one.relative) > (worst.absolute, worst.relative):
            worst = one
    return Difference(worst.absolute, worst.relative, worst.where, worst.same, within)


def _differences(claimed: Any, found: Any, tolerance: Tolerance, at: str) -> Iterator[Difference]:
    import torch

    if isinstance(found, torch.Tensor):
        yield from _tensors(claimed, found, tolerance, at)
    elif isinstance(found, Mapping):
        if not isinstance(claimed, Mapping) or claimed.keys() != found.keys():
            yield _other(at)
            return
        for name in found:
            yield from _differences(claimed[name], found[name], tolerance, f"{at}.{name}" if at else str(name))
    elif isinstance(found, list | tuple):
        if not isinstance(claimed, list | tuple) or len(claimed) != len(found):
            yield _other(at)
            return
        for n, (one, other) in enumerate(zip(claimed, found, strict=True)):
            yield from _differences(one, other, tolerance, f"{at}.{n}")
    elif isinstance(found, float) and isinstance(claimed, float):
        off, scale = abs(claimed - found), abs(found)
        if claimed != found and not (math.isnan(claimed) and math.isnan(found)):
            yield _numbers(off, scale, tolerance, at)
    elif type(claimed) is not type(found) or claimed != found:
        yield _other(at)


def _tensors(claimed: Any, found: Any, tolerance: Tolerance, at: str) -> Iterator[Difference]:
    import torch

    if not isinstance(claimed, torch.Tensor) or claimed.shape != found.shape or claimed.dtype != found.dtype:
        yield _other(at)
        return
    one, other = claimed.detach().cpu().reshape(-1), found.detach().cpu().reshape(-1)
    if torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8)):
        return
    if not (one.is_floating_point() or one.is_complex()):
        yield _other(at)
        return
    if one.is_complex():
        one, other = torch.view_as_real(one), torch.view_as_real(other)
    one, other = one.double(), other.double()
    yield _numbers(float((one - other).abs().max()), float(other.abs().max()), tolerance, at)


def _numbers(off: float, scale: float, tolerance: Tolerance, at: str) -> Difference:
    if not math.isfinite(off):
        return _other(at)
    relative = off / scale if scale else (math.inf if off else 0.0)
    return Difference(off, relative, at, same=False, within=off <= tolerance.absolute + tolerance.relative * scale)


def _other(at: str) -> Difference:
    return Difference(math.inf, math.inf, at, same=False, within=False)

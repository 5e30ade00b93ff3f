"""How a run ended, in words: which rank's failure was its own, what was kept, what to do next."""

from __future__ import annotations

from typing import Any

from sahara_lab.compute.record import Record

NO_FIT = (
    "the cell ended without training anything: it never called Trainer.fit. "
    "End it with pl.Trainer(...).fit(model, data)"
)
NOT_INSTALLED = (
    "Lightning does not know Sahara Lab: the installed package lacks its entry points. Run: pip install sahara-lab"
)
_MEMORY = ". Take a smaller batch or model, fewer --workers, or --precision bf16"


def own_fault(failures: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The earliest failure that is not just a rank noticing that another one has gone."""
    own = [failure for failure in failures if not _is_echo(failure)]
    return min(own, key=lambda failure: float(failure["when"]), default=None)


def _is_echo(failure: dict[str, Any]) -> bool:
    text = str(failure["message"]).lower()
    return failure["type"] in ("RuntimeError", "DistBackendError", "DistNetworkError") and any(
        sign in text for sign in ("gloo", "nccl", "connection closed by peer", "connection reset", "broken pipe")
    )


def failure(found: dict[str, Any], workers: int) -> tuple[str, dict[str, Any]]:
    """One line about an exception in the cell, and what the record keeps of it."""
    first = found["message"].splitlines()[0]
    if found["type"] == "JobError":
        message = first
    else:
        message = f"{found['type']}: {first}"
        if found["line"] is not None:
            place = "the cell" if found["in_cell"] else "an earlier cell or your own file"
            message += f" (line {found['line']} of {place}: {found['text']})"
        if found["type"] in ("MemoryError", "OutOfMemoryError") or "can't allocate memory" in first:
            message += _MEMORY
        if found["type"] == "ModuleNotFoundError":
            message += ". Install it in the Python environment of the workers"
    if "devices=" in found["message"] and "world size" in found["message"]:
        message = (
            f"the cell's Trainer asks for a number of devices that is not the {workers} workers it runs on. "
            "Leave `devices` and `num_nodes` out of Trainer(...), or give --workers the same number"
        )
    return message, {
        "type": found["type"],
        "line": found["line"] if found["in_cell"] else None,
        "traceback": found["traceback"],
    }


def lost(rank: int, workers: int, end: dict[str, Any]) -> str:
    """What happened to a worker that ended without a word."""
    code = end.get("code")
    who = f"worker {rank + 1} of {workers}"
    if end["kind"] == "gone":
        return f"{who} died with its node or Ray actor"
    if isinstance(code, int) and code < 0:
        return f"{who} was killed (signal {-code})" + (", often the system out of memory" if code == -9 else "")
    return f"{who} ended by itself with code {code}"


def kept(record: Record) -> str:
    """What is left to go on from, as the end of a sentence."""
    step = record.get("checkpoint_step")
    if step is None:
        return ""
    return f". A checkpoint of step {step} is kept: run the cell again with --resume {record['id']}"


def stopped(record: Record) -> str:
    """Where a job that was asked to stop did so."""
    step = record.get("checkpoint_step")
    return f"stopped at step {step}, checkpoint kept" if step is not None else "stopped before a checkpoint was made"

"""What a provider delivers, looked at as a stranger's before anything of it is kept.

Events and the record are JSON of known shapes; results are safetensors with the hashes that the provider signed. A
pickle is refused, and so is a description that would have this process import or call something of its choosing.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sahara_lab.errors import IntegrityError
from sahara_lab.rental.escrow import EscrowJob
from sahara_lab.rental.gate import MOST_RESULTS, RESULT_NAME, require_result
from sahara_lab.rental.gateway import Gateway
from sahara_lab.rental.manifest import digest, open_manifest
from sahara_lab.rental.workplace import CHECKPOINT, MODEL

MOST_RESULT = 8 << 30
RESULTS = "results"
_MOST_TEXT = 2_000
_MOST_VALUES = 256
_SHAPES: dict[str, dict[str, type]] = {
    "status": {"status": str, "message": str},
    "progress": {"step": int, "epoch": int, "values": dict},
    "metrics": {"step": int, "epoch": int, "values": dict},
    "checkpoint": {"step": int, "epoch": int},
    "log": {"stream": str, "text": str},
}
_OPTIONAL: dict[str, dict[str, Any]] = {"progress": {"total_steps": int, "max_epochs": int, "steps_per_second": float}}


def clean_event(event: Any) -> dict[str, Any] | None:
    """An event of a known shape with nothing else in it; None for any other."""
    if not isinstance(event, dict) or event.get("kind") not in _SHAPES:
        return None
    kind = str(event["kind"])
    cleaned: dict[str, Any] = {"kind": kind}
    moment = event.get("time")
    if isinstance(moment, int | float) and math.isfinite(moment):
        cleaned["time"] = moment
    for name, of in _SHAPES[kind].items():
        value = event.get(name)
        if not isinstance(value, of) or isinstance(value, bool):
            return None
        cleaned[name] = numbers(value) if of is dict else str(value)[:_MOST_TEXT] if of is str else value
    for name, of in _OPTIONAL.get(kind, {}).items():
        value = event.get(name)
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        cleaned[name] = of(value) if known else None
    return cleaned


def numbers(values: Any) -> dict[str, float]:
    """The finite numbers of a mapping."""
    if not isinstance(values, dict):
        return {}
    found = {
        str(name)[:100]: float(value)
        for name, value in list(values.items())[:_MOST_VALUES]
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


def clean_record(record: dict[str, Any], source: str, known: Iterable[str], inputs: Iterable[str]) -> dict[str, Any]:
    """What a job's record takes over from the provider's.

    Args:
        source: the cell; classes that it defines may be named by the provider.
        known: classes of the notebook that travelled.
        inputs: what the job was given; it cannot have read anything else.
    """
    cleaned: dict[str, Any] = {"metrics": numbers(record.get("metrics"))}
    for name in ("step", "epoch"):
        if isinstance(record.get(name), int):
            cleaned[name] = record[name]
    values = record.get("values")
    if isinstance(values, dict):
        cleaned["values"] = {str(name): value for name, value in values.items() if str(name).isidentifier()}
    for name in ("versions", "trainer"):
        if isinstance(record.get(name), dict):
            cleaned[name] = {str(key)[:100]: str(value)[:200] for key, value in record[name].items()}
    model = record.get("model")
    if isinstance(model, dict) and model.get("module") == "__main__" and model.get("class") in {
        *_classes(source), *known
    }:  # fmt: skip
        names = [name for name in model.get("names", []) if isinstance(name, str) and name.isidentifier()]
        hyperparameters = model.get("hyperparameters")
        cleaned["model"] = {
            "class": model["class"],
            "module": "__main__",
            "names": names,
            "parameters": int(model.get("parameters") or 0),
            "hyperparameters": hyperparameters if isinstance(hyperparameters, dict) else {},
        }
    allowed = set(inputs)
    opened = {
        name
        for part in record.get("collected") or []
        if isinstance(part, dict)
        for name in part.get("accessed") or []
        if name in allowed
    }
    cleaned["collected"] = [{"accessed": sorted(opened)}]
    return cleaned


def _classes(source: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def opened_manifest(envelope: bytes, job: EscrowJob, provider: str, chain_id: int, escrow: str) -> dict[str, Any]:
    """The manifest that the provider submitted.

    Raises:
        IntegrityError: it is not what the escrow has the hash of, or not signed by the provider, or of another job.
    """
    if digest(envelope) != job.deliverable:
        raise IntegrityError("the run manifest is not the one that the provider submitted to the escrow")
    manifest = open_manifest(envelope, provider, chain_id, escrow)
    if manifest.get("job") != f"{job.id:#066x}":
        raise IntegrityError("the run manifest is of another job")
    return manifest


def fetch(gateway: Gateway, manifest: dict[str, Any], folder: Path, *, others: bool = False) -> list[str]:
    """Download the results that a manifest names into a folder; returns the names of those that it has.

    Args:
        others: there may be results beside the weights; they are put into a folder of their own, ``results``.

    Raises:
        IntegrityError: one of them is not what was signed.
        InputError: one of them is not of the type that its name says.
    """
    outputs = manifest.get("outputs")
    if not isinstance(outputs, dict) or len(outputs) > MOST_RESULTS:
        raise IntegrityError("the run manifest names results that no job has")
    for name, said in outputs.items():
        beside = name not in (MODEL, CHECKPOINT)
        if beside and not (others and RESULT_NAME.fullmatch(name)):
            raise IntegrityError("the run manifest names results that no job has")
        size = said.get("size") if isinstance(said, dict) else None
        if not isinstance(size, int) or not 0 < size <= MOST_RESULT:
            raise IntegrityError(f"the size of {name} makes no sense")
        target = folder / RESULTS / name if beside else folder / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        temporary = target.with_name(f".{name}.next")
        try:
            if gateway.file(name, size, temporary) != said.get("sha256"):
                raise IntegrityError(f"{name} is not what the provider signed")
            require_result(temporary, name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        temporary.replace(target)
    return list(outputs)

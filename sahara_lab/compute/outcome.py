"""What comes back from a finished run, and the manifest that describes it."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.compute.architecture import architecture
from sahara_lab.compute.checkpoints import file_hash
from sahara_lab.compute.verification.pins import pins
from sahara_lab.compute.verification.segments import edges
from sahara_lab.signing import canonical_json

if TYPE_CHECKING:
    from sahara_lab.compute.lightning import RunState
    from sahara_lab.compute.record import JobFolder, Record

_LARGEST_VALUE = 64 * 1024
_PACKAGES = ("sahara-lab", "torch", "pytorch-lightning", "lightning", "ray", "numpy", "safetensors")


def gather(state: RunState, after: dict[str, Any], before: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Save the fitted module's weights (rank 0) and note the plain values that the cell left behind."""
    if state.rank != 0:
        return {}
    save_weights(state.module, folder / "model.safetensors", state.weights)
    values: dict[str, Any] = {}
    names: list[str] = []
    for name, value in after.items():
        if name.startswith("_"):
            continue
        if value is state.module:
            names.append(name)
        elif name not in before or before[name] is not value:
            small = plain(value)
            if small is not None and len(json.dumps(small)) <= _LARGEST_VALUE:
                values[name] = small
    trainer = state.trainer
    parameters = plain(dict(getattr(state.module, "hparams", {}) or {})) or {}
    return {
        "values": values,
        "model": {
            "class": type(state.module).__qualname__,
            "module": type(state.module).__module__,
            "names": names,
            "parameters": sum(parameter.numel() for parameter in state.module.parameters()),
            "hyperparameters": parameters,
            "architecture": None if state.weights is not None else architecture(state.module),
        },
        "trainer": {
            "max_epochs": trainer.max_epochs,
            "max_steps": trainer.max_steps,
            "precision": str(trainer.precision),
            "accelerator": type(trainer.accelerator).__name__,
            "strategy": type(trainer.strategy).__name__,
        },
        "step": trainer.global_step,
        "epoch": trainer.current_epoch,
        "pins": pins(trainer),
    }


def save_weights(module: Any, path: Path, joined: Mapping[str, Any] | None = None) -> None:
    """Write a module's weights as safetensors, whole or not at all.

    Args:
        joined: the whole state dictionary, where the module itself holds only this rank's part of it.
    """
    from safetensors.torch import save_file, save_model

    temporary = path.with_name(f"{path.name}.next")
    if joined is None:
        save_model(module, str(temporary))
    else:
        save_file({name: value.contiguous() for name, value in joined.items()}, str(temporary))
    temporary.replace(path)


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it, or None when it is more than numbers, text, lists and dictionaries."""
    try:
        return _plain(value, 0)
    except (TypeError, ValueError, RuntimeError):
        return None


def _plain(value: Any, depth: int) -> Any:
    if depth > 6:
        raise ValueError("too deep")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not finite")
        return float(value)
    if isinstance(value, dict):
        if len(value) > 4096 or not all(isinstance(key, str) for key in value):
            raise TypeError("not a JSON object")
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > 4096:
            raise ValueError("too long")
        return [_plain(item, depth + 1) for item in value]
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return _plain(value.item(), depth + 1)
    raise TypeError(type(value).__name__)


def versions() -> dict[str, str]:
    """Python and the packages whose version changes what a run computes."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_manifest(folder: JobFolder, record: Record) -> str:
    """Write ``manifest.json`` (RFC 8785) and return its SHA-256. Fractions are text: the encoding has no floats."""
    from sahara_lab.compute.record import write_private

    outputs = {
        str(path.relative_to(folder.path)): {"sha256": file_hash(path), "size": path.stat().st_size}
        for path in (folder.weights, folder.best, folder.checkpoint)
        if path is not None and path.exists()
    }
    manifest = {
        "v": 1,
        "kind": "sahara-lab/run",
        "job": record["id"],
        "name": record.get("name"),
        "status": record["status"],
        "code": {"sha256": hashlib.sha256(folder.cell_file.read_bytes()).hexdigest()},
        "environment": {**record.get("versions", {}), "platform": f"{sys.platform}-{platform.machine()}"},
        "inputs": record.get("inputs", []),
        "collected": _as_text(record.get("collected", [])),
        "parameters": _as_text(
            {
                "workers": record["workers"],
                "options": record.get("options", {}),
                "resumed": record.get("resume"),
                "trainer": record.get("trainer", {}),
                "hyperparameters": record.get("model", {}).get("hyperparameters", {}),
            }
        ),
        "architecture": record.get("model", {}).get("architecture"),
        "metrics": _as_text(record.get("metrics", {})),
        "steps": record.get("step"),
        "outputs": outputs,
        "pins": record.get("pins", {}),
        "segments": [asdict(edge) for edge in edges(folder.path)],
        "created": record["created"],
        "finished": record.get("finished"),
        "seconds": _as_text(record.get("seconds")),
        "attestation": "none",
    }
    content = canonical_json(manifest)
    write_private(folder.manifest, content)
    return hashlib.sha256(content).hexdigest()


def _as_text(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value


def definitions(source: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Run only the imports, functions and classes of a cell: enough to build its model again in the notebook."""
    tree = ast.parse(source)
    kept = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef)
    tree.body = [statement for statement in tree.body if isinstance(statement, kept)]
    scope: dict[str, Any] = {**namespace, "__name__": "__main__"}
    exec(compile(tree, "<sahara cell>", "exec"), scope)  # noqa: S102 - the person's own cell, in their own kernel
    return scope

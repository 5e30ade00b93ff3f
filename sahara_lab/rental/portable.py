"""Checkpoints without pickle: tensors as safetensors, everything around them as JSON in the same file's header.

A Lightning checkpoint is a pickle, and a pickle from a stranger runs the stranger's code. So what leaves a provider is
this form, made behind the provider's wall; whoever goes on from it makes a checkpoint of their own from plain values.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import InputError

if TYPE_CHECKING:
    import torch

_STATE = "sahara-lab/state"
_DEEPEST = 32
_LARGEST_HEADER = 64 << 20


def write_portable(state: Any, path: Path) -> None:
    """Write a checkpoint's content (nested dictionaries, lists, tuples, numbers, text, tensors).

    Raises:
        InputError: it holds something else; names its type.
    """
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    document = json.dumps(_encode(state, tensors, 0))
    save_file(tensors, str(path), {_STATE: document})


def read_portable(path: Path) -> Any:
    """Read what :func:`write_portable` wrote; nothing in the file can run.

    Raises:
        InputError: it is not such a file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            header = file.metadata() or {}
            return _decode(json.loads(header[_STATE]), file.get_tensor, 0)
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError, OSError) as error:
        raise InputError(f"{path.name} is not a checkpoint in safetensors") from error


def require_safetensors(path: Path) -> None:
    """See that a file of a stranger is safetensors, by its own structure: a length, a JSON header, bytes of tensors.

    Raises:
        InputError: it is anything else, such as a pickle.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or length > min(size - 8, _LARGEST_HEADER):
            raise InputError(f"{path.name} is no safetensors file", hint="It is refused: it could be a pickle")
        head = file.read(length)
    try:
        entries = json.loads(head)
        spans = sorted(tuple(value["data_offsets"]) for name, value in entries.items() if name != "__metadata__")
        at = 0
        for begin, end in spans:
            if begin != at or end < begin:
                raise ValueError("gap")
            at = end
        if at != size - 8 - length:
            raise ValueError("length")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path.name} is no safetensors file", hint="It is refused: it could be a pickle") from error


def _encode(value: Any, tensors: dict[str, torch.Tensor], depth: int) -> Any:
    import torch

    if depth > _DEEPEST:
        raise InputError("the checkpoint is nested too deeply")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"int": str(value)} if abs(value) > 2**53 else value
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        kind = "ordered" if isinstance(value, OrderedDict) else "dict"
        return {kind: [[_encode(k, tensors, depth + 1), _encode(v, tensors, depth + 1)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_encode(item, tensors, depth + 1) for item in value]}
    raise InputError(f"the checkpoint holds a {type(value).__name__}, which cannot travel")


def _decode(value: Any, tensor: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if value is None or isinstance(value, bool | str | int):
        return value
    [(kind, inner)] = value.items()
    match kind:
        case "int":
            return int(inner)
        case "float":
            return float.fromhex(inner)
        case "tensor":
            return tensor(inner)
        case "list" | "tuple":
            items = [_decode(item, tensor, depth + 1) for item in inner]
            return items if kind == "list" else tuple(items)
        case "dict" | "ordered":
            pairs = [(_decode(k, tensor, depth + 1), _decode(v, tensor, depth + 1)) for k, v in inner]
            return dict(pairs) if kind == "dict" else OrderedDict(pairs)
    raise ValueError(kind)

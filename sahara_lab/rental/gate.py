"""The gate that results pass on their way from an owner's machine to a licensee: size, types, rows that must not leave.

Canaries are rows that the owner chose. Finding one in a result proves that data leaves; finding none proves nothing, as
code that means to can write a row in a form of its own. That is why a person looks at what passes, unless the owner
said otherwise of that code.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sahara_lab.errors import InputError
from sahara_lab.rental.portable import require_safetensors

if TYPE_CHECKING:
    import numpy as np

Row = Sequence[Any]

RESULT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(safetensors|json|csv)")
MOST_RESULTS: Final = 16
MOST_BYTES: Final = 64 << 20
_LEAST_NUMBERS: Final = 3
_LEAST_LETTERS: Final = 6
_LEAST_PACKED: Final = 8  # bytes; fewer are found in any weights
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PACKED: Final = ("<f", "<d", ">f", ">d", "<i", "<q", "<h", "<B")


def examine(paths: Sequence[Path], record: dict[str, Any], canaries: Sequence[Row], most: int) -> list[str]:
    """What is wrong with results, in words; empty when they may pass.

    Args:
        paths: the files, copied out of the job's reach.
        record: metrics and what else the job said of itself, as JSON.
        most: bytes that files and record may have together.
    """
    said = json.dumps(record, sort_keys=True).encode()
    size = len(said) + sum(path.stat().st_size for path in paths)
    if size > most:
        return [f"the results have {size:,} bytes; at most {most:,} may leave"]
    problems = [problem for path in paths if (problem := _type_problem(path))]
    if problems:
        return problems
    found = [("the record", canary) for canary in canaries if _in_text(said, canary)]
    for path in paths:
        found += [(path.name, canary) for canary in canaries if _in_file(path, canary)]
    return [f"a canary row is in {where}" for where in dict.fromkeys(where for where, _ in found)]


def check_canary(row: Row) -> Row:
    """A row that can be looked for.

    Raises:
        InputError: it is so common that results of honest code would hold it: fewer than three numbers that are not all
            the same, and no text of six letters.
    """
    numbers, texts = _parts(row)
    if (len(numbers) < _LEAST_NUMBERS or len(set(numbers)) < 2) and not texts:
        raise InputError(
            f"a canary of {len(row)} values is too common to be looked for",
            hint=f"Take a row with {_LEAST_NUMBERS} different numbers, or a text of {_LEAST_LETTERS} letters",
        )
    return row


def require_result(path: Path, name: str) -> None:
    """See that a result is of the type its name says; nothing in it is run.

    Raises:
        InputError: it is not.
    """
    if RESULT_NAME.fullmatch(name) is None:
        raise InputError(f"{name[:80]} is not of a type that may leave", hint="Write .safetensors, .json or .csv")
    if name.endswith(".safetensors"):
        require_safetensors(path)
        return
    try:
        text = path.read_bytes().decode("utf-8")
        if "\0" in text:
            raise ValueError("not text")
        if name.endswith(".json"):
            json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is not what its name says", hint="It is refused: it could be a pickle") from error


def _type_problem(path: Path) -> str:
    try:
        require_result(path, path.name)
    except InputError as error:
        return str(error)
    return ""


def _parts(row: Row) -> tuple[list[float], list[str]]:
    """The numbers and the longer texts of a row."""
    numbers = [float(v) for v in row if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    return numbers, [v for v in row if isinstance(v, str) and len(v) >= _LEAST_LETTERS]


def _in_file(path: Path, row: Row) -> bool:
    data = path.read_bytes()
    if _in_text(data, row) if not path.name.endswith(".safetensors") else _has_text(data, row):
        return True
    numbers, _ = _parts(row)
    if len(numbers) < _LEAST_NUMBERS:
        return False
    if any(packed in data for packed in _packed(numbers)):
        return True
    if not path.name.endswith(".safetensors"):
        return False
    return any(_holds(array, numbers, near) for array, near in _arrays(path))


def _has_text(data: bytes, row: Row) -> bool:
    _, texts = _parts(row)
    return any(text.encode(code) in data for text in texts for code in ("utf-8", "utf-16-le"))


def _in_text(data: bytes, row: Row) -> bool:
    import numpy as np

    if _has_text(data, row) or any(json.dumps(text)[1:-1].encode() in data for text in _parts(row)[1]):
        return True
    numbers, _ = _parts(row)
    if len(numbers) < _LEAST_NUMBERS:
        return False
    written = np.array([float(number) for number in _NUMBER.findall(data)])
    return _holds(written, numbers, 1e-6)


def _packed(numbers: list[float]) -> Iterator[bytes]:
    for kind in _PACKED:
        whole = kind[1] not in "fd"
        if whole and not all(number.is_integer() for number in numbers):
            continue
        try:
            packed = b"".join(struct.pack(kind, int(n) if whole else n) for n in numbers)
        except (struct.error, OverflowError):
            continue
        if len(packed) >= _LEAST_PACKED:
            yield packed


def _arrays(path: Path) -> Iterator[tuple[np.ndarray[Any, Any], float]]:
    """Each tensor's values in both orders, with how far rounding to its type may have moved them."""
    import torch
    from safetensors import safe_open

    with safe_open(str(path), "pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a dictionary
            tensor = file.get_tensor(name)
            near = 2 * torch.finfo(tensor.dtype).eps if tensor.dtype.is_floating_point else 0.0
            values = tensor.to(torch.float64)
            yield values.reshape(-1).numpy(), near
            if values.dim() > 1:
                yield values.transpose(0, -1).reshape(-1).numpy(), near


def _holds(values: np.ndarray[Any, Any], numbers: list[float], near: float) -> bool:
    """Whether ``numbers`` stand in ``values`` one after another, up to a relative error of ``near``."""
    import numpy as np

    last = len(values) - len(numbers) + 1
    if last <= 0:
        return False
    at = np.flatnonzero(np.isclose(values[:last], numbers[0], rtol=near, atol=1e-12))
    for offset, number in enumerate(numbers[1:], start=1):
        at = at[np.isclose(values[at + offset], number, rtol=near, atol=1e-12)]
    return bool(len(at))

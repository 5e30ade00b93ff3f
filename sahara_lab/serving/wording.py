"""What people type for serving, as the values meant."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sahara_lab.errors import InputError, JobError

if TYPE_CHECKING:
    from sahara_lab.serving.models import Loader


def bounds(text: str) -> tuple[int, int]:
    """``"2"`` or ``"1-4"`` as the fewest and the most copies.

    Raises:
        InputError: it is neither.
    """
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text.strip())
    if not match:
        raise InputError(f"{text!r} is no number of copies", hint="Write 2, or 1-4")
    return int(match[1]), int(match[2] or match[1])


def loader_of(text: str) -> Loader:
    """The function that ``FILE.py:FUNCTION`` names; it travels to the copies with its whole file.

    Raises:
        InputError: there is no such file or function.
        JobError: the file cannot be run.
    """
    import cloudpickle

    file, _, name = text.rpartition(":")
    path = Path(file).expanduser().absolute()
    if not file or not path.is_file():
        raise InputError(f"there is no file {file or text!r}", hint="Write FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(f"sahara_loader_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise JobError(f"{path.name} cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"{path.name} has no function {name!r}")
    cloudpickle.register_pickle_by_value(module)
    loader: Loader = found
    return loader

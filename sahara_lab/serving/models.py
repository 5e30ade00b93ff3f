"""From an asset's files to something that answers: by a known architecture, or by a loader of the server's owner.

Nothing in an asset is run or unpickled: weights are safetensors, ``config.json`` is data, and code is the server's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sahara_lab.errors import InputError, JobError, NotFound, SaharaError

Predict = Callable[[list[Any]], list[Any]]
"""Instances in, as many predictions out; both as JSON can hold them."""
Loader = Callable[["ModelFiles"], Predict]

WEIGHTS, CONFIG, RUN = "model.safetensors", "config.json", "run.json"
_MOST_CONFIG = 4 * 1024 * 1024


class ModelFiles:
    """The files of a served asset, decrypted in memory as they are read; what a loader is given.

    Args:
        name: ``owner/name@version``.
        fs: the ``vault://`` file system that reads it.
    """

    def __init__(self, name: str, fs: Any) -> None:
        self.name = name
        self._fs = fs

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Paths of all files."""
        root = f"vault://{self.name}"
        found = self._fs.find(root)
        marker = self.name + "/"
        return tuple(sorted(path.split(marker, 1)[-1] for path in found))

    def open(self, path: str) -> Any:
        """A file as a binary stream."""
        return self._fs.open(f"vault://{self.name}/{path}", "rb")

    def read(self, path: str) -> bytes:
        """A whole file.

        Raises:
            NotFound: there is none of that name.
        """
        if path not in self.names:
            raise NotFound(f"{self.name} has no file {path!r}")
        with self.open(path) as file:
            data: bytes = file.read()
        return data

    def json(self, path: str) -> dict[str, Any]:
        """A small JSON object.

        Raises:
            InputError: it is something else.
        """
        data = self.read(path)
        try:
            found = json.loads(data) if len(data) <= _MOST_CONFIG else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(f"{path} of {self.name} is not a small JSON object")
        return found

    def weights(self, path: str = WEIGHTS) -> dict[str, Any]:
        """Tensors by name, of a safetensors file; nothing is unpickled.

        Raises:
            NotFound: the asset has none.
            InputError: it is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        if path not in self.names:
            raise NotFound(f"{self.name} has no {path}", hint="Models are served from safetensors; pickles are refused")
        try:
            found: dict[str, Any] = load(self.read(path))
        except SafetensorError as error:
            raise InputError(f"{path} of {self.name} is no safetensors file") from error
        return found

    def __repr__(self) -> str:
        return f"<ModelFiles {self.name}>"


def build(files: ModelFiles, loader: Loader | None) -> Predict:
    """What answers for a model.

    Args:
        loader: the server's own; by the architecture that the asset names when left out.

    Raises:
        JobError: the loader failed, or nothing is known of how the model is called.
    """
    if loader is not None:
        try:
            predict = loader(files)
        except SaharaError:
            raise
        except Exception as error:
            raise JobError(f"the loader failed: {type(error).__name__}: {error}") from error
        if not callable(predict):
            raise JobError(
                "the loader returned nothing to call", hint="Return a function from instances to predictions"
            )
        return predict
    from sahara_lab.serving.architectures import known

    return known(files)

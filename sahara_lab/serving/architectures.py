"""Architectures that a model's ``config.json`` can name, so that it is served without anybody's code.

``{"architecture": "sequential", "layers": [{"type": "linear", "weights": "net.0"}, {"type": "relu"}, …]}`` is a chain
of layers whose sizes follow from the weights; any other config is a language model as Hugging Face writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.serving.models import CONFIG, RUN, ModelFiles, Predict

_MOST_LAYERS = 1000
_PLAIN = {
    "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "flatten": "Flatten",
    "identity": "Identity", "dropout": "Identity",
}  # fmt: skip


def known(files: ModelFiles) -> Predict:
    """What answers for a model whose files say how it is built.

    Raises:
        InputError: they do not, or not in a way that is known here.
    """
    config = description(files)
    if config is None:
        raise InputError(
            f"nothing in {files.name} says how it is called",
            hint="Serve it with loader=, a function from its files to one that predicts",
        )
    if config.get("architecture") == "sequential":
        return sequential(config, files.weights())
    if "model_type" in config:
        from sahara_lab.serving.language import language_model

        return language_model(files, config)
    raise InputError(f"the architecture of {files.name} is not known here", hint="Serve it with loader=")


def description(files: ModelFiles) -> dict[str, Any] | None:
    """How a model is built: its ``config.json``, or what its training noted in ``run.json``."""
    if CONFIG in files.names:
        return files.json(CONFIG)
    if RUN in files.names:
        found = files.json(RUN).get("architecture")
        return found if isinstance(found, dict) else None
    return None


def sequential(config: dict[str, Any], weights: dict[str, Any]) -> Predict:
    """A chain of layers. Instances are numbers, or lists of them, all of one shape.

    Raises:
        InputError: a layer is unknown, or its weights are missing.
    """
    import torch

    layers = config.get("layers")
    if not isinstance(layers, list) or not 0 < len(layers) <= _MOST_LAYERS:
        raise InputError(f"a sequential model has 1 to {_MOST_LAYERS} layers")
    model = torch.nn.Sequential(*(_layer(entry, weights) for entry in layers)).eval()

    def predict(instances: list[Any]) -> list[Any]:
        try:
            batch = torch.tensor(instances, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise InputError("instances are lists of numbers, all of one shape") from error
        with torch.inference_mode():
            try:
                answers: list[Any] = model(batch).tolist()
            except (RuntimeError, IndexError) as error:
                raise InputError(f"the model does not take this shape: {str(error).splitlines()[0]}") from error
        return answers

    return predict


def _layer(entry: object, weights: dict[str, Any]) -> Any:
    import torch

    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str):
        raise InputError("a layer is an object with a type")
    if kind in _PLAIN:
        return getattr(torch.nn, _PLAIN[kind])()
    if kind == "softmax":
        return torch.nn.Softmax(dim=-1)
    makers: dict[str, Callable[[Any, bool], Any]] = {
        "linear": lambda weight, bias: torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias),
        "layernorm": lambda weight, bias: torch.nn.LayerNorm(weight.shape, bias=bias),
    }
    if kind not in makers:
        raise InputError(f"there is no layer {kind!r} here", hint=f"Layers: {', '.join((*makers, *_PLAIN, 'softmax'))}")
    prefix = str(entry.get("weights", ""))
    weight, bias = weights.get(f"{prefix}.weight"), weights.get(f"{prefix}.bias")
    if weight is None or (kind == "linear" and weight.dim() != 2):
        raise InputError(f"the weights have no {prefix}.weight for a {kind} layer")
    layer = makers[kind](weight, bias is not None)
    layer.weight = torch.nn.Parameter(weight.float(), requires_grad=False)
    if bias is not None:
        layer.bias = torch.nn.Parameter(bias.float(), requires_grad=False)
    return layer

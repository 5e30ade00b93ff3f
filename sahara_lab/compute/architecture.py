"""How a trained module is built, where that can be written down as data, so that others can run it without its code."""

from __future__ import annotations

from typing import Any

_PLAIN = {
    "ReLU": "relu", "GELU": "gelu", "SiLU": "silu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Flatten": "flatten",
    "Identity": "identity", "Dropout": "dropout",
}  # fmt: skip
_ROWS = 8


def architecture(module: Any) -> dict[str, Any] | None:
    """A module whose ``forward`` is one chain of plain layers, as ``config.json`` describes it (docs/spec/serving.md).

    None when it is anything else: that it is just the chain is tried on random rows, not believed.
    """
    import torch

    chains = [(name, child) for name, child in module.named_children() if isinstance(child, torch.nn.Sequential)]
    if len(chains) != 1:
        return None
    name, chain = chains[0]
    layers = [_layer(f"{name}.{place}", layer) for place, layer in chain.named_children()]
    widths = [layer.in_features for layer in chain if isinstance(layer, torch.nn.Linear)]
    if None in layers or not widths:
        return None
    trained = module.training
    try:
        rows = torch.randn(_ROWS, widths[0], generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            module.eval()
            rows = rows.to(next(chain.parameters()))
            same = torch.equal(module(rows), chain(rows))
    except Exception:  # forward is the person's own, and may want anything else
        same = False
    finally:
        module.train(trained)
    return {"architecture": "sequential", "layers": layers} if same else None


def _layer(name: str, layer: Any) -> dict[str, str] | None:
    kind = type(layer).__name__
    if kind == "Linear":
        return {"type": "linear", "weights": name}
    if kind == "LayerNorm" and layer.elementwise_affine and layer.eps == 1e-5:
        return {"type": "layernorm", "weights": name}
    if kind == "Softmax" and layer.dim in (-1, 1):
        return {"type": "softmax"}
    plain = kind in _PLAIN and not (kind == "Flatten" and (layer.start_dim, layer.end_dim) != (1, -1))
    if kind == "GELU" and layer.approximate != "none":
        return None
    return {"type": _PLAIN[kind]} if plain else None

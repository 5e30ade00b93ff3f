"""A chain of plain layers is recognized by what it computes; anything else is left alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sahara_lab.compute.architecture import architecture


class Chain(nn.Module):
    def __init__(self, *layers: nn.Module, scale: float = 1.0) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)
        self.scale = scale

    def forward(self, rows: Any) -> Any:
        return self.net(rows) * self.scale


def test_a_chain_is_written_down() -> None:
    module = Chain(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(), nn.LayerNorm(8), nn.Linear(8, 2), nn.Softmax(dim=-1))
    state = torch.get_rng_state()
    found = architecture(module)
    assert found is not None
    assert found["layers"] == [
        {"type": "linear", "weights": "net.0"},
        {"type": "relu"},
        {"type": "dropout"},
        {"type": "layernorm", "weights": "net.3"},
        {"type": "linear", "weights": "net.4"},
        {"type": "softmax"},
    ]
    assert module.training
    assert torch.equal(torch.get_rng_state(), state)


def test_the_description_computes_the_same() -> None:
    from sahara_lab.serving.architectures import sequential

    module = Chain(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2, bias=False)).eval()
    described = architecture(module)
    assert described is not None
    rows = torch.randn(4, 3)
    with torch.no_grad():
        wanted = module(rows)
    assert torch.allclose(torch.tensor(sequential(described, module.state_dict())(rows.tolist())), wanted, atol=1e-6)


@pytest.mark.parametrize(
    "module",
    [
        Chain(nn.Linear(2, 2), scale=2.0),  # forward does more than the chain
        Chain(nn.Linear(2, 2), nn.Conv1d(1, 1, 1)),
        Chain(nn.ReLU()),
        Chain(nn.Linear(2, 2), nn.GELU(approximate="tanh")),
        nn.Linear(2, 2),
    ],
)
def test_anything_else_is_left_alone(module: nn.Module) -> None:
    assert architecture(module) is None

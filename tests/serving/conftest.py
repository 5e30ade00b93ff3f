"""Alice serves models from one real Ray for the whole session; bob and carol call them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab import License

WEIGHT, BIAS = [[1.0, 2.0], [0.0, -1.0]], [0.5, 0.0]


@pytest.fixture(scope="session")
def publish_model(alice: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Publishes a folder of alice's as a model under a free license, and returns its name."""

    def publish(folder: Path, name: str) -> str:
        alice.market.publish(folder, name=name, kind="model", license=License.open_use())
        return f"alice/{name}"

    return publish


@pytest.fixture(scope="session")
def line(publish_model: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """``alice/line``: one linear layer and a ReLU, described by its config.json."""
    import json

    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("line")
    save_file({"net.0.weight": torch.tensor(WEIGHT), "net.0.bias": torch.tensor(BIAS)}, folder / "model.safetensors")
    layers = [{"type": "linear", "weights": "net.0"}, {"type": "relu"}]
    (folder / "config.json").write_text(json.dumps({"architecture": "sequential", "layers": layers}))
    return publish_model(folder, "line")


@pytest.fixture(scope="session")
def ray(alice: Any) -> Iterator[None]:
    """Gives the workers back at the end."""
    yield
    alice.compute.shutdown()


@pytest.fixture(scope="session")
def served(alice: Any, line: str, ray: None) -> SimpleNamespace:
    """``alice/line``, served at 0.01 a call."""
    return alice.serve(line, price="0.01")

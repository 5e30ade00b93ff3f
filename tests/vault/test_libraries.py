"""Libraries that read through fsspec read from ``vault://`` as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from fsspec.registry import _registry

World = Any  # the fixtures of conftest.py
Make = Any

FRAME = pd.DataFrame(
    {"x": np.arange(20_000), "y": np.random.default_rng(1).normal(size=20_000), "z": ["word"] * 20_000}
)


@pytest.fixture
def alice(world: World, fs: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two Parquet files and a CSV, published; ``vault://`` finds them by name."""
    (tmp_path / "table").mkdir()
    FRAME[:12_000].to_parquet(tmp_path / "table" / "1.parquet", row_group_size=3000)
    FRAME[12_000:].to_parquet(tmp_path / "table" / "2.parquet")
    FRAME[:100].to_csv(tmp_path / "table" / "head.csv", index=False)
    ref = world.publish(tmp_path / "table", "table")
    world.policy.license(world.bob.account, ref.asset)
    monkeypatch.setitem(_registry, "vault", type(fs()))
    monkeypatch.setattr(fsspec.config, "conf", {})
    type(fs()).clear_instance_cache()
    return fs()


def test_pandas(alice: Any) -> None:
    assert pd.read_parquet("vault://alice/table/1.parquet").equals(FRAME[:12_000])
    assert pd.read_parquet("vault://alice/table/1.parquet", columns=["y"]).equals(FRAME[:12_000][["y"]])
    assert pd.read_csv("vault://alice/table/head.csv", storage_options={"account": "bob"}).equals(FRAME[:100])
    FRAME[:10].to_csv("vault://alice/table/written.csv", index=False)
    assert pd.read_csv("vault://alice/table/written.csv").equals(FRAME[:10])


def test_arrow_datasets(alice: Any) -> None:
    import pyarrow.compute as pc
    import pyarrow.dataset

    dataset = pyarrow.dataset.dataset("alice/table", filesystem=alice, format="parquet", exclude_invalid_files=True)
    assert dataset.count_rows() == len(FRAME)
    assert dataset.to_table(columns=["x"], filter=pc.field("x") >= 19_990).num_rows == 10


def test_polars(alice: Any) -> None:
    import polars
    import pyarrow.dataset

    with alice.open("alice/table/1.parquet") as stream:
        assert polars.read_parquet(stream, columns=["x"])["x"].sum() == int(FRAME["x"][:12_000].sum())
    with alice.open("alice/table/head.csv") as stream:
        assert polars.read_csv(stream).height == 100
    files = ["alice/table/1.parquet", "alice/table/2.parquet"]
    lazy = polars.scan_pyarrow_dataset(pyarrow.dataset.dataset(files, filesystem=alice))
    assert lazy.filter(polars.col("x") > 19_000).collect().height == 999


def test_zarr(world: World, alice: Any, tmp_path: Path, fs: Make) -> None:
    import zarr
    from zarr.storage import FsspecStore

    values = np.arange(400 * 300).reshape(400, 300)
    array = zarr.create_array(str(tmp_path / "grid.zarr"), shape=values.shape, chunks=(100, 100), dtype=values.dtype)
    array[:] = values
    world.publish(tmp_path / "grid.zarr", "grid")
    read = zarr.open_array(FsspecStore(fs(asynchronous=True), read_only=True, path="alice/grid"), mode="r")
    assert (read[150:250, 40:60] == values[150:250, 40:60]).all()
    assert (zarr.open_array("vault://alice/grid", mode="r")[:] == values).all()


def test_hugging_face_datasets(alice: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    files = {"train": ["vault://alice/table/1.parquet", "vault://alice/table/2.parquet"]}
    streamed = datasets.load_dataset("parquet", data_files=files, streaming=True, cache_dir=str(tmp_path / "cache"))
    assert [row["x"] for row in streamed["train"].take(3)] == [0, 1, 2]
    assert sum(1 for _ in streamed["train"]) == len(FRAME)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_safetensors(world: World, alice: Any) -> None:
    import safetensors.torch
    import torch

    weights = {"w": torch.arange(12.0).reshape(3, 4), "b": torch.ones(3)}
    world.publish({"model.safetensors": safetensors.torch.save(weights)}, "net")
    loaded = safetensors.torch.load(alice.cat("alice/net/model.safetensors"))
    assert {name: tensor.tolist() for name, tensor in loaded.items()} == {
        name: tensor.tolist() for name, tensor in weights.items()
    }
    torch.manual_seed(0)
    with alice.open("alice/net/checkpoint.pt", "wb") as stream:
        torch.save(weights, stream)
    with alice.open("alice/net/checkpoint.pt") as stream:
        assert torch.load(stream, weights_only=True)["b"].tolist() == [1.0] * 3


def test_ray_sends_it_by_name(alice: Any) -> None:
    from ray import cloudpickle

    again = cloudpickle.loads(cloudpickle.dumps(alice))
    assert again.cat("alice/table/head.csv").startswith(b"x,y,z")
    mapper = cloudpickle.loads(cloudpickle.dumps(alice.get_mapper("alice/table")))
    assert sorted(mapper) == ["1.parquet", "2.parquet", "head.csv"]
    assert os.fspath(Path("head.csv")) in mapper

"""Processes that read for a notebook: they find keys themselves, from names alone."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest
from torch.utils.data import DataLoader

from sahara_lab.licensing.filesystem import LicensedVaultFileSystem

pytestmark = pytest.mark.network


@pytest.fixture
def files(alice, tmp_path, fresh):  # type: ignore[no-untyped-def]
    """An asset of ten files, and what they hold."""
    contents = {f"{number}.bin": os.urandom(50_000) for number in range(10)}
    (tmp_path / "ten").mkdir()
    for name, content in contents.items():
        (tmp_path / "ten" / name).write_bytes(content)
    return alice.market.publish(tmp_path / "ten", name=fresh("ten")).name, contents


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_data_loader_workers_read_by_name(files, method: str) -> None:  # type: ignore[no-untyped-def]
    name, contents = files
    items = fsspec.get_mapper(f"vault://{name}", account="alice")
    assert items["0.bin"] == contents["0.bin"]  # the parent has an event loop and an open vault by now
    loader = DataLoader(items, sampler=sorted(contents), batch_size=None, num_workers=2, multiprocessing_context=method)
    assert list(loader) == [contents[path] for path in sorted(contents)]


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_reads_by_name(files, scheduler: str) -> None:  # type: ignore[no-untyped-def]
    import dask
    from dask.bytes import read_bytes

    name, contents = files
    _, blocks = read_bytes(f"vault://{name}/*.bin", blocksize=20_000, sample=False, account="alice")
    with dask.config.set(scheduler=scheduler, num_workers=2):
        read = dask.compute(*blocks)
    assert [b"".join(parts) for parts in read] == [contents[path] for path in sorted(contents)]


@pytest.fixture
def ray_worker(home) -> Iterator[Any]:  # type: ignore[no-untyped-def]
    """Ray with one worker; on a very busy machine its own time limits may pass once."""
    import ray

    options = {"num_cpus": 1, "include_dashboard": False, "log_to_driver": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init("local", **options)
    except Exception:
        ray.shutdown()
        ray.init("local", **options)
    yield ray
    ray.shutdown()


def test_ray_reads_by_name(files, ray_worker: Any) -> None:  # type: ignore[no-untyped-def]
    name, contents = files
    fs = LicensedVaultFileSystem(account="alice")
    assert fs.cat(f"{name}/0.bin") == contents["0.bin"]
    task = ray_worker.remote(lambda one, path: one.cat(path))
    read = ray_worker.get([task.remote(fs, f"{name}/{path}") for path in contents])
    assert read == list(contents.values())


def test_no_secret_travels_and_none_is_shown(files, alice) -> None:  # type: ignore[no-untyped-def]
    name, _ = files
    fs = LicensedVaultFileSystem(account="alice", skip_instance_cache=True)
    with fs.open(f"{name}/0.bin") as stream:
        stream.read(1)
    _, credentials = fs._backend()
    session = credentials.session()
    keys = [credentials.encryption_key, session.signer.private_bytes(), *_keys(fs.vault(name))]
    opened = fsspec.open(f"vault://{name}/0.bin", account="alice")
    pickled = pickle.dumps([fs, opened, fs.get_mapper(name)])
    shown = f"{fs!r} {fs.to_json()} {json.dumps(fs.to_dict())} {fs.storage_options} {opened!r}"
    for key in keys:
        assert len(key) == 32
        assert key not in pickled
        assert key.hex() not in shown


def _keys(vault):  # type: ignore[no-untyped-def]
    yield vault.folder_key(())[1]
    for child in vault.children(()).values():
        yield child.key

"""``vault://`` through fsspec: what pandas, Arrow, PyTorch and forked workers do with it."""

from __future__ import annotations

import asyncio
import io
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.registry import _registry

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, NotFound
from sahara_lab.vault import VaultFileSystem, accessed, forget_access, track_access

World = Any  # the fixtures of conftest.py
Make = Any

DATA = os.urandom(200_000)


@pytest.fixture
def ref(world: World) -> Any:
    ref = world.publish({"data.bin": DATA, "deep/a.txt": b"line one\nline two\n", "deep/er/b": b"b", "empty": b""})
    world.policy.license(world.bob.account, ref.asset)
    return ref


# -- reading ----------------------------------------------------------------------------------------------------------


def test_listing_and_reading(ref: Any, fs: Make) -> None:
    bob = fs("bob")
    assert bob.ls("vault://alice/digits", detail=False) == [
        "alice/digits/data.bin",
        "alice/digits/deep",
        "alice/digits/empty",
    ]
    assert bob.find("vault://alice/digits@1/deep") == ["alice/digits@1/deep/a.txt", "alice/digits@1/deep/er/b"]
    assert bob.glob("vault://alice/digits/**/*.txt") == ["alice/digits/deep/a.txt"]
    assert bob.info("vault://alice/digits/data.bin")["size"] == len(DATA)
    assert (bob.isdir("alice/digits/deep"), bob.isfile("alice/digits/deep")) == (True, False)
    assert bob.cat("alice/digits/data.bin") == DATA
    assert bob.cat_file("alice/digits/data.bin", 10, -10) == DATA[10:-10]
    assert bob.cat_file("alice/digits/data.bin", -5) == DATA[-5:]
    assert bob.cat_file("alice/digits/empty") == b""
    assert bob.cat_ranges(["alice/digits/data.bin"] * 2, [0, 100_000], [10, 100_010]) == [
        DATA[:10],
        DATA[100_000:100_010],
    ]
    with bob.open("alice/digits/deep/a.txt", "r") as lines:
        assert list(lines) == ["line one\n", "line two\n"]
    with bob.open("alice/digits/data.bin") as stream:
        assert isinstance(stream, io.BufferedReader)
        stream.seek(-3, os.SEEK_END)
        assert stream.read() == DATA[-3:]
    assert bob.exists("alice/digits/deep/er/b")
    assert not bob.exists("alice/digits/nothing")
    assert bob.du("alice/digits") == len(DATA) + 19


def test_a_folder_is_copied_out(ref: Any, fs: Make, tmp_path: Path) -> None:
    fs("bob").get("vault://alice/digits/", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out" / "data.bin").read_bytes() == DATA
    assert (tmp_path / "out" / "deep" / "er" / "b").read_bytes() == b"b"


def test_errors_are_what_libraries_expect_and_say_what_to_do(world: World, ref: Any, fs: Make) -> None:
    bob = fs("bob")
    with pytest.raises(FileNotFoundError, match="no 'nothing'"):
        bob.open("vault://alice/digits/nothing")
    with pytest.raises(NotFound, match="no asset"):
        bob.ls("vault://alice/absent")
    assert not bob.exists("vault://alice/absent")
    with pytest.raises(NotFound):
        bob.open("vault://alice/digits@7/data.bin")
    with pytest.raises(IsADirectoryError):
        bob.open("vault://alice/digits/deep")
    with pytest.raises(InputError):
        bob.open("vault://alice/digits/../secret")
    with pytest.raises(InputError, match="whole"):
        bob.open("vault://alice/digits/data.bin", "ab")
    world.policy.license(world.bob.account, ref.asset, "no-license")
    world.bob.end_session()
    with pytest.raises(AccessDenied, match="%sahara license alice/digits"):
        fs("bob").open("vault://alice/digits/data.bin")


def test_licenses_are_checked_again_when_the_cache_is_dropped(world: World, ref: Any, fs: Make) -> None:
    bob = fs("bob")
    assert bob.cat("alice/digits/empty") == b""
    world.policy.license(world.bob.account, ref.asset, "expired")
    bob.invalidate_cache()
    with pytest.raises(AccessDenied, match="expired"):
        bob.cat("alice/digits/empty")


def test_names_without_a_version_follow_the_newest(world: World, ref: Any, fs: Make) -> None:
    alice = fs()
    world.publish({"data.bin": b"two"}, previous=ref)
    assert alice.cat("alice/digits/data.bin") == b"two"
    assert alice.cat("alice/digits@1/data.bin") == DATA


def test_the_anchored_mode_reads_the_same_and_refuses_forgeries(world: World, ref: Any, fs: Make) -> None:
    assert fs(verify="anchored").cat("alice/digits/data.bin") == DATA
    for path in world.stored(ref, "h"):
        path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(IntegrityError):
        fs(verify="anchored").cat("alice/digits/data.bin")


def test_parquet_through_pandas_and_arrow(world: World, fs: Make, tmp_path: Path) -> None:
    import numpy
    import pandas
    import pyarrow.dataset
    import pyarrow.parquet

    frame = pandas.DataFrame({"x": numpy.arange(50_000), "y": numpy.random.default_rng(1).normal(size=50_000)})
    (tmp_path / "table").mkdir()
    frame.to_parquet(tmp_path / "table" / "one.parquet", row_group_size=10_000)
    frame.to_parquet(tmp_path / "table" / "two.parquet")
    world.publish(tmp_path / "table", "table")
    alice = fs()
    path = "vault://alice/table/one.parquet"
    assert pandas.read_parquet(path, filesystem=alice).equals(frame)
    with alice.open(path) as stream:
        assert pandas.read_parquet(stream, columns=["y"]).equals(frame[["y"]])
    with alice.open(path) as stream:
        assert pyarrow.parquet.ParquetFile(stream).read_row_group(3).num_rows == 10_000
    assert pyarrow.dataset.dataset("alice/table", filesystem=alice).count_rows() == 100_000


def test_a_registered_protocol_is_found_by_url(ref: Any, fs: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    monkeypatch.setitem(_registry, "vault", type(fs()))
    with fsspec.open("vault://alice/digits/deep/a.txt", "r") as stream:
        assert stream.read() == "line one\nline two\n"
    assert len(pandas.read_csv("vault://alice/digits/deep/a.txt")) == 1


# -- no secrets in what travels ---------------------------------------------------------------------------------------


def test_pickles_json_and_reprs_hold_names_only(world: World, ref: Any, fs: Make) -> None:
    alice = fs()
    alice.cat("alice/digits/data.bin")
    pickled = pickle.dumps(alice)
    text = f"{alice.to_json()} {alice!r} {alice.storage_options}"
    vault = alice.vault("alice/digits")
    secrets = [
        world.alice.encryption_key,
        world.alice.signer.private_bytes(),
        *(mount.key for mount in vault._mounts.values()),
    ]
    assert not any(secret in pickled or secret.hex() in text for secret in secrets)
    assert json.loads(alice.to_json())["account"] == "alice"
    assert pickle.loads(pickled).cat("alice/digits/data.bin") == DATA


# -- processes --------------------------------------------------------------------------------------------------------


def test_a_forked_child_reads_with_the_parents_instance(ref: Any, fs: Make) -> None:
    bob = fs("bob")
    assert bob.find("alice/digits")  # the parent's event loop runs in a thread that a child does not have
    before = bob.open("alice/digits/data.bin")

    def child(queue: Any) -> None:
        before.seek(5)
        queue.put((before.read(10), bob.cat("alice/digits/data.bin"), bob.find("alice/digits/deep")))

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    try:
        assert queue.get(timeout=20) == (DATA[5:15], DATA, ["alice/digits/deep/a.txt", "alice/digits/deep/er/b"])
    finally:
        process.join(5)
    assert before.read(3) == DATA[:3]


def test_a_fork_while_another_thread_opens_does_not_hang(ref: Any, fs: Make) -> None:
    bob = fs("bob")
    bob.cat("alice/digits/data.bin")
    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        with bob._opening:
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    process = context.Process(target=lambda: os._exit(0 if bob.cat("alice/digits/data.bin") == DATA else 1))
    process.start()
    process.join(20)
    release.set()
    holder.join()
    assert process.exitcode == 0


def test_a_fresh_process_reads_with_a_session_and_nothing_else(world: World, ref: Any, tmp_path: Path) -> None:
    """What a training worker gets: names and a session, no wallet."""
    import cloudpickle

    session, account, version = world.bob.session(), world.bob.account, ref

    def work() -> bytes:
        from sahara_lab.vault import VaultFileSystem as Base

        class Names:
            def resolve(self, owner_name: str, version_number: int | None) -> Any:
                return version

        class Session:
            encryption_key = None

            def __init__(self) -> None:
                self.account = account

            def session(self) -> Any:
                return session

        class WorkerFileSystem(Base):  # type: ignore[misc]
            def _backend(self) -> Any:
                return Names(), Session()

        return bytes(WorkerFileSystem(account="bob", use="training").cat("alice/digits/data.bin"))

    (tmp_path / "work").write_bytes(cloudpickle.dumps(work))
    script = "import cloudpickle, sys; sys.stdout.buffer.write(cloudpickle.load(open(sys.argv[1], 'rb'))())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "work")], capture_output=True, env=environment)
    assert done.stdout == DATA, done.stderr.decode()


def test_a_data_loader_reads_in_workers_and_their_lineage_is_known(ref: Any, fs: Make) -> None:
    from torch.utils.data import DataLoader, Dataset

    bob: VaultFileSystem = fs("bob")

    class Bytes(Dataset):  # type: ignore[type-arg, misc]
        def __len__(self) -> int:
            return 40

        def __getitem__(self, index: int) -> int:
            with bob.open("alice/digits/data.bin") as stream:
                stream.seek(index * 1000)
                return int(stream.read(1)[0])

    forget_access()
    track_access()
    try:
        loader = DataLoader(Bytes(), batch_size=8, num_workers=2, multiprocessing_context="fork")
        assert [int(x) for batch in loader for x in batch] == [DATA[i * 1000] for i in range(40)]
        assert accessed() == {"alice/digits@1"}
    finally:
        forget_access()


def test_what_was_noted_for_children_goes_with_the_process(tmp_path: Path) -> None:
    code = """if True:
        import os, sys
        from sahara_lab.vault import track_access
        track_access()
        if os.fork() == 0:
            sys.exit()  # what a fork does at its end is not its parent's end
        os.wait()
        assert os.path.exists(os.environ["SAHARA_LAB_LINEAGE"])
    """
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_event_loops_can_use_it(ref: Any, fs: Make) -> None:
    async def main() -> tuple[bytes, list[Any]]:
        bob = fs("bob", asynchronous=True)
        one, parts = await asyncio.gather(
            bob._cat_file("alice/digits/data.bin"),
            bob._cat_ranges(["alice/digits/data.bin"] * 3, [0, 50_000, 150_000], [4, 50_004, 150_004]),
        )
        return one, parts

    assert asyncio.run(main()) == (DATA, [DATA[:4], DATA[50_000:50_004], DATA[150_000:150_004]])


def test_what_changes_after_a_refusal_is_seen_at_once(world: World, ref: Any, fs: Make) -> None:
    from sahara_lab.vault import share

    world.policy.license(world.bob.account, ref.asset, "no-license")
    bob = fs("bob")
    with pytest.raises(AccessDenied):
        bob.cat("alice/digits/empty")
    world.policy.license(world.bob.account, ref.asset)
    assert bob.cat("alice/digits/empty") == b""
    second = world.publish({"data.bin": b"two"}, "other")
    with pytest.raises(AccessDenied):
        bob.cat("alice/other/data.bin")
    share(world.open(second), "", world.bob.public, world.bob.account, world.alice.signer)
    assert bob.cat("alice/other/data.bin") == b"two"


def test_a_new_version_is_followed_within_a_second(world: World, ref: Any, fs: Make) -> None:
    import time

    alice = fs()
    assert alice.cat("alice/digits/empty") == b""
    world.publish({"empty": b"no more"}, previous=ref)
    deadline = time.monotonic() + 5
    while alice.cat("alice/digits/empty") == b"":
        assert time.monotonic() < deadline
    assert alice.cat("alice/digits/empty") == b"no more"

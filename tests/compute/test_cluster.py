"""A Ray cluster of several nodes, each a ``ray start`` of its own on this machine, with a token."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sahara_lab.compute import Compute
from sahara_lab.errors import JobError

pytestmark = pytest.mark.ray
WITHIN = 300.0


class Nodes:
    """Nodes of one cluster; each ``ray start --block`` can be killed with all that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = os.urandom(16).hex()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        import ray

        self.host = str(ray.util.get_node_ip_address())
        self.address = f"{self.host}:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, cpus: int) -> subprocess.Popen[bytes]:
        which = (
            ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
            if not self.processes
            else [f"--address={self.address}"]
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "120",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_failure_threshold": "10",
        }
        ray = Path(sys.executable).parent / "ray"
        log = self.folder / f"node-{len(self.processes)}.log"
        with log.open("wb") as output:
            node = subprocess.Popen(
                [
                    *(ray, "start", "--block", f"--num-cpus={cpus}"),
                    *("--object-store-memory=100000000", "--disable-usage-stats", *which),
                ],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(node)
        deadline = time.monotonic() + 120
        while "Ray runtime started" not in log.read_text("utf-8"):
            assert node.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
        return node

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        parts = psutil.Process(node.pid).children(recursive=True)
        for part in [psutil.Process(node.pid), *parts]:
            if part.is_running():
                os.kill(part.pid, signal.SIGKILL)
        node.wait()

    def end(self) -> None:
        for node in self.processes:
            if node.poll() is None:
                self.kill(node)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as folder:
        made = Nodes(Path(folder))
        made.start(cpus=0)
        for _ in range(3):
            made.start(cpus=1)
        yield made
        made.end()


@pytest.fixture(scope="module")
def far(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", nodes.token)
        service = Compute(tmp_path_factory.mktemp("far"), cluster=nodes.address)
        yield service
        service.shutdown()


def test_cell_trains_on_two_nodes_and_its_files_come_home(
    far: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "own_module.py").write_text("WIDTH = 24\n")
    secret = "s3cr3t-" + os.urandom(8).hex()

    def setup() -> None:
        import builtins

        builtins.sahara_session = secret  # type: ignore[attr-defined]

    def collect() -> dict[str, Any]:
        import builtins
        import os

        return {"node": os.environ["RANK"], "length": len(builtins.sahara_session)}  # type: ignore[attr-defined]

    cell = "from own_module import WIDTH\npl.Trainer(max_epochs=2).fit(Digits(WIDTH), training, held_out)"
    job = far.run_cell(cell, notebook(cells.data, cells.model), cwd=tmp_path, setup=setup, collect=collect)
    assert job.wait(timeout=WITHIN).error is None
    assert sorted(part["node"] for part in job.collected) == ["0", "1"]
    assert {part["length"] for part in job.collected} == {len(secret)}
    assert job.weights is not None
    assert job.checkpoint is not None
    assert any(pin.startswith("torch==") for pin in job.record()["lock"])
    assert far.jobs_dir in job.weights.parents


def test_node_that_dies_is_replaced_by_another_and_training_goes_on(
    far: Compute, nodes: Nodes, tmp_path: Path, until: Callable[..., Any]
) -> None:
    from tests.compute.test_resume import LOADERS, SAMPLES, SEEN, seen

    path = tmp_path / "seen"
    cell = f"{SEEN}\npl.Trainer(max_epochs=30).fit(Seen({str(path)!r}, 0.1), {LOADERS['shuffled']})"
    job = far.run_cell(cell, {})
    until(lambda: job.record().get("checkpoint_step") or job.finished, within=WITHIN)
    victim = psutil.Process(job.record()["processes"][1])
    node = next(node for node in nodes.processes if psutil.Process(node.pid) in victim.parents())
    nodes.kill(node)
    killed = time.monotonic()
    until(lambda: job.finished or job.record().get("restarts", [{}])[-1].get("seconds"), within=WITHIN)
    print(f"killed node to first resumed step {time.monotonic() - killed:.1f} s")
    assert job.error is None
    job.stop()
    assert job.wait(timeout=WITHIN).status == "stopped", job.error
    complete = [epoch for epoch, samples in seen(path, 2).items() if set(samples) == set(range(SAMPLES))]
    assert len(complete) >= 1
    assert isinstance(seen(path, 2)[0], Counter)


def test_more_workers_than_the_cluster_has_are_refused_with_what_there_is(
    far: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = "pl.Trainer(max_epochs=1).fit(Digits(), training)"
    job = far.run_cell(cell, notebook(cells.data, cells.model), workers=9).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert "the job asks for 9 (9 workers of 1)" in (job.error or "")
    assert "CPUs on" in (job.error or "")


def test_import_that_a_node_lacks_is_named_before_the_cell_runs(far: Compute) -> None:
    job = far.run_cell("import not_on_the_cluster", {}).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert "lacks not_on_the_cluster, which the cell imports" in (job.error or "")


def test_wrong_address_and_missing_token_are_one_line_at_once(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    for address, said in [("nowhere", "is no address"), ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1")]:
        with pytest.raises(JobError, match=said):
            Compute(tmp_path, cluster=address).run_cell("x = 1", {})
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(JobError, match="needs a token"):
        Compute(tmp_path, cluster=nodes.address).run_cell("x = 1", {})
    assert time.monotonic() - began < 30
    assert Compute(tmp_path).jobs() == []


def test_wrong_token_is_one_line(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 32)
    compute = Compute(tmp_path, cluster=nodes.address)
    job = compute.run_cell("x = 1", {}).wait(timeout=WITHIN)
    compute.shutdown()
    assert job.status in ("failed", "lost")
    assert "did not let this machine in" in (job.error or "")
    assert "\n" not in (job.error or "")
    assert nodes.token not in (job.error or "")

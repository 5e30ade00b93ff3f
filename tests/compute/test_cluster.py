"""A Ray cluster of two nodes with a token, each a ``ray start`` of its own; cells reach it by its address."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sahara_lab.compute import Compute
from tests import waiting

pytestmark = pytest.mark.ray
WITHIN = 300.0


class Nodes:
    """Nodes of one cluster; each ``ray start --block`` can be killed with all that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = os.urandom(16).hex()
        self.token_file = folder / "token"
        self.token_file.write_text(self.token)
        self.token_file.chmod(0o600)
        self.port, client = _free_ports(2)
        self.address = f"ray://127.0.0.2:{client}"
        self.head = ["--head", f"--port={self.port}", f"--ray-client-server-port={client}", "--include-dashboard=false"]
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Another node with one core and an address of its own; the first one is the head."""
        first, number = not self.processes, len(self.processes)
        if not first:
            waiting.until(self._answers)  # a node that comes before its head waits for minutes
        which = [*self.head, f"--temp-dir={self.folder}"] if first else [f"--address=127.0.0.2:{self.port}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "150",
        }
        log = self.folder / f"node-{number}.log"
        with log.open("wb") as output:
            node = subprocess.Popen(
                [
                    *(Path(sys.executable).parent / "ray", "start", "--block", "--num-cpus=1"),
                    *(f"--node-ip-address=127.0.0.{2 + number}", "--object-store-memory=100000000", *which),
                ],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(node)

    def _answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.2", self.port)) == 0

    def wait(self) -> None:
        """Until every node is up."""
        deadline = time.monotonic() + 150
        for number, node in enumerate(self.processes):
            log = self.folder / f"node-{number}.log"
            while "Ray runtime started" not in log.read_text("utf-8"):
                assert node.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, log.read_text("utf-8")
                time.sleep(0.05)

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        """As if the power had gone: nothing on the node gets to say goodbye."""
        for part in [psutil.Process(node.pid), *psutil.Process(node.pid).children(recursive=True)]:
            if part.is_running():
                os.kill(part.pid, signal.SIGKILL)
        node.wait()

    def owning(self, processes: list[int]) -> set[int]:
        """Numbers of the nodes that these processes run on."""
        found = set()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                parents = {parent.pid for parent in psutil.Process(process).parents()}
                found |= {number for number, node in enumerate(self.processes) if node.pid in parents}
        return found

    def end(self) -> None:
        for node in self.processes:
            if node.poll() is None:
                self.kill(node)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.2", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as folder:
        made = Nodes(Path(folder))
        try:
            for _ in range(2):
                made.start()
            made.wait()
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def far(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    service = Compute(tmp_path_factory.mktemp("far"))
    service.use_cluster(nodes.address, nodes.token_file)
    yield service
    service.shutdown()


def test_cell_trains_on_two_nodes_and_its_files_come_home(
    far: Compute, nodes: Nodes, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "own_module.py").write_text("WIDTH = 24\n")
    secret = "s3cr3t-" + os.urandom(12).hex()

    def setup() -> None:
        import builtins

        builtins.sahara_session = secret  # type: ignore[attr-defined]

    def collect() -> dict[str, Any]:
        import builtins
        import os

        return {
            "rank": os.environ["RANK"],
            "process": os.getpid(),
            "secret": len(builtins.sahara_session),  # type: ignore[attr-defined]
            "ray": [name for name in os.environ if name.startswith("RAY_")],
        }

    cell = """
from own_module import WIDTH
pl.Trainer(max_epochs=2).fit(Digits(WIDTH), training, held_out)
ranks = torch.distributed.get_world_size()
"""
    variables = notebook(cells.data, cells.model)
    job = far.run_cell(cell, variables, cwd=tmp_path, setup=setup, collect=collect)
    owners: set[int] = set()
    job.wait(lambda _: owners.update(nodes.owning(job.record().get("processes", []))), timeout=WITHIN)
    assert job.error is None
    assert job.values["ranks"] == 2
    assert owners == {0, 1}
    assert sorted(part["rank"] for part in job.collected) == ["0", "1"]
    assert [part["secret"] for part in job.collected] == [len(secret)] * 2
    assert [part["ray"] for part in job.collected] == [[], []]
    assert job.weights is not None
    assert job.checkpoint is not None
    assert {path.name for path in (job.folder / "logs").iterdir()} == {"rank-0.log", "rank-1.log"}
    assert any(pin.startswith("torch==") for pin in job.record()["lock"])
    assert job.record()["options"]["cluster"] == nodes.address

    written = [path for path in far.jobs_dir.rglob("*") if path.is_file()]
    assert any(path.name == "record.json" for path in written)
    for path in written:
        assert nodes.token.encode() not in path.read_bytes(), path


def test_more_workers_than_the_cluster_seats_are_refused_with_what_is_free(
    far: Compute, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    cell = "pl.Trainer(max_epochs=1).fit(Digits(), training)"
    job = far.run_cell(cell, notebook(cells.data, cells.model), workers=9).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert job.error == (
        "the cluster has room for 2 workers of 1 CPU (2 CPUs on 2 nodes, 2 CPUs free), the job asks for 9. "
        "Give --workers 2"
    )


def test_import_that_a_node_lacks_is_named_before_the_cell_runs(far: Compute) -> None:
    job = far.run_cell("import not_on_the_cluster", {}, workers=1).wait(timeout=WITHIN)
    assert job.status == "failed"
    assert "lacks not_on_the_cluster, which the cell imports" in (job.error or "")
    assert "\n" not in (job.error or "")


def test_wrong_token_is_one_line_that_holds_neither_token(nodes: Nodes, tmp_path: Path) -> None:
    other = tmp_path / "other-token"
    other.write_text("0" * 32)
    other.chmod(0o600)
    compute = Compute(tmp_path / "jobs")
    compute.use_cluster(nodes.address, other)
    job = compute.run_cell("x = 1", {}).wait(timeout=WITHIN)
    compute.shutdown()
    assert job.status == "failed"
    assert job.error == (
        f"the cluster at {nodes.address} has another token than the one given. "
        "Name the right file: sahara-lab cluster use ADDRESS --token-file FILE"
    )


def test_training_goes_on_with_what_is_left_when_a_node_dies(
    far: Compute, nodes: Nodes, notebook: Callable[..., dict[str, Any]], cells: SimpleNamespace
) -> None:
    job = far.run_cell(cells.endless, notebook(cells.data, cells.model))
    waiting.until(lambda: job.record().get("checkpoint_step") or job.finished, patience=WITHIN)
    assert nodes.owning(job.record()["processes"]) == {0, 1}
    nodes.kill(nodes.processes[1])
    waiting.until(lambda: "seconds" in job.record().get("restarts", [{}])[-1] or job.finished, patience=WITHIN)
    (restart,) = job.record()["restarts"]
    assert "died with its node" in restart["why"] or "killed" in restart["why"]
    messages = [event["message"] for event in job.events()[0] if event["kind"] == "status"]
    assert "running the cell on 1 of 2 workers" in messages
    assert any("going on from step" in message for message in messages)
    assert nodes.owning(job.record()["processes"]) == {0}
    job.stop()
    assert job.wait(timeout=WITHIN).status == "stopped", job.error

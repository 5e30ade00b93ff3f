"""A Ray cluster of two nodes with a token, each a ``ray start`` of its own; cells reach it by its address."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sahara_lab.compute import Compute
from tests import waiting
from tests.ray_nodes import Nodes

pytestmark = pytest.mark.ray
WITHIN = 300.0


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as folder:
        made = Nodes(Path(folder))
        try:
            for _ in range(2):
                made.start()
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
    (tmp_path / "own_module.py").write_text("WIDTH = 1000\n")
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
assert len(private) == 400_000
pl.Trainer(max_epochs=2).fit(Digits(WIDTH), training, held_out)
ranks = torch.distributed.get_world_size()
"""
    private = os.urandom(200_000).hex()
    variables = {**notebook(cells.data, cells.model), "private": private}
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

    # What the cell was given is on no node and in no object store; what came back unsealed shows where to look.
    assert nodes.traces(secret.encode()) == []
    assert nodes.traces(private[1000:1064].encode()) == []
    weights = job.weights.read_bytes()
    assert any("object store" in place for place in nodes.traces(weights[50_000:50_064]))

    written = [path for path in far.jobs_dir.rglob("*") if path.is_file()]
    assert any(path.name == "record.json" for path in written)
    for path in written:
        assert nodes.token.encode() not in path.read_bytes(), path


@pytest.mark.network
def test_vault_is_read_by_each_worker_and_its_rows_are_left_nowhere(
    far: Compute, nodes: Nodes, alice: Any, fresh: Callable[[str], str], tmp_path: Path
) -> None:
    import sahara_lab as sahara
    from sahara_lab.rental.training import collect_accessed

    row = os.urandom(16).hex()
    (tmp_path / "rows.txt").write_text(f"{row}\n" * 20_000)
    name = fresh("rows-on-nodes")
    alice.market.publish(tmp_path, name=name, license=sahara.License.commercial_remix(price="3", royalty="10%"))
    cell = f"""
import fsspec, torch, pytorch_lightning as pl
from torch.utils.data import DataLoader
with fsspec.open("vault://alice/{name}/rows.txt", "rt") as file:
    lines = file.read().splitlines()

class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, index):
        return self.layer(batch).square().mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

read = len(lines)
pl.Trainer(max_steps=3).fit(Net(), DataLoader(torch.ones(64, 1), batch_size=4))
"""
    job = far.run_cell(cell, {}, setup=alice.compute._vaults.session_setup(), collect=collect_accessed)
    assert job.wait(timeout=WITHIN).error is None
    assert job.values["read"] == 20_000
    assert [part["accessed"] for part in job.collected] == [[f"alice/{name}@1"]] * 2
    assert nodes.traces(row.encode()) == []


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

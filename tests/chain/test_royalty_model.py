"""The ledger's tables against a model that reads the specification and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chain.royalty_bench import compare, compile_bench, deploy_bench, draw_graphs
from tests.chain.royalty_model import Debt, Graph, flow, tables

GRAPHS = 10_000


def test_the_model_pays_a_chain_hop_after_hop() -> None:
    graph = Graph(5_000, 0, ((), (Debt(1, 1_000, False),), (Debt(2, 2_000, False),)))
    assert tables(graph)[2] == {1: 20_000_000, 2: 180_000_000}
    assert {payee: float(part) for payee, part in flow(graph, set())[2].items()} == {1: 0.02, 2: 0.18}


def test_ten_thousand_random_graphs_have_the_tables_that_the_specification_tells(
    world: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = compile_bench(tmp_path_factory.mktemp("bench"))
    if code is None:
        pytest.skip("the contracts' toolchain is not installed: make contracts")
    seen = compare(world.node.rpc, deploy_bench(world.node.rpc, code), draw_graphs(GRAPHS))
    assert min(seen.values()) >= 20, f"the graphs are too plain to tell anything: {seen}"

"""Compares the real ledger, on a real chain, with the model: the suite with some graphs, the soak with many."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sahara_lab.chain import Rpc
from sahara_lab.chain.deployment import send_signed
from sahara_lab.signing import LocalSigner
from tests.chain.royalty_model import SCALE, Debt, Graph, flow, split, tables

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
AT_ONCE = 20  # graphs in one call
ROW = "(bytes4,uint256[],uint256[],uint256[])"
GRAPH = "(uint16,uint256,(uint256,uint16,bool)[][])"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs of up to twenty assets, from chains to dense webs: diamonds, own parents, dust and shares of 100 %."""
    count = draw(st.integers(2, 20))
    dense = draw(st.integers(1, 6))
    highest = draw(st.sampled_from([0, 1, 300, 1_500, 5_000, 10_000]))
    # One number decides a whole asset: drawing each edge apart would make ten thousand graphs slow to draw.
    debts = []
    for asset in range(1, count + 1):
        dice = draw(st.integers(0, 2**128 - 1))
        owed = []
        for parent in range(1, asset):
            dice, linked = divmod(dice * 6364136223846793005 + 1442695040888963407 & 2**128 - 1, 1 << 64)
            if linked >> 8 & 7 < dense and len(owed) < 16:
                own = linked >> 16 & 3 == 0
                owed.append(Debt(parent, 0 if own else (linked >> 24) % (highest + 1), own))
        debts.append(tuple(owed))
    return Graph(draw(st.sampled_from([5_000, 9_000])), draw(st.integers(0, 2**100)), tuple(debts))


def draw_graphs(count: int) -> list[Graph]:
    """The same ``count`` graphs every time."""
    drawn: list[Graph] = []

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(graphs())
    def take(graph: Graph) -> None:
        drawn.append(graph)

    take()
    return drawn


def compile_bench(out: Path) -> bytes | None:
    """The bench's creation code; None where the contracts' toolchain is not installed."""
    node = shutil.which("node")
    if node is None or not (CONTRACTS / "node_modules").is_dir():
        return None
    environment = {**os.environ, "FOUNDRY_OUT": str(out), "FOUNDRY_CACHE_PATH": str(out / "cache")}
    environment["FOUNDRY_DYNAMIC_TEST_LINKING"] = "false"  # else it would ask forge for the ledger, not contain it
    command = [node, "tools/forge", "build", "test/harness/TableBench.sol"]
    subprocess.run(command, cwd=CONTRACTS, env=environment, check=True, capture_output=True)
    built = json.loads((out / "TableBench.sol" / "TableBench.json").read_text(encoding="utf-8"))
    return bytes.fromhex(built["bytecode"]["object"].removeprefix("0x"))


def deploy_bench(rpc: Rpc, code: bytes) -> str:
    deployer = LocalSigner.generate()
    rpc("anvil_setBalance", deployer.address, hex(10**21))
    receipt = send_signed(rpc, deployer, code, chain_id=int(rpc("eth_chainId"), 16))
    return str(receipt["contractAddress"])


def compare(rpc: Rpc, bench: str, asked: Sequence[Graph]) -> dict[str, int]:
    """Run graphs on the chain and hold every table and split against the model.

    Returns how many assets there were, how many had payees, an ancestor reached twice, or were refused, so that a
    caller can see that the graphs were worth comparing.
    """
    seen = {"assets": 0, "with payees": 0, "sixteen payees": 0, "TooManyPayees": 0, "StackTooHigh": 0, "diamonds": 0}
    for start in range(0, len(asked), AT_ONCE):
        part = asked[start : start + AT_ONCE]
        for graph, rows in zip(part, _run(rpc, bench, part), strict=True):
            _compare(graph, rows, seen)
    return seen


def _run(rpc: Rpc, bench: str, asked: Sequence[Graph]) -> Any:
    from eth_abi import decode, encode
    from eth_utils import keccak

    structs = [
        (graph.cap, graph.amount, [[(debt.parent, debt.bps, debt.own) for debt in debts] for debts in graph.debts])
        for graph in asked
    ]
    data = keccak(text=f"run({GRAPH}[])")[:4] + encode([f"{GRAPH}[]"], [structs])
    answer = rpc("eth_call", {"to": bench, "data": "0x" + data.hex(), "gas": hex(2**40)}, "latest")
    [rows] = decode([f"{ROW}[][]"], bytes.fromhex(answer[2:]))
    return rows


def _compare(graph: Graph, rows: Any, seen: dict[str, int]) -> None:
    from eth_utils import keccak

    errors = {
        keccak(text="TooManyPayees(uint256)")[:4]: "TooManyPayees",
        keccak(text="StackTooHigh(uint256,uint256,uint256,(uint256,uint16,bool)[])")[:4]: "StackTooHigh",
    }
    expected = tables(graph)
    refused = {asset for asset, made in enumerate(expected, 1) if isinstance(made, str)}
    paid = flow(graph, refused)
    for asset, (made, (refusal, payees, shares, amounts)) in enumerate(zip(expected, rows, strict=True), 1):
        seen["assets"] += 1
        if isinstance(made, str):
            assert errors.get(refusal) == made, (graph, asset)
            seen[made] += 1
            continue
        assert refusal == b"\0" * 4, (graph, asset, refusal.hex())
        assert list(payees) == sorted(made), (graph, asset)
        assert dict(zip(payees, shares, strict=True)) == made, (graph, asset)
        parts = dict(zip([*payees, asset], amounts, strict=True))
        assert parts == split(made, asset, graph.amount), (graph, asset)
        # Each line of each hop was rounded once, by less than one part in 1e9.
        room = Fraction(sum(len(debts) for debts in graph.debts[:asset]), SCALE)
        for payee in made.keys() | paid[asset - 1].keys():
            exact = paid[asset - 1].get(payee, Fraction())
            assert abs(Fraction(made.get(payee, 0), SCALE) - exact) <= room, (graph, asset, payee)
        seen["with payees"] += bool(made)
        seen["sixteen payees"] += len(made) == 16
        above = [set(expected[debt.parent - 1]) | {debt.parent} for debt in graph.debts[asset - 1]]
        seen["diamonds"] += sum(map(len, above)) > len(set().union(*above))

"""Soak: 100,000 random graphs of assets, the ledger's royalty tables on a real chain against the model in plain Python.

    python benchmarks/royalty_soak.py [GRAPHS]

No ratio: it prints what was compared and ends with an error at the first table that differs. The suite compares the
first ten thousand of the same graphs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sahara_lab.localnet import anvil
from sahara_lab.localnet.node import Node, free_port
from tests.chain.royalty_bench import compare, compile_bench, deploy_bench, draw_graphs


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="sahara-royalty-") as folder:
        code = compile_bench(Path(folder) / "out")
        if code is None:
            sys.exit("The contracts' toolchain is not installed. Run: make contracts")
        node = Node(anvil.ensure(), free_port(), Path(folder) / "anvil.log")
        try:
            node.wait_ready()
            graphs = draw_graphs(count)
            began = time.perf_counter()
            seen = compare(node.rpc, deploy_bench(node.rpc, code), graphs)
        finally:
            node.stop()
    told = ", ".join(f"{number:,} {what}" for what, number in seen.items())
    print(f"{len(graphs):,} graphs equal the model in {time.perf_counter() - began:.0f} s: {told}")


if __name__ == "__main__":
    main()

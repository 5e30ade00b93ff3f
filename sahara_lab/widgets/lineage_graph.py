"""The lineage graph: what an asset was made from and what was made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from sahara_lab.widgets.front import ActionWidget, module, source

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


class LineageGraph(ActionWidget):
    """Draw an asset's lineage.

    Args:
        asset: ``owner/name``.
        lab: who looks; the current account when left out.
    """

    _esm = module("lineage_graph.js")
    _css = source("widgets.css")
    state_name = "graph"
    graph = traitlets.Dict().tag(sync=True)

    def __init__(self, asset: str, lab: Lab | None = None) -> None:
        from sahara_lab.lab import connect

        self._lab = lab or connect()
        self._name = asset
        super().__init__()

    def actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {"refresh": lambda content: None}

    def read(self) -> dict[str, Any]:
        found = self._lab.market.lineage(self._name)
        return {
            "asset": found.name,
            "generations": [[{"name": node.name} for node in generation] for generation in found.generations],
            "ties": [{"child": child, "parent": parent, "relation": words} for child, parent, words in found.ties],
            "complete": found.complete,
        }

    def twins(self) -> dict[str, str]:
        from sahara_lab.display import bundle, table, text_table

        headers = ("Asset", "Relation", "Made from")
        rows = [(tie["child"], tie["relation"], tie["parent"]) for tie in self.graph["ties"]]
        title = f"Lineage of {self.graph['asset']}"
        return bundle(f"{title}\n{text_table(headers, rows)}", table(headers, rows, caption=title))

"""Lineage: what an asset was made of and what was made of it, as a graph, a picture and W3C PROV-O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain
from sahara_lab.display import Html, bundle, card, stack, table, text_table
from sahara_lab.errors import storing
from sahara_lab.identity import Directory
from sahara_lab.licensing.limits import RELATIONS
from sahara_lab.licensing.records import AssetNames
from sahara_lab.licensing.solver import percent
from sahara_lab.market.names import KINDS

MOST_NODES = 300  # assets in one graph; the nearest come first

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 190, 44, 70, 18  # pixels of a box, and between boxes


@dataclass(frozen=True)
class Node:
    """An asset in a lineage.

    Attributes:
        level: 0 for the asset asked about, below zero for what it was made of, above for what was made of it.
        parts: what it gets of the asked asset's revenue, in parts of 1e9.
    """

    id: int
    name: str
    kind: str
    owner: str
    level: int
    parts: int = 0

    @property
    def share(self) -> str:
        return percent(self.parts) if self.parts else ""


@dataclass(frozen=True)
class Link:
    """``child`` was made of ``parent``, under a license (0: its owner's own asset) that asks for ``royalty_bps``."""

    child: int
    parent: int
    relation: str
    license: int
    royalty_bps: int


@dataclass(frozen=True)
class Lineage:
    """Ancestors and descendants of one asset.

    Attributes:
        complete: whether all of them are in it.
    """

    asset: int
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    complete: bool = True

    @cached_property
    def _by_id(self) -> dict[int, Node]:
        return {node.id: node for node in self.nodes}

    @property
    def name(self) -> str:
        return self._by_id[self.asset].name

    @property
    def ancestors(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.level < 0)

    @property
    def descendants(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.level > 0)

    @property
    def generations(self) -> list[list[Node]]:
        """The assets by generation, the oldest first, by name within one: the columns of a drawing."""
        levels = sorted({node.level for node in self.nodes})
        return [
            sorted((node for node in self.nodes if node.level == level), key=lambda node: node.name) for level in levels
        ]

    @property
    def ties(self) -> list[tuple[str, str, str]]:
        """The links as (child, parent, relation in words), by names."""
        return [
            (self._by_id[link.child].name, self._by_id[link.parent].name, link.relation.replace("_", " "))
            for link in self.links
        ]

    def prov(self) -> dict[str, Any]:
        """The graph as W3C PROV-O in JSON-LD: an entity for each asset, its publisher as agent, its derivations."""
        from sahara_lab.market.metadata.linked import provenance_document

        return provenance_document(self)

    def write_prov(self, path: str | Path) -> None:
        """Write :meth:`prov` to a file.

        Raises:
            StorageError: it cannot be written there.
        """
        with storing(f"the lineage cannot be written to {path}"):
            Path(path).write_text(json.dumps(self.prov(), indent=1), encoding="utf-8")

    def __str__(self) -> str:
        return "\n".join([self.name, *self._branch(self.asset, "", set())])

    def _branch(self, asset: int, indent: str, shown: set[int]) -> list[str]:
        """What ``asset`` was made of, as a tree; what stands there already is not unfolded again."""
        lines = []
        links = [link for link in self.links if link.child == asset]
        for number, link in enumerate(links):
            node, last = self._by_id[link.parent], number == len(links) - 1
            share = f", gets {node.share}" if node.share else ""
            lines.append(f"{indent}{'└─' if last else '├─'} {node.name} ({_words(link)}{share})")
            if link.parent not in shown:
                shown.add(link.parent)
                lines += self._branch(link.parent, indent + ("   " if last else "│  "), shown)
        return lines

    def svg(self) -> str:
        """A layered drawing, oldest on the left, with colors of JupyterLab's theme."""
        return _draw(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        headers = ("Asset", "Kind", "Owner", "Made from", f"Gets of {self.name}'s revenue")
        rows = [
            (node.name, node.kind, node.owner, ", ".join(self._made_from(node)) or None, node.share or None)
            for node in sorted(self.nodes, key=lambda node: (node.level, node.id))
        ]
        note = [] if self.complete else [card("There is more", [("Shown", f"the nearest {MOST_NODES} assets")])]
        below = f"{len(self.descendants)} made of it" if self.descendants else "nothing made of it yet"
        html = stack(Html(self.svg()), table(headers, rows, caption=f"Lineage of {self.name}"), *note)
        return bundle(f"{self}\n{below}\n\n{text_table(headers, rows)}", html)

    def _made_from(self, node: Node) -> list[str]:
        return [f"{self._by_id[link.parent].name} ({_words(link)})" for link in self.links if link.child == node.id]


def _words(link: Link) -> str:
    relation = link.relation.replace("_", " ")
    return f"{relation}, {percent(link.royalty_bps * 10**5)} royalty" if link.royalty_bps else relation


# -- drawing ----------------------------------------------------------------------------------------------------------


def _draw(lineage: Lineage) -> str:
    columns = lineage.generations
    at: dict[int, tuple[int, int]] = {}
    for column, generation in enumerate(columns):
        # A node stands about where those are that it is linked to: fewer lines cross (Sugiyama's barycenter).
        generation.sort(key=lambda node: _center(lineage, node, at))
        for row, node in enumerate(generation):
            at[node.id] = (4 + column * (_WIDTH + _GAP_X), 4 + row * (_HEIGHT + _GAP_Y))
    width = 8 + len(columns) * (_WIDTH + _GAP_X) - _GAP_X
    height = 8 + max(map(len, columns)) * (_HEIGHT + _GAP_Y) - _GAP_Y
    lines = "".join(_line(link, at) for link in lineage.links)
    boxes = "".join(_box(node, *at[node.id], node.id == lineage.asset) for node in lineage.nodes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(f"Lineage of {lineage.name}", quote=True)}" style="max-width:100%;height:auto;'
        f'font-family:var(--jp-ui-font-family, sans-serif)">{lines}{boxes}</svg>'
    )


def _center(lineage: Lineage, node: Node, at: dict[int, tuple[int, int]]) -> float:
    near = [at[link.parent][1] for link in lineage.links if link.child == node.id and link.parent in at]
    return sum(near) / len(near) if near else 0.0


def _line(link: Link, at: dict[int, tuple[int, int]]) -> str:
    (from_x, from_y), (to_x, to_y) = at[link.parent], at[link.child]
    start, end = (from_x + _WIDTH, from_y + _HEIGHT // 2), (to_x, to_y + _HEIGHT // 2)
    middle = (start[0] + end[0]) // 2
    return (
        f'<path d="M{start[0]},{start[1]} C{middle},{start[1]} {middle},{end[1]} {end[0]},{end[1]}" fill="none" '
        f'stroke="var(--jp-border-color1, #999)" stroke-width="1.5"><title>{escape(_words(link))}</title></path>'
    )


def _box(node: Node, x: int, y: int, asked: bool) -> str:
    edge = "var(--jp-warn-color1, #d9822b)" if asked else "var(--jp-border-color1, #999)"
    below = f"{node.kind}, {node.share} of the revenue" if node.share else node.kind
    name = node.name if len(node.name) <= 26 else f"{node.name[:25]}…"
    text = 'x="{}" y="{}" font-size="{}" fill="var(--jp-ui-font-color{}, currentColor)"'
    return (
        f'<g><title>{escape(node.name)}, {escape(node.owner)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="6" fill="var(--jp-layout-color1, #fff)" stroke="{edge}" stroke-width="1.5"/>'
        f"<text {text.format(x + 10, y + 19, 13, 1)}>{escape(name)}</text>"
        f"<text {text.format(x + 10, y + 35, 11, 2)}>{escape(below)}</text></g>"
    )


# -- reading ----------------------------------------------------------------------------------------------------------


class Lineages:
    """Reads lineages from the chain."""

    def __init__(self, chain: Chain, directory: Directory, names: AssetNames, from_block: int) -> None:
        self._chain = chain
        self._directory = directory
        self._names = names
        self._from_block = from_block
        self._registry = chain.contract("AssetRegistry")

    def of(self, asset: int) -> Lineage:
        """What an asset was made of, as far back as it goes, and what was made of it."""
        edges: dict[int, list[dict[str, Any]]] = {}
        levels = {asset: 0}
        complete = self._climb(asset, levels, edges) & self._descend(asset, levels, edges)
        links = self._links({child: found for child, found in edges.items() if child in levels}, levels)
        ids = sorted(levels)
        owners = self._chain.batch_call([(self._registry, "ownerOf", (one,)) for one in ids])
        kinds = self._chain.batch_call([(self._registry, "kindOf", (one,)) for one in ids])
        payees, shares = self._table(asset)
        parts = dict(zip(payees, shares, strict=True))
        nodes = tuple(
            Node(one, name, KINDS[kind], self._directory.handle(owner), levels[one], parts.get(one, 0))
            for one, name, kind, owner in zip(ids, self._names.all(ids), kinds, owners, strict=True)
        )
        return Lineage(asset, nodes, links, complete)

    def _climb(self, asset: int, levels: dict[int, int], edges: dict[int, list[dict[str, Any]]]) -> bool:
        """Ancestors, generation after generation; an ancestor stands left of all that it is a parent of."""
        generation = [asset]
        while generation:
            unread = [one for one in generation if one not in edges]
            found = self._chain.batch_call([(self._registry, "parentsOf", (one,)) for one in unread])
            edges.update(zip(unread, found, strict=True))
            older: dict[int, int] = {}
            for child in generation:
                for edge in edges[child]:
                    level = levels[child] - 1
                    older[edge["parent"]] = min(level, older.get(edge["parent"], level))
            generation = [one for one, level in older.items() if level < levels.get(one, 1)]
            if len(levels.keys() | set(generation)) > MOST_NODES:
                return False
            levels.update({one: older[one] for one in generation})
        return True

    def _descend(self, asset: int, levels: dict[int, int], edges: dict[int, list[dict[str, Any]]]) -> bool:
        children: dict[int, list[int]] = {}
        for event in self._registry.logs("ParentLinked", self._from_block, "latest"):
            children.setdefault(event.args["parent"], []).append(event.args["asset"])
        generation = [asset]
        while generation:
            younger = {child for one in generation for child in children.get(one, ())}
            level = levels[generation[0]] + 1
            generation = sorted(child for child in younger if levels.get(child, -1) < level)
            if len(levels.keys() | set(generation)) > MOST_NODES:
                return False
            levels.update(dict.fromkeys(generation, level))
            found = self._chain.batch_call([(self._registry, "parentsOf", (one,)) for one in generation])
            edges.update(zip(generation, found, strict=True))
        return True

    def _links(self, edges: dict[int, list[dict[str, Any]]], levels: dict[int, int]) -> tuple[Link, ...]:
        pairs = [(child, edge) for child, found in sorted(edges.items()) for edge in found if edge["parent"] in levels]
        numbers = sorted({edge["license"] for _, edge in pairs if edge["license"]})
        licenses = self._chain.contract("LicenseToken")
        held = self._chain.batch_call([(licenses, "get", (number,)) for number in numbers])
        owed = {number: one["royaltyBps"] for number, one in zip(numbers, held, strict=True)}
        return tuple(
            Link(child, edge["parent"], RELATIONS[edge["relation"]], edge["license"], owed.get(edge["license"], 0))
            for child, edge in pairs
        )

    def _table(self, asset: int) -> tuple[Any, Any]:
        table = self._chain.contract("RoyaltyLedger").call("tableOf", asset)
        payees, shares = table.values() if isinstance(table, dict) else table
        return payees, shares

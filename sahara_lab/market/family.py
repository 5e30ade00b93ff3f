"""What an asset was made from and what was made from it, as far as the chain says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sahara_lab.chain import Chain
from sahara_lab.licensing.limits import RELATIONS
from sahara_lab.market.names import KINDS
from sahara_lab.market.sales import Sales

MAX_RELATIVES = 120
MAX_GENERATIONS = 8


@dataclass(frozen=True)
class Relative:
    """An asset of a family; ``generation`` is below zero for ancestors and above for descendants."""

    name: str
    kind: str
    generation: int


@dataclass(frozen=True)
class Tie:
    """``child`` was made from ``parent``; ``relation`` is one of the registry's words."""

    child: str
    parent: str
    relation: str


@dataclass(frozen=True)
class Family:
    """An asset among its ancestors and descendants.

    Attributes:
        relatives: the asset itself included; oldest generation first, by name within one.
        complete: False when there are more relatives than are shown.
    """

    asset: str
    relatives: tuple[Relative, ...]
    ties: tuple[Tie, ...]
    complete: bool

    @property
    def generations(self) -> list[list[Relative]]:
        """The relatives by generation, the oldest first: the columns of a drawing."""
        depths = sorted({relative.generation for relative in self.relatives})
        return [[relative for relative in self.relatives if relative.generation == depth] for depth in depths]


def family(chain: Chain, sales: Sales, identity: int, from_block: int) -> Family:
    """The family of the asset ``identity``: every path up and down, each relative in its farthest generation.

    Ancestors are found first; what exceeds ``MAX_RELATIVES`` or ``MAX_GENERATIONS`` is left out.
    """
    registry = chain.contract("AssetRegistry")
    links = [event.args for event in registry.logs("ParentLinked", from_block, "latest")]
    parents: dict[int, list[int]] = {}
    children: dict[int, list[int]] = {}
    for link in links:
        parents.setdefault(link["asset"], []).append(link["parent"])
        children.setdefault(link["parent"], []).append(link["asset"])
    found = {identity: 0}
    complete = _walk(identity, parents, -1, found)
    complete = _walk(identity, children, 1, found) and complete
    kinds = chain.batch_call([(registry, "kindOf", (asset,)) for asset in found])
    names = {asset: sales.full_name(asset) for asset in found}
    relatives = [
        Relative(names[asset], KINDS[kind], generation)
        for (asset, generation), kind in zip(found.items(), kinds, strict=True)
    ]
    return Family(
        asset=names[identity],
        relatives=tuple(sorted(relatives, key=lambda relative: (relative.generation, relative.name))),
        ties=tuple(
            Tie(names[link["asset"]], names[link["parent"]], RELATIONS[link["relation"]])
            for link in links
            if link["asset"] in found and link["parent"] in found
        ),
        complete=complete,
    )


def _walk(start: int, edges: dict[int, list[int]], step: int, found: dict[int, int]) -> bool:
    """Put what can be reached into ``found``, each at its greatest distance; whether all of it fitted."""
    layer: Iterable[int] = [start]
    for distance in range(1, MAX_GENERATIONS + 1):
        layer = {other for asset in layer for other in edges.get(asset, ())}
        for asset in sorted(layer):
            if asset not in found and len(found) >= MAX_RELATIVES:
                return False
            found[asset] = step * distance
    return not any(edges.get(asset) for asset in layer)

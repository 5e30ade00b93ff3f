"""Listings and lineage in the words of the web: schema.org for a listing, W3C PROV-O for what it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sahara_lab.market.metadata.envelope import PREFIXES
from sahara_lab.units import WEI_PER_TOKEN

if TYPE_CHECKING:
    from sahara_lab.market.lineage import Lineage
    from sahara_lab.market.listings import Listing

_TYPES = {"dataset": "Dataset", "model": "SoftwareApplication", "agent": "SoftwareApplication", "service": "WebAPI",
          "notebook": "SoftwareSourceCode", "collection": "Collection"}  # fmt: skip
_CONTEXT = {"@vocab": "https://schema.org/", **PREFIXES}


def listing_document(listing: Listing) -> dict[str, Any]:
    """A listing as schema.org JSON-LD, with the offer as the chain has it now; texts are its publisher's claims."""
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": _TYPES.get(listing.kind, "CreativeWork"),
        "@id": f"vault://{listing.name}",
        "identifier": listing.name,
        "name": listing.title or listing.name,
        "description": listing.summary,
        "creator": {"@type": "Person", "name": listing.name.partition("/")[0]},
        "keywords": list(listing.tags),
        "version": str(listing.version),
        "interactionStatistic": {
            "@type": "InteractionCounter", "interactionType": "https://schema.org/BuyAction",
            "userInteractionCount": listing.sold,
        },
    }  # fmt: skip
    if listing.formats:
        document["encodingFormat"] = list(listing.formats)
    if listing.task:
        document["applicationCategory"] = listing.task
    if listing.parents:
        document["isBasedOn"] = [{"@id": f"vault://{parent}"} for parent in listing.parents]
    if listing.price is not None:
        whole, part = divmod(listing.price, WEI_PER_TOKEN)
        document["offers"] = {
            "@type": "Offer",
            "price": f"{whole}.{part:018d}".rstrip("0").rstrip("."),
            "priceCurrency": "SAHARA",
            "category": listing.license,
        }
    return document


def provenance_document(lineage: Lineage) -> dict[str, Any]:
    """A lineage as PROV-O in JSON-LD: an entity for each asset, its publisher as agent, a derivation for each link.

    W3C PROV-O, sections 3.1 and 3.3: the relation of a link is the role of a qualified derivation.
    """
    names = {node.id: node.name for node in lineage.nodes}
    graph: list[dict[str, Any]] = []
    for node in lineage.nodes:
        entity: dict[str, Any] = {
            "@id": f"vault://{node.name}",
            "@type": "prov:Entity",
            "additionalType": f"sahara:kind/{node.kind}",
            "prov:wasAttributedTo": {"@id": _agent(node.name)},
        }
        derived = [
            {
                "@type": "prov:Derivation",
                "prov:entity": {"@id": f"vault://{names[link.parent]}"},
                "prov:hadRole": {"@id": f"sahara:{link.relation}"},
                "sahara:license": link.license,
                "sahara:royaltyBps": link.royalty_bps,
            }
            for link in lineage.links
            if link.child == node.id
        ]
        if derived:
            entity["prov:wasDerivedFrom"] = [derivation["prov:entity"] for derivation in derived]
            entity["prov:qualifiedDerivation"] = derived
        graph.append(entity)
    agents = {_agent(name): name.partition("/")[0] for name in names.values()}
    graph += [{"@id": agent, "@type": "prov:Agent", "name": name} for agent, name in agents.items()]
    return {"@context": _CONTEXT, "@graph": graph}


def _agent(name: str) -> str:
    return f"sahara:account/{name.partition('/')[0]}"

"""Listings as schema.org and lineage as PROV-O, read by an RDF library that knows neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rdflib

import sahara_lab

PROV = rdflib.Namespace("http://www.w3.org/ns/prov#")
SCHEMA = rdflib.Namespace("https://schema.org/")


def graph_of(document: dict[str, Any]) -> rdflib.Graph:
    return rdflib.Graph().parse(data=json.dumps(document), format="json-ld")


def test_a_listing_is_schema_org_with_its_offer(alice: Any, fresh: Any, table_folder: Path) -> None:
    name = fresh("linked")
    terms = sahara_lab.License.commercial("2.5")
    alice.market.publish(table_folder, name=name, license=terms, title="</script><b>Penguins", tags=("birds",))
    listing = alice.market.search(name).items[0]
    graph = graph_of(listing.document)
    asset = rdflib.URIRef(f"vault://alice/{name}")
    assert (asset, rdflib.RDF.type, SCHEMA.Dataset) in graph
    offer = graph.value(asset, SCHEMA.offers)
    assert str(graph.value(offer, SCHEMA.price)) == "2.5"
    assert str(graph.value(asset, SCHEMA.name)) == "</script><b>Penguins"
    assert listing.html_document.count("</") == 1


def test_lineage_is_exported_as_provenance(alice: Any, fresh: Any, table_folder: Path) -> None:
    parent, child = fresh("origin"), fresh("derived")
    alice.market.publish(table_folder, name=parent)
    alice.market.publish(table_folder, name=child, kind="model", parents=[(f"alice/{parent}", "trained_on")])
    graph = graph_of(alice.market.lineage(f"alice/{child}").prov())
    made, origin = (rdflib.URIRef(f"vault://alice/{name}") for name in (child, parent))
    assert (made, PROV.wasDerivedFrom, origin) in graph
    derivation = graph.value(made, PROV.qualifiedDerivation)
    assert graph.value(derivation, PROV.entity) == origin
    assert graph.value(derivation, PROV.hadRole) == rdflib.URIRef("urn:sahara:trained_on")
    assert (made, PROV.wasAttributedTo, rdflib.URIRef("urn:sahara:account/alice")) in graph

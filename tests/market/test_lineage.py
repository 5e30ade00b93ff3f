"""Lineage: recorded by itself, proposed and never forced, drawn, and exported as W3C PROV-O."""

from __future__ import annotations

import json
import secrets
import warnings
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from sahara_lab import License
from sahara_lab.market.lineage import Lineage, Link, Node
from sahara_lab.market.opened import LineageWarning
from sahara_lab.vault import forget_access

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def _new_session() -> Any:
    forget_access()
    yield
    forget_access()


@pytest.fixture(scope="module")
def diamond(alice: Any, bob: Any, tmp_path_factory: Any) -> dict[str, str]:
    """Bob's left and right are made of Alice's base, his top of both."""
    folder, tag = tmp_path_factory.mktemp("data"), secrets.token_hex(3)
    (folder / "rows.csv").write_text("x\n1\n")
    base = alice.market.publish(folder, name=f"base-{tag}", license=License.commercial_remix("0", "10%"))
    bob.market.license(base.name)
    names = {"base": base.name}
    for name, parents in (
        ("left", [(base.name, "trained_on")]),
        ("right", [base.name]),
        ("top", [f"bob/left-{tag}", f"bob/right-{tag}"]),
    ):
        names[name] = bob.market.publish(folder, name=f"{name}-{tag}", parents=parents).name
    return names


def test_a_lineage_goes_up_and_down(alice: Any, diamond: dict[str, str]) -> None:
    found = alice.market.lineage(diamond["left"])
    assert [node.name for node in found.ancestors] == [diamond["base"]]
    assert [node.name for node in found.descendants] == [diamond["top"]]
    assert found.ancestors[0].share == "10%"
    assert [(link.relation, link.royalty_bps) for link in found.links if link.royalty_bps] == [("trained_on", 1_000)]


def test_an_ancestor_reached_twice_is_one_node_left_of_all_its_children(alice: Any, diamond: dict[str, str]) -> None:
    found = alice.market.lineage(diamond["top"])
    levels = {node.name: node.level for node in found.nodes}
    assert levels == {diamond["top"]: 0, diamond["left"]: -1, diamond["right"]: -1, diamond["base"]: -2}
    assert len(found.links) == 4
    assert str(found).count(diamond["base"]) == 2  # under each of its children


def test_a_lineage_is_a_picture_and_a_text(alice: Any, diamond: dict[str, str]) -> None:
    shown = alice.market.lineage(diamond["top"])._repr_mimebundle_()
    assert f"├─ {diamond['left']}" in shown["text/plain"]
    drawing = ElementTree.fromstring(alice.market.lineage(diamond["top"]).svg())  # noqa: S314 - made here
    assert len(drawing.findall(".//{*}rect")) == 4
    assert len(drawing.findall("{*}path")) == 4


def test_an_asset_without_relatives_is_a_lineage_of_one(alice: Any, table_folder: Any, fresh: Any) -> None:
    found = alice.market.lineage(alice.market.publish(table_folder, name=fresh("alone")).name)
    assert [node.level for node in found.nodes] == [0]
    assert (found.links, found.complete) == ((), True)


def test_what_does_not_fit_is_said(alice: Any, diamond: dict[str, str], monkeypatch: Any) -> None:
    monkeypatch.setattr("sahara_lab.market.lineage.MOST_NODES", 2)
    found = alice.market.lineage(diamond["base"])
    assert len(found.nodes) <= 2
    assert not found.complete


def test_names_cannot_break_out_of_the_picture() -> None:
    evil = '"><script>alert(1)</script>'
    drawn = Lineage(1, (Node(1, evil, evil, evil, 0),), ()).svg()
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)  # noqa: S314 - made here


def test_lines_do_not_run_backwards() -> None:
    nodes = tuple(Node(number, f"a/n{number}", "dataset", "a", number - 3) for number in range(1, 6))
    links = tuple(Link(number + 1, number, "derived_from", 0, 0) for number in range(1, 5))
    paths = ElementTree.fromstring(Lineage(3, nodes, links).svg()).findall("{*}path")  # noqa: S314 - made here
    for path in paths:
        start, end = path.attrib["d"][1:].split(" ")[0], path.attrib["d"].split(" ")[-1]
        assert int(start.split(",")[0]) < int(end.split(",")[0])


def test_the_export_names_every_asset_and_what_each_link_owes(
    alice: Any, diamond: dict[str, str], tmp_path: Any
) -> None:
    alice.market.lineage(diamond["top"]).write_prov(tmp_path / "prov.json")
    graph = json.loads((tmp_path / "prov.json").read_text())["@graph"]
    entities = {one["@id"]: one for one in graph if one["@type"] == "prov:Entity"}
    assert entities.keys() == {f"vault://{name}" for name in diamond.values()}
    derived = [link for entity in entities.values() for link in entity.get("prov:qualifiedDerivation", ())]
    assert {link["prov:entity"]["@id"] for link in derived} < entities.keys()
    assert sorted(link["sahara:royaltyBps"] for link in derived) == [0, 0, 1_000, 1_000]


# -- what a session opened --------------------------------------------------------------------------------------------


@pytest.fixture
def read(alice: Any, bob: Any, table_folder: Any, fresh: Any) -> str:
    """An asset of Alice's that Bob licensed and read in this process."""
    name = alice.market.publish(table_folder, name=fresh("read"), license=License.commercial_remix("0", "10%")).name
    bob.market.license(name)
    pd.read_parquet(f"vault://{name}/part.parquet", storage_options={"account": "bob"})
    return name


def test_what_was_opened_is_listed_with_its_use(bob: Any, read: str) -> None:
    [one] = bob.market.opened()
    assert (one.name, one.version, one.uses, one.relation) == (read, 1, ("read",), "derived_from")


def test_what_was_opened_can_be_taken_as_parents(bob: Any, read: str, table_folder: Any, fresh: Any) -> None:
    made = bob.market.publish(table_folder, name=fresh("made"), parents="opened")
    assert [(parent.name, parent.relation) for parent in made.parents] == [(read, "derived_from")]
    assert [node.name for node in bob.market.lineage(made.name).ancestors] == [read]


def test_nothing_becomes_a_parent_silently(bob: Any, read: str, table_folder: Any, fresh: Any) -> None:
    with pytest.warns(LineageWarning, match=f"opened {read} \\(for read\\).*not among the parents"):
        made = bob.market.publish(table_folder, name=fresh("made"))
    assert made.parents == ()


def test_who_says_that_there_are_no_parents_is_believed(bob: Any, read: str, table_folder: Any, fresh: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LineageWarning)
        assert bob.market.publish(table_folder, name=fresh("made"), parents=[]).parents == ()


def test_what_was_opened_for_training_and_left_out_is_said_all_the_same(
    bob: Any, read: str, table_folder: Any, fresh: Any
) -> None:
    options = {"account": "bob", "use": "training"}
    pd.read_parquet(f"vault://{read}/part.parquet", storage_options=options)
    with pytest.warns(LineageWarning, match="for read and training"):
        bob.market.publish(table_folder, name=fresh("made"), parents=[])
    assert bob.market.opened()[0].relation == "trained_on"


def test_a_new_version_is_not_its_own_parent(bob: Any, table_folder: Any, fresh: Any) -> None:
    name = fresh("own")
    made = bob.market.publish(table_folder, name=name)
    pd.read_parquet(f"vault://{made.name}/part.parquet", storage_options={"account": "bob"})
    with warnings.catch_warnings():
        warnings.simplefilter("error", LineageWarning)
        bob.market.publish(table_folder, name=name, update=True)

"""A listing proposed from a folder, a hub's snapshot or a Croissant file; and what a publisher says of the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import InputError
from sahara_lab.market.metadata import DataStatement, describe
from sahara_lab.market.proposals import propose

DATASET_CARD = """---
license: cc-by-nc-4.0
pretty_name: Penguins
task_categories: [tabular-classification]
tags: [biology, antarctica]
source_datasets: [original]
---
# Palmer penguins

Sizes of 344 penguins of three species.

## More
"""
MODEL_CARD = """---
license: apache-2.0
pipeline_tag: text-classification
library_name: transformers
base_model: someone/bert-tiny
datasets: [someone/reviews]
---
# Tiny sentiment

Says whether a review is kind.
"""


def write_table(folder: Path) -> None:
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"species": ["Adelie", "Gentoo"], "mass": [3750.0, 5000.0], "email": ["a@b.c", "d@e.f"]})
    frame.to_parquet(folder / "train.parquet", index=False)


def test_a_dataset_snapshot_proposes_the_whole_listing(tmp_path: Path) -> None:
    folder = tmp_path / "datasets--someone--penguins" / "snapshots" / "0a1b"
    write_table(folder)
    (folder / "README.md").write_text(DATASET_CARD)
    found = propose(folder)
    assert (found.name, found.kind, found.title) == ("penguins", "dataset", "Palmer penguins")
    assert found.description == "Sizes of 344 penguins of three species."
    assert found.tags == ("biology", "antarctica")
    assert found.task == "tabular-classification"
    assert found.license is not None
    assert found.license.flavor == "Non-Commercial Research"
    assert any("email" in check for check in found.checks)
    assert "Palmer penguins" in found._repr_mimebundle_()["text/plain"]


def test_a_model_snapshot_says_what_it_is_made_from(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(MODEL_CARD)
    (tmp_path / "model.bin").write_bytes(b"\x80\x04pickle")
    found = propose(tmp_path)
    assert found.kind == "model"
    assert found.derived == ("someone/reviews", "someone/bert-tiny")
    assert found.license is not None
    assert found.license.flavor == "Open Use"
    assert any("may run code" in check for check in found.checks)
    assert found.parents == ()


def test_a_plain_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    write_table(tmp_path / "My Survey 2026")
    (tmp_path / "My Survey 2026" / ".env").write_text("KEY=1")
    found = propose(tmp_path / "My Survey 2026")
    assert (found.name, found.kind, found.title) == ("my-survey-2026", "dataset", "My Survey 2026")
    said = " ".join(found.checks)
    assert "no description" in said
    assert "no license" in said
    assert "data statement lacks" in said
    assert ".env may hold secrets" in said


def test_what_was_described_is_proposed_again_from_its_croissant_file(tmp_path: Path) -> None:
    write_table(tmp_path)
    statement = DataStatement("A field study", "Not about people", "none", "Teaching", "Only three species")
    made = describe(
        "dataset", tmp_path, name="alice/penguins", title="Penguins", description="Sizes of penguins", tags=("birds",),
        task="tabular-classification", statement=statement,
    )  # fmt: skip
    (tmp_path / "croissant.json").write_bytes(made.data)
    for source in (tmp_path, tmp_path / "croissant.json"):
        found = propose(source)
        assert (found.title, found.description, found.tags) == ("Penguins", "Sizes of penguins", ("birds",))
        assert found.task == "tabular-classification"
        assert found.statement == statement
        assert not any("croissant" in check.lower() for check in found.checks)


def test_a_wrong_croissant_file_is_named(tmp_path: Path) -> None:
    write_table(tmp_path)
    wrong = {"@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1", "recordSet": [{"@type": "x"}]}
    (tmp_path / "croissant.json").write_text(json.dumps(wrong))
    assert any("no valid Croissant" in check for check in propose(tmp_path).checks)


@pytest.mark.parametrize(
    "card", ["---\na: &x [1]\nb: *x\n---\n# T\n", "---\n{{{{\n---\n", "\x00\xff", "# <script>alert(1)</script>"]
)
def test_a_hostile_card_stops_nobody(tmp_path: Path, card: str) -> None:
    write_table(tmp_path)
    (tmp_path / "README.md").write_text(card)
    assert propose(tmp_path).kind == "dataset"


def test_nothing_cannot_be_published(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        propose(tmp_path / "away")
    with pytest.raises(InputError, match="holds no files"):
        propose(tmp_path)


def test_counts_are_told_and_values_only_when_asked_for(tmp_path: Path) -> None:
    import mlcroissant

    write_table(tmp_path)
    (tmp_path / "more.csv").write_text("a,b\n1,x\n2,y\n")

    def described(preview: int) -> dict[str, Any]:
        made = describe("dataset", tmp_path, name="alice/penguins", preview=preview)
        (tmp_path.parent / "doc.json").write_bytes(made.data)
        mlcroissant.Dataset(jsonld=str(tmp_path.parent / "doc.json"))
        return json.loads(made.data)  # type: ignore[no-any-return]

    plain = described(0)
    assert b"Adelie" not in json.dumps(plain).encode()
    tables = {table["name"]: table for table in plain["recordSet"]}
    assert tables["train"]["sahara:rows"] == 2
    shown = {table["name"]: table for table in described(1)["recordSet"]}
    assert [field["examples"] for field in shown["train"]["field"]] == [["Adelie"], ["3750.0"], ["a@b.c"]]
    assert [field["examples"] for field in shown["more"]["field"]] == [["1"], ["x"]]


def test_a_proposal_is_published_as_it_is(alice: Any, fresh: Any, table_folder: Path) -> None:
    (table_folder / "README.md").write_text(DATASET_CARD)
    found = alice.market.propose(table_folder)
    statement = DataStatement(source="A field study")
    name = fresh("proposed")
    asset = alice.market.publish(found.source, **{**found.listing, "name": name, "statement": statement})
    assert alice.market.search(name, task="tabular-classification").items[0].title == "Palmer penguins"
    assert DataStatement.read(alice.market.document(asset)) == statement

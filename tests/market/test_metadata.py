"""Public documents: what they say, what they must not say, and reading those of strangers."""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sahara_lab.licensing.terms import License
from sahara_lab.market.metadata import Document, Summary, describe, read_summary

DAY = datetime.date(2026, 11, 23)
SECRET = "zebra-7731"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "penguins"
    (root / "parts").mkdir(parents=True)
    frame = pd.DataFrame(
        {
            "species": [SECRET, "gentoo"],
            "body mass (g)": [4_200, 5_000],
            "flipper:mm": [1.5, 2.5],
            "seen": pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "track": [[1, 2], [3]],
        }
    )
    frame.to_parquet(root / "train set.parquet")
    frame.drop(columns="track").to_csv(root / "parts" / "test.csv", index=False)
    (root / "notes.txt").write_text(SECRET)
    return root


def penguins(folder: Path, **options: Any) -> Document:
    settings: dict[str, Any] = {
        "name": "alice/penguins",
        "title": "Penguins",
        "description": "Seen on three islands.\n\nCounted by hand.",
        "tags": ["Birds", "birds", "ecology"],
        "offers": [License.commercial_remix("25", "10%", duration="30 days"), License.open_use()],
        "parents": ["bob/islands"],
        "published": DAY,
    }
    return describe("dataset", folder, **{**settings, **options})


def croissant(document: Document, tmp_path: Path, **mapping: Path) -> Any:
    import mlcroissant

    file = tmp_path / "croissant.json"
    file.write_bytes(document.data)
    dataset = mlcroissant.Dataset(str(file), mapping={key: str(path) for key, path in mapping.items()})
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    return dataset


# -- datasets ---------------------------------------------------------------------------------------------------------


def test_dataset_is_valid_croissant_and_mlcroissant_reads_its_rows(folder: Path, tmp_path: Path) -> None:
    document = penguins(folder)
    sources = {
        "files/train%20set.parquet": folder / "train set.parquet",
        "files/parts/test.csv": folder / "parts/test.csv",
        "files/notes.txt": folder / "notes.txt",
    }
    dataset = croissant(document, tmp_path, **sources)
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    table = "tables/train%20set.parquet"
    rows = list(dataset.records(table))
    assert [row[f"{table}/body%20mass%20%28g%29"] for row in rows] == [4_200, 5_000]
    assert rows[0][f"{table}/species"] == SECRET.encode()
    assert [list(row[f"{table}/track"]) for row in rows] == [[1, 2], [3]]
    assert [row["tables/parts/test.csv/flipper%3Amm"] for row in dataset.records("tables/parts/test.csv")] == [1.5, 2.5]


def test_dataset_names_types_sizes_and_hashes(folder: Path) -> None:
    content = json.loads(penguins(folder).data)
    assert content["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    files = {entry["name"]: entry for entry in content["distribution"]}
    data = (folder / "parts/test.csv").read_bytes()
    assert files["parts/test.csv"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert files["parts/test.csv"]["contentSize"] == f"{len(data)} B"
    assert files["train set.parquet"]["contentUrl"] == "vault://alice/penguins/train%20set.parquet"
    (table,) = [entry for entry in content["recordSet"] if entry["name"] == "train set"]
    fields = {field["name"]: field for field in table["field"]}
    assert {name: field["dataType"] for name, field in fields.items()} == {
        "species": "sc:Text", "body mass (g)": "cr:Int64", "flipper:mm": "cr:Float64", "seen": "sc:DateTime",
        "track": "cr:Int64",
    }  # fmt: skip
    assert fields["track"]["isArray"] is True
    assert fields["track"]["arrayShape"] == "-1"


def test_terms_and_parents_are_in_the_document(folder: Path) -> None:
    content = json.loads(penguins(folder).data)
    assert content["prov:wasDerivedFrom"] == [{"@id": "vault://bob/islands"}]
    assert content["license"] == ["sahara:license/commercial-remix/1", "sahara:license/open-use/1"]
    remix, open_use = content["usageInfo"]
    assert remix["@type"] == "odrl:Offer"
    permission = remix["odrl:permission"][0]
    assert permission["odrl:duty"][0]["odrl:constraint"][0]["odrl:rightOperand"] == str(25 * 10**18)
    assert permission["odrl:constraint"][0]["odrl:rightOperand"] == "PT2592000S"
    assert {"@id": "odrl:derive"} in permission["odrl:action"]
    assert "odrl:constraint" not in open_use["odrl:permission"][0]


def test_same_input_gives_the_same_bytes(folder: Path) -> None:
    assert penguins(folder).data == penguins(folder).data
    assert penguins(folder).data != penguins(folder, title="Other").data


def test_no_row_of_the_data_is_published(folder: Path) -> None:
    (folder / "headless.csv").write_text(f"{SECRET},1,alice@example.org\nother,2,bob@example.org\n")
    for private in (False, True):
        data = penguins(folder, private_names=private).data
        for leak in (SECRET, "gentoo", "4200", "example.org"):
            assert leak.encode() not in data


def test_private_names_say_neither_names_nor_hashes(folder: Path, tmp_path: Path) -> None:
    document = penguins(folder, private_names=True)
    for leak in (b"train set", b"train%20set", b"test.csv", b"notes", b"parts", b"sha256"):
        assert leak not in document.data
    dataset = croissant(document, tmp_path)
    assert {table.name for table in dataset.metadata.record_sets} == {"csv", "parquet"}
    assert document.files == 3


def test_thousands_of_files_are_described_by_patterns(tmp_path: Path) -> None:
    root = tmp_path / "many"
    root.mkdir()
    for number in range(600):
        (root / f"{number}.csv").write_text("a,b\n1,2\n")
    document = penguins(root)
    assert len(document.data) < 20_000
    assert document.files == 600
    assert len(croissant(document, tmp_path).metadata.record_sets) == 1


def test_a_broken_table_is_a_file_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x01" * 100)
    (tmp_path / "empty.csv").write_bytes(b"")
    content = json.loads(penguins(tmp_path).data)
    assert len(content["distribution"]) == 3
    assert all("x.parquet" not in table["@id"] for table in content.get("recordSet", ()))


def test_links_out_of_the_folder_are_not_described(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert b"link.txt" not in penguins(folder).data


# -- models and others ------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    root = tmp_path / "net"
    root.mkdir()
    (root / "model.safetensors").write_bytes(b"\0" * 100)
    manifest = {
        "v": 1,
        "kind": "sahara-lab/run",
        "code": {"sha256": "c0de" * 16},
        "metrics": {"val_accuracy": "0.9722"},
        "parameters": {"workers": 2, "trainer": {"max_epochs": 12}},
        "environment": {"torch": "2.13.0"},
        "collected": [{"values": {"note": SECRET}}],
    }
    (root / "run.json").write_text(json.dumps(manifest))
    return root


def test_model_card_carries_the_runs_facts_and_reads_as_yaml(weights: Path) -> None:
    document = describe(
        "model", weights, name="bob/net", title='Net: "v1"', description="Reads digits.", parents=["alice/digits"],
        offers=[License.commercial("3")], tags=("vision",), published=DAY,
    )  # fmt: skip
    card = json.loads(document.data)["text"]
    front = yaml.safe_load(card.split("---")[1])
    assert front == {
        "license": "other",
        "license_name": "commercial",
        "license_link": "sahara:license/commercial/1",
        "datasets": ["alice/digits"],
        "metrics": ["val_accuracy"],
        "library_name": "pytorch",
        "tags": ["vision"],
    }
    for fact in ("| val_accuracy | 0.9722 |", "| trainer.max_epochs | 12 |", "c0de" * 16, "Commercial, 3 SAHARA"):
        assert fact in card
    assert SECRET.encode() not in document.data


def test_facts_given_replace_those_of_the_manifest(weights: Path) -> None:
    document = describe("model", weights, name="bob/net", facts={"metrics": {"acc": 0.5}, "odd": object()})
    card = json.loads(document.data)["text"]
    assert "| acc | 0.5 |" in card
    assert "val_accuracy" not in card
    assert "| workers | 2 |" in card


@pytest.mark.parametrize(
    "manifest", [b"{", b"[]", b'{"kind": "sahara-lab/run", "metrics": 7, "code": []}', b"[" * 100_000]
)
def test_a_broken_manifest_is_passed_over(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "run.json").write_bytes(manifest)
    assert describe("model", tmp_path, name="bob/net").title == "net"


def test_front_matter_cannot_be_broken_out_of(tmp_path: Path) -> None:
    tags = ('x"]\nlicense: "mit', "---", "a: b")
    card = json.loads(describe("model", tmp_path, name="bob/net", tags=tags).data)["text"]
    front = yaml.safe_load(card[4 : card.index("\n---\n", 4)])
    assert front["license"] == "other"
    assert len(front["tags"]) == 3


@pytest.mark.parametrize("kind", ["agent", "notebook", "service", "collection"])
def test_other_kinds_are_plain_creative_works(tmp_path: Path, kind: str) -> None:
    document = describe(kind, tmp_path, name="carol/thing", description="What it does", published=DAY)
    content = json.loads(document.data)
    assert content["@type"] == "CreativeWork"
    assert read_summary(document.data).kind == kind


# -- reading ----------------------------------------------------------------------------------------------------------


def test_own_documents_read_back(folder: Path, weights: Path) -> None:
    for document in (penguins(folder), describe("model", weights, name="bob/net", tags=["a"], description="d")):
        summary = read_summary(document.data)
        assert (summary.kind, summary.title, summary.summary, summary.tags, summary.size, summary.files) == (
            document.kind, document.title, document.summary, document.tags, document.size, document.files,
        )  # fmt: skip


def test_strangers_documents_are_understood() -> None:
    graph = {"@graph": [{"@type": ["schema:Dataset"], "schema:name": {"@value": "Iris"}, "schema:keywords": "a, b"}]}
    assert read_summary(json.dumps(graph).encode()) == Summary("Iris", "", ("a", "b"), "dataset")
    localized = {
        "@type": "https://schema.org/Dataset",
        "name": {"en": "Iris"},
        "distribution": [{"contentSize": "12 B"}],
    }
    summary = read_summary(json.dumps(localized).encode())
    assert (summary.title, summary.kind, summary.size, summary.files) == ("Iris", "dataset", 12, 1)
    card = b"---\ntags: [x, y]\nlibrary_name: pytorch\ndatasets:\n- a/b\n---\n# Net\n\nIt works.\n\nMore."
    summary = read_summary(card)
    assert (summary.title, summary.summary, summary.tags, summary.kind) == ("Net", "It works.", ("x", "y"), "model")
    assert summary.parents == ("a/b",)


BOMB = "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\ntags: [*b,*b,*b,*b,*b]\n---\n# T"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}" * 10, b"[" * 1_000_000, b'{"name": 5}', b"---\n: : :\n---\n",
        b'{"name": {"en": []}, "keywords": {"a": 1}, "distribution": 5, "prov:wasDerivedFrom": [{"@id": 7}]}',
        b'{"sahara:size": -5, "sahara:files": 1e999}', b'{"sahara:size": ' + b"9" * 10_000 + b"}", BOMB.encode(),
        b" " * (5 * 2**20), b"---\nx: !!python/object/apply:os.system ['true']\n---\n# T",
    ],
)  # fmt: skip
def test_no_document_raises_or_says_much(data: bytes) -> None:
    summary = read_summary(data)
    assert len(summary.title) <= 200
    assert 0 <= summary.size < 2**53


def test_deep_nesting_is_refused_even_under_a_raised_recursion_limit() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        nests = (b"[" * 60_000, b'{"a":' * 10_000, b"\n" + b"- " * 30_000, b"\n" + b"? " * 30_000)
        cards = (b"---\ntags: " + nest + b"\n---\n# T" for nest in nests)
        for deep in (b"[" * 10**6, b'{"name":' * 10**5, *cards):
            assert read_summary(deep).tags == ()
    finally:
        sys.setrecursionlimit(before)


def test_long_and_invisible_text_is_cut() -> None:
    document = {"name": "a\u202eb" * 1_000, "description": "x" * 50_000, "keywords": ["t" * 500] * 1_000}
    summary = read_summary(json.dumps(document).encode())
    assert len(summary.title) == 200
    assert "\u202e" not in summary.title
    assert len(summary.summary) == 2_000
    assert len(summary.tags) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    ["name", "description", "keywords", "@type", "additionalType", "distribution", "sahara:size", "sahara:files",
     "text", "prov:wasDerivedFrom", "@graph", "schema:name"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(keys, values) | values)
def test_any_json_gives_a_summary(value: Any) -> None:
    summary = read_summary(json.dumps(value).encode())
    assert len(summary.tags) <= 24
    for text in (summary.title, summary.summary, *summary.tags, *summary.parents):
        assert isinstance(text.encode(), bytes)  # no half of a character: it can be written anywhere


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"---\n{text}\n---\n# T".encode()))
def test_any_bytes_give_a_summary(data: bytes) -> None:
    assert isinstance(read_summary(data), Summary)

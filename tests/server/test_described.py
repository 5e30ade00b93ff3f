"""Public documents are written by strangers: what is odd is left out, and nothing fails."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.server.described import described

KEYS = st.sampled_from(["text", "description", "distribution", "recordSet", "field", "name", "dataType", "contentSize"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, ANY, max_size=8))
def test_any_document_gives_plain_values(document: dict[str, Any]) -> None:
    shown = described(document)
    json.dumps(shown, allow_nan=False)
    assert isinstance(shown["description"], str)
    assert all(isinstance(file["path"], str) and file["size"] >= 0 for file in shown["files"])


def test_files_and_columns_of_a_croissant_document() -> None:
    document = {
        "description": "Digits.",
        "distribution": [{"name": "a.parquet", "contentSize": "12 B"}, {"name": "patterns", "includes": "**/*"}],
        "recordSet": {"name": "a", "field": [{"name": "pixels", "dataType": "sc:Float", "arrayShape": "64"}, {}]},
    }
    assert described(document) == {
        "description": "Digits.",
        "files": [{"path": "a.parquet", "size": 12}],
        "tables": [{"name": "a", "columns": [{"name": "pixels", "type": "Float [64]"}]}],
    }

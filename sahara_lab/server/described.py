"""What an asset's public document says, as the sidebar shows it. Strangers wrote it: anything odd in it is left out."""

from __future__ import annotations

import re
from typing import Any

from sahara_lab.server.serialize import Json

MAX_DESCRIPTION = 100_000
MAX_FILES = 200
MAX_TABLES = 20
MAX_COLUMNS = 200
MAX_NAME = 500


def described(document: Json) -> Json:
    """Description, files and columns of a Croissant document or a model card."""
    return {
        "description": (_text(document.get("text")) or _text(document.get("description")))[:MAX_DESCRIPTION],
        "files": [file for entry in _entries(document, "distribution", MAX_FILES) if (file := _file(entry))],
        "tables": [table for entry in _entries(document, "recordSet", MAX_TABLES) if (table := _table(entry))],
    }


def _file(entry: Json) -> Json | None:
    name = _text(entry.get("name"))[:MAX_NAME]
    size = re.match(r"\s*(\d{1,15})", _text(entry.get("contentSize")))
    return {"path": name, "size": int(size[1])} if name and size else None


def _table(entry: Json) -> Json | None:
    columns = [
        {"name": _text(column.get("name"))[:MAX_NAME], "type": _type(column)}
        for column in _entries(entry, "field", MAX_COLUMNS)
        if _text(column.get("name"))
    ]
    return {"name": _text(entry.get("name"))[:MAX_NAME], "columns": columns} if columns else None


def _type(column: Json) -> str:
    """The last part of the type's name ("sc:Float" is "Float"), with the shape of arrays."""
    kind = _text(column.get("dataType"))[:MAX_NAME].rpartition("/")[2].rpartition(":")[2]
    shape = _text(column.get("arrayShape"))[:MAX_NAME]
    return f"{kind} [{shape}]" if shape else kind


def _entries(node: Json, key: str, limit: int) -> list[Json]:
    value = node.get(key)
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries[:limit] if isinstance(entry, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

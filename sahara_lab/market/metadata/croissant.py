"""Datasets as Croissant 1.1 (JSON-LD on schema.org), readable by mlcroissant and every tool that knows the format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from sahara_lab.market.metadata.envelope import PREFIXES, About, common
from sahara_lab.market.metadata.files import Column, FileEntry, columns, first_values, rows

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"

#: Above this number, files are described by their patterns and not one by one.
MAX_FILES = 500
MAX_TABLES = 64

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    **PREFIXES,
}


def croissant(about: About, files: Sequence[FileEntry], *, private_names: bool, preview: int = 0) -> dict[str, Any]:
    """The document of a dataset, with the first ``preview`` rows of each table as examples.

    With ``private_names`` files appear only as patterns ("*.parquet"), without names or hashes: a hash tells whoever
    can guess a file's content that the guess is right.
    """
    grouped = private_names or len(files) > MAX_FILES
    distribution, tables = _patterns(files) if grouped else _objects(files, about.url, preview)
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **common(about),
        "citeAs": f"{about.title}. {about.owner}, {about.published[:4]}. {about.url}",
        "distribution": distribution,
    }
    document.setdefault("version", "1")
    if tables:
        document["recordSet"] = tables
    return document


def _objects(files: Sequence[FileEntry], url: str, preview: int) -> tuple[list[Any], list[Any]]:
    distribution: list[Any] = []
    tables: list[Any] = []
    for entry in files:
        identity = f"files/{quote(entry.path)}"
        distribution.append(
            {
                "@type": "cr:FileObject",
                "@id": identity,
                "name": entry.path,
                "contentUrl": f"{url}/{quote(entry.path)}",
                "contentSize": f"{entry.size} B",
                "encodingFormat": entry.media_type,
                "sha256": entry.sha256(),
            }
        )
        if len(tables) < MAX_TABLES and (schema := columns(entry)):
            name = entry.path.removesuffix(entry.suffix)
            table = _table(f"tables/{quote(entry.path)}", name, {"fileObject": {"@id": identity}}, schema)
            if (count := rows(entry)) is not None:
                table["sahara:rows"] = count
            for field, values in zip(table["field"], first_values(entry, schema, preview), strict=False):
                field["examples"] = values
            tables.append(table)
    return distribution, tables


def _patterns(files: Sequence[FileEntry]) -> tuple[list[Any], list[Any]]:
    """One file set per kind of file, and one table per schema found in it."""
    distribution: list[Any] = []
    tables: list[Any] = []
    for suffix in sorted({entry.suffix for entry in files}):
        members = [entry for entry in files if entry.suffix == suffix]
        label = suffix.lstrip(".") or "other"
        identity = f"files/{quote(label)}"
        distribution.append(
            {
                "@type": "cr:FileSet",
                "@id": identity,
                "name": label,
                "description": f"{len(members)} {'file' if len(members) == 1 else 'files'}",
                "encodingFormat": members[0].media_type,
                "includes": f"**/*{suffix}" if suffix else "**/*",
            }
        )
        for number, schema in enumerate(_schemas(members), 1):
            if len(tables) < MAX_TABLES:
                name = label if number == 1 else f"{label} {number}"
                tables.append(_table(f"tables/{quote(name)}", name, {"fileSet": {"@id": identity}}, schema))
    return distribution, tables


def _schemas(files: Iterable[FileEntry]) -> list[tuple[Column, ...]]:
    found = {tuple(columns(entry)): None for entry in list(files)[:MAX_FILES]}
    return [schema for schema in found if schema]


def _table(identity: str, name: str, source: dict[str, Any], schema: Sequence[Column]) -> dict[str, Any]:
    fields = []
    for column in schema:
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{identity}/{quote(column.name, safe='')}",
            "name": column.name,
            "dataType": column.type,
            "source": {**source, "extract": {"column": column.name}},
        }
        if column.shape:
            field |= {"isArray": True, "arrayShape": ",".join(str(length) for length in column.shape)}
        fields.append(field)
    return {"@type": "cr:RecordSet", "@id": identity, "name": name, "field": fields}

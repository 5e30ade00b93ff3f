"""Models as a Hugging Face style model card: Markdown with YAML front matter, inside a schema.org envelope.

The card says what a run's manifest says (metrics, parameters, code hash), taken from a fixed list of its fields:
the manifest itself may hold what a cell left behind, and is not public.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from sahara_lab.market.metadata.envelope import About, creative_work, names
from sahara_lab.market.metadata.files import FileEntry
from sahara_lab.market.metadata.text import clean, clean_block

RUN_MANIFESTS = ("run.json", "manifest.json")

_MANIFEST_LIMIT = 4_000_000
_FACTS_LIMIT = 200


def model_document(about: About, files: Sequence[FileEntry]) -> dict[str, Any]:
    """The envelope of a model, with its card as Markdown in ``text``."""
    facts = run_facts(files) | about.facts
    document = creative_work(about)
    document["text"] = model_card(about, files, facts)
    document["encodingFormat"] = sorted({entry.media_type for entry in files})
    properties = [
        {"@type": "PropertyValue", "propertyID": f"sahara:{group}", "name": key, "value": value}
        for group, key, value in _rows(facts)
    ]
    if properties:
        document["additionalProperty"] = properties
    return document


def model_card(about: About, files: Sequence[FileEntry], facts: dict[str, Any]) -> str:
    """README.md of a model."""
    rows = list(_rows(facts))
    metrics = [(key, value) for group, key, value in rows if group == "metric"]
    others = [(key, value) for group, key, value in rows if group != "metric"]
    front: dict[str, Any] = {
        "license": "other",
        "license_name": about.offers[0].flavor.lower().replace(" ", "-") if about.offers else None,
        "license_link": about.offers[0].text_uri if about.offers else None,
        "datasets": list(about.parents),
        "metrics": [key for key, _ in metrics],
        "pipeline_tag": about.task or None,
        "library_name": _library(files, facts),
        "tags": list(about.tags),
    }
    # JSON is YAML, so quoting is JSON's: nothing a stranger typed can end the block or start another key.
    lines = [
        "---",
        *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items() if value),
        "---",
    ]
    lines += ["", f"# {about.title}", ""]
    if about.description:
        lines += [about.description, ""]
    for title, said in (
        ("Source", about.statement.source),
        ("Intended use", about.statement.intended_use),
        ("Known risks", about.statement.known_risks),
    ):
        if said:
            lines += [f"## {title}", "", clean_block(said, 2_000), ""]
    if about.parents:
        lines += ["## Made from", "", *(f"- `{parent}`" for parent in about.parents), ""]
    if about.offers:
        lines += ["## License", "", names(about.offers), ""]
    for title, table in (("Metrics", metrics), ("Training", others)):
        if table:
            lines += [
                f"## {title}",
                "",
                "| | |",
                "| --- | --- |",
                *(f"| {_cell(k)} | {_cell(v)} |" for k, v in table),
                "",
            ]
    if any(entry.suffix == ".safetensors" for entry in files):
        lines += ["## Use", "", "The weights are safetensors: no code runs when they are loaded.", ""]
    return "\n".join(lines)


def run_facts(files: Sequence[FileEntry]) -> dict[str, Any]:
    """Metrics, parameters, versions and code hash from the run's manifest, if there is one."""
    for entry in files:
        if entry.path in RUN_MANIFESTS and entry.size <= _MANIFEST_LIMIT:
            manifest = _read(entry)
            if str(manifest.get("kind", "")).endswith("/run"):
                code = manifest.get("code")
                return {
                    "metrics": manifest.get("metrics") or {},
                    "parameters": manifest.get("parameters") or {},
                    "environment": manifest.get("environment") or {},
                    "code_hash": code.get("sha256") if isinstance(code, dict) else None,
                }
    return {}


def _read(entry: FileEntry) -> dict[str, Any]:
    try:
        with entry.open() as stream:
            value = orjson.loads(stream.read())  # refuses deep nesting, whatever the recursion limit
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _rows(facts: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Facts as (group, name, text); nested ones by dotted names. Fractions become text: the document has no floats."""
    count = 0
    for name, value in facts.items():
        group = {"metrics": "metric", "parameters": "parameter", "environment": "version"}.get(name, "fact")
        for key, text in _flat("" if group != "fact" else name, value, 0):
            yield group, clean(key, 80), clean(text, 300)
            count += 1
            if count == _FACTS_LIMIT:
                return


def _flat(key: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if depth < 4:
            for name in sorted(value, key=str):
                yield from _flat(f"{key}.{name}" if key else str(name), value[name], depth + 1)
    elif isinstance(value, bool):
        yield key, "yes" if value else "no"
    elif isinstance(value, int | float | str):
        yield key, str(value)
    elif isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        yield key, ", ".join(str(item) for item in value)


def _library(files: Sequence[FileEntry], facts: dict[str, Any]) -> str | None:
    named = clean(facts.get("library"), 64)
    if named:
        return named
    return "pytorch" if any(entry.suffix == ".safetensors" for entry in files) else None


def _cell(text: str) -> str:
    return clean_block(text, 300).replace("|", "\\|").replace("\n", " ")

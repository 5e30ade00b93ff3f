"""Reading public documents written by anyone: whatever the bytes are, the answer is a small, harmless summary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from sahara_lab.market.metadata.text import SUMMARY_LIMIT, TITLE_LIMIT, clean, clean_tags
from sahara_lab.market.names import KINDS

#: Larger documents are not read at all.
MAX_DOCUMENT = 4 * 2**20

_FRONT_LIMIT = 64_000
#: What no card needs and the YAML parser takes minutes for: hundreds of brackets, or lists in lists on one line.
_BRACKETS = 500
_NESTED = re.compile(r"(?:[-?][ \t]+){20}")
_LARGEST = 2**53 - 1
_VOCABULARIES = ("", "sc:", "schema:", "https://schema.org/", "http://schema.org/")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*$", re.S | re.M)


@dataclass(frozen=True)
class Summary:
    """What a listing shows of a document. Everything in it is the publisher's claim."""

    title: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    kind: str = ""
    size: int = 0
    files: int = 0
    parents: tuple[str, ...] = ()
    task: str = ""
    formats: tuple[str, ...] = ()
    card: str = ""


class Malformed(ValueError):
    """The bytes are no document."""


def read_summary(data: bytes) -> Summary:
    """The summary of a JSON-LD document (Croissant, schema.org) or of a Markdown card; empty where it says nothing."""
    try:
        return parse_summary(data)
    except Malformed:
        return Summary()


def parse_summary(data: bytes) -> Summary:
    """The summary of a JSON-LD document (Croissant, schema.org) or of a Markdown card.

    Raises:
        Malformed: too large, not UTF-8, or JSON that is no object.
    """
    if len(data) > MAX_DOCUMENT:
        raise Malformed(f"it has more than {MAX_DOCUMENT:,} bytes")
    try:
        text = data.decode("utf-8-sig")
        return _json(text) if text.lstrip()[:1] in ("{", "[") else _card(text)
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Malformed(str(error).splitlines()[0][:100] if str(error) else type(error).__name__) from error


def _json(text: str) -> Summary:
    # The standard library's parser overflows the stack on deep nesting where a host has raised the recursion limit.
    node = orjson.loads(text)
    if isinstance(node, dict) and isinstance(node.get("@graph"), list):
        node = node["@graph"]
    if isinstance(node, list):
        node = next((item for item in node if isinstance(item, dict)), {})
    if not isinstance(node, dict) or not node:
        raise Malformed("it is no JSON object that says anything")
    files = _list(_get(node, "distribution"))
    return Summary(
        title=clean(_text(_get(node, "name")), TITLE_LIMIT),
        summary=clean(_text(_get(node, "description")), SUMMARY_LIMIT),
        tags=clean_tags([_text(tag) for tag in _words(_get(node, "keywords"))]),
        kind=_kind(node),
        size=_number(node.get("sahara:size")) or min(sum(_size(entry) for entry in files), _LARGEST),
        files=_number(node.get("sahara:files")) or len(files),
        parents=tuple(filter(None, (_parent(entry) for entry in _list(node.get("prov:wasDerivedFrom"))[:64]))),
        task=clean(_text(_get(node, "applicationCategory")), 64).lower(),
        formats=clean_tags([_text(form) for form in _formats(node, files)]),
        card=_text(_get(node, "text"))[:100_000],
    )


def _card(text: str) -> Summary:
    """A Markdown card: tags from its front matter, title from its first heading, summary from its first paragraph."""
    front = front_matter(text)
    match = _FRONT.match(text[:_FRONT_LIMIT])
    body = text[match.end() :] if match else text
    heading = re.search(r"^#\s+(.+)$", body[:100_000], re.M)
    rest = body[heading.end() :] if heading else body
    paragraph = next(
        (part for part in re.split(r"\n\s*\n", rest[:100_000]) if part.strip()[:1] not in ("", "#", "|")), ""
    )
    return Summary(
        title=clean(heading[1] if heading else front.get("model_name"), TITLE_LIMIT),
        summary=clean(paragraph, SUMMARY_LIMIT),
        tags=clean_tags([clean(tag, 64) for tag in _words(front.get("tags"))]),
        kind="model" if front.get("library_name") or front.get("base_model") else "",
        parents=tuple(clean(entry, 128) for entry in _list(front.get("datasets"))[:64] if isinstance(entry, str)),
        task=clean(front.get("pipeline_tag") or _text(front.get("task_categories")), 64).lower(),
        card=text[:100_000],
    )


def front_matter(text: str) -> dict[str, Any]:
    """The YAML at the beginning of a card; empty where there is none, or none that is safe to parse."""
    import yaml  # type: ignore[import-untyped]

    match = _FRONT.match(text[:_FRONT_LIMIT])
    if not match or not _harmless(match[1]):
        return {}
    try:
        front = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return {}
    return front if isinstance(front, dict) else {}


def _harmless(front: str) -> bool:
    """Whether front matter can be given to the YAML parser."""
    # Anchors let a few lines stand for gigabytes, and no card needs them.
    anchored = re.search(r"(^|[\s\[{,:-])[&*][\w]", front)
    return not anchored and front.count("[") + front.count("{") <= _BRACKETS and not _NESTED.search(front)


def _get(node: dict[str, Any], key: str) -> Any:
    return next((node[prefix + key] for prefix in _VOCABULARIES if prefix + key in node), None)


def _formats(node: dict[str, Any], files: list[Any]) -> list[Any]:
    """Media types of the whole and of its files."""
    own = _list(_get(node, "encodingFormat"))
    return own[:64] + [_get(entry, "encodingFormat") for entry in files[:64] if isinstance(entry, dict)]


def _text(value: Any) -> str:
    """Text out of the shapes JSON-LD gives it: plain, by language, as a value object, or the first of several."""
    for _ in range(4):
        if isinstance(value, list):
            value = value[0] if value else ""
        elif isinstance(value, dict):
            value = next((value[key] for key in ("@value", "en", "name", "@id") if key in value), None) or next(
                iter(value.values()), ""
            )
        else:
            break
    return value if isinstance(value, str) else clean(value, SUMMARY_LIMIT)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _words(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else _list(value)


def _kind(node: dict[str, Any]) -> str:
    for value in _list(_get(node, "additionalType")):
        kind = _text(value).rpartition("/")[2]
        if kind in KINDS:
            return kind
    types = {str(kind).rpartition("/")[2].rpartition(":")[2] for kind in _list(node.get("@type"))}
    return "dataset" if "Dataset" in types else ""


def _parent(entry: Any) -> str:
    name = entry.get("@id") if isinstance(entry, dict) else entry
    return clean(name.removeprefix("vault://"), 128) if isinstance(name, str) else ""


def _number(value: Any) -> int:
    return min(value, _LARGEST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _size(entry: Any) -> int:
    match = (
        re.fullmatch(r"\s*(\d{1,15})\s*B?\s*", _text(_get(entry, "contentSize"))) if isinstance(entry, dict) else None
    )
    return int(match[1]) if match else 0

"""Describing an asset in public: one canonical JSON-LD document from its files and its publisher's words."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sahara_lab.licensing.terms import License
from sahara_lab.market.metadata.envelope import About, creative_work, today
from sahara_lab.market.metadata.files import walk
from sahara_lab.market.metadata.statement import DataStatement
from sahara_lab.market.metadata.text import SUMMARY_LIMIT, TITLE_LIMIT, clean, clean_block, clean_tags
from sahara_lab.signing import canonical_json
from sahara_lab.vault import Lazy

MEDIA_TYPE = "application/ld+json"

_DESCRIPTION_LIMIT = 20_000


@dataclass(frozen=True)
class Document:
    """A public document and what listings show of it.

    Attributes:
        data: RFC 8785 JSON; sign and hash these bytes, not a re-serialization.
        size: bytes of all files described; ``files`` is their number.
    """

    data: bytes
    media_type: str
    kind: str
    title: str
    summary: str
    tags: tuple[str, ...]
    size: int
    files: int


def describe(
    kind: str,
    files: Path | Mapping[str, Path | Lazy],
    *,
    name: str,
    title: str | None = None,
    description: str | None = None,
    tags: Sequence[str] = (),
    offers: Sequence[License] = (),
    parents: Sequence[str] = (),
    facts: dict[str, Any] | None = None,
    version: int | None = None,
    published: datetime.date | None = None,
    private_names: bool = False,
    task: str = "",
    statement: DataStatement | None = None,
    preview: int = 0,
) -> Document:
    """Describe the files of an asset: Croissant 1.1 for a dataset, a model card for a model, schema.org otherwise.

    The document is public. It holds the names, sizes and SHA-256 of files and the columns of tables, and no content
    but the rows of a preview that was asked for. The same input gives the same bytes.

    Args:
        files: the folder that is published, or what it is made of by path.
        name: ``owner/name``.
        facts: of a model: metrics, parameters, code hash; more is read from ``run.json`` among them.
        published: day to be shown as the day of publication; today when left out.
        private_names: say neither the names nor the hashes of files.
        task: what it is for, in a word of its field ("image-classification").
        statement: where the data comes from and what it is good for.
        preview: rows of each table that everyone may see, at most ten; none unless asked for.
    """
    entries = walk(files)
    about = About(
        kind=clean(kind, 32),
        name=clean(name, 128),
        title=clean(title, TITLE_LIMIT) or clean(name.rpartition("/")[2], TITLE_LIMIT),
        description=clean_block(description, _DESCRIPTION_LIMIT),
        tags=clean_tags(tags),
        offers=tuple(offers),
        parents=tuple(dict.fromkeys(clean(parent, 128) for parent in parents)),
        published=published.isoformat() if published else today(),
        version=version,
        size=sum(entry.size for entry in entries),
        files=len(entries),
        facts=facts or {},
        task=clean(task, 64).lower(),
        statement=statement or DataStatement(),
    )
    if about.kind == "dataset":
        from sahara_lab.market.metadata.croissant import croissant

        content = croissant(about, entries, private_names=private_names, preview=preview)
    elif about.kind == "model":
        from sahara_lab.market.metadata.model_card import model_document

        content = model_document(about, entries)
    else:
        content = creative_work(about)
    return Document(
        data=canonical_json(content),
        media_type=MEDIA_TYPE,
        kind=about.kind,
        title=about.title,
        summary=clean(about.description, SUMMARY_LIMIT),
        tags=about.tags,
        size=about.size,
        files=about.files,
    )

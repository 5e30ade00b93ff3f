"""Public documents about assets: Croissant for datasets, a model card for models, schema.org for the rest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sahara_lab.market.metadata.document import Document, describe
    from sahara_lab.market.metadata.reading import Malformed, Summary, parse_summary, read_summary
    from sahara_lab.market.metadata.statement import DataStatement

__all__ = ["DataStatement", "Document", "Malformed", "Summary", "describe", "parse_summary", "read_summary"]

_HOMES = {"DataStatement": "statement", "Document": "document", "describe": "document"} | dict.fromkeys(
    ("Malformed", "Summary", "parse_summary", "read_summary"), "reading"
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

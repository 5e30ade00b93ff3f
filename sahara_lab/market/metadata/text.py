"""Text written by strangers, made harmless once, at the edge: composed, without control characters, of bounded size."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

TITLE_LIMIT = 200
SUMMARY_LIMIT = 2_000
TAG_LIMIT = 48
TAGS_LIMIT = 24

# Direction overrides and isolates, zero-width space and joiner look-alikes, byte order mark, tag characters:
# they make a name look like another one. The joiners U+200C and U+200D stay: Persian and emoji need them.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{4})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+"
)


def clean(value: Any, limit: int) -> str:
    """``value`` as one line of at most ``limit`` characters; anything that is not text or a number is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
        text = _MARKS.sub(r"\1", text)
        text = "".join(_visible(character) for character in text)
    text = _SPACE.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clean_tags(values: Any) -> tuple[str, ...]:
    """Unique, lower-case tags of bounded number and size, in their order."""
    if isinstance(values, str):
        values = values.split(",")
    if not isinstance(values, Iterable):
        return ()
    tags: dict[str, None] = {}
    for value in values:
        tag = clean(value, TAG_LIMIT).lower()
        if tag:
            tags[tag] = None
        if len(tags) == TAGS_LIMIT:
            break
    return tuple(tags)


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cs") else character


def clean_block(value: Any, limit: int) -> str:
    """Text of several lines: each line made harmless, at most one empty line between paragraphs."""
    if not isinstance(value, str):
        return clean(value, limit)
    lines = [clean(line, limit) for line in value[: 4 * limit].splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:limit]

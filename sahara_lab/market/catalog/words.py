"""What a person typed, as both indexes read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_WORDS = 16
#: Characters of a word that count; a longer one is cut alike in what is listed and in what is asked for.
MAX_WORD = 60
#: Words shorter than this are taken as typed: most of them are one letter away from another word.
FUZZY_FROM = 4

_CJK = re.compile("([\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])")
_LONG = re.compile(rf"(\w{{{MAX_WORD}}})\w+")
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Words:
    """A text to look for: single words, phrases in quotation marks, and, where there is neither, bare signs."""

    text: str
    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    signs: tuple[str, ...]

    @classmethod
    def of(cls, text: str, analyze: Callable[[str], list[str]]) -> Words:
        """``analyze`` cuts a spaced text into words as the index knows them."""
        words = tuple(dict.fromkeys(analyze(spaced(text))))[:MAX_WORDS]
        phrases = (tuple(analyze(spaced(quoted))[:MAX_WORDS]) for quoted in _QUOTED.findall(text))
        return cls(
            text=text.lower(),
            words=words,
            phrases=tuple(phrase for phrase in phrases if len(phrase) > 1),
            signs=() if words else signs_of(text)[:MAX_WORDS],
        )

    @property
    def forgiving(self) -> bool:
        """Whether similar words may stand in: not for what was put in quotation marks, nor for the shortest words."""
        return not self.phrases and any(map(edits, self.words))

    def __bool__(self) -> bool:
        return bool(self.words or self.signs)


def spaced(text: str) -> str:
    """Text ready to be cut at spaces and signs.

    Chinese, Japanese and Korean characters are set apart, as these scripts do not part their words; words of more than
    ``MAX_WORD`` characters are cut.
    """
    if len(text) > MAX_WORD:
        text = _LONG.sub(r"\1", text)
    return text if text.isascii() else _CJK.sub(r" \1 ", text)


def signs_of(text: str) -> tuple[str, ...]:
    """The different characters of a text that an analyzer may not take for a part of a word, such as emoji."""
    return tuple(c for c in dict.fromkeys(text) if not c.isspace() and not (c.isascii() and c.isalnum()))


def edits(word: str) -> int:
    """How many letters of a mistyped word may be wrong."""
    return 0 if len(word) < FUZZY_FROM else 1 if len(word) < 8 else 2

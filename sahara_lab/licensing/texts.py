"""The legal texts of the named flavors; terms on chain carry the SHA-256 of theirs, so a text never changes."""

from __future__ import annotations

import hashlib

_TEXTS = {
    "Open Use": "Anyone may read, train on, build on, sell and pass on the asset, with attribution.",
    "Non-Commercial Research": (
        "The holder may read and train on the asset for research. No commercial use, no redistribution."
    ),
    "Commercial": (
        "The holder may read, train on and use the asset commercially. Derivatives may not be published as assets."
    ),
    "Commercial Remix": (
        "The holder may read, train on, build on and sell derivatives, and owes the stated share of their revenue."
    ),
    "Compute-Only": "Code may train on the asset where it lies; the bytes are not released to the holder.",
}

#: What share-alike terms say after their flavor's text.
_ALIKE = " What is made of the asset is offered to others under terms that allow the same uses and are shared alike."


def text_of(flavor: str, alike: bool = False) -> str:
    """The text of a flavor, shared alike or not; empty for terms that are no named flavor."""
    text = _TEXTS.get(flavor, "")
    return text + _ALIKE if text and alike else text


def hash_of(text: str) -> bytes:
    """What terms on chain carry of their text."""
    return hashlib.sha256(text.encode()).digest()

"""Handles that a hasty reader takes for each other."""

from __future__ import annotations

#: Characters of a handle; what is longer is an address.
LONGEST_HANDLE = 32

# The confusables of Unicode TR39 within the letters that a handle can have (a-z, 0-9, hyphen), and the pairs that look
# alike in the fonts of notebooks. A handle cannot hold any other script: the identity registry refuses it.
_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("-", ""))


def skeleton(handle: str) -> str:
    """What a handle looks like: handles of one skeleton are confusable (UTS 39, section 4)."""
    look = handle.lower()
    for written, seen in _ALIKE:
        look = look.replace(written, seen)
    return look

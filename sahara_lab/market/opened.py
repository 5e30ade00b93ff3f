"""What this notebook opened: the parents that publishing proposes. The user sees them and decides."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from sahara_lab.display import Rows

OPENED = "opened"  #: in the place of parents: all that this session opened


class LineageWarning(UserWarning):
    """Something that this session opened is not among the parents of what it publishes."""


@dataclass(frozen=True)
class Opened:
    """An asset that this process read through ``vault://``, and for what."""

    name: str
    version: int
    uses: tuple[str, ...]

    @property
    def relation(self) -> str:
        """How something made here most likely stands to it."""
        return "trained_on" if "training" in self.uses else "derived_from"


class OpenedAssets(Rows):
    """What this session opened, by name."""

    headers = ("Asset", "Version", "Opened for", "As a parent")
    title = "Opened in this session"

    def cells(self, value: Opened) -> tuple[object, ...]:
        return (value.name, value.version, ", ".join(value.uses), value.relation.replace("_", " "))


def opened() -> OpenedAssets:
    """What this process opened so far, one row an asset, with its newest version opened."""
    from sahara_lab.vault import accessed_for

    found: dict[str, Opened] = {}
    for text, uses in accessed_for().items():
        name, _, version = text.partition("@")
        before = found.get(name, Opened(name, 0, ()))
        every = tuple(sorted({*before.uses, *uses}))
        found[name] = Opened(name, max(before.version, int(version or 0)), every)
    return OpenedAssets(found[name] for name in sorted(found))


def proposed(own_name: str) -> list[tuple[str, str]]:
    """The parents that this session's log proposes for ``own_name``."""
    return [(one.name, one.relation) for one in opened() if one.name != own_name]


def warn_of_omissions(own_name: str, named: Iterable[str], *, chosen: bool) -> None:
    """Say what was opened here and is not named as a parent.

    Args:
        chosen: the user named parents (or said that there are none); then only what was opened for training is worth
            a word.
    """
    left = [
        one
        for one in opened()
        if one.name != own_name and one.name not in set(named) and (not chosen or "training" in one.uses)
    ]
    if left:
        names = ", ".join(f"{one.name} (for {' and '.join(one.uses)})" for one in left)
        are = "is" if len(left) == 1 else "are"
        warnings.warn(
            f"this session opened {names}, which {are} not among the parents of {own_name}. "
            f'If it was made of them, name them, or publish with parents="{OPENED}"; parents never change later',
            LineageWarning,
            stacklevel=5,  # the line that called publish
        )

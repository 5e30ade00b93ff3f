"""Asset names as people type them: ``owner/name`` and ``owner/name@3``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import FLAVOR_USES

KINDS = ("dataset", "model", "agent", "notebook", "service", "collection")
#: Named flavors of license terms; any others are "Custom".
FLAVORS = tuple(FLAVOR_USES)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FULL = re.compile(r"(?:vault://)?(?P<owner>[A-Za-z0-9-]{3,42})/(?P<name>[^/@]+)(?:@(?P<version>\d{1,9}))?(?:/.*)?")


@dataclass(frozen=True)
class AssetName:
    """A parsed name; ``version`` is None when none is pinned."""

    owner: str
    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> AssetName:
        """Parse ``owner/name[@version]``; a ``vault://`` URL works too.

        Raises:
            InputError: it does not have that form.
        """
        match = _FULL.fullmatch(text.strip())
        if not match:
            raise InputError(
                f"{text!r} is not an asset's name", hint='Write owner/name or owner/name@version, like "alice/digits"'
            )
        version = int(match["version"]) if match["version"] else None
        if version == 0:
            raise InputError(f"{text!r}: versions are counted from 1")
        return cls(match["owner"], checked_name(match["name"]), version)

    @property
    def plain(self) -> str:
        return f"{self.owner}/{self.name}"

    def __str__(self) -> str:
        return self.plain if self.version is None else f"{self.plain}@{self.version}"


def checked_name(name: str) -> str:
    """The part after the slash, if it is one that the registry accepts.

    Raises:
        InputError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be an asset's name",
            hint="Use 1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit",
        )
    return name


def kind_index(kind: str) -> int:
    """A kind's number on chain.

    Raises:
        InputError: no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"there is no kind {kind!r}", hint=f"Kinds are: {', '.join(KINDS)}")
    return KINDS.index(kind)

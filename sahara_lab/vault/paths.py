"""Names inside a vault and ``vault://`` addresses: what is accepted, and in one spelling only."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from sahara_lab.errors import InputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3])[ .]*(\..*)?", re.IGNORECASE | re.DOTALL)
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,41}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
PROTOCOL = "vault"


def check_component(name: str) -> str:
    """One path component, unchanged, if every system could hold it.

    Raises:
        InputError: empty, ``.``, ``..``, a separator, a control character, a drive letter, a device's name, or not in
            Unicode form NFC.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"the file name {name!r} is not valid Unicode", hint="Rename the file") from None
    if name in ("", ".", "..") or "/" in name or "\\" in name or _CONTROL.search(name):
        raise InputError(f"the file name {name!r} cannot be used in a vault", hint="Rename the file")
    if _DRIVE.match(name) or _DEVICE.fullmatch(name) or unicodedata.normalize("NFC", name) != name:
        raise InputError(f"the file name {name!r} cannot be used on every system", hint="Rename the file")
    return name


def folded(name: str) -> str:
    """What a component is on systems that take no notice of case; two of a folder must differ in it."""
    return unicodedata.normalize("NFC", name.casefold())


def split_path(path: str) -> tuple[str, ...]:
    """Components of a path inside a vault; ``""`` is its top.

    Raises:
        InputError: a component that cannot be in a vault, ``..`` for one.
    """
    path = path.strip("/")
    return tuple(check_component(part) for part in path.split("/")) if path else ()


class Address(NamedTuple):
    """A parsed ``vault://owner/name[@version]/path``; parts that are not there are empty."""

    owner: str
    name: str
    version: int | None
    path: str

    @property
    def plain(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def base(self) -> str:
        """The address without the path, as it was written."""
        return self.plain if self.version is None else f"{self.plain}@{self.version}"


def parse_address(text: str) -> Address:
    """Parse ``vault://owner/name[@version]/path``; the protocol may be left out.

    Raises:
        InputError: not such an address.
    """
    owner, _, rest = text.removeprefix(f"{PROTOCOL}://").strip("/").partition("/")
    name, _, path = rest.partition("/")
    name, at, version = name.partition("@")
    hint = "Write vault://owner/name/path or vault://owner/name@version/path"
    if owner and not _OWNER.fullmatch(owner):
        raise InputError(f"{owner!r} is not an owner's handle or address", hint=hint)
    if name and not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is not an asset's name", hint=hint)
    if at and not (version.isascii() and version.isdigit() and 0 < int(version) < 10**9):
        raise InputError(f"{version!r} is not a version", hint=hint)
    return Address(owner, name, int(version) if at else None, "/".join(split_path(path)))

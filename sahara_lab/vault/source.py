"""What goes into a vault: files found in a folder or named in a mapping, checked before anything is written."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sahara_lab.errors import InputError
from sahara_lab.vault.paths import folded, split_path


@dataclass(frozen=True, slots=True)
class Lazy:
    """Content that is opened when its turn comes; ``size`` in bytes, ``modified`` in seconds since 1970."""

    open: Callable[[], BinaryIO]
    size: int
    modified: int = 0


Content: TypeAlias = bytes | Path | Lazy | Callable[[], BinaryIO]
PackSource: TypeAlias = str | Path | Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to pack: where it will lie, what it holds, and what is known about it.

    Of a file on disk ``content`` is the name and ``folder`` where it lies: text that many of them share.
    """

    parts: tuple[str, ...]
    content: bytes | str | Callable[[], BinaryIO]
    size: int
    modified: int = 0
    folder: str = ""

    def open(self) -> BinaryIO:
        """The content from its start."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        if isinstance(self.content, str):
            return Path(self.folder, self.content).open("rb")
        return self.content()


def gather(source: PackSource) -> list[SourceFile]:
    """The files of a folder or mapping, in order of their paths.

    Raises:
        InputError: nothing to pack, a link that leaves the folder, something that is not a file, or a name that
            cannot be in a vault.
    """
    if isinstance(source, Mapping):
        files = [_entry(path, content) for path, content in source.items()]
    else:
        files = files_of(Path(source))
    if not files:
        raise InputError("there are no files to publish: the folder is empty", hint="Put at least one file into it")
    files.sort(key=lambda file: file.parts)
    _check_collisions(files)
    return files


def files_of(folder: Path) -> list[SourceFile]:
    """The files in a folder and those below it.

    Raises:
        InputError: see :func:`gather`.
    """
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is not a folder")
    return _walk(folder, folder.resolve(), (), frozenset())


def _check_collisions(files: list[SourceFile]) -> None:
    """Files are in order, so that equal paths, and a folder and a file of its name, are neighbors."""
    for one, next_ in pairwise(files):
        if one.parts == next_.parts:
            raise InputError(f"two files would have the path {'/'.join(one.parts)!r}")
        if one.parts == next_.parts[: len(one.parts)]:
            raise InputError(f"{'/'.join(one.parts)!r} would be a file and a folder at once")
    spelled: dict[int, tuple[str, ...]] = {}  # by hash: there may be hundreds of thousands
    for file in files:
        for length in range(1, len(file.parts) + 1):
            path = file.parts[:length]
            other = spelled.setdefault(hash(tuple(map(folded, path))), path)
            if other != path and list(map(folded, other)) == list(map(folded, path)):
                raise InputError(
                    f"{'/'.join(other)!r} and {'/'.join(path)!r} cannot be told apart on every system",
                    hint="Rename one of them: case does not count",
                )


def _entry(path: str, content: Content) -> SourceFile:
    parts = split_path(unicodedata.normalize("NFC", path))
    if not parts:
        raise InputError("a file needs a path")
    if isinstance(content, Path):
        return _file(str(content.parent), content.name, parts)
    if isinstance(content, Lazy):
        return SourceFile(parts, content.open, content.size, content.modified)
    return SourceFile(parts, content, len(content) if isinstance(content, bytes) else 0)


def _file(folder: str, name: str, parts: tuple[str, ...]) -> SourceFile:
    path = Path(folder, name)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{str(path)!r} is not a regular file", hint="Remove it from the folder")
    name = parts[-1] if parts[-1] == name else name  # one text instead of two
    return SourceFile(parts, name, status.st_size, int(status.st_mtime), folder)


def _walk(folder: Path, root: Path, parts: tuple[str, ...], above: frozenset[Path]) -> list[SourceFile]:
    real = folder.resolve()
    if real in above:
        raise InputError(f"{str(folder)!r} links to a folder that contains it", hint="Remove the link")
    found: list[SourceFile] = []
    here = str(folder)
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            below = (*parts, *split_path(unicodedata.normalize("NFC", _readable(entry.name))))
            if entry.is_symlink():
                _require_inside(path, root)
            if path.is_dir():
                found += _walk(path, root, below, above | {real})
            else:
                found.append(_file(here, entry.name, below))
    return found


def _readable(name: str) -> str:
    if any(0xDC80 <= ord(letter) <= 0xDCFF for letter in name):
        raise InputError(f"the file name {os.fsencode(name)!r} is not valid UTF-8", hint="Rename the file")
    return name


def _require_inside(path: Path, root: Path) -> None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise InputError(f"{str(path)!r} is a link to nothing", hint="Remove the link") from None
    if not target.is_relative_to(root):
        raise InputError(
            f"{str(path)!r} links out of the folder, to {str(target)!r}",
            hint="Copy the file into the folder if it is meant to be published",
        )

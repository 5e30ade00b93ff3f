"""What goes into a vault: files found in a folder or named in a mapping, checked before anything is written."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sahara_lab.errors import InputError
from sahara_lab.vault.paths import split_path

Content: TypeAlias = bytes | Path | Callable[[], BinaryIO]
PackSource: TypeAlias = str | Path | Mapping[str, Content]


@dataclass(frozen=True)
class SourceFile:
    """A file to pack: where it will lie, how to open it, and what is known about it."""

    parts: tuple[str, ...]
    open: Callable[[], BinaryIO]
    size: int
    modified: int = 0


def gather(source: PackSource) -> list[SourceFile]:
    """The files of a folder or mapping, in order of their paths.

    Raises:
        InputError: nothing to pack, a link that leaves the folder, something that is not a file, or a name that
            cannot be in a vault.
    """
    if isinstance(source, Mapping):
        files = [_entry(path, content) for path, content in source.items()]
    else:
        folder = Path(source)
        if not folder.is_dir():
            raise InputError(f"{str(folder)!r} is not a folder")
        files = _walk(folder, folder.resolve(), (), frozenset())
    if not files:
        raise InputError("there are no files to publish: the folder is empty", hint="Put at least one file into it")
    files.sort(key=lambda file: file.parts)
    _check_collisions(files)
    return files


def _check_collisions(files: list[SourceFile]) -> None:
    seen: set[tuple[str, ...]] = set()
    for file in files:
        if file.parts in seen:
            raise InputError(f"two files would have the path {'/'.join(file.parts)!r}")
        seen.add(file.parts)
    for file in files:
        for length in range(1, len(file.parts)):
            if file.parts[:length] in seen:
                raise InputError(f"{'/'.join(file.parts[:length])!r} would be a file and a folder at once")


def _entry(path: str, content: Content) -> SourceFile:
    parts = split_path(unicodedata.normalize("NFC", path))
    if not parts:
        raise InputError("a file needs a path")
    if isinstance(content, bytes):
        data = content
        return SourceFile(parts, lambda: io.BytesIO(data), len(data))
    if isinstance(content, Path):
        return _file(content, parts)
    return SourceFile(parts, content, 0)


def _file(path: Path, parts: tuple[str, ...]) -> SourceFile:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{str(path)!r} is not a regular file", hint="Remove it from the folder")
    return SourceFile(parts, lambda: path.open("rb"), status.st_size, int(status.st_mtime))


def _walk(folder: Path, root: Path, parts: tuple[str, ...], above: frozenset[Path]) -> list[SourceFile]:
    real = folder.resolve()
    if real in above:
        raise InputError(f"{str(folder)!r} links to a folder that contains it", hint="Remove the link")
    found: list[SourceFile] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            below = (*parts, *split_path(unicodedata.normalize("NFC", _readable(entry.name))))
            if entry.is_symlink():
                _require_inside(path, root)
            if path.is_dir():
                found += _walk(path, root, below, above | {real})
            else:
                found.append(_file(path, below))
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

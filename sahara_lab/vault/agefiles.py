"""To and from age (age-encryption.org/v1), which ``age`` and its relatives open without this library.

One file becomes ``NAME.age``; a folder becomes a tar archive inside one age file, so that its names stay hidden.
Everything is streamed: plaintext is neither held in memory whole nor written to disk.
"""

from __future__ import annotations

import io
import os
import secrets
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from sahara_lab.errors import InputError, IntegrityError, storing
from sahara_lab.vault.paths import split_path

BLOCK = 1 << 20


def export_age(fs: Any, path: str, target: Path, recipients: Sequence[str]) -> int:
    """Write a file or folder of a vault as one age file; returns the number of files in it.

    Args:
        fs: the file system that reads ``path``.
        target: a file that does not exist; a folder of the vault is a tar archive inside it.
        recipients: ``age1…`` public keys, or SSH public keys.

    Raises:
        InputError: the target exists, or a recipient is not one.
    """
    import pyrage

    keys = [_recipient(text) for text in recipients]
    if not keys:
        raise InputError("nobody could open the export", hint="Name a recipient: --age age1…")
    if target.exists():
        raise InputError(f"{str(target)!r} exists", hint="Choose another name")
    top = fs._strip_protocol(path)
    fs.info(top)
    files = {top: ""} if fs.isfile(top) else {name: name[len(top) + 1 :] for name in fs.find(top)}
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    with storing(f"{target} could not be written"):
        try:
            with unfinished.open("xb") as sealed:
                if list(files.values()) == [""]:
                    with fs.open(top) as plain:
                        pyrage.encrypt_io(plain, sealed, keys)
                else:
                    with _pipe(lambda out: _write_tar(fs, files, out)) as plain:
                        pyrage.encrypt_io(plain, sealed, keys)
                sealed.flush()
                os.fsync(sealed.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    return len(files)


def import_age(source: Path, fs: Any, path: str, identities: Sequence[str]) -> int:
    """Write what an age file holds into a draft; returns the number of files.

    Args:
        source: an age file; if its name ends in ``.tar.age``, each member of the archive becomes a file.
        path: folder of the draft, or its file when ``source`` is a single one.
        identities: ``AGE-SECRET-KEY-1…`` lines.

    Raises:
        IntegrityError: none of the identities opens it, or it is damaged; the draft is as before.
        InputError: a member's name could escape a folder, or is not a file's.
    """
    import pyrage

    keys = [_identity(text) for text in identities]
    archive = source.name.endswith(".tar.age")
    done = 0
    with source.open("rb") as sealed, fs.transaction:
        try:
            with _pipe(lambda out: _decrypt(sealed, out, keys)) as plain:
                if archive:
                    for name, content in _members(plain):
                        _copy(content, fs, f"{path.rstrip('/')}/{name}")
                        done += 1
                else:
                    _copy(plain, fs, path)
                    done = 1
                while plain.read(BLOCK):
                    pass  # to the end, where age's last tag is
        except (pyrage.DecryptError, tarfile.TarError) as error:
            raise IntegrityError(f"{source.name} could not be opened: {error}") from error
    return done


def _decrypt(sealed: BinaryIO, out: BinaryIO, keys: list[Any]) -> None:
    import pyrage

    try:
        pyrage.decrypt_io(sealed, out, keys)
    except OSError as error:
        if error.errno is None:  # pyrage's way to say that a chunk's tag is wrong
            raise pyrage.DecryptError(str(error)) from error
        raise


def read_identities(text: str) -> list[str]:
    """Identities in an age key file; comments are passed over."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _recipient(text: str) -> Any:
    import pyrage

    parse = pyrage.ssh.Recipient.from_str if text.startswith("ssh-") else pyrage.x25519.Recipient.from_str
    try:
        return parse(text.strip())
    except Exception as error:  # pyrage's errors have no common base
        raise InputError(f"{text[:60]!r} is not an age recipient", hint="Write an age1… public key") from error


def _identity(text: str) -> Any:
    import pyrage

    try:
        return pyrage.x25519.Identity.from_str(text.strip())
    except Exception as error:
        raise InputError("that is not an age identity", hint="Name a file of AGE-SECRET-KEY-1… lines") from error


def _write_tar(fs: Any, files: dict[str, str], out: BinaryIO) -> None:
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, name in sorted(files.items()):
            described = fs.info(path)
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = described["size"], described["mtime"], 0o644
            with fs.open(path) as plain:
                archive.addfile(member, plain)


def _members(plain: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise InputError(f"{member.name!r} in the archive is not a file")
            yield "/".join(split_path(member.name.removeprefix("./"))), content  # type: ignore[misc]


def _copy(source: BinaryIO, fs: Any, path: str) -> None:
    with fs.open(path, "wb") as target:
        while block := source.read(BLOCK):
            target.write(block)


@contextmanager
def _pipe(write: Callable[[BinaryIO], Any]) -> Iterator[BinaryIO]:
    """What ``write`` writes, to be read at the same time; its failure is raised here."""
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with open(writing, "wb", buffering=BLOCK) as out:  # noqa: PTH123 - a descriptor
                write(out)
        except BrokenPipeError:
            pass  # the reader has given up and says why
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    stream = open(reading, "rb", buffering=BLOCK)  # noqa: PTH123, SIM115 - closed below, before the thread is awaited
    try:
        yield io.BufferedReader(_Watched(stream, thread, failures), BLOCK)
    finally:
        stream.close()
        thread.join()


class _Watched(io.RawIOBase):
    """The reading end of a pipe; an end that comes because the writer failed is that failure."""

    def __init__(self, stream: BinaryIO, thread: threading.Thread, failures: list[BaseException]) -> None:
        super().__init__()
        self._stream, self._thread, self._failures = stream, thread, failures

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(len(buffer))
        if not block:
            self._thread.join()
            if self._failures:
                raise self._failures[0]
        buffer[: len(block)] = block
        return len(block)

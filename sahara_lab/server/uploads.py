"""The uploads of this server: announced and checked, found again, published in the background."""

from __future__ import annotations

import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sahara_lab.errors import InputError, NameTaken, NotFound, StorageError
from sahara_lab.server.serialize import Json
from sahara_lab.server.upload import PUBLISHING, Announced, Upload

if TYPE_CHECKING:
    from sahara_lab.lab import Lab

MAX_OPEN = 4
IDLE = 1800.0  # seconds without a request after which an upload may be dropped
LEFT = 120.0  # the same when there are too many: their pages were closed


class Uploads:
    """The uploads of this server.

    Args:
        lab: gives the ``Lab`` of an account, the default one for None.
    """

    def __init__(self, lab: Callable[[str | None], Lab]) -> None:
        self._lab = lab
        self._open: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._publishing = ThreadPoolExecutor(MAX_OPEN, thread_name_prefix="sahara-publish")

    def announce(self, account: str | None, wanted: Announced) -> Json:
        """Check everything that can be checked before a byte is sent; gives the plan.

        Raises:
            NameTaken: the account has an asset of that name and no new version is meant.
            NotFound: a new version is meant of an asset that there is not.
            StorageError: the disk has too little room.
            InputError: nothing to publish, or too many uploads at once.
        """
        lab = self._lab(account)
        name = f"{lab.account}/{wanted.name}"
        try:
            asset = lab.market.get(name)
        except NotFound:
            asset = None
        if asset is not None and not wanted.update:
            raise NameTaken(f"you have published {name} already", hint="Choose another name")
        if asset is None and wanted.update:
            raise NotFound(f"there is no asset {name!r} of yours", hint="Publish it as a new vault")
        upload = Upload(lab, wanted, lab.vault.fs.draft(name), asset)
        if not wanted.files and not upload.pending:
            raise InputError("there is nothing to publish", hint="Choose at least one file")
        _require_room(lab, wanted.total)
        plan = upload.plan()
        with self._lock:
            self._clear(IDLE)
            if self._running() >= MAX_OPEN:
                self._clear(LEFT)
            if self._running() >= MAX_OPEN:
                raise InputError("too many uploads at once", hint="Wait until one has ended, or cancel one")
            self._open[upload.id] = upload
        return plan

    def find(self, account: str | None, id: str) -> Upload:
        """An upload of the account.

        Raises:
            NotFound: there is none of that id.
        """
        lab = self._lab(account)
        with self._lock:
            upload = self._open.get(id)
        if upload is None or upload.lab.account != lab.account:
            raise NotFound("there is no such upload", hint="Start the upload again")
        upload.touched = time.monotonic()
        return upload

    def publish(self, account: str | None, id: str) -> Json:
        """Begin to publish; :meth:`find` tells how far it is."""
        upload = self.find(account, id)
        upload.begin()
        self._publishing.submit(upload.publish)
        return upload.state()

    def close(self) -> None:
        """Drop what was not published."""
        with self._lock:
            for upload in self._open.values():
                upload.cancel()
        self._publishing.shutdown(wait=True)

    def _running(self) -> int:
        return sum(not one.over for one in self._open.values())

    def _clear(self, idle: float) -> None:
        """Drop uploads that nobody has asked about for so many seconds."""
        old = time.monotonic() - idle
        for id, upload in list(self._open.items()):
            if upload.touched < old and upload.phase != PUBLISHING:
                upload.cancel()
                del self._open[id]


def _require_room(lab: Lab, total: int) -> None:
    """Publishing holds the files twice for a while: as a draft and as the version."""
    needed = 2 * total
    free = shutil.disk_usage(lab.profile.folder).free
    if needed > free:
        from sahara_lab.market.values import format_size

        raise StorageError(
            f"the disk has too little room: this takes {format_size(needed)}, {format_size(free)} are free",
            hint="Free some space, or publish in parts",
        )


def checked_files(files: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Paths and sizes as a vault takes them.

    Raises:
        InputError: a path that cannot be in a vault, or two files in one place.
    """
    from sahara_lab.vault.paths import split_path
    from sahara_lab.vault.source import gather

    named = [("/".join(split_path(unicodedata.normalize("NFC", path))), size) for path, size in files]
    if len({path for path, _ in named}) < len(named):
        raise InputError("two files would have the same path", hint="Rename one of them")
    if named:
        gather({path: b"" for path, _ in named})
    return tuple(named)

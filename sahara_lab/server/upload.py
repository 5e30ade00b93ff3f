"""Files on their way from a browser into a vault: announced, received in order, published in one step.

The files of an upload are one stream of bytes, cut into requests wherever the browser likes. They are encrypted as they
come and belong to nothing until the upload is published: canceled or interrupted, it leaves no trace in the vault.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sahara_lab.errors import InputError, SaharaError, StorageError, storing
from sahara_lab.licensing.terms import License
from sahara_lab.market.metadata import DataStatement
from sahara_lab.server.serialize import Json
from sahara_lab.vault import Draft

if TYPE_CHECKING:
    from sahara_lab.lab import Lab
    from sahara_lab.market.values import Asset
    from sahara_lab.vault.drafts import DraftWriter

CHUNK = 4 << 20

RECEIVING, PUBLISHING, DONE, FAILED, CANCELED = "receiving", "publishing", "done", "failed", "canceled"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Announced:
    """What a browser wants to publish. ``files`` are paths in the vault with sizes in bytes, in the order they come."""

    name: str
    files: tuple[tuple[str, int], ...]
    update: bool
    kind: str | None = None
    title: str = ""
    description: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    statement: DataStatement | None = None
    license: License | None = None

    @property
    def total(self) -> int:
        return sum(size for _, size in self.files)


class Canceled(Exception):
    """Raised inside a publication that its owner gave up."""


@dataclass
class Upload:
    """One upload. Its methods may be called from any thread; all but ``state`` block."""

    lab: Lab
    wanted: Announced
    draft: Draft
    asset: Asset | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    phase: str = RECEIVING
    step: str = ""
    received: int = 0
    published: str = ""
    error: Json | None = None
    touched: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._written: list[DraftWriter] = []
        self._current: DraftWriter | None = None
        self._added = False
        self._given_up = False
        self._existed = self.draft.exists
        self.pending = len(self.draft.index())

    def state(self) -> Json:
        return {
            "id": self.id,
            "phase": self.phase,
            "step": self.step,
            "received": self.received,
            "total": self.wanted.total,
            "published": self.published,
            "error": self.error,
            "retryable": self.phase == FAILED and self._added,
        }

    def plan(self) -> Json:
        """What publishing would do, before a byte is sent."""
        version, replaced = 1, 0
        if self.asset is not None:
            version = self.asset.version + 1
            fs = self.lab.vault.fs
            replaced = sum(fs.isfile(f"{self.asset.name}@{self.asset.version}/{path}") for path, _ in self.wanted.files)
        return {
            **self.state(),
            "name": f"{self.lab.account}/{self.wanted.name}",
            "chunk": CHUNK,
            "version": version,
            "files": len(self.wanted.files),
            "replaced": replaced,
            "pending": self.pending,
            "offers": [offer.summary for offer in self.asset.offers] if self.asset else [],
        }

    # -- receiving ----------------------------------------------------------------------------------------------------

    def receive(self, offset: int, data: bytes | bytearray) -> Json:
        """Take the next bytes of the stream.

        Raises:
            InputError: not the next bytes, or more than were announced.
            StorageError: they could not be stored; the upload is over.
        """
        with self._lock:
            self._require(RECEIVING)
            if offset != self.received:
                raise InputError(f"the upload has {self.received} bytes, not {offset}", hint="Start the upload again")
            if offset + len(data) > self.wanted.total:
                raise InputError("more bytes came than were announced", hint="Start the upload again")
            try:
                with storing("the files could not be stored"):
                    self._write(memoryview(data))
            except BaseException as error:
                self._drop()
                self._fail(error)
                raise _in_words(error) from error
            self.received += len(data)
            return self.state()

    def _write(self, data: memoryview) -> None:
        while len(self._written) < len(self.wanted.files):
            path, size = self.wanted.files[len(self._written)]
            if self._current is None:
                self._current = self.draft.create(path, autocommit=False)
            part = data[: size - self._current.tell()]
            self._current.write(part)
            data = data[len(part) :]
            if self._current.tell() < size:
                return
            self._current.close()
            self._written.append(self._current)
            self._current = None

    # -- publishing ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Claim the publication; :meth:`publish` follows, in a thread of its own.

        Raises:
            InputError: bytes are missing, or it is published already.
        """
        with self._lock:
            if self.phase != FAILED or not self._added:
                self._require(RECEIVING)
            if self.received < self.wanted.total:
                raise InputError(f"{self.wanted.total - self.received} bytes are missing", hint="Send them first")
            self.phase, self.error, self.step = PUBLISHING, None, "preparing"

    def publish(self) -> None:
        """Make a version of what came. The outcome is in :meth:`state`; a failed publication can be begun again."""
        try:
            with storing("the vault could not be written"):
                if not self._added:
                    self._write(memoryview(b""))  # files without bytes at the end of the stream
                    self.draft.add(self._written)
                    self._added = True
                asset = self._publish()
            self.lab.vault.fs.invalidate_cache()  # the name stands for another version now
            self.published, self.phase = f"{asset.name}@{asset.version}", DONE
        except Canceled:
            self._drop()
            self.phase = CANCELED
        except BaseException as error:
            _log.info("publishing %s failed", self.wanted.name, exc_info=error)
            if not self._added:
                self._drop()
            self._fail(error)

    def _publish(self) -> Asset:
        market, wanted, asset = self.lab.market, self.wanted, self.asset
        title, description = wanted.title, wanted.description
        tags = wanted.tags
        if asset is not None:
            title, tags = asset.title, asset.tags
            said = market.document(asset).get("description")
            description = said if isinstance(said, str) and said != title else ""
        name = f"{self.lab.account}/{wanted.name}"
        return market.publish(
            f"vault://{name}",
            name=wanted.name,
            kind=asset.kind if asset else wanted.kind,
            license=wanted.license,
            title=title or None,
            description=description or None,
            tags=tags,
            task=wanted.task,
            statement=wanted.statement,
            update=asset is not None,
            progress=self._told,
        )

    def _told(self, step: str) -> None:
        self.step = step
        # The step after "recording on chain" finds the asset published: too late to give up.
        if self._given_up and not step.startswith("offering"):
            raise Canceled

    # -- ending -------------------------------------------------------------------------------------------------------

    def cancel(self) -> Json:
        """Give up. A publication that runs ends at its next step, unless the chain has it already."""
        self._given_up = True
        with self._lock:
            if self.phase in (RECEIVING, FAILED):
                self._drop()
                self.phase = CANCELED
            return self.state()

    def _drop(self) -> None:
        if self._added:
            self.draft.take_back(self._written)
        else:
            for writer in [*self._written, *([self._current] if self._current else [])]:
                writer.discard()
        self._written, self._current, self._added = [], None, False
        if not self._existed and not self.draft.index():
            self.draft.discard()

    def _fail(self, error: BaseException) -> None:
        said = _in_words(error)
        self.phase, self.error = FAILED, {"code": said.code, "message": said.message, "hint": said.hint}

    def _require(self, phase: str) -> None:
        if self.phase != phase:
            raise InputError(f"the upload is {self.phase}", hint="Start the upload again")

    @property
    def over(self) -> bool:
        """Whether nothing more can come of it."""
        return self.phase in (DONE, CANCELED) or (self.phase == FAILED and not self._added)


def _in_words(error: BaseException) -> SaharaError:
    """A failure in one line, without the places on this machine's disk that it may name."""
    if isinstance(error, StorageError) and isinstance(error.__cause__, OSError):
        reason = os.strerror(error.__cause__.errno or 0).lower()
        return StorageError(f"the files could not be stored: {reason}", hint=error.hint)
    if isinstance(error, SaharaError):
        return error
    return SaharaError("the upload failed unexpectedly", hint="The server's log has the details")

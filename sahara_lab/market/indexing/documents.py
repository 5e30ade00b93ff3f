"""Public documents about assets, believed only when they hash to what the chain records."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import OrderedDict

from sahara_lab.errors import InputError, IntegrityError, NetworkError, SaharaError
from sahara_lab.licensing.documents import names_of
from sahara_lab.market.indexing.web import TooLarge, fetch
from sahara_lab.market.metadata import Malformed, Summary, parse_summary
from sahara_lab.market.metadata.reading import MAX_DOCUMENT
from sahara_lab.profile import Profile

#: Where documents of ``ipfs://`` addresses are asked for. Any gateway will do: its answers are held against the hash.
GATEWAY_VARIABLE = "SAHARA_LAB_IPFS_GATEWAY"

_STORED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_KEPT = 1_000
_CID = re.compile(r"[A-Za-z0-9]{40,120}(/[A-Za-z0-9._-]+)*/?")


class Away(NetworkError):
    """Nobody gives the document at present; it may be asked for again."""


class Refused(IntegrityError):
    """What lies there can never be the document, or will never be asked for."""


class Altered(Refused):
    """What lies there is not what its publisher recorded."""


class Documents:
    """Reads documents by the address and the hash that the chain records.

    An address is a path in the network's storage, or ``https``, ``http`` or ``ipfs``. Others are never opened: anyone
    can record any address, and ``file:`` or a name inside one's own network would be read with this user's rights.
    """

    def __init__(self, profile: Profile) -> None:
        self._storage = profile.storage
        self._private = profile.name == "local"
        self._kept: OrderedDict[str, Summary] = OrderedDict()
        self._lock = threading.Lock()

    def is_near(self, uri: str) -> bool:
        """Whether the document lies on this machine, and reading it makes nobody wait."""
        return bool(_STORED.fullmatch(uri))

    def summary(self, uri: str, digest: str) -> Summary:
        """What the document says.

        Args:
            digest: SHA-256 in hex.

        Raises:
            Away: it cannot be read at present.
            Refused: another hash, too large, no document at all, or an address that is not opened.
        """
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest]
        try:
            summary = parse_summary(self.read(uri, digest))
        except Malformed as error:
            raise Refused(f"the document is malformed: {error}") from error
        with self._lock:
            self._kept[digest] = summary
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return summary

    def read(self, uri: str, digest: str) -> bytes:
        """The document itself; see :meth:`summary`."""
        try:
            data = self._found(uri, digest)
        except TooLarge:
            data = b"\0" * (MAX_DOCUMENT + 1)
        except InputError as error:
            raise Refused(f"the address is not opened: {error}") from error
        except Away:
            raise
        except (OSError, SaharaError) as error:
            raise Away(f"the document cannot be read: {error}") from error
        if len(data) > MAX_DOCUMENT:
            raise Refused(f"the document has more than {MAX_DOCUMENT >> 20} MiB")
        if hashlib.sha256(data).hexdigest() != digest:
            raise Altered("the document's SHA-256 is not the one that the chain records")
        return data

    def _found(self, uri: str, digest: str) -> bytes:
        """What lies there under the first of the document's names that there is."""
        ask = self._local if self.is_near(uri) else self._remote
        *others, last = names_of(digest)
        for name in others:
            try:
                return ask(uri, name)
            except (OSError, NetworkError):
                continue
        return ask(uri, last)

    def _local(self, uri: str, name: str) -> bytes:
        try:
            with (self._storage / uri / name).open("rb") as stream:
                return stream.read(MAX_DOCUMENT + 1)
        except OSError as error:
            raise Away(f"the document cannot be read: {error.strerror}") from error

    def _remote(self, uri: str, name: str) -> bytes:
        if uri.startswith(("https://", "http://")):
            return fetch(f"{uri.rstrip('/')}/{name}", MAX_DOCUMENT, private=self._private)
        scheme, _, path = uri.partition("://")
        if scheme != "ipfs":
            raise InputError("only https, http and ipfs addresses are read")
        if not _CID.fullmatch(path) or ".." in path:
            raise InputError("it is no IPFS address")
        gateway = os.environ.get(GATEWAY_VARIABLE)
        if not gateway:
            raise Away(f"no IPFS gateway is set; name one in {GATEWAY_VARIABLE}")
        # The gateway was chosen by the user and may well run on this machine.
        return fetch(f"{gateway.rstrip('/')}/ipfs/{path.rstrip('/')}/{name}", MAX_DOCUMENT, private=True)

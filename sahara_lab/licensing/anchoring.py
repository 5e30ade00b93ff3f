"""Anchoring: a key server writes size and root of its receipt log on chain, so that it can never take a receipt back.

Batched by number and time: an anchor costs gas, and a receipt that is not anchored yet is signed anyway.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sahara_lab.chain import Chain
from sahara_lab.chain.deployment import send_signed
from sahara_lab.errors import SaharaError
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Anchor, ReceiptLog
from sahara_lab.vault.audit import MOST_ANCHORS

POLL = 1.0  # seconds between looks at the log
LONGEST_PAUSE = 600.0  # seconds between attempts while the chain refuses

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """When an anchor is due: after so many receipts, or so many seconds after the first that is not anchored."""

    receipts: int = 1024
    seconds: float = 3600.0


def anchors_of(chain: Chain, server: int, count: int = MOST_ANCHORS) -> list[Anchor]:
    """The newest anchors of a key server, oldest first."""
    anchors = chain.contract("ReceiptAnchors")
    first = max(0, anchors.call("count", server) - count)
    return [
        Anchor(one["treeSize"], bytes(one["root"]), one["time"]) for one in anchors.call("page", server, first, count)
    ]


class Anchoring:
    """Anchors one server's log from the server's account, in a thread of its own.

    Args:
        signer: the server's account; it pays the gas.
    """

    def __init__(self, chain: Chain, server: int, signer: LocalSigner, log: ReceiptLog, batch: Batch) -> None:
        self._chain = chain
        self._anchors = chain.contract("ReceiptAnchors")
        self._server = server
        self._signer = signer
        self._receipts = log
        self._batch = batch
        self._anchored = -1  # not known yet
        self._waiting_since: float | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Anchor from now on, until the process ends or :meth:`stop`."""
        threading.Thread(target=self._run, daemon=True, name="anchoring").start()

    def stop(self) -> None:
        self._stop.set()

    def anchor(self) -> Anchor | None:
        """Anchor the log as it is; None when the chain has it already.

        Raises:
            ChainError: the chain refuses: the account has no gas, or the log is shorter than what it anchored.
        """
        size = len(self._receipts)
        self._anchored = self._anchors.call("latest", self._server)["treeSize"]
        if size <= self._anchored:
            return None
        root = self._receipts.root(size)
        data = self._anchors.encode("anchor", self._server, size, root)
        send_signed(self._chain.rpc, self._signer, data, chain_id=self._chain.chain_id, to=self._anchors.address)
        self._anchored = size
        return anchors_of(self._chain, self._server, 1)[0]

    def _run(self) -> None:
        pause = POLL
        while not self._stop.wait(pause):
            pause = POLL if self._attempt(self._is_due) else min(2 * pause, LONGEST_PAUSE)

    def _attempt(self, due: Callable[[], bool]) -> bool:
        try:
            if due():
                self.anchor()
                self._waiting_since = None
        except (SaharaError, OSError) as error:
            _log.warning("the receipt log could not be anchored: %s", error)
            return False
        return True

    def _is_due(self) -> bool:
        if self._anchored < 0:
            self._anchored = self._anchors.call("latest", self._server)["treeSize"]
            if self._anchored > len(self._receipts):
                _log.error(
                    "this log has %d receipts, but %d are anchored: receipts are lost, and every audit will say so",
                    len(self._receipts),
                    self._anchored,
                )
        fresh = len(self._receipts) - self._anchored
        if fresh <= 0:
            self._waiting_since = None
            return False
        now = time.monotonic()
        self._waiting_since = self._waiting_since or now
        return fresh >= self._batch.receipts or now - self._waiting_since >= self._batch.seconds

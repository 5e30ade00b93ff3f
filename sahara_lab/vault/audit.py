"""Collecting an asset's receipts from a key server, and checking that its log tells one story.

A server is believed for what it signed and what the chain anchors: each receipt's signature, its place in the log under
a signed head, and that the log only grew since each anchor.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sahara_lab.errors import InputError
from sahara_lab.vault.merkle import verify_consistency, verify_proof
from sahara_lab.vault.receipts import receipt_leaf, verify_signed
from sahara_lab.vault.release import exchange
from sahara_lab.vault.typed import MAX_REQUEST, bytes_of, typed
from sahara_lab.vault.values import Credentials

MAX_PAGE = 1 << 20
MOST_ANCHORS = 32  # the newest anchors that are held against the log
MOST_RECEIPTS = 100_000


@dataclass(frozen=True)
class Anchor:
    """Size and root of a log as a server wrote them on chain at ``time``, in seconds since the epoch."""

    size: int
    root: bytes
    time: int


@dataclass(frozen=True)
class AuditedServer:
    """A key server whose log is looked at: its id, where it is, and who signs for it."""

    id: int
    url: str
    account: str


@dataclass(frozen=True)
class Collected:
    """What one server's log says of an asset.

    Attributes:
        status: "ok", "unreachable" or "inconsistent"; ``detail`` says why.
        lines: receipts, each signed and in the log, with what stands beside them there.
        size: receipts in the log, of all assets; ``anchored`` of them are on chain.
    """

    server: int
    status: str
    detail: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    anchored: int = 0


class _Inconsistent(Exception):
    """The server's log contradicts its signature, itself or the chain."""


def collect(
    server: AuditedServer,
    credentials: Credentials,
    asset: int,
    anchors: Sequence[Anchor],
    *,
    chain_id: int,
    registry: str,
) -> Collected:
    """An asset's receipts as one server has them: all of them for its owner, for others their own."""
    auditor = _Auditor(server, credentials, asset, chain_id, registry)
    newest = max((anchor.size for anchor in anchors), default=0)
    try:
        head, lines = auditor.receipts()
        auditor.require_anchors(head, anchors)
    except (OSError, ValueError) as error:
        return Collected(server.id, "unreachable", str(error)[:200], anchored=newest)
    except (_Inconsistent, InputError, KeyError, TypeError) as error:
        return Collected(server.id, "inconsistent", str(error)[:200], anchored=newest)
    return Collected(server.id, "ok", lines=lines, size=head["size"], anchored=newest)


class _Auditor:
    def __init__(
        self, server: AuditedServer, credentials: Credentials, asset: int, chain_id: int, registry: str
    ) -> None:
        self._server = server
        self._credentials = credentials
        self._asset = asset
        self._chain_id = chain_id
        self._registry = registry

    def receipts(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The newest signed head, and every receipt, each checked against the head of its page."""
        lines: list[dict[str, Any]] = []
        first: int | None = 0
        heads: list[dict[str, Any]] = []
        while first is not None:
            page = self._ask("receipts", self._request(first))
            head = page["head"]
            self._require_head(head)
            heads.append(head)
            for line in page["receipts"]:
                self._require_receipt(line, head, first)
                first = line["index"] + 1
                lines.append(line)
            following = page["next"]
            if following is not None and (
                type(following) is not int or following < first or len(lines) > MOST_RECEIPTS
            ):
                raise _Inconsistent("its pages of receipts do not end")
            first = following
        for earlier, later in pairwise(heads):
            self._require_growth(earlier["size"], bytes.fromhex(earlier["root"]), later, "its own earlier head")
        return heads[-1], lines

    def require_anchors(self, head: dict[str, Any], anchors: Sequence[Anchor]) -> None:
        """See that the log is what was anchored, and more."""
        for anchor in sorted(anchors, key=lambda one: one.size)[-MOST_ANCHORS:]:
            self._require_growth(anchor.size, anchor.root, head, f"its anchor of {anchor.size} receipts")

    def _require_growth(self, size: int, root: bytes, head: dict[str, Any], what: str) -> None:
        if size > head["size"]:
            raise _Inconsistent(f"its log has {head['size']} receipts, but {what} says {size}")
        proof = self._ask(f"log/consistency?first={size}&second={head['size']}")["proof"]
        path = [bytes_of(step, "proof") for step in proof]
        if not verify_consistency(size, head["size"], root, bytes.fromhex(head["root"]), path):
            raise _Inconsistent(f"its log was rewritten: it does not continue {what}")

    def _require_head(self, head: dict[str, Any]) -> None:
        message = {name: head[name] for name in ("server", "size", "root", "time")}
        signed = self._is_signed("LogHead", message, head["signature"])
        if not signed or message["server"] != self._server.id or type(message["size"]) is not int:
            raise _Inconsistent("the head of its log is not signed by its account")

    def _require_receipt(self, line: dict[str, Any], head: dict[str, Any], first: int) -> None:
        receipt, index = line["receipt"], line["index"]
        if type(index) is not int or index < first:
            raise _Inconsistent("its receipts are not in order")
        if not self._is_signed("ReleaseReceipt", receipt, line["signature"]):
            raise _Inconsistent(f"receipt {index} is not signed by its account")
        if receipt["server"] != self._server.id or receipt["index"] != index or int(receipt["asset"]) != self._asset:
            raise _Inconsistent(f"receipt {index} is of another server or asset, or out of its place")
        path = [bytes_of(step, "proof") for step in line["proof"]]
        if not verify_proof(receipt_leaf(line), index, head["size"], path, bytes.fromhex(head["root"])):
            raise _Inconsistent(f"receipt {index} is not in its log")

    def _is_signed(self, kind: str, message: dict[str, Any], signature: str) -> bool:
        return verify_signed(
            kind,
            message,
            signature,
            account=self._server.account,
            chain_id=self._chain_id,
            registry=self._registry,
        )

    def _request(self, first: int) -> dict[str, Any]:
        session = self._credentials.session()
        request = {
            "server": self._server.id,
            "account": self._credentials.account,
            "asset": str(self._asset),
            "first": first,
            "nonce": secrets.token_hex(32),
            "expires": int(time.time()) + MAX_REQUEST,
        }
        signature = session.signer.sign_typed_data(typed("ReceiptsRequest", request, self._chain_id, self._registry))
        return {
            "request": request,
            "signature": signature.hex(),
            "delegation": session.delegation,
            "delegation_signature": session.delegation_signature.hex(),
        }

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        status, document = exchange(f"{self._server.url.rstrip('/')}/v1/{path}", body, limit=MAX_PAGE)
        if status in (404, 400) and body is None:
            raise _Inconsistent("it has no proof that its log only grew")
        if status != 200:
            problem = document.get("error")
            raise OSError(str(problem["detail"]) if isinstance(problem, dict) else f"it answered {status}")
        return document

"""A key server: it holds one key, keeps no list of assets, and releases a share when the policy says so.

What it answers is sealed to the requester, and only after a signed receipt is on disk. HTTP is in ``keyserver_app``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
import time
from pathlib import Path
from typing import Any

from sahara_lab.errors import InputError, IntegrityError, NotFound
from sahara_lab.signing import LocalSigner, recover_typed_data
from sahara_lab.vault.limits import Buckets, Limits
from sahara_lab.vault.manifest import scope
from sahara_lab.vault.receipts import LINE_FIELDS, ReceiptLog
from sahara_lab.vault.release import reply_info
from sahara_lab.vault.sealing import EncryptionKey, as_private, open_sealed, seal_to
from sahara_lab.vault.typed import CLOCK_SKEW, MAX_REQUEST, MAX_SESSION, bytes_of, typed
from sahara_lab.vault.values import AccessPolicy, Decision
from sahara_lab.vault.wrapping import share_info

RECEIPTS_PAGE = 50


class Refusal(Exception):
    """Why a request is not answered: a stable code, a sentence, and when to come again (seconds; 0: no use)."""

    def __init__(self, code: str, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class _Nonces:
    """Nonces of requests that have not expired yet; each is good once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def use(self, account: str, nonce: str, expires: int, now: int) -> bool:
        with self._lock:
            if len(self._seen) > 4096:
                self._seen = {key: end for key, end in self._seen.items() if end >= now}
            key = (account.lower(), nonce.lower().removeprefix("0x"))
            if key in self._seen:
                return False
            self._seen[key] = expires
            return True


class KeyServer:
    """The decisions of a key server, without HTTP.

    Args:
        server_key: HPKE private key, or its 32-byte seed.
        signer: signs receipts; its address is the server's account in the registry.
        policy: who may have keys; its calls may block.
        receipts: file of the receipt log.
        server_id: the server's id in the registry, which requests must name.
        chain_id: chain that requests must be signed for.
        registry: address of the asset registry, which requests must be signed for.
    """

    def __init__(
        self,
        server_key: EncryptionKey | bytes,
        signer: LocalSigner,
        policy: AccessPolicy,
        receipts: Path,
        *,
        server_id: int,
        chain_id: int,
        registry: str,
        limits: Limits | None = None,
    ) -> None:
        self.id = server_id
        self.chain_id = chain_id
        self.registry = registry
        self.account = signer.address
        self.log = ReceiptLog(receipts)
        self._key = as_private(server_key)
        self._signer = signer
        self._policy = policy
        self._nonces = _Nonces()
        self._accounts = Buckets((limits or Limits()).account)
        now = int(time.time())
        for receipt in self.log.recent(1024):  # a restart must not make old requests good again
            if receipt["expires"] >= now:
                self._nonces.use(receipt["receipt"]["account"], receipt["nonce"], receipt["expires"], now)

    # -- what is asked ------------------------------------------------------------------------------------------------

    def release(self, body: dict[str, Any]) -> dict[str, Any]:
        """Check a request, ask the policy, and answer with a share and a receipt.

        Raises:
            Refusal: no share, and why.
        """
        request, sealed, reply_key = self._release_request(body)
        asset = int(request["asset"])
        identity = self._policy.identity(asset)
        decision = self._policy.check(
            request["account"], asset, request["epoch"], request["use"], request["accessClass"]
        )
        if not decision.allowed or identity is None:
            code = "unknown-asset" if identity is None and decision.allowed else decision.reason_code
            raise Refusal(code, decision.detail or "the policy refuses")
        share = self._open_share(request, sealed, *identity)
        answer = seal_to(reply_key, reply_info(request), share)
        line = self.log.append(lambda index: self._receipt(index, request, body["delegation"], decision))
        return {"sealed_share": base64.b64encode(answer).decode(), **line}

    def receipts(self, body: dict[str, Any]) -> dict[str, Any]:
        """An asset's receipts with proofs: all of them for its owner, for others their own. Pages of 50.

        Raises:
            Refusal: the request is not a valid one.
        """
        request = self._signed("ReceiptsRequest", body)
        asset, account = int(request["asset"]), request["account"].lower()
        owner = self._policy.owner(asset)
        head = self.head()
        whose = None if owner is not None and owner.lower() == account else account
        found = self.log.of_asset(asset, whose, request["first"], RECEIPTS_PAGE + 1)
        listed = [number for number in found[:RECEIPTS_PAGE] if number < head["size"]]
        entries = [self.log.get(number, head["size"]) for number in listed]
        kept = (*LINE_FIELDS, "index", "proof")
        return {
            "head": head,
            "receipts": [{name: entry[name] for name in kept if name in entry} for entry in entries],
            "next": found[RECEIPTS_PAGE] if len(found) > RECEIPTS_PAGE else None,
        }

    def head(self) -> dict[str, Any]:
        """Size and root of the log, signed: a server that tells two stories leaves proof of it."""
        head = {"server": self.id, **self.log.head(), "time": int(time.time())}
        signature = self._signer.sign_typed_data(typed("LogHead", head, self.chain_id, self.registry))
        return {**head, "signature": signature.hex()}

    def inclusion(self, leaf: bytes, size: int) -> dict[str, Any]:
        """Where a receipt is in the log. Its leaf hash is known only to who has the receipt: there is a nonce in it."""
        try:
            index, path = self.log.inclusion(leaf, size)
        except NotFound as error:
            raise Refusal("unknown-receipt", error.message) from None
        return {"index": index, "size": size, "proof": [step.hex() for step in path]}

    def consistency(self, first: int, second: int) -> dict[str, Any]:
        """Proof that the log only grew between two sizes."""
        try:
            path = self.log.consistency(first, second)
        except NotFound as error:
            raise Refusal("unknown-receipt", error.message) from None
        return {"first": first, "second": second, "proof": [step.hex() for step in path]}

    # -- checks -------------------------------------------------------------------------------------------------------

    def _signed(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """A request, once it is known to be fresh, for this server, and from its account."""
        try:
            return self._checked(kind, body)
        except InputError as error:
            raise Refusal("malformed", error.message) from error

    def _checked(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        request, delegation = body.get("request"), body.get("delegation")
        if not isinstance(request, dict) or not isinstance(delegation, dict):
            raise InputError("request and delegation must be objects")
        asking = typed(kind, request, self.chain_id, self.registry)
        delegated = typed("Delegation", delegation, self.chain_id, self.registry)
        asked, session = asking["message"], delegated["message"]
        self._require_fresh(asked, session)
        signed = recover_typed_data(asking, bytes_of(body.get("signature"), "signature"))
        if signed.lower() != session["session"].lower():
            raise Refusal("bad-signature", "the request is not signed by the session")
        delegator = recover_typed_data(delegated, bytes_of(body.get("delegation_signature"), "signature"))
        if not delegator.lower() == session["account"].lower() == asked["account"].lower():
            raise Refusal("bad-signature", "the session was not delegated by the account that asks")
        pause = self._accounts.take(delegator.lower())
        if pause:
            raise Refusal("too-many", f"too many requests of this account: come again in {pause:.0f} s", pause)
        if kind == "ReleaseRequest":
            self._require_signed_parts(body, asked)
        if not self._nonces.use(asked["account"], request["nonce"], asked["expires"] + CLOCK_SKEW, int(time.time())):
            raise Refusal("replayed", "this request was made before")
        # Numbers may come as text and text as numbers: what follows reads the checked values.
        return {**request, **{name: value for name, value in asked.items() if isinstance(value, int)}} | {
            "asset": str(asked["asset"])
        }

    def _require_fresh(self, asked: dict[str, Any], session: dict[str, Any]) -> None:
        now = int(time.time())
        if asked["server"] != self.id:
            raise Refusal("wrong-server", f"this is key server {self.id}")
        if not now - CLOCK_SKEW <= asked["expires"] <= now + MAX_REQUEST + CLOCK_SKEW:
            raise Refusal("late", "the request has expired, or is good for more than a minute: check the clock")
        if session["issued"] > now + CLOCK_SKEW or session["expires"] - session["issued"] > MAX_SESSION:
            raise Refusal("bad-session", "the session is not valid yet, or for more than 30 minutes")
        if session["expires"] < now:
            raise Refusal("bad-session", "the session has expired")

    @staticmethod
    def _require_signed_parts(body: dict[str, Any], asked: dict[str, Any]) -> None:
        sealed, reply_key = _decoded(body.get("sealed_share")), _decoded(body.get("reply_key"))
        if (
            hashlib.sha256(sealed).digest() != asked["sealedShare"]
            or hashlib.sha256(reply_key).digest() != asked["replyKey"]
        ):
            raise Refusal("bad-signature", "the share or the reply key is not the one that was signed")

    def _release_request(self, body: dict[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
        request = self._signed("ReleaseRequest", body)
        return request, _decoded(body["sealed_share"]), _decoded(body["reply_key"])

    def _open_share(self, request: dict[str, Any], sealed: bytes, creator: str, name: str) -> bytes:
        dataset = bytes_of(request["dataset"], "dataset")
        bound = scope(self.chain_id, self.registry, creator, name, dataset, request["epoch"])
        info = share_info(bound, request["accessClass"], request["index"], request["threshold"], request["shares"])
        try:
            return open_sealed(self._key, info, sealed)
        except IntegrityError:
            raise Refusal("foreign-share", "this share is not of that asset, or not sealed to this server") from None

    def _receipt(
        self, index: int, request: dict[str, Any], delegation: dict[str, Any], decision: Decision
    ) -> dict[str, Any]:
        now = int(time.time())
        if decision.until and decision.until <= now:  # between the check and here
            raise Refusal("expired", f"what allowed it ended at {decision.until}")
        block = decision.block_hash
        receipt = {
            "server": self.id,
            "index": index,
            "account": request["account"],
            "session": delegation["session"],
            "asset": request["asset"],
            "license": str(decision.license),
            "epoch": request["epoch"],
            "accessClass": request["accessClass"],
            "use": request["use"],
            "request": hashlib.sha256(reply_info(request)).hexdigest(),
            "blockNumber": decision.block_number,
            "blockHash": bytes(block).hex() if isinstance(block, bytes | bytearray) else block.removeprefix("0x"),
            "time": now,
        }
        signature = self._signer.sign_typed_data(typed("ReleaseReceipt", receipt, self.chain_id, self.registry))
        # Beside the signed part: nonce and expiry, so that a restarted server still knows what it answered; how many
        # shares a key takes and when the license ends, for who reads the log.
        return {
            "receipt": receipt,
            "signature": signature.hex(),
            "nonce": request["nonce"],
            "expires": request["expires"] + CLOCK_SKEW,
            "threshold": request["threshold"],
            "until": decision.until,
        }


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InputError("a field is not base64") from None

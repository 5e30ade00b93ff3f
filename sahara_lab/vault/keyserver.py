"""A key server: it holds one key, keeps no list of assets, and releases a share when the policy says so.

What it answers is sealed to the requester, and only after a signed receipt is on disk.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sahara_lab.errors import InputError, IntegrityError, NotFound
from sahara_lab.signing import LocalSigner, recover_typed_data
from sahara_lab.vault.manifest import scope
from sahara_lab.vault.receipts import ReceiptLog
from sahara_lab.vault.release import reply_info
from sahara_lab.vault.sealing import EncryptionKey, as_private, open_sealed, seal_to
from sahara_lab.vault.typed import CLOCK_SKEW, MAX_REQUEST, MAX_SESSION, bytes_of, typed
from sahara_lab.vault.values import AccessPolicy, Decision
from sahara_lab.vault.wrapping import share_info

MAX_BODY = 16 << 10
API = "1"

_STATUS = {
    "malformed": 400,
    "wrong-server": 400,
    "late": 400,
    "bad-signature": 403,
    "bad-session": 403,
    "foreign-share": 403,
    "replayed": 409,
    "unknown-asset": 404,
    "internal": 503,
}


class Refusal(Exception):
    """Why a request gets no share: a stable code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


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
    """The decisions of a key server, without HTTP."""

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
        now = int(time.time())
        for receipt in self.log.recent(1024):  # a restart must not make old requests good again
            if receipt["expires"] >= now:
                self._nonces.use(receipt["receipt"]["account"], receipt["nonce"], receipt["expires"], now)

    def release(self, body: dict[str, Any]) -> dict[str, Any]:
        """Check a request, ask the policy, and answer with a share and a receipt.

        Raises:
            Refusal: no share, and why.
        """
        try:
            request, sealed, reply_key = self._checked(body)
        except InputError as error:
            raise Refusal("malformed", error.message) from error
        identity = self._policy.identity(int(request["asset"]))
        decision = self._policy.check(request["account"], int(request["asset"]), request["epoch"], request["use"])
        if not decision.allowed or identity is None:
            code = "unknown-asset" if identity is None and decision.allowed else decision.reason_code
            raise Refusal(code, decision.detail or "the policy refuses")
        share = self._open_share(request, sealed, *identity)
        answer = seal_to(reply_key, reply_info(request), share)
        receipt = self.log.append(lambda index: self._receipt(index, request, body["delegation"], decision))
        return {"sealed_share": base64.b64encode(answer).decode(), **receipt}

    def _checked(self, body: dict[str, Any]) -> tuple[dict[str, Any], bytes, bytes]:
        """The request, once it is known to be fresh, for this server, and from its account."""
        request, delegation = body.get("request"), body.get("delegation")
        if not isinstance(request, dict) or not isinstance(delegation, dict):
            raise InputError("request and delegation must be objects")
        asked = typed("ReleaseRequest", request, self.chain_id, self.registry)["message"]
        delegated = typed("Delegation", delegation, self.chain_id, self.registry)
        now = int(time.time())
        if asked["server"] != self.id:
            raise Refusal("wrong-server", f"this is key server {self.id}")
        if not now - CLOCK_SKEW <= asked["expires"] <= now + MAX_REQUEST + CLOCK_SKEW:
            raise Refusal("late", "the request has expired, or is good for more than a minute: check the clock")
        session = delegated["message"]
        if session["issued"] > now + CLOCK_SKEW or session["expires"] - session["issued"] > MAX_SESSION:
            raise Refusal("bad-session", "the session is not valid yet, or for more than 30 minutes")
        if session["expires"] < now:
            raise Refusal("bad-session", "the session has expired")
        signed = recover_typed_data(
            typed("ReleaseRequest", request, self.chain_id, self.registry), bytes_of(body.get("signature"), "signature")
        )
        if signed.lower() != session["session"].lower():
            raise Refusal("bad-signature", "the request is not signed by the session")
        delegator = recover_typed_data(delegated, bytes_of(body.get("delegation_signature"), "signature"))
        if not delegator.lower() == session["account"].lower() == asked["account"].lower():
            raise Refusal("bad-signature", "the session was not delegated by the account that asks")
        sealed, reply_key = _decoded(body.get("sealed_share")), _decoded(body.get("reply_key"))
        if (
            hashlib.sha256(sealed).digest() != asked["sealedShare"]
            or hashlib.sha256(reply_key).digest() != asked["replyKey"]
        ):
            raise Refusal("bad-signature", "the share or the reply key is not the one that was signed")
        if not self._nonces.use(asked["account"], request["nonce"], asked["expires"] + CLOCK_SKEW, now):
            raise Refusal("replayed", "this request was made before")
        return request, sealed, reply_key

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
            "time": int(time.time()),
        }
        signature = self._signer.sign_typed_data(typed("ReleaseReceipt", receipt, self.chain_id, self.registry))
        # Nonce and expiry stand beside the signed part so that a restarted server still knows what it answered.
        return {
            "receipt": receipt,
            "signature": signature.hex(),
            "nonce": request["nonce"],
            "expires": request["expires"] + CLOCK_SKEW,
        }


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InputError("a field is not base64") from None


def verify_receipt(receipt: dict[str, Any], signature: str, *, account: str, chain_id: int, registry: str) -> bool:
    """Whether a receipt is signed by the key server with this account."""
    try:
        data = typed("ReleaseReceipt", receipt, chain_id, registry)
        return recover_typed_data(data, bytes_of(signature, "signature")).lower() == account.lower()
    except InputError:
        return False


def create_app(
    server_key: EncryptionKey | bytes,
    signer: LocalSigner,
    policy: AccessPolicy,
    receipts: Path,
    *,
    server_id: int,
    chain_id: int,
    registry: str,
) -> Starlette:
    """The HTTP application of one key server.

    Args:
        server_key: HPKE private key, or its 32-byte seed.
        signer: signs receipts; its address is the server's account in the registry.
        policy: who may have keys; its calls may block, they run in threads.
        receipts: file of the receipt log.
        server_id: the server's id in the registry, which requests must name.
        chain_id: chain that requests must be signed for.
        registry: address of the asset registry, which requests must be signed for.
    """
    server = KeyServer(server_key, signer, policy, receipts, server_id=server_id, chain_id=chain_id, registry=registry)

    async def release(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await asyncio.to_thread(server.release, await _body(request)))
        except Refusal as refusal:
            return _error(refusal.code, refusal.detail)
        except Exception as error:  # the chain behind the policy may be away: that is this server's trouble
            return _error("internal", f"the key server cannot decide now ({type(error).__name__})")

    async def info(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "server": server.id,
                "account": server.account,
                "chain_id": server.chain_id,
                "registry": server.registry,
                "api": API,
                "time": int(time.time()),
                "log": server.log.head(),
            }
        )

    async def receipt(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await asyncio.to_thread(server.log.get, int(request.path_params["index"])))
        except NotFound as error:
            return JSONResponse({"error": {"code": error.code, "detail": error.message}}, 404)

    app = Starlette(
        routes=[
            Route("/v1/release", release, methods=["POST"]),
            Route("/v1/info", info),
            Route("/v1/receipts/{index:int}", receipt),
        ]
    )
    app.state.server = server
    return app


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_BODY:
            raise Refusal("malformed", "the request is too long")
    try:
        body = orjson.loads(data)
    except ValueError:
        raise Refusal("malformed", "the request is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal("malformed", "the request is not an object")
    return body


def _error(code: str, detail: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "detail": detail}}, _STATUS.get(code, 403))

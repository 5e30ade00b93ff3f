"""The HTTP face of a key server: sizes, times and rates are limited, and nothing that blocks runs in the event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sahara_lab.errors import InputError
from sahara_lab.signing import LocalSigner
from sahara_lab.vault.keyserver import KeyServer, Refusal
from sahara_lab.vault.keyserver_openapi import API, document
from sahara_lab.vault.limits import Buckets, Limits
from sahara_lab.vault.sealing import EncryptionKey
from sahara_lab.vault.typed import bytes_of
from sahara_lab.vault.values import AccessPolicy

_STATUS = {
    "malformed": 400,
    "wrong-server": 400,
    "late": 400,
    "unknown-asset": 404,
    "unknown-receipt": 404,
    "replayed": 409,
    "too-many": 429,
    "busy": 503,
    "internal": 503,
}  # everything else is 403
_READERS = 4  # threads for questions about the log, which releases that wait for the chain do not hold up


def create_app(
    server_key: EncryptionKey | bytes,
    signer: LocalSigner,
    policy: AccessPolicy,
    receipts: Path,
    *,
    server_id: int,
    chain_id: int,
    registry: str,
    limits: Limits | None = None,
) -> Starlette:
    """The ASGI application of one key server; for its arguments see :class:`KeyServer`."""
    server = KeyServer(
        server_key,
        signer,
        policy,
        receipts,
        server_id=server_id,
        chain_id=chain_id,
        registry=registry,
        limits=limits,
    )
    face = _Face(server, limits or Limits())
    app = Starlette(
        routes=[
            Route("/v1/release", face.answers(face.release), methods=["POST"]),
            Route("/v1/receipts", face.answers(face.receipts), methods=["POST"]),
            Route("/v1/info", face.answers(face.info), methods=["GET"]),
            Route("/v1/log", face.answers(face.log), methods=["GET"]),
            Route("/v1/log/inclusion", face.answers(face.inclusion), methods=["GET"]),
            Route("/v1/log/consistency", face.answers(face.consistency), methods=["GET"]),
            Route("/v1/openapi.json", face.answers(face.openapi), methods=["GET"]),
        ],
        exception_handlers={HTTPException: _unrouted},
    )
    app.state.server = server
    return app


class _Pool:
    """Threads with a bounded queue: who comes when it is full is sent away at once."""

    def __init__(self, name: str, workers: int, waiting: int, patience: float) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._room = workers + waiting
        self._patience = patience

    async def run(self, work: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
        """The result of ``work``; what takes too long goes on, but nobody waits for it."""
        if self._room <= 0:
            raise Refusal("busy", "too much to do: come again in a few seconds", 2.0)
        self._room -= 1
        loop = asyncio.get_running_loop()
        job = self._threads.submit(work, *args)
        job.add_done_callback(lambda done: self._leave(loop, done))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), self._patience)
        except TimeoutError:
            raise Refusal("busy", "the chain is too slow: come again in a few seconds", 2.0) from None

    def _leave(self, loop: asyncio.AbstractEventLoop, done: Future[Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._count_out)

    def _count_out(self) -> None:
        self._room += 1


class _Face:
    """The handlers."""

    def __init__(self, server: KeyServer, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._addresses = Buckets(limits.address)
        self._deciding = _Pool("deciding", limits.workers, limits.waiting, limits.answer_seconds)
        self._reading = _Pool("reading", _READERS, limits.waiting, limits.answer_seconds)

    def answers(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """Count the caller's address, and turn refusals and failures into answers."""

        async def endpoint(request: Request) -> Response:
            try:
                pause = self._addresses.take(request.client.host if request.client else "")
                if pause:
                    raise Refusal("too-many", "too many requests from this address", pause)
                return JSONResponse(await handler(request))
            except Refusal as refusal:
                return _error(refusal.code, refusal.detail, refusal.retry_after)
            except Exception as error:  # the chain behind the policy may be away: that is this server's trouble
                return _error("internal", f"the key server cannot decide now ({type(error).__name__})", 2.0)

        return endpoint

    async def release(self, request: Request) -> dict[str, Any]:
        return await self._deciding.run(self._server.release, await self._body(request))

    async def receipts(self, request: Request) -> dict[str, Any]:
        return await self._deciding.run(self._server.receipts, await self._body(request))

    async def info(self, request: Request) -> dict[str, Any]:
        return {
            "server": self._server.id,
            "account": self._server.account,
            "chain_id": self._server.chain_id,
            "registry": self._server.registry,
            "api": API,
            "time": int(time.time()),
            "log": await self._reading.run(self._server.log.head),
        }

    async def log(self, request: Request) -> dict[str, Any]:
        return await self._reading.run(self._server.head)

    async def inclusion(self, request: Request) -> dict[str, Any]:
        try:
            leaf = bytes_of(request.query_params.get("leaf"), "leaf")
        except InputError as error:
            raise Refusal("malformed", error.message) from None
        return await self._reading.run(self._server.inclusion, leaf, _number(request, "size"))

    async def consistency(self, request: Request) -> dict[str, Any]:
        first, second = _number(request, "first"), _number(request, "second")
        return await self._reading.run(self._server.consistency, first, second)

    async def openapi(self, request: Request) -> dict[str, Any]:
        return document()

    async def _body(self, request: Request) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                data = b""
                async for piece in request.stream():
                    data += piece
                    if len(data) > self._limits.body:
                        raise Refusal("malformed", "the request is too long")
        except TimeoutError:
            raise Refusal("malformed", "the request took too long to arrive") from None
        try:
            body = orjson.loads(data)
        except ValueError:
            raise Refusal("malformed", "the request is not JSON") from None
        if not isinstance(body, dict):
            raise Refusal("malformed", "the request is not an object")
        return body


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refusal("malformed", f"{name} is not a number")
    return int(text)


def _error(code: str, detail: str, retry_after: float = 0.0) -> JSONResponse:
    headers = {"retry-after": str(math.ceil(retry_after))} if retry_after else None
    return JSONResponse({"error": {"code": code, "detail": detail}}, _STATUS.get(code, 403), headers)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": {"code": "unknown-path", "detail": error.detail}}, error.status_code, error.headers)

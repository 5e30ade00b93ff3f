"""The HTTP face of a provider: sizes, times and rates are limited, and nothing that blocks runs in the event loop.

Who may do what is not decided here: a package is good when the escrow names its hash, a message when it opens under the
job's key. So the service needs no accounts of its own, and plain HTTP gives nothing away but sizes and times.
"""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sahara_lab.errors import InputError, SaharaError
from sahara_lab.rental.provider import Provider
from sahara_lab.rental.provider_openapi import document
from sahara_lab.rental.sealed import MOST_MESSAGE, MOST_PACKAGE
from sahara_lab.vault.limits import Buckets, Rate

_log = logging.getLogger(__name__)
_STATUS = {"input": 400, "integrity": 403, "access-denied": 403, "not-found": 404, "job": 409, "network": 503}
_BODY_SECONDS = 120.0
_WORKERS, _WAITING = 8, 64
_ADDRESS = Rate(400, 40.0)
_BYTES = "application/octet-stream"
_ENDING = 5
Result = TypeVar("Result")


class Busy(SaharaError):
    """Too much to do now."""

    code = "busy"


def create_app(provider: Provider) -> Starlette:
    """The ASGI application of one provider."""
    face = _Face(provider)
    return Starlette(
        routes=[
            Route("/v1/info", face.answers(face.info), methods=["GET"]),
            Route("/v1/jobs/{job}", face.answers(face.take), methods=["PUT"]),
            Route("/v1/jobs/{job}/line", face.answers(face.open_line), methods=["POST"]),
            Route("/v1/jobs/{job}/messages", face.answers(face.message), methods=["POST"]),
            Route("/v1/openapi.json", face.answers(face.openapi), methods=["GET"]),
        ],
        exception_handlers={HTTPException: _unrouted},
    )


class _Face:
    """The handlers."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._addresses = Buckets(_ADDRESS)
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="answering")
        self._room = _WORKERS + _WAITING

    def answers(self, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """Count the caller's address, and turn refusals and failures into answers."""

        async def endpoint(request: Request) -> Response:
            try:
                pause = self._addresses.take(request.client.host if request.client else "")
                if pause:
                    return _error("too-many", "too many requests from this address", 429, pause)
                answer = await handler(request)
                return Response(answer, media_type=_BYTES) if isinstance(answer, bytes) else JSONResponse(answer)
            except Busy as error:
                return _error(error.code, error.message, 503, 2.0)
            except SaharaError as error:
                return _error(error.code, str(error), _STATUS.get(error.code, 409))
            except Exception:  # a fault of this machine, whose details are nobody else's business
                _log.exception("a request failed")
                return _error("internal", "the provider cannot answer now", 503, 2.0)

        return endpoint

    async def info(self, request: Request) -> dict[str, Any]:
        return await self._run(self._provider.info)

    async def openapi(self, request: Request) -> dict[str, Any]:
        return document()

    async def take(self, request: Request) -> dict[str, Any]:
        job = _job(request)
        await self._run(self._provider.check, job)  # before anything large is read
        return await self._run(self._provider.take, job, await _body(request, MOST_PACKAGE))

    async def open_line(self, request: Request) -> bytes:
        return await self._run(self._provider.open_line, _job(request), await _body(request, 64))

    async def message(self, request: Request) -> bytes:
        return await self._run(self._provider.message, _job(request), await _body(request, MOST_MESSAGE))

    async def _run(self, work: Callable[..., Result], *args: Any) -> Result:
        if self._room <= 0:
            raise Busy("too much to do: come again in a few seconds")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._room += 1


def _job(request: Request) -> int:
    text = request.path_params["job"]
    if len(text) != 64 or not all(letter in "0123456789abcdef" for letter in text):
        raise InputError("a job's id is 64 digits of 0-9 and a-f")
    return int(text, 16)


async def _body(request: Request, most: int) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            data = bytearray()
            async for piece in request.stream():
                data += piece
                if len(data) > most:
                    raise InputError(f"the request is longer than {most} bytes")
            return bytes(data)
    except TimeoutError:
        raise InputError("the request took too long to arrive") from None


def _error(code: str, detail: str, status: int, retry_after: float = 0.0) -> JSONResponse:
    headers = {"retry-after": str(math.ceil(retry_after))} if retry_after else None
    return JSONResponse({"error": {"code": code, "detail": detail}}, status, headers)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": {"code": "unknown-path", "detail": error.detail}}, error.status_code, error.headers)


def serve(provider: Provider, host: str, port: int, *, ready: Callable[[], None], patience: float = 60.0) -> None:
    """Serve until told to end (SIGTERM, SIGINT); then take no more jobs, stop those that run, settle, and go.

    The doors stay open meanwhile: renters bring their last vouchers.
    """
    import uvicorn

    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    config = uvicorn.Config(
        create_app(provider),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=256,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_ENDING,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    while not server.started and thread.is_alive() and not told.wait(0.05):
        pass
    if not thread.is_alive():
        raise InputError(f"the address {host}:{port} is in use", hint="Choose another --port")
    ready()
    while not told.wait(0.5) and thread.is_alive():
        provider.tick()
    was_draining = provider.draining
    provider.drain()
    provider.close(patience)
    provider.drain(was_draining)
    server.should_exit = True
    thread.join(_ENDING + 5)

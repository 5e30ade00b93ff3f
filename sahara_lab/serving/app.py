"""The HTTP face of a gateway (docs/spec/serving.md): limits sizes and times, admits, asks the model, charges.

It answers on loopback unless told otherwise, in plain HTTP: where others reach it, TLS has to stand before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sahara_lab.errors import InputError, NotFound, SaharaError
from sahara_lab.serving import openai
from sahara_lab.serving.paying import Model, PaymentRequired, Ticket, Till
from sahara_lab.serving.payments import REQUEST_ID, REQUIRED, RESPONSE, SIGNATURE, encoded
from sahara_lab.serving.replica import Answer, failed

_log = logging.getLogger(__name__)
_STATUS = {"input": 400, "access-denied": 401, "funds": 402, "payment-required": 402, "not-found": 404, "network": 503}
MOST_BODY = 4 * 1024 * 1024
MOST_KEPT = 256 * 1024  # bytes of an answer that are kept for who asks again
_BODY_SECONDS, _MODEL_SECONDS = 30.0, 120.0
_JSON = "application/json"


@dataclass
class Deployed:
    """A served model: how to ask it, whether it is a ``language`` model, and why it may not be asked at present."""

    model: Model
    ask: Callable[[bytes], Awaitable[Answer]]
    kind: str = "json"
    refused: str = ""


class Counter:
    """Answers the routes for the models in ``deployed``, by name.

    Args:
        terms: what a call of a model costs, as the document of a 402, for the URL it was asked at.
    """

    def __init__(
        self, deployed: Mapping[str, Deployed], till: Till, terms: Callable[[Model, str], dict[str, Any]]
    ) -> None:
        self._deployed = deployed
        self._till = till
        self._terms = terms
        self._running: dict[bytes, asyncio.Future[tuple[bytes, Answer]]] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/health", self.health, methods=["GET"]),
                Route("/v1/models", self.models, methods=["GET"]),
                Route("/v1/models/{owner}/{name}:predict", self.predict, methods=["POST"]),
                Route("/v1/models/{owner}/{name}", self.model, methods=["GET"]),
                Route("/v1/completions", self.completions, methods=["POST"]),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _unrouted},
        )

    async def health(self, request: Request) -> Response:
        """200 while the gateway answers."""
        return JSONResponse({"status": "ok", "models": len(self._deployed)})

    async def models(self, request: Request) -> Response:
        """What is served, as OpenAI's list of models."""
        return JSONResponse({"object": "list", "data": [described(one.model) for one in self._deployed.values()]})

    async def model(self, request: Request) -> Response:
        """One model: its price, and how it is paid."""
        try:
            found = self._found(f"{request.path_params['owner']}/{request.path_params['name']}").model
        except SaharaError as error:
            return _refusal(error)
        return JSONResponse({**described(found), "payment": self._terms(found, str(request.url))})

    async def predict(self, request: Request) -> Response:
        """Predictions for instances."""
        try:
            body = await _body(request)
            found = self._found(f"{request.path_params['owner']}/{request.path_params['name']}")
        except SaharaError as error:
            return _refusal(error)
        return await self.call(request, found, body)

    async def completions(self, request: Request) -> Response:
        """OpenAI's completions."""
        return await self._openai(request, chat=False)

    async def chat(self, request: Request) -> Response:
        """OpenAI's chat completions."""
        return await self._openai(request, chat=True)

    async def _openai(self, request: Request, *, chat: bool) -> Response:
        try:
            sent = await _body(request)
            document = openai.parsed(sent)
            found = self._found(document["model"])
            if found.kind != "language":
                raise InputError(f"{found.model.name} is no language model", hint="POST to /v1/models/…:predict")
            body = openai.asked(document, chat=chat)
        except SaharaError as error:
            return _refusal(error)
        return await self.call(request, found, body, openai.shape(found.model.name, chat=chat))

    async def call(self, request: Request, found: Deployed, body: bytes, shape: openai.Shape | None = None) -> Response:
        """Admit a call, ask the model with ``body``, and charge it.

        Args:
            shape: what makes the response of the model's answer, where it is not the answer itself.
        """
        model, headers = found.model, request.headers
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer if scheme.lower() == "bearer" else ""
        payment, identity = headers.get(SIGNATURE, ""), headers.get(REQUEST_ID, "")
        try:
            if payment and not given:  # asks the chain at times
                ticket = await asyncio.to_thread(self._till.admit, model, given, payment, identity)
            else:
                ticket = self._till.admit(model, given, payment, identity)
        except SaharaError as error:
            return self._refused(error, model, str(request.url))
        digest = hashlib.sha256(body).digest()
        if ticket.again:
            return await self._again(ticket, digest, shape)
        charged, answer = 0, failed(500, "internal", "the gateway cannot answer now")
        if ticket.fingerprint is not None:
            self._running[ticket.fingerprint] = asyncio.get_running_loop().create_future()
        try:
            answer = await _asked(found, body)
        finally:
            # Even where the caller has gone: what was computed is charged once, and kept for when it asks again.
            if answer[0] == 200:
                kept = answer[1] if len(answer[1]) <= MOST_KEPT else b""
                charged = self._till.charge(model, ticket, (digest, kept))
            else:
                self._till.failed(model, ticket)
            if ticket.fingerprint is not None:
                self._running.pop(ticket.fingerprint).set_result((digest, answer))
        return _response(answer, charged if ticket.channel else None, shape)

    async def _again(self, ticket: Ticket, digest: bytes, shape: openai.Shape | None) -> Response:
        """The answer of before, for a call whose id was seen before: it costs nothing."""
        assert ticket.fingerprint is not None
        running = self._running.get(ticket.fingerprint)
        if running is not None:
            body, answer = await asyncio.shield(running)
        else:
            kept = self._till.answered(ticket.fingerprint)
            body, answer = (kept.body, (200, kept.answer)) if kept else (digest, failed(409, "again", "ask once more"))
            if kept and not kept.answer:
                answer = failed(409, "again", "the answer was too long to be kept; the call was charged")
        if body != digest:
            return _send(failed(422, "input", "another request had this id"))
        return _response(answer, 0, shape)

    def _found(self, name: str) -> Deployed:
        found = self._deployed.get(name)
        if found is None:
            raise NotFound(f"{name} is not served here", hint="See what is: GET /v1/models")
        if found.refused:
            raise NotFound(f"{name} is not served at present: {found.refused}")
        return found

    def _refused(self, error: SaharaError, model: Model, url: str) -> Response:
        response = _refusal(error)
        if response.status_code == 402 and model.price:
            terms = self._terms(model, url)
            if isinstance(error, PaymentRequired) and error.needed is not None:
                terms["accepts"][0]["extra"]["needed"] = str(error.needed)
            response.headers[REQUIRED] = encoded({**terms, "error": str(error)[:300]})
        return response


def described(model: Model) -> dict[str, Any]:
    """A model as the lists show it; ``price`` in wei."""
    owner = model.name.partition("/")[0]
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": owner,
        "version": model.version,
        "asset": str(model.asset),
        "price": str(model.price),
    }


async def _asked(found: Deployed, body: bytes) -> Answer:
    try:
        async with asyncio.timeout(_MODEL_SECONDS):
            return await found.ask(body)
    except TimeoutError:
        return failed(504, "timeout", f"the model did not answer within {_MODEL_SECONDS:.0f} seconds")
    except Exception as error:
        if type(error).__name__ == "BackPressureError":
            return failed(503, "busy", "too many calls wait: come again in a few seconds")
        _log.exception("a call failed")
        return failed(503, "internal", "the model cannot answer now")


async def _body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            data = bytearray()
            async for piece in request.stream():
                data += piece
                if len(data) > MOST_BODY:
                    raise InputError(f"the request is longer than {MOST_BODY} bytes")
            return bytes(data)
    except TimeoutError:
        raise InputError("the request took too long to arrive") from None


def _response(answer: Answer, charged: int | None, shape: openai.Shape | None) -> Response:
    response = _send((200, shape(answer[1])) if shape is not None and answer[0] == 200 else answer)
    if charged is not None:
        response.headers[RESPONSE] = encoded({"success": answer[0] == 200, "charged": str(charged)})
    return response


def _refusal(error: SaharaError) -> Response:
    return _send(failed(_STATUS.get(error.code, 409), error.code, error.message, error.hint))


def _send(answer: Answer) -> Response:
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "2"}}.get(answer[0])
    return Response(answer[1], answer[0], headers, media_type=_JSON)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _send(failed(error.status_code, "unknown-path", error.detail))

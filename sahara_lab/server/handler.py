"""What every route shares: one error format, checked input, and calls that never block the server's loop."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from http.client import responses
from typing import Any, ParamSpec, TypeVar, cast

from jupyter_server.auth.decorator import authorized as _authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from sahara_lab.errors import InputError, NetworkError, SaharaError
from sahara_lab.server.service import LabService

P = ParamSpec("P")
T = TypeVar("T")
Verb = TypeVar("Verb", bound=Callable[..., Any])

MAX_BODY = 16 * 1024
MAX_TEXT = 200
MAX_PATH = 4096

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

_STATUS = {
    "input": 400,
    "funds": 402,
    "access-denied": 403,
    "license-expired": 403,
    "license-conflict": 409,
    "wallet": 403,
    "not-found": 404,
    "name-taken": 409,
    "price": 409,
    "chain": 409,
    "job": 409,
    "governance": 409,
    "integrity": 502,
    "network": 503,
    "key-servers": 503,
    "storage": 507,
}

_PLAIN = {
    400: ("input", "Check what was sent and try again"),
    403: ("forbidden", "Log in to this Jupyter server again, or reload the page"),
    404: ("not-found", "Reload the page: the server and the sidebar may be of different versions"),
    405: ("input", "Reload the page: the server and the sidebar may be of different versions"),
}


def authorized(action: str, resource: str) -> Callable[[Verb], Verb]:
    """Jupyter's decorator with both arguments required: left out, it remembers those of the first class that ran it."""
    return cast(Callable[[Verb], Verb], _authorized(action, resource))


class SaharaHandler(APIHandler):
    """Base of all routes. Verbs are declared in subclasses, each with its own authentication and authorization."""

    service: LabService

    def initialize(self, service: LabService) -> None:
        self.service = service

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call of the SDK in a thread."""
        return await asyncio.to_thread(call, *args, **kwargs)

    # -- input --------------------------------------------------------------------------------------------------------

    def text(self, name: str, *, limit: int = MAX_TEXT, strip: bool = True) -> str:
        """An argument of the query, stripped unless it is a path; empty when it is missing."""
        return _checked_text(name, self.get_query_argument(name, "", strip=strip), limit, strip)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """An argument that must be one of a few words; None when it is missing."""
        value = self.text(name)
        if value and value not in allowed:
            raise InputError(f"{name} cannot be {value!r}", hint=f"Use one of: {', '.join(allowed)}")
        return value or None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """An argument that must be a whole number between two bounds."""
        value = self.text(name, limit=20)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise InputError(f"{name} must be a whole number", hint=f"Use {low} to {high}")
        return int(value)

    def body(self, *fields: str, limit: int = MAX_TEXT, exact: tuple[str, ...] = ()) -> dict[str, str]:
        """The named text fields of the JSON body, stripped but for the ``exact`` ones; missing ones are empty."""
        document = self.document(fields, MAX_BODY)
        return {field: self.field(document, field, limit, strip=field not in exact) for field in fields}

    def document(self, fields: tuple[str, ...], most: int) -> dict[str, Any]:
        """The JSON body as an object of at most ``most`` bytes; fields other than the named ones are refused."""
        if len(self.request.body) > most:
            raise InputError("the request is too large", hint=f"Send at most {most} bytes")
        try:
            document = json.loads(self.request.body or b"{}")
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise InputError("the request is not a JSON object")
        unknown = sorted(set(document) - set(fields))
        if unknown:
            raise InputError(f"unknown field {unknown[0][:40]!r}", hint=f"Known fields: {', '.join(fields) or 'none'}")
        return document

    @staticmethod
    def field(document: dict[str, Any], name: str, limit: int = MAX_TEXT, *, strip: bool = True) -> str:
        """A text field of such an object."""
        return _checked_text(name, document.get(name), limit, strip)

    @property
    def account(self) -> str | None:
        """The account the request acts for; None is the server's default. It names a keystore: no paths."""
        handle = self.text("account", limit=64)
        if handle and not _HANDLE.fullmatch(handle):
            raise InputError("account is not a handle", hint="Handles have letters, digits and dashes")
        return handle or None

    # -- errors -------------------------------------------------------------------------------------------------------

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What a user can repair is not worth a traceback in the log."""
        if isinstance(value, SaharaError):
            self.log.info("%s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every failure as ``{code, message, hint}``. Messages of unexpected errors stay in the log."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, NetworkError):
            self.service.forget()
        if isinstance(error, SaharaError):
            self.set_status(_STATUS.get(error.code, 500))
            reply = {"code": error.code, "message": error.message, "hint": error.hint}
        elif isinstance(error, HTTPError):
            code, hint = _PLAIN.get(status_code, ("http", ""))
            reply = {"code": code, "message": responses.get(status_code, "the request failed"), "hint": hint}
        else:
            message, hint = "Sahara Lab failed unexpectedly", "The server's log has the details. Run: sahara-lab doctor"
            reply = {"code": "internal", "message": message, "hint": hint}
        self.finish(json.dumps(reply))


def matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    """``value`` itself.

    Raises:
        InputError: it has not the form of ``pattern``.
    """
    if not pattern.fullmatch(value):
        raise InputError(f"{what} has not the right form")
    return value


def _checked_text(name: str, value: object, limit: int, strip: bool = True) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{name} must be text")
    if len(value) > limit:
        raise InputError(f"{name} is too long", hint=f"Use at most {limit} characters")
    if any(ord(character) < 32 for character in value):
        raise InputError(f"{name} must not contain control characters")
    return value.strip() if strip else value

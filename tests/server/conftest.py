"""A real Jupyter server with the extension loaded and with authentication on.

The plugin's fixtures are imported, not declared as a plugin: its autouse fixtures then touch this folder only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from traitlets.config import Config


@dataclass(frozen=True)
class Answer:
    """Status and JSON of one response."""

    status: int
    json: Any


@pytest.fixture
def jp_server_config() -> Config:
    return Config({"ServerApp": {"jpserver_extensions": {"sahara_lab": True}, "allow_unauthenticated_access": False}})


@pytest.fixture
def fetch(http_server_client: Any, jp_auth_header: dict[str, str], jp_base_url: str) -> Callable[..., Any]:
    """An awaitable request to one of our routes; ``token=False`` leaves the token out."""

    async def send(
        path: str,
        *,
        body: object = None,
        token: bool = True,
        headers: dict[str, str] | None = None,
        method: str | None = None,
        **query: str,
    ) -> Answer:
        url = f"{jp_base_url}{quote(path if path.startswith('api/') else f'sahara-lab/api/{path}')}"
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        response = await http_server_client.fetch(
            f"{url}?{urlencode(query)}" if query else url,
            method=method or ("GET" if body is None else "POST"),
            body=data,
            headers={**(jp_auth_header if token else {}), **(headers or {})},
            raise_error=False,
            request_timeout=60,
            allow_nonstandard_methods=True,
        )
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.code, json.loads(response.body) if is_json and response.body else None)

    return send


@pytest.fixture
def ask(fetch: Callable[..., Any], jp_asyncio_loop: asyncio.AbstractEventLoop) -> Callable[..., Answer]:
    """One request, waited for."""
    return lambda *args, **options: jp_asyncio_loop.run_until_complete(fetch(*args, **options))

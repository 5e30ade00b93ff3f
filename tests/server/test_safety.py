"""Nobody gets in without a token, nothing is spent by a link, and no request can hold up the others."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from traitlets.config import Config

from sahara_lab.server.app import ROUTES
from sahara_lab.server.service import LabService

PATHS = {
    "status": "status",
    "network": "network",
    "listings": "listings",
    "quote": "quote",
    "license": "license",
    "checkout": "checkout",
    "mine": "mine",
    "claim": "claim",
    "vaults": "vaults",
    "uploads": "uploads",
    "jobs": "jobs",
}
VERBS = ("get", "post", "put", "patch", "delete", "head")


class ReadOnly(Authorizer):  # type: ignore[misc]
    """Lets everybody look and nobody act."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read" and (resource.startswith("sahara-lab.") or not resource)


def declared(handler: type[Any]) -> list[str]:
    return [verb for verb in VERBS if verb in vars(handler)]


@pytest.mark.parametrize(("route", "handler"), ROUTES)
def test_every_verb_is_authenticated_and_then_authorized(route: str, handler: type[Any]) -> None:
    verbs = declared(handler)
    assert verbs, route
    for verb in verbs:
        lines = [line.strip() for line in inspect.getsource(vars(handler)[verb]).splitlines()]
        assert lines[0] == "@authenticated"
        assert lines[1].startswith('@authorized("')
        assert '"sahara-lab.' in lines[1]


@pytest.mark.parametrize(("route", "handler"), ROUTES)
def test_looking_and_acting_are_different_verbs(route: str, handler: type[Any]) -> None:
    for verb in declared(handler):
        source = inspect.getsource(vars(handler)[verb])
        assert ('@authorized("read"' in source) == (verb == "get")


def test_no_verb_answers_without_a_token(ask: Any) -> None:
    for path, handler in ((PATHS[route], handler) for route, handler in ROUTES if route in PATHS):
        for verb in declared(handler):
            answer = ask(path, token=False, method=verb.upper(), body="{}" if verb == "post" else None)
            assert answer.status == 403, (path, verb)
            assert answer.json["code"] == "forbidden"


def test_a_cookie_without_the_xsrf_header_spends_nothing(
    ask: Any, jp_serverapp: Any, jp_asyncio_loop: Any, http_server_client: Any, jp_base_url: str
) -> None:
    token = jp_serverapp.identity_provider.token

    async def log_in() -> str:
        page = await http_server_client.fetch(
            f"{jp_base_url}login?token={token}", follow_redirects=False, raise_error=False
        )
        return "; ".join(header.split(";")[0] for header in page.headers.get_list("Set-Cookie"))

    cookie = jp_asyncio_loop.run_until_complete(log_in())
    assert ask("status", token=False, headers={"Cookie": cookie}).status == 200
    body = {"name": "alice/digits", "license": "", "max_price": "25"}
    assert ask("license", token=False, headers={"Cookie": cookie}, body=body).status == 403
    assert ask("claim", token=False, headers={"Cookie": cookie}, body={}).status == 403
    assert ask("vaults/alice/digits/rotate", token=False, headers={"Cookie": cookie}, body={}).status == 403
    sending = ask(f"uploads/{'0' * 32}", token=False, headers={"Cookie": cookie}, method="PUT", body=b"x")
    assert sending.status == 403


class TestOtherUser:
    @pytest.fixture
    def jp_server_config(self) -> Config:
        return Config(
            {
                "ServerApp": {
                    "jpserver_extensions": {"sahara_lab": True},
                    "allow_unauthenticated_access": False,
                    "authorizer_class": ReadOnly,
                }
            }
        )

    def test_who_may_only_read_cannot_spend_stop_or_start(self, ask: Any) -> None:
        assert ask("status").status == 200
        keys = tuple(f"vaults/alice/digits/{verb}" for verb in ("share", "unshare", "rotate"))
        uploads = ("uploads", f"uploads/{'0' * 32}/publish")
        for path in ("license", "claim", "network", "jobs/train-1/stop", *keys, *uploads):
            assert ask(path, body={}).status == 403, path
        for verb in ("PUT", "DELETE"):
            assert ask(f"uploads/{'0' * 32}", method=verb, body=b"").status == 403, verb


def test_a_slow_call_of_the_sdk_does_not_hold_up_the_server(
    fetch: Any, jp_asyncio_loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(self: LabService, account: str | None) -> dict[str, object]:
        time.sleep(1)
        return {}

    monkeypatch.setattr(LabService, "status", slow)

    async def both() -> float:
        waiting = asyncio.ensure_future(fetch("status"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert (await fetch("api/status")).status == 200
        took = time.monotonic() - began
        assert not waiting.done()
        assert (await waiting).status == 200
        return took

    assert jp_asyncio_loop.run_until_complete(both()) < 0.7


def test_an_unexpected_failure_keeps_its_details_in_the_log(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: LabService, account: str | None) -> dict[str, object]:
        raise RuntimeError("password hunter2")

    monkeypatch.setattr(LabService, "status", broken)
    answer = ask("status")
    assert answer.status == 500
    assert answer.json["code"] == "internal"
    assert "hunter2" not in str(answer.json)
    assert "sahara-lab doctor" in answer.json["hint"]

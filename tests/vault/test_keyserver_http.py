"""The HTTP face of a key server: it keeps to its OpenAPI document, and no caller can take it from the others."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient

from sahara_lab.signing import LocalSigner
from sahara_lab.vault import Limits, create_app, new_seed
from sahara_lab.vault.keyserver_openapi import document
from sahara_lab.vault.limits import Buckets, Rate
from tests.vault.test_release import ask, publish, request_body

World = Any  # the fixture of conftest.py
CHAIN, REGISTRY = 31337, "0x" + "ab" * 20
PLENTY = Rate(10**9, 10.0**9)


def app(tmp_path: Path, policy: Any, **limits: Any) -> Any:
    return create_app(
        new_seed(),
        LocalSigner.generate(),
        policy,
        tmp_path / "receipts",
        server_id=1,
        chain_id=CHAIN,
        registry=REGISTRY,
        limits=Limits(**limits),
    )


class Nobody:
    """A policy that licenses nobody."""

    def identity(self, asset: int) -> None:
        return None

    owner = identity

    def check(self, *question: Any) -> Any:
        raise ConnectionError("the node is away")


@pytest.mark.parametrize(
    ("path", "method"), [(path, way) for path, ways in document()["paths"].items() for way in ways]
)
def test_every_answer_is_one_that_the_document_announces(tmp_path: Path, path: str, method: str) -> None:
    made = app(tmp_path, Nobody(), address=PLENTY, account=PLENTY)
    operation = schemathesis.openapi.from_asgi("/v1/openapi.json", made)[path][method]

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
    def fuzz(case: Any) -> None:
        # A request of the right form is refused still when it is late or its signature is not one.
        case.call_and_validate(excluded_checks=CHECKS.get_by_names(["positive_data_acceptance"]))

    fuzz()


def test_the_document_names_every_path(tmp_path: Path) -> None:
    served = {route.path for route in app(tmp_path, Nobody()).routes}
    assert served == set(document()["paths"])


def test_an_account_that_asks_too_often_is_told_when_to_come_again(world: World, tmp_path: Path) -> None:
    ref = publish(world)
    server = world.servers[0].app.state.server
    before, server._accounts = server._accounts, Buckets(Rate(1, 0.01))
    try:
        assert ask(world.servers[0].url, "POST", "/v1/release", request_body(world, ref))[0] == 200
        status, answer = ask(world.servers[0].url, "POST", "/v1/release", request_body(world, ref))
        assert (status, answer["error"]["code"]) == (429, "too-many")
    finally:
        server._accounts = before


def test_a_reader_of_many_assets_waits_for_their_turn(world: World) -> None:
    ref = publish(world)
    servers = [server.app.state.server for server in world.servers]
    before = [server._accounts for server in servers]
    for server in servers:
        server._accounts = Buckets(Rate(1, 5.0))
        server._accounts.take(world.bob.account.lower())
    try:
        assert world.open(ref, world.bob).read("a") == b"content"
    finally:
        for server, buckets in zip(servers, before, strict=True):
            server._accounts = buckets


def test_nobody_uses_up_what_another_account_may_ask(world: World) -> None:
    """Requests in Bob's name that he did not sign do not count against him."""
    ref = publish(world)
    server = world.servers[0].app.state.server
    before, server._accounts = server._accounts, Buckets(Rate(1, 0.01))
    try:
        forged = request_body(world, ref)
        forged["delegation_signature"] = "00" * 65
        for _ in range(3):
            assert ask(world.servers[0].url, "POST", "/v1/release", forged)[0] in (400, 403)
        assert ask(world.servers[0].url, "POST", "/v1/release", request_body(world, ref))[0] == 200
    finally:
        server._accounts = before


def test_an_address_that_asks_too_often_is_sent_away_before_anything_is_checked(tmp_path: Path) -> None:
    with TestClient(app(tmp_path, Nobody(), address=Rate(2, 0.01))) as client:
        assert [client.get("/v1/info").status_code for _ in range(3)] == [200, 200, 429]
        answer = client.post("/v1/release", content=b"x")
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


def test_a_body_that_never_ends_is_given_up(world: World) -> None:
    server = world.servers[0]
    where = urlsplit(server.url)
    face = server.app.routes[0].endpoint.__closure__
    limits = next(cell.cell_contents for cell in face if hasattr(cell.cell_contents, "_limits"))
    before, limits._limits = limits._limits, Limits(body_seconds=0.2)
    try:
        with socket.create_connection((where.hostname, where.port)) as slow:
            slow.sendall(b"POST /v1/release HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            assert b"too long to arrive" in slow.recv(4096) + slow.recv(4096)
    finally:
        limits._limits = before


def test_a_slow_chain_does_not_keep_the_server_from_answering(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = publish(world)
    release = threading.Event()
    honest = world.policy.identity
    monkeypatch.setattr(world.policy, "identity", lambda asset: release.wait(20) and honest(asset))
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(ask(world.servers[0].url, "POST", "/v1/release", request_body(world, ref))[0])
    )
    asking.start()
    assert ask(world.servers[0].url, "GET", "/v1/info")[0] == 200
    assert answers == []
    release.set()
    asking.join(20)
    assert answers == [200]


def test_more_than_can_be_decided_is_sent_away_at_once(tmp_path: Path) -> None:
    with TestClient(app(tmp_path, Nobody(), workers=1, waiting=-1)) as client:
        answer = client.post("/v1/release", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")


def test_buckets_refill_and_forget_the_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("sahara_lab.vault.limits.time.monotonic", lambda: now[0])
    monkeypatch.setattr("sahara_lab.vault.limits.MAX_CALLERS", 2)
    buckets = Buckets(Rate(2, 0.5))
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a")] == [0, 0, 2]
    now[0] += 2
    assert buckets.take("a") == 0
    for caller in "bcd":
        buckets.take(caller)
    assert len(buckets._levels) == 2

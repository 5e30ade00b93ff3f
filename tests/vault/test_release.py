"""Key servers: who gets a key, who does not, and what happens when servers fail, lie or hear the same thing twice."""

from __future__ import annotations

import base64
import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from sahara_lab.errors import AccessDenied, InputError, KeyServersUnavailable, LicenseExpired
from sahara_lab.signing import LocalSigner, canonical_json
from sahara_lab.vault import delegate_session, verify_proof, verify_receipt
from sahara_lab.vault.keyserver import KeyServer, Refusal
from sahara_lab.vault.merkle import leaf_hash
from sahara_lab.vault.release import _Request
from sahara_lab.vault.typed import typed

World = Any  # the fixture of conftest.py
CHAIN, REGISTRY = 31337, "0x" + "ab" * 20


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One HTTP exchange, outside of the vault's own client."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    data = body if isinstance(body, bytes | None) else orjson.dumps(body)
    connection.request(method, path, data, {"content-type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, orjson.loads(content)


def request_body(world: World, ref: Any, share: int = 1, **changes: Any) -> dict[str, Any]:
    """A valid request of Bob's to one server, signed again after ``changes`` to it."""
    manifest = world.open(ref).manifest
    session = world.bob.session()
    asking = _Request(ref, manifest, manifest.release[0], world.bob.account, session, "read")
    body = asking._body(manifest.release[0].shares[share - 1])
    if changes:
        body["request"].update(changes)
        body["signature"] = session.signer.sign_typed_data(
            typed("ReleaseRequest", body["request"], CHAIN, REGISTRY)
        ).hex()
    return body


def publish(world: World) -> Any:
    ref = world.publish({"a": b"content"})
    world.policy.license(world.bob.account, ref.asset)
    return ref


def servers_at(ref: Any, world: World, **moved: str) -> Any:
    """The same version with some key servers somewhere else."""
    urls = {server.number: server.url for server in world.servers}
    urls.update({int(name[1:]): url for name, url in moved.items()})
    return replace(ref, key_servers=urls)


DEAD = "http://127.0.0.1:9"  # the discard port: nothing listens there


# -- who gets a key ---------------------------------------------------------------------------------------------------


def test_a_licensed_reader_gets_the_key(world: World) -> None:
    vault = world.licensed(publish(world))
    assert vault.read("a") == b"content"
    assert len(vault.receipts) == 2


def test_the_owner_gets_it_too_where_only_a_session_is_at_hand(world: World) -> None:
    ref = publish(world)
    world.alice.encryption_key = None
    assert world.open(ref).read("a") == b"content"


@pytest.mark.parametrize(
    ("reason", "error", "words"),
    [
        ("no-license", AccessDenied, "Run: %sahara license alice/digits"),
        ("expired", LicenseExpired, "has expired. Run: %sahara license alice/digits"),
        ("compute-only", AccessDenied, "compute-only"),
        ("stale-epoch", AccessDenied, "Open it again"),
    ],
)
def test_without_a_valid_license_the_reader_is_told_what_to_do(
    world: World, reason: str, error: type[Exception], words: str
) -> None:
    ref = publish(world)
    world.policy.license(world.bob.account, ref.asset, reason)
    with pytest.raises(error) as caught:
        world.open(ref, world.bob).read("a")
    assert words in str(caught.value)


def test_another_accounts_license_is_of_no_use(world: World) -> None:
    ref = publish(world)
    carol = type(world.bob)()
    with pytest.raises(AccessDenied):
        world.open(ref, carol).read("a")
    # Carol claims to be Bob, with her own session.
    carol_as_bob = type(world.bob)()
    carol_as_bob.__class__ = type("Liar", (type(carol_as_bob),), {"account": world.bob.account})
    with pytest.raises(AccessDenied, match="not delegated"):
        world.open(ref, carol_as_bob).read("a")


def test_a_fresh_purchase_is_waited_for_until_it_is_final(world: World) -> None:
    ref = publish(world)
    world.policy.not_final_for = 5
    assert world.open(ref, world.bob).read("a") == b"content"


def test_an_asset_shared_only_directly_says_so(world: World) -> None:
    ref = publish(world)
    vault = world.open(ref, world.bob)
    vault.manifest = replace(vault.manifest, release=())
    with pytest.raises(AccessDenied, match="directly by its owner"):
        vault.read("a")


# -- servers that fail or lie -----------------------------------------------------------------------------------------


def test_one_server_down_is_not_noticed(world: World) -> None:
    ref = servers_at(publish(world), world, s2=DEAD)
    assert world.open(ref, world.bob).read("a") == b"content"


def test_waiting_for_a_silent_server_takes_nothing_from_the_wait_for_a_purchase(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sahara_lab.vault.release.READ_TIMEOUT", 0.6)
    monkeypatch.setattr("sahara_lab.vault.release.NOT_FINAL_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ref = servers_at(publish(world), world, s2=f"http://127.0.0.1:{silent.getsockname()[1]}")
        world.policy.not_final_for = 2
        assert world.open(ref, world.bob).read("a") == b"content"


def test_two_servers_down_are_named_as_too_many(world: World) -> None:
    ref = servers_at(publish(world), world, s1=DEAD, s3=DEAD)
    with pytest.raises(KeyServersUnavailable) as caught:
        world.open(ref, world.bob).read("a")
    assert str(caught.value) == "1 of 3 key servers answered, 2 needed. Run: sahara-lab doctor"


def lie(world: World, number: int) -> Callable[[], None]:
    """Make a key server answer with a wrong share, properly sealed and signed."""
    server = world.servers[number - 1].app.state.server
    honest = server._open_share
    server._open_share = lambda *arguments: bytes(byte ^ 1 for byte in honest(*arguments))
    return lambda: setattr(server, "_open_share", honest)


def test_one_lying_server_is_left_out(world: World) -> None:
    ref = publish(world)
    stop = lie(world, 3)
    try:
        for _ in range(3):
            assert world.open(ref, world.bob).read("a") == b"content"
        with pytest.raises(KeyServersUnavailable, match="key server 3 answered with a wrong share"):
            world.open(servers_at(ref, world, s1=DEAD), world.bob).read("a")
    finally:
        stop()


def test_a_server_whose_policy_fails_counts_as_unavailable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = publish(world)

    def broken(asset: int) -> None:
        raise ConnectionError("the node is away, and its secret address is 10.0.0.7")

    monkeypatch.setattr(world.policy, "identity", broken)
    with pytest.raises(KeyServersUnavailable, match="0 of 3") as caught:
        world.open(ref, world.bob).read("a")
    assert "10.0.0.7" not in str(caught.value)


# -- requests that must not work --------------------------------------------------------------------------------------


def refused(world: World, body: Any, code: str, server: int = 1) -> None:
    status, answer = ask(world.servers[server - 1].url, "POST", "/v1/release", body)
    assert (status >= 400, answer["error"]["code"]) == (True, code), answer


def test_a_replayed_request_is_refused(world: World) -> None:
    body = request_body(world, publish(world))
    assert ask(world.servers[0].url, "POST", "/v1/release", body)[0] == 200
    refused(world, body, "replayed")


def test_a_replay_is_refused_by_a_restarted_server_too(world: World, tmp_path: Path) -> None:
    body = request_body(world, publish(world))
    options = {"server_id": 1, "chain_id": CHAIN, "registry": REGISTRY}

    def start() -> KeyServer:
        seed = world.servers[0].seed
        return KeyServer(seed, LocalSigner.generate(), world.policy, tmp_path / "log", **options)

    start().release(body)
    with pytest.raises(Refusal) as caught:
        start().release(body)
    assert caught.value.code == "replayed"


def test_a_request_to_another_server_is_refused(world: World) -> None:
    refused(world, request_body(world, publish(world)), "wrong-server", server=2)


def test_a_share_sealed_to_another_server_does_not_open(world: World) -> None:
    """Server 2's share, sent to server 1 in a request that names server 1."""
    refused(world, request_body(world, publish(world), share=2, server=1), "foreign-share")


def test_a_share_copied_into_another_asset_does_not_open(world: World) -> None:
    """Bob publishes an asset of his own with Alice's sealed shares in it, and asks as its owner."""
    ref = publish(world)
    world.policy.license(world.bob.account, ref.asset, "no-license")
    world.policy.assets[99] = (world.bob.account, "mine")
    refused(world, request_body(world, replace(ref, asset=99)), "foreign-share")


@pytest.mark.parametrize(
    "change", [{"epoch": 2}, {"accessClass": "other"}, {"index": 2}, {"threshold": 1}, {"shares": 9}]
)
def test_a_share_opens_only_as_what_it_was_sealed_as(world: World, change: dict[str, Any]) -> None:
    body = request_body(world, publish(world), **change)
    refused(world, body, "stale-epoch" if "epoch" in change else "foreign-share")


def test_requests_outside_their_minute_are_refused(world: World) -> None:
    ref = publish(world)
    now = int(time.time())
    for expires in (now - 60, now + 3600):
        refused(world, request_body(world, ref, expires=expires), "late")


def test_what_was_not_signed_is_refused(world: World) -> None:
    ref = publish(world)
    body = request_body(world, ref)
    body["request"]["use"] = "training"
    refused(world, body, "bad-signature")
    body = request_body(world, ref)
    body["reply_key"] = base64.b64encode(bytes(1216)).decode()
    refused(world, body, "bad-signature")
    body = request_body(world, ref)
    body["delegation"] = {**body["delegation"], "expires": body["delegation"]["expires"] - 1}
    refused(world, body, "bad-signature")


def test_sessions_end_after_thirty_minutes_at_most(world: World) -> None:
    ref = publish(world)
    with pytest.raises(InputError, match="30 minutes"):
        delegate_session(world.bob.signer, chain_id=CHAIN, registry=REGISTRY, lifetime=1801)
    now = int(time.time())
    for issued, expires in ((now - 4000, now - 3000), (now, now + 1801), (now + 600, now + 700)):
        body = request_body(world, ref)
        body["delegation"] = {**body["delegation"], "issued": issued, "expires": expires}
        signature = world.bob.signer.sign_typed_data(typed("Delegation", body["delegation"], CHAIN, REGISTRY))
        body["delegation_signature"] = signature.hex()
        refused(world, body, "bad-session")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b"[" * 10_000,
        b"x" * 40_000,
        {},
        {"request": {}, "delegation": {}},
        {"request": [], "delegation": 1},
    ],
)
def test_malformed_requests_are_refused_without_a_trace_of_why(world: World, body: Any) -> None:
    refused(world, body, "malformed")


@pytest.mark.parametrize(
    "field", ["signature", "delegation_signature", "sealed_share", "reply_key", "request", "delegation"]
)
def test_a_request_without_a_part_is_refused(world: World, field: str) -> None:
    body = request_body(world, publish(world))
    del body[field]
    refused(world, body, "malformed")


# -- receipts ---------------------------------------------------------------------------------------------------------


def test_every_release_leaves_a_receipt_that_anyone_can_check(world: World) -> None:
    ref = publish(world)
    server = world.servers[0]
    status, answer = ask(server.url, "POST", "/v1/release", request_body(world, ref))
    assert status == 200
    receipt = answer["receipt"]
    options = {"account": server.signer.address, "chain_id": CHAIN, "registry": REGISTRY}
    assert verify_receipt(receipt, answer["signature"], **options)
    assert not verify_receipt({**receipt, "account": world.alice.account}, answer["signature"], **options)
    assert (receipt["account"], receipt["asset"], receipt["license"]) == (world.bob.account, str(ref.asset), "5")

    status, logged = ask(server.url, "GET", f"/v1/receipts/{receipt['index']}")
    assert status == 200
    line = {key: logged[key] for key in ("receipt", "signature", "nonce", "expires")}
    path = [bytes.fromhex(step) for step in logged["proof"]]
    leaf, root = leaf_hash(canonical_json(line)), bytes.fromhex(logged["root"])
    assert verify_proof(leaf, logged["index"], logged["size"], path, root)

    info = ask(server.url, "GET", "/v1/info")[1]
    assert info["account"] == server.signer.address
    assert info["log"]["size"] == logged["size"]
    assert ask(server.url, "GET", "/v1/receipts/999999")[0] == 404


def test_a_receipt_cut_off_by_a_crash_is_dropped(world: World, tmp_path: Path) -> None:
    from sahara_lab.vault.receipts import ReceiptLog

    log = ReceiptLog(tmp_path / "log")
    for number in range(5):
        log.append(lambda index, number=number: {"index": index, "number": number})
    head = log.head()
    log.close()
    with (tmp_path / "log").open("ab") as stream:
        stream.write(b'{"index":5,"num')
    again = ReceiptLog(tmp_path / "log")
    assert again.head() == head
    again.append(lambda index: {"index": index, "number": 5})
    assert again.get(5)["number"] == 5

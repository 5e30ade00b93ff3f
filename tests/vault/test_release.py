"""Key servers: who gets a key, who does not, and what happens when servers fail, lie or hear the same thing twice."""

from __future__ import annotations

import base64
import errno
import http.client
import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from sahara_lab.errors import (
    AccessDenied,
    InputError,
    IntegrityError,
    KeyServersUnavailable,
    LicenseExpired,
    StorageError,
)
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import delegate_session, verify_proof, verify_receipt
from sahara_lab.vault.keyserver import KeyServer, Refusal
from sahara_lab.vault.receipts import ReceiptLog, receipt_leaf, verify_signed
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
            world.bob.end_session()
            assert world.open(ref, world.bob).read("a") == b"content"
        world.bob.end_session()
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
    world.policy.groups["other"] = {world.bob.account.lower()}
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

    head = ask(server.url, "GET", "/v1/log")[1]
    leaf = receipt_leaf(answer)
    status, found = ask(server.url, "GET", f"/v1/log/inclusion?leaf={leaf.hex()}&size={head['size']}")
    assert (status, found["index"]) == (200, receipt["index"])
    path = [bytes.fromhex(step) for step in found["proof"]]
    assert verify_proof(leaf, found["index"], head["size"], path, bytes.fromhex(head["root"]))
    message = {name: head[name] for name in ("server", "size", "root", "time")}
    assert verify_signed("LogHead", message, head["signature"], **options)

    assert ask(server.url, "GET", "/v1/info")[1]["account"] == server.signer.address
    assert ask(server.url, "GET", f"/v1/log/inclusion?leaf={'00' * 32}&size={head['size']}")[0] == 404


def test_a_key_is_released_once_in_a_session(world: World) -> None:
    ref = publish(world)
    asked = world.policy.asked
    for _ in range(3):
        assert world.open(ref, world.bob).read("a") == b"content"
    assert world.policy.asked <= asked + 3  # one question to each of three servers
    world.bob.end_session()
    world.policy.license(world.bob.account, ref.asset, "expired")
    with pytest.raises(LicenseExpired):
        world.open(ref, world.bob).read("a")


def test_a_released_key_is_kept_no_longer_than_the_license_lasts(world: World) -> None:
    ref = publish(world)
    world.policy.until = int(time.time()) + 3600
    vault = world.open(ref, world.bob)
    assert vault.read("a") == b"content"
    [[released]] = world.bob.session().released.values()
    assert released.until == world.policy.until
    [wanted] = world.bob.session().released
    world.bob.session().released[wanted] = [replace(released, until=int(time.time()) - 1)]
    world.policy.license(world.bob.account, ref.asset, "expired")
    with pytest.raises(LicenseExpired):
        world.open(ref, world.bob).read("a")


def test_released_keys_leave_the_process_neither_in_a_pickle_nor_in_a_repr(world: World) -> None:
    world.open(publish(world), world.bob).read("a")
    session = world.bob.session()
    [[released]] = session.released.values()
    assert released.grant.key.hex() not in repr(session) + repr(released)
    assert released.grant.key not in pickle.dumps(session)
    assert pickle.loads(pickle.dumps(session)).released == {}


def test_a_license_that_ends_between_check_and_release_gives_nothing(world: World) -> None:
    ref = publish(world)
    size = ask(world.servers[0].url, "GET", "/v1/info")[1]["log"]["size"]
    world.policy.until = int(time.time())  # allowed when asked, over when answered
    refused(world, request_body(world, ref), "expired")
    assert ask(world.servers[0].url, "GET", "/v1/info")[1]["log"]["size"] == size


@pytest.mark.parametrize("what", ["signed by another", "about another account"])
def test_a_server_without_an_honest_receipt_is_left_out_and_named(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ref = publish(world)
    server = world.servers[0].app.state.server
    if what == "signed by another":
        monkeypatch.setattr(server, "_signer", LocalSigner.generate())
    else:
        honest = server._receipt
        lie = lambda index, request, *rest: honest(index, {**request, "account": world.alice.account}, *rest)  # noqa: E731
        monkeypatch.setattr(server, "_receipt", lie)
    assert world.open(ref, world.bob).read("a") == b"content"
    world.bob.end_session()
    with pytest.raises(KeyServersUnavailable, match="key server 1 answered with a wrong receipt"):
        world.open(servers_at(ref, world, s3=DEAD), world.bob).read("a")


def test_a_receipt_cut_off_by_a_crash_is_dropped(world: World, tmp_path: Path) -> None:
    log = ReceiptLog(tmp_path / "log")
    for number in range(5):
        log.append(lambda index, number=number: {"index": index, "number": number})
    head = log.head()
    log.close()
    for torn in (b'{"index":5,"num', b"\0" * 100, b"\0" * 99 + b"\n"):
        with (tmp_path / "log").open("ab") as stream:
            stream.write(torn)
        again = ReceiptLog(tmp_path / "log")
        assert again.head() == head
        again.close()
    again = ReceiptLog(tmp_path / "log")
    again.append(lambda index: {"index": index, "number": 5})
    assert again.get(5)["number"] == 5


def test_a_log_damaged_in_its_middle_is_not_written_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n{"a":\n{"a":3}\n')
    with pytest.raises(IntegrityError, match=r"receipt 1 in .* is damaged"):
        ReceiptLog(path)


def test_one_process_writes_a_log(tmp_path: Path) -> None:
    log = ReceiptLog(tmp_path / "log")
    with pytest.raises(StorageError, match="another process"):
        ReceiptLog(tmp_path / "log")
    log.close()
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_a_receipt_that_does_not_fit_on_the_disk_leaves_the_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ReceiptLog(tmp_path / "log")
    log.append(lambda index: {"number": index})
    head = log.head()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError, match="no space"):
            log.append(lambda index: {"number": index})
    assert log.head() == head
    log.append(lambda index: {"number": index})
    log.close()
    again = ReceiptLog(tmp_path / "log")
    assert [entry["number"] for entry in again.recent(9)] == [0, 1]

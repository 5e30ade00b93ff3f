"""Reading contracts, and errors in words."""

from __future__ import annotations

import multiprocessing
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_abi import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sahara_lab.chain import Chain, Rpc, explain_error
from sahara_lab.chain.abi import EventType, abi_of, artifact_names
from sahara_lab.chain.handles.notices import NOTICES
from sahara_lab.chain.reasons import _WORDS
from sahara_lab.errors import ChainError, NetworkError


def test_structs_come_as_dicts_and_addresses_with_checksum(world: Any) -> None:
    server = world.chain.contract("KeyServerRegistry").call("get", 2)
    assert set(server) == {"account", "active", "url", "encryptionKey"}
    assert server["url"] == "http://127.0.0.1:2"
    assert server["account"] != server["account"].lower()
    assert len(server["encryptionKey"]) == 1216


def test_many_calls_come_back_in_order(world: Any) -> None:
    holders = [world.wallet(name).address for name in ("alice", "bob", "carol")]
    calls = [(world.token, "balanceOf", (holder,)) for holder in holders * 150]
    answers = world.chain.batch_call(calls)
    assert answers == [world.token.call("balanceOf", holder) for holder in holders] * 150


def test_one_refused_call_of_a_batch_is_explained(world: Any) -> None:
    registry = world.chain.contract("AssetRegistry")
    with pytest.raises(ChainError, match=r"there is no (asset|token) 99999"):
        world.chain.batch_call([(world.token, "totalSupply", ()), (registry, "ownerOf", (99_999,))])


def test_a_read_at_an_earlier_block_sees_the_past(world: Any) -> None:
    block = world.chain.block().number
    before = world.token.call("totalSupply", block=block)
    assert before == world.token.call("totalSupply") == 100_000 * 10**18


def test_logs_are_filtered_by_event(world: Any) -> None:
    first = world.deployment.block
    delegated = world.token.logs("DelegateChanged", first)
    assert len(delegated) == 3
    assert {event.name for event in world.token.logs(None, first)} >= {"DelegateChanged", "Transfer"}


def test_check_notices_another_chain_and_missing_contracts(world: Any) -> None:
    world.chain.check()
    with pytest.raises(NetworkError, match="serves chain 31337, not 1"):
        Chain(world.node.url, 1, world.chain.addresses).check()
    with pytest.raises(NetworkError, match="has no contract Market"):
        Chain(world.node.url, 31337, {"Market": "0x" + "00" * 19 + "09"}).check()
    with pytest.raises(NetworkError, match="no contract Nothing"):
        world.chain.contract("Nothing")


def test_every_custom_error_has_an_explanation() -> None:
    for name in artifact_names():
        for error in abi_of(name).errors.values():
            said = explain_error(error.selector + b"\0" * 32 * 8)
            assert said
            assert "<" not in said, f"{error.name}: {said}"


def test_every_error_of_our_own_sources_is_said_in_a_sentence() -> None:
    """Those of the libraries that they build on are said by their name."""
    sources = Path(__file__).resolve().parents[2] / "contracts" / "src"
    own = {name for path in sources.rglob("*.sol") for name in re.findall(r"^\s*error (\w+)\(", path.read_text(), re.M)}
    assert len(own) > 80
    assert own <= set(_WORDS) | set(NOTICES)


def test_the_words_name_only_errors_that_exist() -> None:
    known = {error.name for name in artifact_names() for error in abi_of(name).errors.values()}
    assert set(_WORDS) <= known


@given(st.binary(max_size=200))
def test_whatever_bytes_a_node_returns_there_is_an_explanation(data: bytes) -> None:
    assert explain_error(data)
    for selector in (bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71"), *list(abi_of("Market").errors)[:3]):
        assert explain_error(selector + data)


def test_a_web_server_that_is_no_node_is_named(tmp_path: Any) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(NetworkError, match="does not speak JSON-RPC"):
            Rpc(f"http://127.0.0.1:{server.server_port}")("eth_chainId")
    finally:
        server.shutdown()
        server.server_close()


def _ask(rpc: Rpc, answers: Any) -> None:
    answers.put([rpc("eth_chainId") for _ in range(20)])


def test_a_forked_process_has_its_own_connections(world: Any) -> None:
    rpc = Rpc(world.node.url)
    rpc("eth_chainId")
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    children = [context.Process(target=_ask, args=(rpc, answers)) for _ in range(2)]
    for child in children:
        child.start()
    assert [rpc("eth_chainId") for _ in range(50)] == ["0x7a69"] * 50
    assert [answers.get(timeout=30) for _ in children] == [["0x7a69"] * 20] * 2
    for child in children:
        child.join(30)


_KINDS = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=100),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes4": st.binary(min_size=4, max_size=4),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "string": st.text(max_size=50),
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
    "uint16[]": st.lists(st.integers(0, 65_535), max_size=4),
}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.data(), st.lists(st.tuples(st.sampled_from(sorted(_KINDS)), st.booleans()), max_size=7))
def test_events_decode_as_the_general_decoder_would(data: Any, parameters: list[tuple[str, bool]]) -> None:
    indexed = [place for place, (kind, wanted) in enumerate(parameters) if wanted and kind not in _DYNAMIC][:3]
    inputs = tuple({"name": f"a{n}", "type": kind, "indexed": n in indexed} for n, (kind, _) in enumerate(parameters))
    values = [data.draw(_KINDS[kind]) for kind, _ in parameters]
    topics = ["0x" + "00" * 32] + ["0x" + encode([parameters[n][0]], [values[n]]).hex() for n in indexed]
    plain = [n for n in range(len(parameters)) if n not in indexed]
    body = encode([parameters[n][0] for n in plain], [values[n] for n in plain])
    decoded = EventType("E", topics[0], inputs).decode(topics, body)
    assert list(decoded) == [entry["name"] for entry in inputs]
    for entry, value, found in zip(inputs, values, decoded.values(), strict=True):
        assert (found.lower() if entry["type"] == "address" else found) == value


_DYNAMIC = ("bytes", "string", "uint16[]")

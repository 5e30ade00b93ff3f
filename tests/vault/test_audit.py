"""Receipts: who may see them, and what an audit notices when a key server's log does not tell one story."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sahara_lab.signing import LocalSigner
from sahara_lab.vault.audit import Anchor, AuditedServer, Collected, collect
from sahara_lab.vault.merkle import MerkleTree, leaf_hash, verify_consistency
from tests.waiting import until

World = Any  # the fixture of conftest.py
CHAIN, REGISTRY = 31337, "0x" + "ab" * 20


def published(world: World) -> Any:
    """An asset that Bob and Carol have read, each with the keys of two servers at least."""
    ref = world.publish({"a": b"content"}, name=f"audited-{len(world.refs)}")
    for reader in (world.bob, type(world.bob)()):
        world.policy.license(reader.account, ref.asset)
        assert world.open(ref, reader).read("a") == b"content"
    log = world.servers[0].app.state.server.log
    until(lambda: len(log.of_asset(ref.asset, None, 0, 9)) == 2)  # the slowest server answers when nobody waits for it
    return ref


def look(world: World, ref: Any, who: Any, anchors: tuple[Anchor, ...] = (), **changes: Any) -> Collected:
    server = world.servers[0]
    known = {"id": 1, "url": server.url, "account": server.signer.address, **changes}
    return collect(AuditedServer(**known), who, ref.asset, anchors, chain_id=CHAIN, registry=REGISTRY)


def anchored(world: World) -> Anchor:
    """What server 1 would anchor at this moment."""
    head = world.servers[0].app.state.server.log.head()
    return Anchor(head["size"], bytes.fromhex(head["root"]), 7)


def test_the_owner_sees_every_receipt_and_a_reader_their_own(world: World) -> None:
    ref = published(world)
    everything, own = look(world, ref, world.alice), look(world, ref, world.bob)
    assert (everything.status, own.status) == ("ok", "ok")
    assert len({line["receipt"]["account"] for line in everything.lines}) == 2
    assert {line["receipt"]["account"] for line in own.lines} == {world.bob.account}


def test_a_stranger_sees_nothing(world: World) -> None:
    ref = published(world)
    found = look(world, ref, type(world.bob)())
    assert (found.status, found.lines) == ("ok", [])


def test_many_receipts_come_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sahara_lab.vault.keyserver.RECEIPTS_PAGE", 2)
    ref = world.publish({"a": b"content"}, name="paged")
    world.policy.license(world.bob.account, ref.asset)
    for _ in range(5):
        world.bob.end_session()
        world.open(ref, world.bob).read("a")
    seen = [line for server in range(3) for line in _of(world, ref, server)]
    assert len(seen) >= 10
    assert {line["receipt"]["account"] for line in seen} >= {world.bob.account}


def _of(world: World, ref: Any, index: int) -> list[dict[str, Any]]:
    server = world.servers[index]
    audited = AuditedServer(server.number, server.url, server.signer.address)
    found = collect(audited, world.bob, ref.asset, (), chain_id=CHAIN, registry=REGISTRY)
    assert found.status == "ok", found
    return found.lines


def test_a_log_that_continues_its_anchors_is_consistent(world: World) -> None:
    ref = published(world)
    first = anchored(world)
    published(world)
    found = look(world, ref, world.alice, (first, anchored(world)))
    assert (found.status, found.anchored) == ("ok", anchored(world).size)


def test_a_silent_server_is_named_as_unreachable(world: World) -> None:
    ref = published(world)
    assert look(world, ref, world.alice, url="http://127.0.0.1:9").status == "unreachable"


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        (lambda now: Anchor(now.size, bytes(32), 7), "was rewritten"),
        (lambda now: Anchor(now.size - 1, bytes(32), 7), "was rewritten"),
        (lambda now: Anchor(now.size + 5, now.root, 7), "says"),
    ],
)
def test_a_log_that_is_not_what_was_anchored_is_inconsistent(world: World, anchor: Any, words: str) -> None:
    ref = published(world)
    found = look(world, ref, world.alice, (anchor(anchored(world)),))
    assert found.status == "inconsistent"
    assert words in found.detail


def test_receipts_that_another_account_signed_are_not_believed(world: World) -> None:
    ref = published(world)
    found = look(world, ref, world.alice, account=LocalSigner.generate().address)
    assert (found.status, found.lines) == ("inconsistent", [])


def test_a_receipt_that_is_not_in_the_log_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = published(world)
    log = world.servers[0].app.state.server.log
    honest = log.get
    monkeypatch.setattr(log, "get", lambda index, size=None: {**honest(index, size), "until": 99})
    assert "is not in its log" in look(world, ref, world.alice).detail


@given(sizes=st.tuples(st.integers(0, 40), st.integers(0, 40)), spoiled=st.booleans())
def test_consistency_proofs_hold_for_true_prefixes_only(sizes: tuple[int, int], spoiled: bool) -> None:
    first, second = sorted(sizes)
    tree = MerkleTree(leaf_hash(bytes([number])) for number in range(second))
    old, new, path = tree.root(first), tree.root(second), tree.consistency(first, second)
    assert verify_consistency(first, second, old, new, path)
    if spoiled and first:  # nothing continues into anything
        assert not verify_consistency(first, second, bytes(32), new, path)
        assert not verify_consistency(first, second, old, bytes(32), path)
        assert not verify_consistency(first, second, old, new, [*path, bytes(32)])
        if first != second:
            assert not verify_consistency(second, first, new, old, path)
        if path:
            assert not verify_consistency(first, second, old, new, path[:-1])

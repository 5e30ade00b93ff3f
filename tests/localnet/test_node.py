"""The chain's node after a restart: its clock, and what it keeps of the past."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.chain import Rpc
from sahara_lab.chain.rpc import RpcError
from sahara_lab.errors import NetworkError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.node import Node, free_port
from sahara_lab.localnet.snapshot import Snapshot, Snapshots
from tests.localnet.conftest import Net
from tests.waiting import until

pytestmark = pytest.mark.network
AHEAD = 30 * 86_400


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[Snapshot]:
    """The state of a chain whose clock is a month ahead."""
    node = Node(anvil.ensure(), free_port(), tmp_path / "first.log")
    try:
        node.wait_ready()
        node.rpc("evm_increaseTime", AHEAD)
        node.rpc("evm_mine")
        yield node.snapshot()
    finally:
        node.stop()


def test_the_clock_is_right_from_the_first_answer_on(ahead: Snapshot, tmp_path: Path) -> None:
    node = Node(anvil.ensure(), free_port(), tmp_path / "second.log", ahead)
    try:
        until(lambda: _answers(node))
        last, following = node.rpc.batch([("eth_getBlockByNumber", [name, False]) for name in ("latest", "pending")])
        assert int(following["timestamp"], 16) > int(last["timestamp"], 16) > time.time() + AHEAD - 60
    finally:
        node.stop()


def test_a_restart_keeps_receipts_and_events_and_forgets_inner_calls(up: Net) -> None:
    receipt = up.pay(1)
    up.wait_saved()
    events = up.chain.contract("SaharaToken").logs(None, 0, receipt.block_number)
    up.down()
    kept = Snapshots(up.state).load()
    assert kept
    up.up()
    up.wait_saved()
    assert events
    assert up.chain.contract("SaharaToken").logs(None, 0, receipt.block_number) == events
    assert up.chain.rpc("eth_getTransactionReceipt", receipt.tx_hash)["status"] == "0x1"
    again = Snapshots(up.state).load()
    assert again
    assert len(gzip.decompress(again.state)) < 0.7 * len(gzip.decompress(kept.state))


def test_large_requests_are_taken_and_gas_stays_free(up: Net) -> None:
    from sahara_lab.chain import Call, Keyring, Receipt, Sender

    sender = Sender(up.chain, Keyring(up.profile).open("alice"), up.state / "journal-alice.jsonl")
    assert len(up.chain.rpc.batch([("web3_sha3", ["0x" + "00" * 1_500_000])])[0]) == 66
    token = up.chain.contract("SaharaToken")
    ends = sender.send_many(Call(token, "transfer", (up.chain.addresses["Market"], 1)) for _ in range(400))
    assert all(isinstance(end, Receipt) for end in ends)
    assert int(up.chain.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) == 0


def test_a_node_that_refuses_to_mine_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, ask = [], Rpc.__call__

    def refusing_once(rpc: Rpc, method: str, *params: Any) -> Any:
        if method == "evm_mine" and not refused:
            refused.append(method)
            raise RpcError("not now")
        return ask(rpc, method, *params)

    monkeypatch.setattr(Rpc, "__call__", refusing_once)
    node = Node(anvil.ensure(), free_port(), tmp_path / "anvil.log")
    try:
        node.wait_ready()
        account = "0x" + "a1" * 20
        node.rpc("anvil_setBalance", account, hex(10**18))
        node.rpc("anvil_impersonateAccount", account)
        node.rpc("eth_sendTransaction", {"from": account, "to": account})
        until(lambda: int(node.rpc("eth_blockNumber"), 16) > 0)
        assert refused
    finally:
        node.stop()


def _answers(node: Node) -> bool:
    try:
        return bool(node.rpc("eth_chainId"))
    except NetworkError:
        return False

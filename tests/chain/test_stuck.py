"""Transactions that do not get into a block by themselves: too cheap, forgotten, behind a hole, overtaken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sahara_lab.chain import Call, Chain, Receipt, Sender
from sahara_lab.chain import delivery as delivering
from sahara_lab.chain import sender as sending
from sahara_lab.chain.fees import GWEI, LEAST_TIP, MOST_FEE, MOST_TIP, current_fee
from sahara_lab.chain.journal import Journal
from sahara_lab.chain.transaction import read
from sahara_lab.errors import ChainError, FundsError, SaharaError
from sahara_lab.localnet.mining import LOOK
from tests.chain.proxy import Proxy
from tests.waiting import until

SOMEBODY = "0x00000000000000000000000000000000000000cC"


@pytest.fixture
def sender(world: Any, proxy: Proxy, me: str, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """An account of the test's own, whose node misbehaves as arranged."""
    monkeypatch.setattr(delivering, "STUCK", 0.1)
    seen = Chain(proxy.url, world.chain.chain_id, world.chain.addresses)
    return Sender(seen, world.wallet(me), world.journal(me))


def payments(world: Any, count: int, **options: Any) -> list[Call]:
    return [Call(world.token, "transfer", (SOMEBODY, 1), **options) for _ in range(count)]


class Elsewhere:
    """Another program with the same account, which knows nothing of the journal."""

    def __init__(self, world: Any, name: str) -> None:
        self._world, self._wallet = world, world.wallet(name)

    def send(self, nonce: int, fee: int = 10 * GWEI) -> str:
        """Hand over a transaction that does nothing, with a nonce of its choice."""
        raw, tx_hash = self._wallet.sign_transaction(
            {
                "type": 2,
                "chainId": self._world.chain.chain_id,
                "nonce": nonce,
                "to": self._wallet.address,
                "data": "0x",
                "value": 0,
                "gas": 21_000,
                "maxFeePerGas": fee,
                "maxPriorityFeePerGas": fee,
            }
        )
        self._world.node.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        return str(tx_hash)


class Sending:
    """A run in a thread, while the test makes blocks."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.result: Any = None
        self._thread = threading.Thread(target=self._keep, args=(run,), daemon=True)
        self._thread.start()

    def _keep(self, run: Callable[[], Any]) -> None:
        try:
            self.result = run()
        except SaharaError as error:
            self.result = error

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, meanwhile: Callable[[], Any] = lambda: None) -> Any:
        for _ in range(300):
            if self.over:
                return self.result
            meanwhile()
            self._thread.join(0.05)
        raise AssertionError("it did not end")


def pool(world: Any, name: str) -> dict[int, dict[str, Any]]:
    """An account's transactions that wait at the node, by nonce."""
    address = world.wallet(name).address.lower()
    content = world.node.rpc("txpool_content")
    waiting = {**content["queued"].get(address, {}), **content["pending"].get(address, {})}
    return {int(nonce): transaction for nonce, transaction in waiting.items()}


# -- fees -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("manual")
def test_a_base_fee_that_rises_while_transactions_wait_is_met_by_replacing_them(
    world: Any, me: str, sender: Sender
) -> None:
    had = world.balance(SOMEBODY)
    run = Sending(lambda: sender.send_many(payments(world, 3)))
    until(lambda: len(pool(world, me)) == 3)
    first = {nonce: int(tx["maxFeePerGas"], 16) for nonce, tx in pool(world, me).items()}
    rise = 3 * max(first.values())

    def next_block() -> None:
        world.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(rise))
        world.node.rpc("evm_mine")

    ends = run.wait(next_block)
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 3, 3)
    versions = Journal(world.journal(me)).standing()
    assert len(versions) >= 4, "replacements are in the journal"
    assert Journal(world.journal(me)).unfinished() == []


@pytest.mark.usefixtures("manual")
def test_a_transaction_that_blocks_pass_by_offers_more(world: Any, me: str, sender: Sender) -> None:
    """Nobody takes it, for whatever reason: three blocks later it is replaced, by at least an eighth more."""
    run = Sending(lambda: sender.send_many(payments(world, 1)))
    until(lambda: pool(world, me))
    first = int(pool(world, me)[0]["maxFeePerGas"], 16)

    def empty_block() -> None:
        held = pool(world, me)
        world.node.rpc("anvil_dropAllTransactions")
        world.node.rpc("evm_mine")
        if held:
            world.node.rpc("eth_sendRawTransaction", Journal(world.journal(me)).standing()[-1].raw)

    for _ in range(4):
        empty_block()
    until(lambda: int(pool(world, me).get(0, {"maxFeePerGas": "0x0"})["maxFeePerGas"], 16) >= first * 1.125)
    world.node.rpc("evm_mine")
    [end] = run.wait()
    assert isinstance(end, Receipt)
    assert world.nonce(me) == 1


@pytest.mark.usefixtures("manual")
def test_a_raise_has_a_bound_and_the_end_is_told(
    world: Any, me: str, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 1.5)
    run = Sending(lambda: sender.send_many(payments(world, 1)))
    until(lambda: pool(world, me))
    first = int(pool(world, me)[0]["maxFeePerGas"], 16)

    def next_block() -> None:
        world.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * first))
        world.node.rpc("evm_mine")

    [end] = run.wait(next_block)
    assert isinstance(end, ChainError)
    assert "is not in a block after" in str(end)
    assert "not sent twice" in end.hint
    assert max(read(entry.raw)["maxFeePerGas"] for entry in Journal(world.journal(me)).standing()) <= 10 * first
    assert [one.fate for one in sender.pending()] == ["pending"]


def test_a_fee_that_a_node_finds_too_low_is_raised(world: Any, me: str, sender: Sender, proxy: Proxy) -> None:
    """The node tells old fees; only when it refuses does it say that gas costs more."""
    proxy.answers("eth_gasPrice", lambda params, result: "0x1", times=1)
    world.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(5))
    try:
        assert isinstance(sender.send_many(payments(world, 1))[0], Receipt)
    finally:
        world.node.rpc("anvil_setNextBlockBaseFeePerGas", "0x0")
        world.node.rpc("evm_mine")
    assert world.nonce(me) == 1


def test_the_embedded_chain_takes_no_tip(world: Any) -> None:
    world.node.rpc("anvil_mine", hex(12))  # past other tests' blocks, in which somebody gave one
    assert current_fee(world.chain.rpc).tip == 0


def node_with(base: int, tips: list[int], suggestion: int | None) -> Any:
    def batch_raw(calls: Any) -> list[dict[str, Any]]:
        history = {
            "baseFeePerGas": [hex(base)] * (len(tips) + 1),
            "reward": [[hex(tip)] for tip in tips],
            "gasUsedRatio": [0.5 if tip >= 0 else 0 for tip in tips],
        }
        said = {"error": {"message": "no such method"}} if suggestion is None else {"result": hex(suggestion)}
        return [{"result": history}, said, {"result": hex(base + GWEI)}]

    return type("Node", (), {"batch_raw": staticmethod(batch_raw)})()


def test_a_public_chain_is_offered_what_its_blocks_took_within_bounds() -> None:
    assert current_fee(node_with(7 * GWEI, [GWEI, 2 * GWEI, 3 * GWEI], 1)).tip == 2 * GWEI
    assert current_fee(node_with(7 * GWEI, [], GWEI)).most == 15 * GWEI
    assert current_fee(node_with(7 * GWEI, [0, 0], None)).tip == LEAST_TIP
    assert current_fee(node_with(7 * GWEI, [10**15], 10**15)).tip == MOST_TIP
    assert current_fee(node_with(0, [GWEI], 1)).tip == GWEI
    with pytest.raises(ChainError, match=r"asks for .* gwei a unit of gas.*Nothing was sent"):
        current_fee(node_with(MOST_FEE, [], 1))


# -- nonces -----------------------------------------------------------------------------------------------------------


def test_a_nonce_that_another_program_used_in_mid_run_is_replaced_by_the_next(
    world: Any, me: str, sender: Sender, proxy: Proxy
) -> None:
    had = world.balance(SOMEBODY)
    other = Elsewhere(world, me)
    proxy.before("eth_sendRawTransaction", lambda: other.send(0))
    ends = sender.send_many(payments(world, 10))
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 10, 11)


@pytest.mark.usefixtures("manual")
def test_a_transaction_overtaken_while_it_waits_is_sent_again_once(world: Any, me: str, sender: Sender) -> None:
    """Another program replaces it in the pool by a dearer one, which is then the one in the block."""
    had = world.balance(SOMEBODY)
    run = Sending(lambda: sender.send_many(payments(world, 3)))
    until(lambda: len(pool(world, me)) == 3)
    stranger = Elsewhere(world, me).send(1, fee=100 * GWEI)
    until(lambda: pool(world, me)[1]["hash"] == stranger)
    ends = run.wait(lambda: world.node.rpc("evm_mine"))
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 3, 4)


@pytest.mark.usefixtures("manual")
def test_what_the_pool_forgets_is_handed_over_again(world: Any, me: str, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    run = Sending(lambda: sender.send_many(payments(world, 5)))
    until(lambda: len(pool(world, me)) == 5)
    world.node.rpc("anvil_dropAllTransactions")
    until(lambda: len(pool(world, me)) == 5)
    ends = run.wait(lambda: world.node.rpc("evm_mine"))
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 5, 5)


@pytest.mark.usefixtures("manual")
def test_a_hole_in_the_nonces_is_filled(world: Any, me: str, sender: Sender) -> None:
    """Another program's transaction, on which ours was to follow, leaves the pool for good."""
    Elsewhere(world, me).send(0)
    run = Sending(lambda: sender.send_many(payments(world, 2)))
    until(lambda: len(pool(world, me)) == 3)
    world.node.rpc("anvil_dropTransaction", pool(world, me)[0]["hash"])
    until(lambda: 0 in pool(world, me))
    ends = run.wait(lambda: world.node.rpc("evm_mine"))
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert world.nonce(me) == 3


def test_a_refusal_in_the_middle_holds_nobody_up(world: Any, me: str, sender: Sender) -> None:
    """The third of five would send more coins than there are: refused by the node, its nonce filled by nothing."""
    coins = world.node.rpc("eth_getBalance", world.wallet(me).address, "latest")
    calls = payments(world, 5, gas=100_000)
    calls[2] = Call(world.token, "transfer", (SOMEBODY, 1), value=2 * int(coins, 16), gas=100_000)
    ends = sender.send_many(calls)
    assert [type(end) for end in ends] == [Receipt, Receipt, FundsError, Receipt, Receipt], ends
    assert world.nonce(me) == 5
    assert sender.pending() == []


def test_out_of_gas_money_in_mid_run_is_told_and_more_money_finishes_it(world: Any, me: str, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    address = world.wallet(me).address
    price = current_fee(world.chain.rpc).most
    calls = payments(world, 4, gas=100_000)
    world.node.rpc("anvil_setBalance", address, hex(0))
    ends = sender.send_many(calls)
    assert all(isinstance(end, FundsError) for end in ends), ends
    world.node.rpc("anvil_setBalance", address, hex(price * 100_000 * 10))
    assert all(isinstance(end, Receipt) for end in sender.send_many(calls))
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 4, 4)


# -- reorganizations --------------------------------------------------------------------------------------------------


def test_what_a_reorganization_takes_from_the_chain_is_sent_again_once(world: Any, me: str, sender: Sender) -> None:
    """Ten blocks with ten payments that were told are replaced by empty ones; the node keeps none of them."""
    had = world.balance(SOMEBODY)
    receipts = [sender.send(world.token, "transfer", SOMEBODY, 1) for _ in range(10)]
    world.node.rpc("anvil_reorg", world.node.block_number() - receipts[0].block_number + 1, [])
    assert world.balance(SOMEBODY) == had
    sender.send(world.token, "transfer", SOMEBODY, 1)
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 11, 11)


@pytest.mark.usefixtures("manual")
def test_a_reorganization_under_mined_and_waiting_transactions_loses_none(world: Any, me: str, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    for _ in range(8):
        world.node.rpc("evm_mine")
    run = Sending(lambda: sender.send_many(payments(world, 6), confirmations=4))
    until(lambda: len(pool(world, me)) == 6)
    world.node.rpc("evm_mine")
    world.node.rpc("evm_mine")
    until(lambda: not any(one.fate is None for one in Journal(world.journal(me)).standing()))
    assert not run.over
    world.node.rpc("anvil_reorg", 10, [])
    assert world.nonce(me) == 0
    ends = run.wait(lambda: world.node.rpc("evm_mine"))
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 6, 6)
    assert all(world.chain.rpc("eth_getTransactionReceipt", end.tx_hash) for end in ends)
    assert sender.reconcile() == []


@pytest.mark.usefixtures("manual")
def test_confirmations_and_finality_are_awaited(world: Any, me: str, sender: Sender) -> None:
    """The test's chain is final two blocks later."""
    for wanted, blocks in ((3, 3), ("final", 3)):
        run = Sending(lambda wanted=wanted: sender.send(world.token, "transfer", SOMEBODY, 1, confirmations=wanted))
        until(lambda: pool(world, me))
        for _ in range(blocks - 1):
            world.node.rpc("evm_mine")
        until(lambda: not pool(world, me))
        assert not run.over
        world.node.rpc("evm_mine")
        assert isinstance(run.wait(), Receipt)


# -- the embedded chain's node ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("manual")
def test_what_is_ready_is_mined_unless_somebody_wants_it_to_wait(world: Any, me: str) -> None:
    run = Sending(lambda: world.sender(me).send_many(payments(world, 3)))
    until(lambda: len(pool(world, me)) == 3)
    head = world.node.block_number()
    time.sleep(2 * LOOK)
    assert world.node.block_number() == head
    world.node.rpc("evm_setIntervalMining", 0)
    ends = run.wait(lambda: None)
    assert all(isinstance(end, Receipt) for end in ends)


def test_a_burst_of_transactions_is_a_few_blocks_and_none_is_empty(world: Any, me: str, sender: Sender) -> None:
    first = world.node.block_number() + 1
    assert all(isinstance(end, Receipt) for end in sender.send_many(payments(world, 300)))
    last = world.node.block_number()
    time.sleep(0.5)
    assert world.node.block_number() == last, "nothing is left to be made"
    counts = [("eth_getBlockTransactionCountByNumber", [hex(block)]) for block in range(first, last + 1)]
    assert 0 < len(counts) < 100
    assert "0x0" not in world.node.rpc.batch(counts)


def test_what_waits_for_a_predecessor_that_is_mined_already_is_handed_over_again(world: Any, me: str) -> None:
    node, other = world.node, Elsewhere(world, me)
    for nonce in (1, 2):
        other.send(nonce)
    node.wake(node.block_number())
    assert world.nonce(me) == 0, "what really comes too early stays where it is"
    node.rpc("anvil_setNonce", world.wallet(me).address, "0x1")
    assert int(node.rpc("txpool_status")["queued"], 16) >= 2
    head = node.block_number()
    node.wake(head)
    until(lambda: world.nonce(me) == 3)

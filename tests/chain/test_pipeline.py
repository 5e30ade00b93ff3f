"""Many transactions at once: each has its own end, and one intent is one effect whatever the connection does."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sahara_lab.chain import Call, Chain, Receipt, Sender
from sahara_lab.chain import delivery as delivering
from sahara_lab.chain import pipeline as preparing
from sahara_lab.errors import ChainError, FundsError, InputError, NetworkError, StorageError, WalletError
from sahara_lab.units import WEI_PER_TOKEN
from tests.chain.proxy import Proxy

SOMEBODY = "0x00000000000000000000000000000000000000bB"


@pytest.fixture
def sender(world: Any, proxy: Proxy, me: str) -> Sender:
    """An account of the test's own, whose node misbehaves as arranged."""
    seen = Chain(proxy.url, world.chain.chain_id, world.chain.addresses)
    return Sender(seen, world.wallet(me), world.journal(me))


def payments(world: Any, count: int, **options: Any) -> list[Call]:
    return [Call(world.token, "transfer", (SOMEBODY, 1), **options) for _ in range(count)]


def test_equal_payments_all_count_and_a_refusal_is_that_ones_alone(world: Any, me: str, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    calls = payments(world, 250, gas=150_000)
    calls[100] = Call(world.token, "transfer", (SOMEBODY, 10**9 * WEI_PER_TOKEN))
    ends = sender.send_many(calls)
    assert isinstance(ends[100], FundsError)
    assert sum(isinstance(end, Receipt) for end in ends) == 249
    assert world.balance(SOMEBODY) == had + 249
    assert world.nonce(me) == 249


def test_a_revert_in_a_block_is_told_in_words_and_the_others_count(world: Any, me: str, sender: Sender) -> None:
    """Three payments of four tokens out of ten, tried together: only the block can tell that the third fails."""
    had = world.balance(SOMEBODY)
    amounts = [4 * WEI_PER_TOKEN, 4 * WEI_PER_TOKEN, 4 * WEI_PER_TOKEN, 1]
    ends = sender.send_many([Call(world.token, "transfer", (SOMEBODY, amount)) for amount in amounts])
    assert [type(end) for end in ends] == [Receipt, Receipt, FundsError, Receipt]
    assert "the balance does not cover the amount" in str(ends[2])
    assert world.balance(SOMEBODY) == had + 8 * WEI_PER_TOKEN + 1
    assert sender.pending() == []


def test_calls_may_depend_on_those_before_them(world: Any, sender: Sender) -> None:
    market = world.chain.addresses["Market"]
    ends = sender.send_many(
        [
            Call(world.token, "approve", (world.wallet("bob").address, 5)),
            Call(world.token, "transfer", (SOMEBODY, 1)),
            Call(world.token, "approve", (market, 0)),
        ]
    )
    assert all(isinstance(end, Receipt) for end in ends)


def test_more_gas_is_given_to_what_ran_out_of_a_shared_estimate(
    world: Any, me: str, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first payment to an address costs more gas than the estimate that it shares with one to a known address."""
    sender.send(world.token, "transfer", SOMEBODY, 1)
    monkeypatch.setattr(preparing, "GAS_MARGIN", 1.0)
    monkeypatch.setattr(preparing, "GAS_EXTRA", 0)
    fresh = f"0x{int(world.wallet(me).address, 16) ^ 1:040x}"
    ends = sender.send_many([Call(world.token, "transfer", (to, 1)) for to in (SOMEBODY, fresh)])
    assert all(isinstance(end, Receipt) for end in ends), ends
    assert world.balance(fresh) == 1


def test_a_call_that_does_not_fit_is_its_own_end(world: Any, sender: Sender) -> None:
    wrong, right = sender.send_many([Call(world.token, "transfer", ("nobody", 1)), *payments(world, 1)])
    assert isinstance(wrong, ChainError)
    assert isinstance(right, Receipt)


# -- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost", "silent", "garbled", "status"])
@pytest.mark.parametrize("count", [1, 5])
def test_a_stumbling_connection_neither_loses_nor_doubles(
    world: Any, sender: Sender, proxy: Proxy, kind: str, count: int
) -> None:
    had = world.balance(SOMEBODY)
    proxy.will("eth_sendRawTransaction", kind)
    ends = sender.send_many(payments(world, count))
    assert all(isinstance(end, Receipt) for end in ends)
    assert world.balance(SOMEBODY) == had + count


@pytest.mark.parametrize("method", ["eth_getTransactionCount", "eth_getTransactionReceipt"])
def test_a_node_that_stumbles_while_receipts_are_awaited_is_waited_for(
    world: Any, sender: Sender, proxy: Proxy, method: str
) -> None:
    had = world.balance(SOMEBODY)
    proxy.before("eth_sendRawTransaction", lambda: proxy.will(method, "lost", times=3))
    assert isinstance(sender.send_many(payments(world, 1))[0], Receipt)
    assert world.balance(SOMEBODY) == had + 1


def test_too_many_requests_are_waited_out(world: Any, sender: Sender, proxy: Proxy) -> None:
    proxy.will("eth_sendRawTransaction", "status", times=2, status=429)
    proxy.will("eth_getTransactionReceipt", "status", times=2, status=503)
    assert all(isinstance(end, Receipt) for end in sender.send_many(payments(world, 30)))


def test_a_node_that_takes_no_more_for_now_is_asked_again(
    world: Any, sender: Sender, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "STUCK", 0.1)
    had = world.balance(SOMEBODY)
    proxy.will("eth_sendRawTransaction", "full", times=3)
    assert all(isinstance(end, Receipt) for end in sender.send_many(payments(world, 10)))
    assert world.balance(SOMEBODY) == had + 10


@pytest.mark.parametrize("skip", [0, 1], ids=["at first", "in mid-run"])
def test_another_chain_gets_no_signature(world: Any, sender: Sender, proxy: Proxy, skip: int) -> None:
    proxy.answers("eth_chainId", lambda params, result: "0x1", skip=skip)
    for _ in range(skip):
        sender.send_many(payments(world, 1))
    proxy.seen.clear()
    with pytest.raises(NetworkError, match="serves chain 1, not 31337"):
        sender.send_many(payments(world, 1))
    assert proxy.count("eth_sendRawTransaction") == 0
    assert sender.pending() == []


def test_a_node_that_lags_gets_nothing_twice(
    world: Any, me: str, sender: Sender, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps telling old counts and has no receipts for a while; nonces do not repeat and nothing is paid again."""
    monkeypatch.setattr(delivering, "STUCK", 0.1)
    had = world.balance(SOMEBODY)
    sender.send_many(payments(world, 3))
    proxy.answers("eth_getTransactionCount", lambda params, result: "0x0", times=12)
    proxy.answers("eth_getTransactionReceipt", lambda params, result: None, times=30)
    assert all(isinstance(end, Receipt) for end in sender.send_many(payments(world, 4)))
    assert world.balance(SOMEBODY) == had + 7
    assert world.nonce(me) == 7


def test_a_receipt_that_is_late_is_no_reason_to_pay_again(
    world: Any, me: str, sender: Sender, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nonce counts as used and the transaction is unknown, for longer than anybody waits at first."""
    monkeypatch.setattr(delivering, "STUCK", 0.05)
    had = world.balance(SOMEBODY)
    proxy.answers("eth_getTransactionReceipt", lambda params, result: None, times=12)
    proxy.answers("eth_getTransactionByHash", lambda params, result: None, times=12)
    assert isinstance(sender.send_many(payments(world, 1))[0], Receipt)
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 1, 1)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=some.lists(
        some.tuples(
            some.sampled_from(
                ["eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getTransactionCount", "eth_estimateGas"]
            ),
            some.sampled_from(["lost", "silent", "garbled", "status"]),
            some.integers(0, 6),
        ),
        max_size=4,
    ),
    count=some.integers(1, 30),
)
def test_whatever_the_connection_does_every_intent_has_one_effect(
    world: Any, sender: Sender, proxy: Proxy, faults: list[tuple[str, str, int]], count: int
) -> None:
    had = world.balance(SOMEBODY)
    proxy.faults.clear()
    for method, kind, skip in faults:
        proxy.will(method, kind, skip=skip, status=503)
    calls = [Call(world.token, "transfer", (SOMEBODY, 1), intent=f"{had} {n}") for n in range(count)]
    for _ in range(2 + len(faults)):
        try:
            ends = sender.send_many(calls)
        except NetworkError:
            continue
    proxy.faults.clear()
    assert all(isinstance(end, Receipt) for end in sender.send_many(calls)), ends
    assert world.balance(SOMEBODY) == had + count


def test_a_full_disk_is_told_and_nothing_is_sent(
    world: Any, me: str, sender: Sender, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    sender.send_many(payments(world, 1))
    proxy.seen.clear()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="journal of transactions cannot be written: no space left"):
            sender.send_many(payments(world, 3))
    assert proxy.count("eth_sendRawTransaction") == 0


# -- one intent, one effect -------------------------------------------------------------------------------------------


def test_a_named_intent_is_served_once_for_all_time(world: Any, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    first = sender.send(world.token, "transfer", SOMEBODY, 7, intent="invoice 7")
    again = sender.send(world.token, "transfer", SOMEBODY, 7, intent="invoice 7")
    assert (again.tx_hash, again.resumed) == (first.tx_hash, True)
    assert world.balance(SOMEBODY) == had + 7


def test_an_intent_given_twice_in_one_run_is_refused(world: Any, sender: Sender) -> None:
    had = world.balance(SOMEBODY)
    first, second = sender.send_many(payments(world, 2, intent="rent"))
    assert isinstance(first, Receipt)
    assert isinstance(second, InputError)
    assert world.balance(SOMEBODY) == had + 1


def test_an_intent_that_was_refused_may_be_tried_again(world: Any, me: str, sender: Sender) -> None:
    with pytest.raises(FundsError):
        sender.send(world.token, "transfer", SOMEBODY, 11 * WEI_PER_TOKEN, intent="big")
    world.sender("alice").send(world.token, "transfer", world.wallet(me).address, 2 * WEI_PER_TOKEN)
    assert not sender.send(world.token, "transfer", SOMEBODY, 11 * WEI_PER_TOKEN, intent="big").resumed


def test_an_intent_whose_receipt_the_node_dropped_is_not_served_again(world: Any, sender: Sender, proxy: Proxy) -> None:
    had = world.balance(SOMEBODY)
    sender.send(world.token, "transfer", SOMEBODY, 3, intent="old")
    proxy.answers("eth_getTransactionReceipt", lambda params, result: None, times=100)
    proxy.answers("eth_getTransactionByHash", lambda params, result: None, times=100)
    with pytest.raises(ChainError, match=r"was done before, but the node keeps no receipt.*not done again"):
        sender.send(world.token, "transfer", SOMEBODY, 3, intent="old")
    assert world.balance(SOMEBODY) == had + 3


def test_threads_that_ask_for_one_intent_get_one_effect(world: Any, me: str) -> None:
    had = world.balance(SOMEBODY)
    receipts: list[Receipt] = []

    def ask() -> None:
        receipts.append(world.sender(me).send(world.token, "transfer", SOMEBODY, 5, intent="shared"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({receipt.tx_hash for receipt in receipts}) == 1
    assert sum(receipt.resumed for receipt in receipts) == 3
    assert world.balance(SOMEBODY) == had + 5


def test_a_wallet_locked_in_mid_run_ends_the_rest_and_what_was_signed_counts(
    world: Any, me: str, proxy: Proxy, passwords: Callable[[str | None], None]
) -> None:
    had = world.balance(SOMEBODY)
    wallet = world.wallet(me)
    seen = Chain(proxy.url, world.chain.chain_id, world.chain.addresses)
    sender = Sender(seen, wallet, world.journal(me))

    def lock() -> None:
        passwords("wrong")
        wallet.lock()

    proxy.before("eth_sendRawTransaction", lock)
    ends = sender.send_many(payments(world, 400))
    sent = [end for end in ends if isinstance(end, Receipt)]
    assert 0 < len(sent) < 400
    assert all(isinstance(end, WalletError) for end in ends[len(sent) :])
    assert world.balance(SOMEBODY) == had + len(sent)
    passwords(None)
    assert isinstance(sender.send_many(payments(world, 1))[0], Receipt)

"""Who may call and who pays: calls are charged once, never above a voucher, and forged vouchers buy nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sahara_lab.errors import AccessDenied, ChainError, FundsError, InputError
from sahara_lab.rental.vouchers import CallVoucher, typed_data
from sahara_lab.serving.ledger import Ledger
from sahara_lab.serving.paying import ChannelFacts, ChannelSource, Model, PaymentRequired, Settler, Till
from sahara_lab.serving.payments import Digests, decoded, encoded, payment, voucher_of
from sahara_lab.signing import LocalSigner

CONTRACT, TOKEN, CHANNEL = "0x" + "c0" * 20, "0x" + "70" * 20, "01" * 32
PRICE = 10
MODEL = Model("alice/line", 1, 7, PRICE, "0x" + "aa" * 20)


class Known(ChannelSource):
    """A chain that knows one channel."""

    def __init__(self, facts: ChannelFacts) -> None:
        self.given = facts

    def facts(self, channel: str, *, at_least: int = 0) -> ChannelFacts:
        return self.given

    def forget(self, channel: str) -> None:
        pass


class Payer:
    """A till with an empty book, and somebody who signs vouchers for it."""

    def __init__(self, folder: Path, deposit: int = 1000) -> None:
        self.key = LocalSigner.generate()
        payer = self.key.address.lower()
        self.source = Known(ChannelFacts(payer, 7, TOKEN, deposit, 0, int(time.time()) + 1000, False, time.time()))
        self.ledger = Ledger(folder / "book.sqlite3")
        self.till = Till(self.ledger, self.source, Digests(31337, CONTRACT), TOKEN)

    def voucher(self, amount: int, channel: str = CHANNEL) -> CallVoucher:
        class Contract:
            address = CONTRACT

        made: Any = Contract
        message = typed_data(CallVoucher, made, 31337, bytes.fromhex(channel), amount)
        return CallVoucher(channel, amount, self.key.sign_typed_data(message).hex())

    def admit(self, amount: int, id: str) -> Any:
        return self.till.admit(MODEL, "", payment(self.voucher(amount)), id)


@pytest.fixture
def payer(tmp_path: Path) -> Payer:
    return Payer(tmp_path)


def test_each_call_needs_a_higher_voucher(payer: Payer) -> None:
    payer.till.charge(MODEL, payer.admit(10, "a"), (b"body", b"answer"))
    with pytest.raises(PaymentRequired) as refused:
        payer.admit(10, "b")
    assert refused.value.needed == 20
    payer.till.charge(MODEL, payer.admit(20, "b"), (b"body", b"answer"))
    assert payer.ledger.owed(CHANNEL) == 20


def test_calls_under_way_hold_their_price_back(payer: Payer) -> None:
    payer.admit(10, "a")
    with pytest.raises(PaymentRequired):
        payer.admit(10, "b")
    payer.admit(20, "b")


def test_vouchers_may_arrive_out_of_order(payer: Payer) -> None:
    second, first = payer.admit(20, "b"), payer.admit(10, "a")
    for ticket in (first, second):
        payer.till.charge(MODEL, ticket, None)
    assert payer.ledger.earned() == {CHANNEL: (20, payer.voucher(20).signature)}


def test_a_call_that_arrives_while_another_is_charged_pays_its_own_price_only(payer: Payer) -> None:
    first, settle, second = payer.admit(10, "a"), payer.ledger.settle_call, []
    arriving = threading.Thread(target=lambda: second.append(payer.admit(20, "b")))

    def settle_slowly(*args: Any, **options: Any) -> None:
        settle(*args, **options)
        arriving.start()
        arriving.join(0.3)

    payer.ledger.settle_call = settle_slowly  # type: ignore[method-assign]
    payer.till.charge(MODEL, first, None)
    arriving.join()
    assert [ticket.held for ticket in second] == [10]


def test_only_what_was_earned_is_redeemed(payer: Payer) -> None:
    payer.till.failed(MODEL, payer.admit(10, "a"))
    assert payer.ledger.earned() == {}
    payer.till.charge(MODEL, payer.admit(10, "b"), None)
    payer.admit(500, "c")  # too much, and under way
    redeemed: list[CallVoucher] = []
    settler = Settler(payer.ledger, payer.source, redeemed.append)
    assert settler.settle(now=True) == 10
    assert [voucher.amount for voucher in redeemed] == [10]


def test_one_voucher_that_fails_holds_back_no_other(payer: Payer) -> None:
    other = "02" * 32
    for channel in (CHANNEL, other):
        header = payment(payer.voucher(10, channel))
        payer.till.charge(MODEL, payer.till.admit(MODEL, "", header, "a"), None)
    redeemed: list[str] = []

    def redeem(voucher: CallVoucher) -> None:
        if voucher.channel_id == CHANNEL:
            raise ChainError("refused")
        redeemed.append(voucher.channel_id)

    with pytest.raises(ChainError, match="refused"):
        Settler(payer.ledger, payer.source, redeem).settle(now=True)
    assert redeemed == [other]
    payer.source.given = replace(payer.source.given, redeemed=10)  # somebody else redeemed it at the same moment
    assert Settler(payer.ledger, payer.source, redeem).settle(now=True) == 0


def test_an_id_is_charged_once_even_at_the_same_time(payer: Payer) -> None:
    first = payer.admit(10, "same")
    again = payer.admit(10, "same")
    assert (first.again, again.again, again.held) == (False, True, 0)
    payer.till.charge(MODEL, first, (b"body", b"answer"))
    assert payer.admit(10, "same").again
    assert payer.ledger.owed(CHANNEL) == 10


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda facts: replace(facts, asset=8), PaymentRequired),
        (lambda facts: replace(facts, currency="0x" + "71" * 20), PaymentRequired),
        (lambda facts: replace(facts, payer="0x" + "bb" * 20), PaymentRequired),
        (lambda facts: replace(facts, closed=True), PaymentRequired),
        (lambda facts: replace(facts, closes_at=int(facts.now) + 5), PaymentRequired),
        (lambda facts: replace(facts, deposit=9), FundsError),
        (lambda facts: replace(facts, redeemed=10), PaymentRequired),
    ],
)
def test_a_voucher_that_would_not_be_paid_buys_nothing(payer: Payer, change: Any, error: type[Exception]) -> None:
    payer.source.given = change(payer.source.given)
    with pytest.raises(error):
        payer.admit(10, "a")
    assert payer.ledger.earned() == {}


def test_forged_vouchers_buy_nothing(payer: Payer) -> None:
    good = payer.voucher(10)
    for bad in (replace(good, amount=20), replace(good, channel_id="02" * 32), Payer.voucher(_stranger(payer), 10)):
        with pytest.raises(PaymentRequired, match="not signed"):
            payer.till.admit(MODEL, "", payment(bad), "a")
    for signature in ("00" * 65, "ff" * 65, good.signature[:-2], good.signature[:-2] + "05"):
        with pytest.raises((InputError, PaymentRequired)):
            payer.till.admit(MODEL, "", payment(replace(good, signature=signature)), "a")
    with pytest.raises(InputError, match="has an id"):
        payer.till.admit(MODEL, "", payment(good), "")


def _stranger(payer: Payer) -> Any:
    class Stranger:
        key = LocalSigner.generate()

    return Stranger


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: data.decode("latin-1"))))
def test_any_header_is_read_or_refused(text: str) -> None:
    with pytest.raises(InputError):
        voucher_of(text)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_any_document_is_read_or_refused(value: Any) -> None:
    if isinstance(value, dict):
        assert decoded(encoded(value)) == value
        with pytest.raises(InputError):
            voucher_of(encoded(value))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8).map(lambda n: n * PRICE), st.booleans(), st.integers(0, 5)), max_size=25))
def test_however_calls_come_nobody_pays_twice_or_above_a_voucher(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool, int]]
) -> None:
    payer = Payer(tmp_path_factory.mktemp("till"))
    charged: dict[str, int] = {}
    highest = 0
    for amount, good, number in steps:
        id = str(number)
        try:
            ticket = payer.admit(amount, id)
        except PaymentRequired:
            assert max(amount, highest) < payer.ledger.owed(CHANNEL) + PRICE
            continue
        if ticket.again:  # its voucher is not taken
            assert id in charged
            continue
        highest = max(highest, amount)
        if good:
            assert id not in charged
            charged[id] = payer.till.charge(MODEL, ticket, (b"body", b"answer"))
        else:
            payer.till.failed(MODEL, ticket)
    owed = payer.ledger.owed(CHANNEL)
    assert owed == PRICE * len(charged) <= max(highest, 0)
    redeemable, _ = payer.ledger.earned().get(CHANNEL, (0, ""))
    assert redeemable <= owed
    payer.ledger.close()


def test_a_budget_holds_against_calls_at_the_same_time(payer: Payer) -> None:
    key = payer.ledger.new_key("app", "", 5, None)
    admitted: list[Any] = []
    refused: list[Exception] = []

    def call() -> None:
        try:
            admitted.append(payer.till.admit(MODEL, key, "", ""))
        except FundsError as error:
            refused.append(error)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (5, 15)
    for ticket in admitted[:4]:
        payer.till.charge(MODEL, ticket, None)
    payer.till.failed(MODEL, admitted[4])
    payer.till.charge(MODEL, payer.till.admit(MODEL, key, "", ""), None)
    with pytest.raises(FundsError):
        payer.till.admit(MODEL, key, "", "")


@pytest.mark.parametrize("key", ["", "x", "sahara", "sahara--", "sahara-abc", "sahara-abc-def", "é" * 50, "a\0b"])
def test_what_is_no_key_opens_nothing(payer: Payer, key: str) -> None:
    with pytest.raises((AccessDenied, PaymentRequired)):
        payer.till.admit(MODEL, key, "", "")


def test_a_key_that_is_over_opens_nothing(payer: Payer) -> None:
    with pytest.raises(AccessDenied):
        payer.till.admit(MODEL, payer.ledger.new_key("old", "", None, time.time() - 1), "", "")


def test_the_book_opened_twice_in_a_process_is_one_book(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite3"
    first = Ledger(path)
    Ledger(path).close()
    read = "import sys, sqlite3; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM keys').fetchone()[0])"
    for number in range(3):  # another process comes and goes, and must not take itself for the last one
        first.new_key("app", "", None, None)
        seen = subprocess.run([sys.executable, "-c", read, str(path)], capture_output=True, text=True, check=True)
        assert int(seen.stdout) == number + 1


@pytest.mark.network
def test_digests_are_the_contracts(bob: Any) -> None:
    contract = bob.chain.contract("CallChannel")
    digests = Digests(bob.chain.chain_id, contract.address)
    assert digests.digest(CHANNEL, 12345) == bytes(contract.call("voucherDigest", bytes.fromhex(CHANNEL), 12345))

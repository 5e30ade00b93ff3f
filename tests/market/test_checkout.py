"""Purchases that a wallet outside of this program pays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from sahara_lab import License
from sahara_lab.errors import ChainError, FundsError, InputError, PriceError

pytestmark = pytest.mark.network


class Device:
    """A wallet that is none of ours: it signs typed data and sends transactions."""

    def __init__(self, lab):  # type: ignore[no-untyped-def]
        self._rpc = lab.chain.rpc
        self._account = Account.create()
        self.address = self._account.address
        self._rpc("anvil_setBalance", self.address, hex(10**18))

    def sign(self, typed) -> bytes:  # type: ignore[no-untyped-def]
        return bytes(self._account.sign_typed_data(full_message=typed).signature)

    def send(self, transaction: dict[str, str]) -> str:
        block = self._rpc("eth_getBlockByNumber", "latest", False)
        nonce = self._rpc("eth_getTransactionCount", self.address, "pending")
        filled = {
            **{name: transaction[name] for name in ("to", "data")},
            "value": 0,
            "gas": 2_000_000,
            "type": 2,
            "chainId": int(self._rpc("eth_chainId"), 16),
            "nonce": int(nonce, 16),
            "maxFeePerGas": 2 * int(block["baseFeePerGas"], 16) + 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        raw = self._account.sign_transaction(filled).raw_transaction
        return str(self._rpc("eth_sendRawTransaction", "0x" + raw.hex().removeprefix("0x")))


@pytest.fixture
def device(alice):  # type: ignore[no-untyped-def]
    made = Device(alice)
    alice.wallet.transfer(made.address, "20")
    return made


@pytest.fixture
def offered(alice, table_folder, fresh):  # type: ignore[no-untyped-def]
    terms = [License.commercial("7"), License.open_use()]
    return alice.market.publish(table_folder, name=fresh("checkout"), license=terms).name


def test_the_wallet_pays_and_the_account_gets_the_license(offered, device, bob):  # type: ignore[no-untyped-def]
    before = bob.wallet.balance().tokens
    checkout = bob.market.checkout(offered, device.address, license="Commercial", max_price="7")
    assert (checkout.quote.buyer, checkout.quote.balance) == (device.address, 20 * 10**18)
    sent = device.send(checkout.transaction(device.sign(checkout.permit)))
    grant = bob.market.paid_elsewhere(sent)
    assert (grant.asset, grant.holder, grant.terms.flavor) == (offered, "bob", "Commercial")
    assert bob.wallet.balance().tokens == before
    assert bob.chain.contract("SaharaToken").call("balanceOf", device.address) == 13 * 10**18


def test_a_free_license_takes_no_signature(offered, device, bob):  # type: ignore[no-untyped-def]
    checkout = bob.market.checkout(offered, device.address, license="Open Use", max_price="0")
    assert checkout.permit is None
    assert bob.market.paid_elsewhere(device.send(checkout.transaction(b""))).holder == "bob"


def test_a_price_that_rose_is_refused_before_and_after_signing(offered, device, alice, bob):  # type: ignore[no-untyped-def]
    checkout = bob.market.checkout(offered, device.address, license="Commercial", max_price="7")
    signature = device.sign(checkout.permit)
    alice.market.withdraw(offered, License.commercial("7"))
    alice.market.offer(offered, License.commercial("8"))
    with pytest.raises(ChainError):
        checkout.transaction(signature)
    with pytest.raises(PriceError, match="costs 8 SAHARA"):
        bob.market.checkout(offered, device.address, license="Commercial", max_price="7")


def test_who_cannot_pay_and_what_is_no_signature_is_refused(offered, device, alice, bob):  # type: ignore[no-untyped-def]
    with pytest.raises(FundsError, match="has 0 SAHARA"):
        bob.market.checkout(offered, Device(alice).address, license="Commercial", max_price="7")
    checkout = bob.market.checkout(offered, device.address, license="Commercial", max_price="7")
    with pytest.raises(InputError, match="another form"):
        checkout.transaction(b"\x01" * 64)
    with pytest.raises(ChainError):
        checkout.transaction(Device(alice).sign(checkout.permit))
    with pytest.raises(ChainError):
        replace(checkout, deadline=1).transaction(device.sign(checkout.permit))


def test_a_payment_that_no_block_has_is_said(bob):  # type: ignore[no-untyped-def]
    with pytest.raises(ChainError, match="not taken in"):
        bob.market.paid_elsewhere("0x" + "ab" * 32, timeout=0.1)

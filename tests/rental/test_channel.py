"""Prepaid channels on a real chain: bob pays for calls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sahara_lab import License
from sahara_lab.errors import ChainError, InputError, NotFound
from sahara_lab.localnet.founding import RULES
from sahara_lab.rental import CallVoucher
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


def test_calls_of_an_account_are_paid_by_the_last_voucher(bob, carol, fresh) -> None:  # type: ignore[no-untyped-def]
    opened = bob.channels.open(fresh("calls"), payee="carol", deposit="2", lasts="1 day")
    for calls in (1, 2, 3):
        voucher = CallVoucher.from_json(bob.channels.sign(opened.id, calls * to_wei("0.1")).to_json())
        carol.channels.verify(voucher)
    assert carol.channels.redeem(voucher).redeemed == to_wei("0.3")
    assert carol.channels.claim() == to_wei("0.3")
    bob.channels.close(opened.id)
    with pytest.raises(ChainError, match="may redeem"):
        bob.channels.finish(opened.id)
    bob.network.advance(RULES.channel_close_delay)
    assert bob.channels.finish(opened.id).closed
    assert bob.channels.claim() == to_wei("1.7")


def test_calls_of_an_asset_are_its_revenue(alice, bob, table_folder, fresh) -> None:  # type: ignore[no-untyped-def]
    asset = alice.market.publish(table_folder, name=fresh("service"), license=License.open_use())
    opened = bob.channels.open(fresh("calls"), asset=asset.id, deposit="2", lasts="1 day")
    assert (opened.payee, opened.asset) == (None, asset.id)
    alice.channels.redeem(bob.channels.sign(opened.id, to_wei("0.5")))
    line = next(line for line in alice.market.earnings().lines if line.asset == asset.name)
    assert line.received == to_wei("0.5")


def test_vouchers_that_would_not_be_paid_are_not_believed(bob, carol, fresh) -> None:  # type: ignore[no-untyped-def]
    opened = bob.channels.open(fresh("calls"), payee="carol", deposit="1", lasts="1 day")
    voucher = bob.channels.sign(opened.id, to_wei("0.5"))
    with pytest.raises(InputError, match="not signed by the channel's payer"):
        carol.channels.verify(replace(voucher, amount=voucher.amount + 1))
    with pytest.raises(InputError, match="above the deposit"):
        bob.channels.sign(opened.id, to_wei("1.1"))
    bob.channels.top_up(opened.id, "0.1")
    carol.channels.redeem(bob.channels.sign(opened.id, to_wei("1.1")))
    with pytest.raises(ChainError, match="redeemed before"):
        carol.channels.verify(voucher)


def test_doing_it_twice_deposits_once(bob, fresh) -> None:  # type: ignore[no-untyped-def]
    name, had = fresh("calls"), bob.wallet.balance().tokens
    first = bob.channels.open(name, payee="carol", deposit="1", lasts="1 day")
    assert bob.channels.open(name, payee="carol", deposit="1", lasts="1 day") == first
    assert bob.wallet.balance().tokens == had - to_wei("1")
    with pytest.raises(InputError, match="another channel called"):
        bob.channels.open(name, payee="alice", deposit="1", lasts="1 day")
    with pytest.raises(NotFound, match="no channel"):
        bob.channels.state("00" * 32)

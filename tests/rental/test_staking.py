"""Stake on a real chain: put behind an account, shown in words, taken back after its cool-down."""

from __future__ import annotations

import pytest

from sahara_lab.errors import ChainError, FundsError, InputError, NetworkError, NotFound
from sahara_lab.localnet.founding import RULES
from sahara_lab.units import to_wei

pytestmark = pytest.mark.network


def test_stake_comes_back_after_its_cooldown(bob) -> None:  # type: ignore[no-untyped-def]
    had = bob.wallet.balance().tokens
    status = bob.staking.stake("5", role="curator")
    assert (status.operator, status.total, status.mine, status.locked) == ("bob", to_wei("5"), to_wei("5"), 0)
    leaving = bob.staking.unstake(role="curator")
    assert (leaving.mine, leaving.leaving, leaving.next_step) == (0, to_wei("5"), None)
    assert "on its way back, in" in str(leaving)
    with pytest.raises(ChainError, match="cools down"):
        bob.staking.withdraw(role="curator")
    bob.network.advance(RULES.stake_cooldown)
    assert bob.staking.status(role="curator").next_step == "withdraw"
    assert bob.staking.withdraw(role="curator") == to_wei("5")
    assert bob.wallet.balance().tokens == had


def test_stake_behind_somebody_else_is_theirs_to_lose_and_mine_to_take_back(bob, carol) -> None:  # type: ignore[no-untyped-def]
    carol.staking.stake("2", behind="bob", role="key-server")
    assert carol.staking.status(behind="bob", role="key-server").mine == to_wei("2")
    assert bob.staking.status(role="key-server").total == to_wei("2")
    assert bob.staking.status(role="key-server").mine == 0
    with pytest.raises(NotFound, match="no stake behind bob"):
        bob.staking.unstake(role="key-server")
    assert carol.staking.unstake("0.5", behind="bob", role="key-server").leaving == to_wei("0.5")


def test_a_quote_says_what_is_at_risk_before_anything_is_spent(bob) -> None:  # type: ignore[no-untyped-def]
    had = bob.wallet.balance().tokens
    said = str(bob.staking.quote("7", behind="carol"))
    for part in ("7 SAHARA behind carol as provider", "can be taken", "10 minutes after you ask", "does not vote"):
        assert part in said
    assert bob.wallet.balance().tokens == had


def test_what_cannot_be_is_refused_in_words(bob) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="provider, key-server, curator"):
        bob.staking.stake("1", role="king")
    with pytest.raises(InputError, match="more than zero"):
        bob.staking.stake("0")
    with pytest.raises(FundsError, match="bob has"):
        bob.staking.stake("1000000")
    bob.staking.stake("1", behind="carol", role="curator")
    with pytest.raises(InputError, match="you have 1 SAHARA there"):
        bob.staking.unstake("1.5", behind="carol", role="curator")


def test_a_network_without_the_contract_says_so(bob, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    older = bob.use("carol")
    monkeypatch.delitem(older.chain.addresses, "Staking")
    with pytest.raises(NetworkError, match="founded before stake existed"):
        older.staking.status()

"""Sending: explained before it is signed, never sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.chain import Rpc, Sender, Wallet
from sahara_lab.chain import sender as module
from sahara_lab.chain.abi import checksum
from sahara_lab.errors import ChainError, FundsError, NetworkError, WalletError
from sahara_lab.units import WEI_PER_TOKEN

SOMEBODY = "0x00000000000000000000000000000000005A4a7a"
FOLLOWED = ("eth_sendRawTransaction", "eth_getTransactionCount")  # what a transaction is handed over and watched with


class Unsteady:
    """The node, with a connection that breaks at chosen moments."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self.broken: Callable[[str], bool] = lambda method: False
        self.after = False

    def __call__(self, method: str, *params: Any) -> Any:
        if self.broken(method):
            if self.after:
                self._rpc(method, *params)
            raise NetworkError("the chain node does not answer")
        return self._rpc(method, *params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rpc, name)


@pytest.fixture
def unsteady(world: Any, monkeypatch: pytest.MonkeyPatch) -> Unsteady:
    monkeypatch.setattr(module, "OUTAGE", 0.0)
    found = Unsteady(world.chain.rpc)
    monkeypatch.setattr(world.chain, "rpc", found)
    return found


def balance(world: Any, address: str = SOMEBODY) -> int:
    return int(world.token.call("balanceOf", address))


def nonce(world: Any, name: str) -> int:
    return int(world.chain.rpc("eth_getTransactionCount", world.wallet(name).address, "latest"), 16)


def test_a_receipt_has_the_decoded_events(world: Any) -> None:
    receipt = world.sender("alice").send(world.token, "transfer", SOMEBODY, 5)
    event = next(event for event in receipt.events if event.name == "Transfer")
    assert (event.contract, event.name) == ("SaharaToken", "Transfer")
    assert event.args == {"from": world.wallet("alice").address, "to": checksum(SOMEBODY), "value": 5}
    assert receipt.gas_used > 21_000
    assert not receipt.resumed


def test_a_refusal_is_explained_before_anything_is_signed(world: Any, passwords: Callable[[str | None], None]) -> None:
    passwords("wrong")  # a signature would fail on it
    before = nonce(world, "bob")
    with pytest.raises(ChainError, match="the account already has the handle 'bob'"):
        world.sender("bob").send(world.chain.contract("IdentityRegistry"), "register", "robert", b"k" * 1216)
    assert nonce(world, "bob") == before


def test_a_wrong_password_sends_and_journals_nothing(world: Any, passwords: Callable[[str | None], None]) -> None:
    passwords("wrong")
    before = world.journal("bob").read_text()
    with pytest.raises(WalletError, match="password for bob is wrong"):
        world.sender("bob").send(world.token, "transfer", SOMEBODY, 1)
    assert world.journal("bob").read_text() == before


def test_too_few_tokens_are_a_matter_of_funds(world: Any) -> None:
    with pytest.raises(FundsError, match="the balance does not cover the amount"):
        world.sender("bob").send(world.token, "transfer", SOMEBODY, 10**9 * WEI_PER_TOKEN)


def test_an_account_without_gas_money_is_told(world: Any, tmp_path: Path) -> None:
    from sahara_lab.vault import public_bytes

    poor = Wallet.create(tmp_path / "poor.json", "x", handle="poor", encryption_public=public_bytes)
    with pytest.raises(FundsError, match="cannot pay for gas"):
        Sender(world.chain, poor, tmp_path / "journal.jsonl").send(world.token, "approve", SOMEBODY, 1)


def test_arguments_that_do_not_fit_are_refused_in_words(world: Any) -> None:
    with pytest.raises(ChainError, match="transfer does not take these arguments"):
        world.sender("bob").send(world.token, "transfer", "nobody", 1)
    with pytest.raises(ChainError, match="no function transfer with 1 arguments"):
        world.sender("bob").send(world.token, "transfer", SOMEBODY)


@pytest.mark.parametrize("arrived", [False, True], ids=["before the node had it", "after the node had it"])
def test_a_payment_cut_off_is_finished_by_asking_again(world: Any, unsteady: Unsteady, arrived: bool) -> None:
    had, amount = balance(world), 100 + arrived
    unsteady.broken, unsteady.after = lambda method: method in FOLLOWED, arrived
    with pytest.raises(NetworkError, match=r"stopped while SaharaToken\.transfer") as caught:
        world.sender("alice").send(world.token, "transfer", SOMEBODY, amount)
    assert "not paid twice" in caught.value.hint
    unsteady.broken = lambda method: False
    assert world.sender("alice").send(world.token, "transfer", SOMEBODY, amount).resumed
    assert balance(world) == had + amount
    assert not world.sender("alice").send(world.token, "transfer", SOMEBODY, amount).resumed
    assert balance(world) == had + 2 * amount


def test_a_payment_reconciled_by_the_next_session_is_still_recognized(world: Any, unsteady: Unsteady) -> None:
    had = balance(world)
    unsteady.broken, unsteady.after = lambda method: method in FOLLOWED, True
    with pytest.raises(NetworkError):
        world.sender("alice").send(world.token, "transfer", SOMEBODY, 333)
    unsteady.broken = lambda method: False
    [unfinished] = world.sender("alice").reconcile()
    assert (unfinished.what, unfinished.fate) == ("SaharaToken.transfer", "mined")
    assert world.sender("alice").reconcile() == []
    assert world.sender("alice").send(world.token, "transfer", SOMEBODY, 333).resumed
    assert balance(world) == had + 333


def test_the_intent_recognizes_a_payment_whose_bytes_differ(world: Any, unsteady: Unsteady) -> None:
    had = balance(world)
    unsteady.broken, unsteady.after = lambda method: method in FOLLOWED, True
    with pytest.raises(NetworkError):
        world.sender("alice").send(world.token, "transfer", SOMEBODY, 40, intent="invoice 7")
    unsteady.broken = lambda method: False
    assert world.sender("alice").send(world.token, "transfer", SOMEBODY, 41, intent="invoice 7").resumed
    assert balance(world) == had + 40


def test_a_short_outage_is_waited_for(world: Any, unsteady: Unsteady, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OUTAGE", 30.0)
    had = balance(world)
    fails = iter([True, True, True])
    unsteady.broken = lambda method: method == "eth_getTransactionReceipt" and next(fails, False)
    assert not world.sender("alice").send(world.token, "transfer", SOMEBODY, 9).resumed
    assert balance(world) == had + 9


def test_a_node_that_cannot_be_reached_says_what_to_run(world: Any) -> None:
    from sahara_lab.chain import Chain
    from sahara_lab.localnet.node import free_port

    away = Chain(f"http://127.0.0.1:{free_port()}", world.chain.chain_id, world.chain.addresses)
    with pytest.raises(NetworkError, match=r"does not answer\. Run: sahara-lab up"):
        Sender(away, world.wallet("bob"), world.journal("bob")).send(
            away.contract("SaharaToken"), "transfer", SOMEBODY, 1
        )


def test_threads_and_processes_with_one_account_never_clash(world: Any) -> None:
    """Two processes and two threads send eight payments each from one account."""
    had, before = balance(world), nonce(world, "carol")
    program = """
import sys
from pathlib import Path
from sahara_lab.chain import Chain, Keyring, Sender
from sahara_lab.profile import Profile
url, chain_id, token, home, to = sys.argv[1:]
profile = Profile("local", Path(home))
chain = Chain(url, int(chain_id), {"SaharaToken": token})
sender = Sender(chain, Keyring(profile).open("carol"), profile.state / "journal-carol.jsonl")
for amount in range(8):
    sender.send(chain.contract("SaharaToken"), "transfer", to, 1)
"""
    arguments = [world.chain.rpc.url, str(world.chain.chain_id), world.token.address, str(world.profile.home), SOMEBODY]
    environment = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])}
    others = [
        subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    sender = world.sender("carol")
    threads = [
        threading.Thread(target=lambda: [sender.send(world.token, "transfer", SOMEBODY, 1) for _ in range(8)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for other in others:
        assert other.wait(120) == 0, other.stderr.read().decode() if other.stderr else ""
    assert balance(world) == had + 32
    assert nonce(world, "carol") == before + 32


def test_a_process_killed_while_sending_leaves_a_journal_that_knows(world: Any) -> None:
    """Killed between the journal's line and the receipt, over and over: the balance is what the journal says."""
    program = """
import sys
from pathlib import Path
from sahara_lab.chain import Chain, Keyring, Sender
from sahara_lab.profile import Profile
url, chain_id, token, home, to = sys.argv[1:]
profile = Profile("local", Path(home))
chain = Chain(url, int(chain_id), {"SaharaToken": token})
sender = Sender(chain, Keyring(profile).open("bob"), profile.state / "journal-bob.jsonl")
print("ready", flush=True)
for amount in range(1000):
    sender.send(chain.contract("SaharaToken"), "transfer", to, 1, intent=f"payment {amount}")
    print(amount, flush=True)
"""
    had = balance(world)
    arguments = [world.chain.rpc.url, str(world.chain.chain_id), world.token.address, str(world.profile.home), SOMEBODY]
    environment = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    told = -1
    for line in process.stdout:
        if line.strip().isdigit():
            told = int(line)
        if told == 5:
            break
    os.kill(process.pid, signal.SIGKILL)
    rest = [int(line) for line in process.stdout if line.strip().isdigit()]
    process.wait()
    told = max([told, *rest])
    sender = world.sender("bob")
    for amount in range(told, told + 3):  # the last ones again: what arrived is not sent again, the rest is
        if amount > told:
            sender.send(world.token, "transfer", SOMEBODY, 1, intent=f"payment {amount}")
    assert balance(world) == had + told + 3

"""Programs that are killed while they send: whoever comes next finishes what they began, and nothing happens twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.chain import Call, Receipt
from sahara_lab.chain import sender as module
from sahara_lab.chain.journal import Journal
from tests.chain.conftest import finished

SOMEBODY = "0x00000000000000000000000000000000000000Dd"

#: A child that sends payments "0" to "count - 1", each named, and tells when one is known to have arrived. It kills
#: itself, as a power cut would, at a stage: before a line is in the journal, between journal and node, between node and
#: receipt, between receipt and the journal's note of it.
CHILD = """
import os, signal, sys
from pathlib import Path
from sahara_lab.chain import Call, Chain, Keyring, Sender
from sahara_lab.chain.journal import Journal
from sahara_lab.profile import Profile
url, chain_id, token, home, to, name, count, mark, stage, size = sys.argv[1:]
profile = Profile("local", Path(home))
chain = Chain(url, int(chain_id), {"SaharaToken": token})
sender = Sender(chain, Keyring(profile).open(name), profile.state / f"journal-{name}.jsonl")
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
kind = type(chain.rpc)
once, batch, begin, end = kind.__call__, kind.batch_raw, Journal.begin, Journal.end
def hand_over(self, calls):
    sends = any(method == "eth_sendRawTransaction" for method, _ in calls)
    if sends and stage == "journal":
        die()
    if sends and stage == "half":
        batch(self, calls[: len(calls) // 2])
        die()
    answers = batch(self, calls)
    if sends and stage == "node":
        die()
    return answers
def hand_one(self, method, *params):
    if method != "eth_sendRawTransaction":
        return once(self, method, *params)
    return hand_over(self, [(method, params)])[0].get("result")
def write(self, entries):
    if stage == "nothing":
        die()
    if stage == "torn":
        with self._path.open("ab") as stream:
            stream.write(b'{"tx": "0x1", "what": "transf')
        die()
    begin(self, entries)
def note(self, fates, **how):
    fates = list(fates)
    if fates and stage == "receipt":
        die()
    end(self, fates, **how)
kind.__call__, kind.batch_raw, Journal.begin, Journal.end = hand_one, hand_over, write, note
calls = [Call(chain.contract("SaharaToken"), "transfer", (to, 1), intent=f"{mark} {n}") for n in range(int(count))]
print("ready", flush=True)
for start in range(0, len(calls), int(size)):
    for outcome in sender.send_many(calls[start : start + int(size)]):
        print(outcome, flush=True)
"""


def start(world: Any, name: str, count: int, mark: str, stage: str, size: int) -> subprocess.Popen[bytes]:
    arguments = [
        world.chain.rpc.url, world.chain.chain_id, world.token.address, world.profile.home, SOMEBODY, name, count, mark,
        stage, size,
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
        stdout=subprocess.PIPE,
    )


def calls(world: Any, count: int, mark: str) -> list[Call]:
    return [Call(world.token, "transfer", (SOMEBODY, 1), intent=f"{mark} {n}") for n in range(count)]


@pytest.mark.parametrize("count", [1, 60], ids=["one", "many"])
@pytest.mark.parametrize("stage", ["nothing", "torn", "journal", "half", "node", "receipt"])
def test_killed_at_a_stage_every_intent_has_one_effect(world: Any, me: str, stage: str, count: int) -> None:
    had = world.balance(SOMEBODY)
    child = start(world, me, count, stage, stage, 1_000)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    told = finished(world.sender(me))
    journaled = stage not in ("nothing", "torn")
    assert {one.fate for one in told} == ({"mined"} if journaled else set())
    assert all("arrived after all; do not send it again" in str(one) and "\n" not in str(one) for one in told)
    assert world.sender(me).reconcile() == [], "it is said once"
    arrived = len(told)
    assert world.balance(SOMEBODY) == had + arrived, "what is in the journal was finished, and nothing else"
    ends = world.sender(me).send_many(calls(world, count, stage))
    assert [isinstance(end, Receipt) and end.resumed for end in ends] == [n < arrived for n in range(count)]
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + count, count)


@pytest.mark.parametrize("stage", ["journal", "half", "node", "receipt"])
def test_without_a_word_in_between_the_next_run_finishes_it(world: Any, me: str, stage: str) -> None:
    """Nobody reconciles and nobody repeats the calls: another payment takes what was left along."""
    had = world.balance(SOMEBODY)
    start(world, me, 30, "quiet " + stage, stage, 1_000).communicate(timeout=60)
    begun = len(Journal(world.journal(me)).unfinished())
    assert begun >= 1
    world.sender(me).send(world.token, "transfer", SOMEBODY, 1)
    finished(world.sender(me))
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + begun + 1, begun + 1)


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_that_jumps_changes_nothing(world: Any, me: str, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    had = world.balance(SOMEBODY)
    start(world, me, 5, "clock", "node", 1_000).communicate(timeout=60)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + years * 31_557_600)
    ends = world.sender(me).send_many(calls(world, 5, "clock"))
    assert all(isinstance(end, Receipt) and end.resumed for end in ends)
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 5, 5)


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_time_over_and_over_every_intent_has_one_effect(world: Any, me: str, seed: int) -> None:
    chance = random.Random(seed)
    had, count, size = world.balance(SOMEBODY), 120, chance.choice([1, 7, 120])
    for _ in range(3):
        child = start(world, me, count, f"seed {seed}", "none", size)
        assert child.stdout
        child.stdout.readline()
        try:
            child.wait(chance.random() * 0.8)
        except subprocess.TimeoutExpired:
            child.kill()
        child.communicate()
        if chance.random() < 0.5:
            world.sender(me).reconcile()
    ends = world.sender(me).send_many(calls(world, count, f"seed {seed}"))
    assert all(isinstance(end, Receipt) for end in ends)
    assert len({end.tx_hash for end in ends if isinstance(end, Receipt)}) == count
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + count, count)


def test_two_processes_with_one_account_send_all_of_theirs_once(world: Any, me: str) -> None:
    had = world.balance(SOMEBODY)
    children = [start(world, me, 200, mark, "none", size) for mark, size in (("left", 200), ("right", 40))]
    for child in children:
        told = child.communicate(timeout=120)[0].decode().splitlines()
        assert child.returncode == 0
        assert sum(line.startswith("Receipt(") for line in told) == 200
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 400, 400)


def test_two_processes_with_the_same_intents_have_each_effect_once(world: Any, me: str) -> None:
    had = world.balance(SOMEBODY)
    children = [start(world, me, 80, "shared", "none", 20) for _ in range(2)]
    told = [child.communicate(timeout=120)[0].decode().splitlines() for child in children]
    assert [sum(line.startswith("Receipt(") for line in lines) for lines in told] == [80, 80]
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 80, 80)


def test_a_nonce_repaired_after_a_crash_does_not_pay_again(world: Any, me: str) -> None:
    """Killed before the node had it, and meanwhile another program used the nonce."""
    had = world.balance(SOMEBODY)
    start(world, me, 1, "repair", "journal", 1).communicate(timeout=60)
    wallet = world.wallet(me)
    transaction = {
        "type": 2, "chainId": world.chain.chain_id, "nonce": 0, "to": wallet.address, "data": "0x", "value": 0,
        "gas": 21_000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 0,
    }  # fmt: skip
    world.node.rpc("eth_sendRawTransaction", "0x" + wallet.sign_transaction(transaction)[0].hex())
    while not world.nonce(me):
        pass
    [left] = finished(world.sender(me))
    assert left.fate == "lost"
    assert "never took effect; nothing was paid" in str(left)
    assert world.balance(SOMEBODY) == had
    [end] = world.sender(me).send_many(calls(world, 1, "repair"))
    assert isinstance(end, Receipt)
    assert not end.resumed
    assert (world.balance(SOMEBODY), world.nonce(me)) == (had + 1, 2)

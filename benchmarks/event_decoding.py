"""What it costs to read events, against web3.py's ``contract.events.X.get_logs``.

    python benchmarks/event_decoding.py [--count 100000]

A chain node of its own holds that many AssetRegistered events (a number and an address indexed, a number, a text), a
hundred to a block, of a thousand creators. Both sides fetch and decode all of them in this run, EventLog with its
checks of the headers, and all results are compared. Counted is the CPU time of this process; the node's is not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from eth_abi import encode
from web3 import Web3

from sahara_lab.chain import Chain, Event, EventLog
from sahara_lab.chain.abi import abi_of, artifact, checksum
from sahara_lab.localnet import anvil
from sahara_lab.localnet.node import CHAIN_ID, Node, free_port

TARGET = 25
RUNS = 3  # of ours, of which the median counts; web3.py's takes half a minute
PER_BLOCK = 100
BLOCKS_AT_ONCE = 50
OWNERS = 1_000
PLACE = checksum("0x" + "5a" * 20)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--count", type=int, default=100_000)
    count = max(given.parse_args().count // PER_BLOCK, 1) * PER_BLOCK
    with tempfile.TemporaryDirectory() as folder:
        node = Node(anvil.ensure(), free_port(), Path(folder) / "anvil.log")
        try:
            node.wait_ready()
            began = time.perf_counter()
            emit(node, count)
            print(f"{count:,} events made in {time.perf_counter() - began:.1f} s")
            runs = sorted(timed(lambda: read_ours(node))[1:] for _ in range(RUNS))
            our_cpu, our_wall = runs[RUNS // 2]
            ours = read_ours(node)
            theirs, their_cpu, their_wall = timed(lambda: read_web3(node))
        finally:
            node.stop()
    if len(ours) != count or not same(ours, theirs):
        sys.exit("the two sides read different events")
    ratio = their_cpu / our_cpu
    print(f"EventLog           {our_cpu:7.2f} s CPU  {our_wall:7.2f} s  {our_cpu / count * 1e6:6.1f} µs an event")
    print(f"web3.py get_logs   {their_cpu:7.2f} s CPU  {their_wall:7.2f} s  {their_cpu / count * 1e6:6.1f} µs an event")
    print(f"all {count:,} events equal; {ratio:.0f} times less CPU (target {TARGET})")
    if ratio < TARGET:
        sys.exit(1)


def timed(work: Any) -> tuple[Any, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def emit(node: Node, count: int) -> None:
    """Put the events on the chain: a program that writes what it is sent as logs, called once a block."""
    topic = abi_of("AssetRegistry").events["AssetRegistered"].topic
    node.rpc("anvil_setCode", PLACE, "0x" + program(topic).hex())
    sender = checksum("0x" + "a1" * 20)
    node.rpc("anvil_setBalance", sender, hex(10**24))
    node.rpc("anvil_impersonateAccount", sender)
    chance = random.Random(1)
    owners = [chance.randbytes(20).rjust(32, b"\0") for _ in range(OWNERS)]
    for start in range(0, count, PER_BLOCK):
        body = b"".join(record(number, chance.choice(owners), chance) for number in range(start, start + PER_BLOCK))
        call = {"from": sender, "to": PLACE, "data": "0x" + body.hex(), "gas": hex(30_000_000)}
        node.rpc("eth_sendTransaction", call)
    while int(node.rpc("eth_getTransactionCount", sender, "latest"), 16) < count // PER_BLOCK:
        time.sleep(0.05)

    node.rpc("anvil_mine", "0x3")


def program(topic: str) -> bytes:
    """EVM code: for each 192 bytes of the input a log, two words as topics and the rest as data."""
    return bytes.fromhex(
        "6000"  # the place in the input
        "5b8036"  # while there is more of it
        "11600a5700"
        "5b6080816040016000"  # the last 128 bytes of the record, to memory
        "3780602001358135"  # its second and first word
        f"7f{topic[2:]}"
        "60806000a3"  # LOG3
        "60c001600256"  # the next record
    )


def record(number: int, creator: bytes, chance: random.Random) -> bytes:
    name = f"asset-{number}-{chance.randrange(10**9)}"
    return encode(["uint256"], [number]) + creator + encode(["uint8", "string"], [number % 3, name])


def read_ours(node: Node) -> list[Event]:
    log = EventLog(Chain(node.url, CHAIN_ID, {"AssetRegistry": PLACE}), ["AssetRegistry"])
    events: list[Event] = []
    batch = log.read(None)
    events += batch.events
    while batch.more:
        batch = log.read(batch.position)
        events += batch.events
    return events


def read_web3(node: Node) -> list[Any]:
    w3 = Web3(Web3.HTTPProvider(node.url))
    event = w3.eth.contract(
        Web3.to_checksum_address(PLACE), abi=artifact("AssetRegistry")["abi"]
    ).events.AssetRegistered()
    found: list[Any] = []
    for start in range(0, w3.eth.block_number + 1, BLOCKS_AT_ONCE):
        found += event.get_logs(from_block=start, to_block=start + BLOCKS_AT_ONCE - 1)
    return found


def same(ours: list[Event], theirs: list[Any]) -> bool:
    """Whether both have the same events in the same order, with the same places and arguments."""
    return len(ours) == len(theirs) and all(
        (mine.name, mine.args, mine.block_number, mine.block_hash, mine.tx_hash, mine.log_index)
        == (
            other.event,
            dict(other.args),
            other.blockNumber,
            other.blockHash.to_0x_hex(),
            other.transactionHash.to_0x_hex(),
            other.logIndex,
        )
        for mine, other in zip(ours, theirs, strict=True)
    )


if __name__ == "__main__":
    main()

"""A year on the embedded network in some minutes: assets published and bought, a power cut, and what is left of it.

    python benchmarks/embedded_chain.py [--assets 10000]

Registers assets with an anchored version each, offers and buys every one, while the network's own supervisor makes
blocks final and writes its state down. Then everything is killed at once, as a power cut would, and started again:
every asset and license of the state that was written down must be there, and the chain's time must not run backwards.
Prints the node's memory, what a block costs in CPU (node and supervisor, snapshots included), and what a snapshot
weighs, against the figures wanted, and against what the node alone takes for a block without any transaction.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from sahara_lab.chain import Call, Chain, Keyring, Network, Receipt, Sender
from sahara_lab.licensing import License
from sahara_lab.localnet import down, ensure_up
from sahara_lab.profile import Profile
from sahara_lab.units import WEI_PER_TOKEN

MEMORY, CPU = 250e6, 60e-3
EMPTY = 20  # blocks that the floor is measured by
PRICE = WEI_PER_TOKEN // 1000


def processes(network: Network) -> tuple[psutil.Process, psutil.Process]:
    """The node and the supervisor."""
    supervisor = psutil.Process(network.supervisor_pid)
    node = next(child for child in supervisor.children(recursive=True) if "anvil" in child.name())
    return node, supervisor


def cpu_seconds(found: Iterable[psutil.Process]) -> float:
    return float(sum(used.user + used.system for used in (process.cpu_times() for process in found)))


def kill_everything(network: Network) -> None:
    """Nobody gets to clean up."""
    supervisor = psutil.Process(network.supervisor_pid)
    all_of_it = [supervisor, *supervisor.children(recursive=True)]
    for process in all_of_it:  # stopped first, so that no one notices the death of another
        process.send_signal(signal.SIGSTOP)
    for process in all_of_it:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(all_of_it, timeout=10)


class World:
    """The network as two accounts see it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.network = ensure_up(profile, owner=os.getpid())
        self.chain = Chain(self.network.rpc_url, self.network.chain_id, self.network.addresses)
        self.registry, self.market = self.chain.contract("AssetRegistry"), self.chain.contract("Market")
        self.token, self.licenses = self.chain.contract("SaharaToken"), self.chain.contract("LicenseToken")

    def send(self, name: str, calls: Iterable[Call]) -> list[Receipt]:
        sender = Sender(self.chain, Keyring(self.profile).open(name), self.profile.state / f"journal-{name}.jsonl")
        ends = sender.send_many(calls)
        for end in ends:
            if not isinstance(end, Receipt):
                raise SystemExit(f"a transaction did not arrive: {end}")
        return [end for end in ends if isinstance(end, Receipt)]

    def offer(self) -> bytes:
        """Terms that every asset is offered under; their id."""
        terms = License.commercial(price="0.001").to_struct(self.token.address)
        self.send("alice", [Call(self.chain.contract("LicenseTerms"), "register", (terms,))])
        return bytes(self.chain.contract("LicenseTerms").call("idOf", terms))

    def whole(self, assets: list[int], alice: str, bob: str) -> str:
        """What is wrong with the state; nothing when all is there."""
        asked = [(self.registry, "ownerOf", (asset,)) for asset in assets]
        owners = self.chain.batch_call(asked)
        held = int(self.licenses.call("balanceOf", bob))
        if any(owner.lower() != alice.lower() for owner in owners):
            return "an asset has another owner"
        if held != len(assets):
            return f"{held} licenses of {len(assets)}"
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=1_000, help="assets in one round")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        profile = Profile("local", Path(home))
        try:
            soak(World(profile), given.assets, given.at_once)
        finally:
            down(profile)


def soak(world: World, count: int, at_once: int) -> None:
    alice, bob = (Keyring(world.profile).open(name).address for name in ("alice", "bob"))
    watched = processes(world.network)
    terms, assets = world.offer(), list[int]()
    world.send("bob", [Call(world.token, "approve", (world.market.address, 2**255))])
    costs, started = list[float](), time.perf_counter()
    for first in range(0, count, at_once):
        head, before = world.chain.block().number, cpu_seconds(watched)
        made = world.send("alice", (registration(world, n) for n in range(first, min(first + at_once, count))))
        new = [int(e.args["asset"]) for receipt in made for e in receipt.events if e.name == "AssetRegistered"]
        world.send("alice", (Call(world.market, "setOffer", (asset, terms, True)) for asset in new))
        world.send("bob", (Call(world.market, "buy", (asset, terms, PRICE, bob)) for asset in new))
        assets += new
        blocks = world.chain.block().number - head
        costs.append((cpu_seconds(watched) - before) / blocks)
        print(
            f"{len(assets):6,} assets, block {world.chain.block().number:,}: {costs[-1] * 1e3:5.1f} ms of CPU a block, "
            f"node {watched[0].memory_info().rss / 1e6:4.0f} MB",
            flush=True,
        )
    taken = time.perf_counter() - started
    memory = max(watched[0].memory_info().rss, 0)
    snapshot = wait_saved(world)
    idle, empty = one_block(world, watched), empty_block(world, *watched)
    kept = world.chain.block("finalized")
    kill_everything(world.network)
    began = time.perf_counter()
    again = World(world.profile)
    back = time.perf_counter() - began
    fresh = processes(again.network)[0].memory_info().rss
    wrong = again.whole(assets, alice, bob)
    later = again.chain.block("latest")
    print(f"{count:,} assets registered, offered and bought in {taken:.0f} s; snapshot {snapshot / 1e6:.1f} MB")
    print(f"memory of the node          {memory / 1e6:6.0f} MB (wanted: under {MEMORY / 1e6:.0f})")
    print(f"the same after a restart    {fresh / 1e6:6.0f} MB")
    print(f"CPU a block, full ones      {statistics.median(costs) * 1e3:6.1f} ms (wanted: under {CPU * 1e3:.0f})")
    print(f"the node alone, empty ones  {empty * 1e3:6.1f} ms, {statistics.median(costs) / empty:.2f} of it above")
    print(
        f"CPU of one payment at the end {idle * 1e3:4.0f} ms, with the two blocks that make it final and the snapshot"
    )
    print(f"killed and started again in {back:6.1f} s: {'WRONG: ' + wrong if wrong else 'the state is whole'}")
    forward = later.timestamp >= kept.timestamp
    print(f"time after the restart      {'runs on' if forward else 'WENT BACKWARDS'}")
    if wrong or not forward:
        raise SystemExit(1)


def registration(world: World, number: int) -> Call:
    digest = number.to_bytes(32, "big")
    version = (digest, digest, digest, 1, 0, f"assets/{number:032x}")
    return Call(world.registry, "register", (f"asset-{number}", 0, version, []))


def wait_saved(world: World) -> int:
    """Wait until the state is written down; bytes of the snapshot."""
    saved = world.profile.state / "chain.snapshot"
    head = world.chain.block().number
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with saved.open("rb") as stream:
            if json.loads(stream.readline())["block"] >= head:
                return saved.stat().st_size
        time.sleep(0.2)
    raise SystemExit("the state was not written down")


def one_block(world: World, watched: tuple[psutil.Process, ...]) -> float:
    """Seconds of CPU that a single payment costs, all that follows from it included."""
    found = []
    for _ in range(5):
        before = cpu_seconds(watched)
        world.send("alice", [Call(world.token, "transfer", ("0x00000000000000000000000000000000000000AA", 1))])
        time.sleep(1)
        wait_saved(world)
        found.append(cpu_seconds(watched) - before)
    return statistics.median(found)


def empty_block(world: World, node: psutil.Process, supervisor: psutil.Process) -> float:
    """Seconds of CPU that the node itself takes for an empty block, when nothing else is asked of it."""
    supervisor.suspend()
    try:
        world.chain.rpc("evm_mine")
        before = cpu_seconds([node])
        for _ in range(EMPTY):
            world.chain.rpc("evm_mine")
        return (cpu_seconds([node]) - before) / EMPTY
    finally:
        supervisor.resume()


if __name__ == "__main__":
    main()

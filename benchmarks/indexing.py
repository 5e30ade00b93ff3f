"""How fast the chain's events and their documents get into the catalog, and whether memory stays flat.

    python benchmarks/indexing.py [--assets 25000]

A chain node of its own holds the real contracts. Accounts register assets, offer them, and grant a license of some:
four to five events an asset. Each has a Croissant document of its own in the network's storage. An indexer then reads
all of it in slices, as after a long absence, and the catalog is compared with what was done.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from catalog_search import Words

from sahara_lab.chain import Chain, EventLog
from sahara_lab.chain.abi import checksum
from sahara_lab.licensing.terms import License
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import found, open_accounts, server_keys
from sahara_lab.localnet.node import Node, free_port
from sahara_lab.market.catalog import Catalog
from sahara_lab.market.indexing import Documents, Indexer
from sahara_lab.market.indexing.source import CONTRACTS
from sahara_lab.profile import Profile

TARGET = 4_000
AT_ONCE = 200
PUBLISHERS = 50
GAS = 3_000_000


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--assets", type=int, default=25_000)
    count = given.parse_args().assets
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile("local", Path(folder))
        state, logs = profile.private(profile.state), profile.private(profile.logs)
        node = Node(anvil.ensure(), free_port(), logs / "anvil.log")
        try:
            node.wait_ready()
            servers = [server_keys(state, n).entry(f"http://127.0.0.1:{n}") for n in (1, 2, 3)]
            made = found(profile, node.rpc, open_accounts(profile), servers)
            chain = Chain(node.url, made.chain_id, made.addresses)
            began = time.perf_counter()
            granted = trade(node, chain, profile, count)
            print(f"{count:,} assets published in {time.perf_counter() - began:.0f} s")
            events = sum(1 for _ in every_event(chain, made.block))
            catalog = Catalog(profile.catalog)
            indexer = Indexer(catalog, chain, Documents(profile), made.block)
            took, peaks = index(indexer, catalog)
            check(catalog, count, granted)
        finally:
            node.stop()
    rate = events / took
    print(f"{events:,} events into the catalog in {took:.1f} s: {rate:,.0f} a second (target {TARGET:,})")
    print(f"resident memory after each quarter: {', '.join(f'{peak:.0f}' for peak in peaks)} MB")
    if rate < TARGET:
        sys.exit(1)


def trade(node: Node, chain: Chain, profile: Profile, count: int) -> int:
    """Publish, offer, and grant a license of every fourth; returns how many were granted."""
    chance = random.Random(4)
    words = Words(chance)
    registry, market, terms = (chain.contract(name) for name in ("AssetRegistry", "Market", "LicenseTerms"))
    structs = [License.commercial(str(price)).to_struct(chain.addresses["SaharaToken"]) for price in range(20)]
    publishers = [checksum("0x" + chance.randbytes(20).hex()) for _ in range(PUBLISHERS)]
    for account in publishers:
        node.rpc("anvil_setBalance", account, hex(10**24))
        node.rpc("anvil_impersonateAccount", account)
    node.rpc("evm_setIntervalMining", 86_400)
    run(node, [(publishers[0], terms, "register", (struct,)) for struct in structs])
    ids = [terms.call("idOf", struct) for struct in structs]
    first = registry.call("assetCount") + 1
    granted = 0
    for start in range(0, count, AT_ONCE):
        calls: list[Any] = []
        for number in range(start, min(start + AT_ONCE, count)):
            content = document(number, words, chance)
            place = f"assets/{number}"
            (profile.storage / place).mkdir(parents=True)
            (profile.storage / place / "metadata.json").write_bytes(content)
            version = (b"\1" * 32, b"\2" * 32, hashlib.sha256(content).digest(), 1, 0, place)
            owner, asset, offer = publishers[number % PUBLISHERS], first + number, ids[number % len(ids)]
            calls.append((owner, registry, "register", (f"asset-{number}", 0, version, [])))
            calls.append((owner, market, "setOffer", (asset, offer, True)))
            if number % 4 == 0:
                calls.append((owner, market, "grant", (asset, offer, publishers[(number + 1) % PUBLISHERS])))
                granted += 1
        run(node, calls)
    return granted


def run(node: Node, calls: list[Any]) -> None:
    """Send transactions in one request and put them into one block."""
    asked = [
        (
            "eth_sendTransaction",
            [{"from": sender, "to": contract.address, "gas": hex(GAS),
              "data": "0x" + contract.encode(name, *values).hex()}],
        )
        for sender, contract, name, values in calls
    ]  # fmt: skip
    for one in asked:
        node.rpc(one[0], *one[1])
    node.rpc("anvil_mine", "0x1")


def document(number: int, words: Words, chance: random.Random) -> bytes:
    """A Croissant document of ordinary size."""
    files = [
        {"@type": "cr:FileObject", "@id": f"part-{n}.parquet", "contentSize": f"{chance.randrange(10**9)} B",
         "encodingFormat": "application/x-parquet", "sha256": chance.randbytes(32).hex()}
        for n in range(3)
    ]  # fmt: skip
    return json.dumps(
        {
            "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
            "@type": "sc:Dataset",
            "name": f"{' '.join(words.some(5))} {number}",
            "description": " ".join(words.some(40)),
            "keywords": words.some(4),
            "distribution": files,
        }
    ).encode()


def every_event(chain: Chain, block: int) -> Any:
    log = EventLog(chain, list(CONTRACTS), block)
    batch = log.read(None)
    yield from batch.events
    while batch.more:
        batch = log.read(batch.position)
        yield from batch.events


def index(indexer: Indexer, catalog: Catalog) -> tuple[float, list[float]]:
    """Read everything; seconds, and megabytes of memory as a quarter each was in."""
    peaks: list[tuple[int, float]] = []
    apply = catalog.apply

    def measured(records: Any, cursor: Any) -> None:
        apply(records, cursor)
        peaks.append((cursor[0], resident()))

    catalog.apply = measured  # type: ignore[method-assign]
    began = time.perf_counter()
    indexer.sync()
    took = time.perf_counter() - began
    if indexer.status().behind:
        sys.exit("the indexer stopped early")
    chosen = [peaks[min(len(peaks) * quarter // 4, len(peaks) - 1)][1] for quarter in range(1, 5)]
    return took, chosen


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def check(catalog: Catalog, count: int, granted: int) -> None:
    found = catalog.search("asset", facets=())
    records = [change.record for change in catalog.store.changes_since(0) if change.record]
    mine = [record for record in records if "/asset-" in record.name]
    wrong = [record.name for record in mine if record.fault or not record.tags or len(record.offers) != 1]
    if len(mine) != count or found.total != count or wrong or sum(record.sold for record in mine) != granted:
        sys.exit(f"the catalog is wrong: {len(mine)}, {found.total}, {wrong[:3]}")


if __name__ == "__main__":
    main()

"""From the chain's events and the documents they point to into the catalog, through everything that goes wrong."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import NetworkError
from sahara_lab.licensing.terms import License
from sahara_lab.market.catalog import Catalog, Record
from sahara_lab.market.indexing import Away, Documents, Indexer, Refused
from sahara_lab.market.indexing.web import fetch
from sahara_lab.market.metadata.reading import MAX_DOCUMENT
from sahara_lab.profile import Profile

ROOT = Path(__file__).parents[2]
_names = iter(range(10**6))


def document(title: str) -> bytes:
    return json.dumps({"@type": "Dataset", "name": title, "keywords": ["indexed"]}).encode()


class Publisher:
    """Publishes and trades on a chain of the tests' own, with documents in its storage."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.registry, self.market = world.chain.contract("AssetRegistry"), world.chain.contract("Market")

    def send(self, account: str, contract: Any, function: str, *values: Any) -> Any:
        return self.world.forgetful(account).send(contract, function, *values)

    def version(self, content: bytes, *, uri: str = "", recorded: bytes | None = None) -> tuple[Any, ...]:
        """A version to record, its document already stored where the storage is this machine's."""
        place = uri or f"assets/{next(_names)}-{os.getpid()}"
        if not uri:
            self.store(place, content)
        digest = recorded if recorded is not None else hashlib.sha256(content).digest()
        return (b"\1" * 32, b"\2" * 32, digest, 1, 0, place)

    def store(self, place: str, content: bytes) -> None:
        folder = self.world.profile.storage / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metadata.json").write_bytes(content)

    def publish(self, title: str, account: str = "alice", **how: Any) -> int:
        version = self.version(how.pop("content", document(title)), **how)
        receipt = self.send(account, self.registry, "register", f"n{next(_names)}", 0, version, [])
        return int(next(e.args["asset"] for e in receipt.events if e.name == "AssetRegistered"))

    def offer(self, asset: int, price: str, account: str = "alice", active: bool = True) -> None:
        struct = License.commercial(price).to_struct(self.world.token.address)
        terms = self.world.chain.contract("LicenseTerms")
        if active:
            self.send(account, terms, "register", struct)
        self.send(account, self.market, "setOffer", asset, terms.call("idOf", struct), active)

    def address(self, account: str) -> str:
        return str(self.world.wallet(account).address)


@pytest.fixture
def publisher(world: Any) -> Publisher:
    return Publisher(world)


@pytest.fixture
def opened(world: Any, tmp_path: Path) -> Callable[..., tuple[Catalog, Indexer]]:
    def open_one(name: str = "catalog", profile: Profile | None = None) -> tuple[Catalog, Indexer]:
        catalog = Catalog(tmp_path / name)
        return catalog, Indexer(catalog, world.chain, Documents(profile or world.profile), world.deployment.block)

    return open_one


def told(catalog: Catalog) -> dict[int, Record]:
    """Everything that a catalog holds, in its store and in its index."""
    records = {change.id: change.record for change in catalog.store.changes_since(0) if change.record}
    assert catalog.search().total == len(records)
    return records


def test_a_market_is_listed_as_the_contracts_have_it(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    parent = publisher.publish("penguin census")
    publisher.offer(parent, "3")
    publisher.offer(parent, "5")
    indexer.sync()
    found = catalog.get(parent)
    assert found
    assert (found.title, found.owner, found.tags) == ("penguin census", "alice", ("indexed",))
    assert [offer.price for offer in found.offers] == [3 * 10**18, 5 * 10**18]

    publisher.offer(parent, "3", active=False)
    registry, market = publisher.registry, publisher.market
    child = publisher.send(
        "alice",
        registry,
        "register",
        f"n{next(_names)}",
        1,
        publisher.version(document("penguin net")),
        [(parent, 0, 1)],
    )
    terms = market.call("offersOf", parent)[0]
    publisher.send("alice", market, "grant", parent, terms, publisher.address("bob"))
    publisher.send("alice", registry, "publishVersion", parent, publisher.version(document("penguin census 2")))
    indexer.sync()
    found = catalog.get(parent)
    assert found
    assert (found.title, found.versions, found.sold) == ("penguin census 2", 2, 1)
    assert [offer.terms_id for offer in found.offers] == [bytes(terms).hex()]
    identity = next(e.args["asset"] for e in child.events if e.name == "AssetRegistered")
    linked = catalog.get(int(identity))
    assert linked
    assert linked.parents == (found.name,)


def test_offers_go_with_their_owner_and_come_back_with_him(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    asset = publisher.publish("wandering")
    publisher.offer(asset, "7")
    alice, bob = publisher.address("alice"), publisher.address("bob")
    publisher.send("alice", publisher.registry, "transferFrom", alice, bob, asset)
    publisher.offer(asset, "9", account="bob")
    indexer.sync()
    found = catalog.get(asset)
    assert found
    assert (found.owner, found.creator, found.price) == ("bob", "alice", 9 * 10**18)
    publisher.send("bob", publisher.registry, "transferFrom", bob, alice, asset)
    indexer.sync()
    found = catalog.get(asset)
    assert found
    assert (found.owner, found.price) == ("alice", 7 * 10**18)
    assert {bytes(t).hex() for t in publisher.market.call("offersOf", asset)} == {o.terms_id for o in found.offers}


def test_a_withdrawn_listing_is_no_longer_offered(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    asset = publisher.publish("shortlived")
    publisher.offer(asset, "2")
    indexer.sync()
    assert catalog.search("shortlived", max_price_wei=2 * 10**18).total == 1
    publisher.offer(asset, "2", active=False)
    indexer.sync()
    assert catalog.search("shortlived", max_price_wei=2 * 10**18).total == 0
    assert catalog.search("shortlived").items[0].price is None


def test_reviews_are_counted_once_for_each_account_through_a_reorganization(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    asset = publisher.publish("reviewed")
    publisher.offer(asset, "0")
    terms = publisher.market.call("offersOf", asset)[0]
    reviews = publisher.world.chain.contract("Reviews")
    licenses = {}
    for name in ("bob", "carol"):
        receipt = publisher.send("alice", publisher.market, "grant", asset, terms, publisher.address(name))
        licenses[name] = next(e.args["license"] for e in receipt.events if e.name == "LicenseGranted")

    def counted() -> tuple[int, int]:
        indexer.sync()
        found = catalog.get(asset)
        assert found
        return found.reviews, found.stars

    publisher.send("bob", reviews, "review", licenses["bob"], 2, "so so")
    publisher.send("bob", reviews, "review", licenses["bob"], 4, "better")
    publisher.send("carol", reviews, "review", licenses["carol"], 5, "")
    assert counted() == (2, 9)
    publisher.send("bob", reviews, "review", licenses["bob"], 1, "worse")
    assert counted() == (2, 6)
    publisher.send("carol", reviews, "withdraw", asset)
    assert counted() == (1, 1)
    publisher.send("carol", reviews, "review", licenses["carol"], 3, "again")
    assert counted() == (2, 4)
    publisher.world.chain.rpc("anvil_reorg", 3, [])
    counted()
    assert counted() == tuple(reviews.call("summaryOf", asset))
    scratch, other = opened("scratch")
    other.sync()
    assert told(catalog) == told(scratch)


def test_a_reorganization_of_ten_blocks_is_undone(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    kept = publisher.publish("kept")
    indexer.sync()
    dropped = []
    for number in range(6):
        dropped.append(publisher.publish(f"orphan {number}"))
        publisher.offer(kept, str(20 + number))
        indexer.sync()
    assert catalog.search("orphan").total == 6
    publisher.world.chain.rpc("anvil_reorg", 10, [])
    indexer.sync()
    assert catalog.search("orphan").total < 6
    publisher.publish("winner")
    indexer.sync()
    scratch, other = opened("scratch")
    other.sync()
    assert told(catalog) == told(scratch)
    present = catalog.get(kept)
    assert present
    assert {offer.terms_id for offer in present.offers} == {
        bytes(t).hex() for t in publisher.market.call("offersOf", kept)
    }


INDEXER = """
import sys, threading
from pathlib import Path
from sahara_lab.chain import Chain
from sahara_lab.market.catalog import Catalog
from sahara_lab.market.indexing import Documents, Indexer
from sahara_lab.profile import Profile

folder, home, url, chain, block, *addresses = sys.argv[1:]
chain = Chain(url, int(chain), dict(pair.split("=") for pair in addresses))
indexer = Indexer(Catalog(Path(folder)), chain, Documents(Profile("local", Path(home))), int(block))
print("following", flush=True)
indexer.follow(threading.Event(), 0.01)
"""


def start(world: Any, folder: Path) -> subprocess.Popen[str]:
    arguments = [
        str(folder), str(world.profile.home), world.node.url, str(world.chain.chain_id), str(world.deployment.block),
        *(f"{name}={address}" for name, address in world.chain.addresses.items()),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(INDEXER), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "following\n"
    return process


def test_a_killed_indexer_loses_and_doubles_nothing(publisher: Publisher, opened: Any, tmp_path: Path) -> None:
    rolls = random.Random(3)
    asset = publisher.publish("often granted")
    publisher.offer(asset, "1")
    terms = publisher.market.call("offersOf", asset)[0]
    granted = 0
    for _ in range(8):
        process = start(publisher.world, tmp_path / "catalog")
        for _ in range(rolls.randint(1, 4)):
            publisher.publish("survivor")
            publisher.send("alice", publisher.market, "grant", asset, terms, publisher.address("bob"))
            granted += 1
        time.sleep(rolls.uniform(0, 0.05))  # not a wait: the moment of the kill is what is random
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    catalog, indexer = opened()
    indexer.sync()
    scratch, other = opened("scratch")
    other.sync()
    assert told(catalog) == told(scratch)
    found = catalog.get(asset)
    assert found
    assert found.sold == granted


def test_two_indexers_on_one_catalog_count_everything_once(publisher: Publisher, opened: Any, tmp_path: Path) -> None:
    asset = publisher.publish("shared")
    publisher.offer(asset, "1")
    terms = publisher.market.call("offersOf", asset)[0]
    processes = [start(publisher.world, tmp_path / "catalog") for _ in range(2)]
    for _ in range(10):
        publisher.send("alice", publisher.market, "grant", asset, terms, publisher.address("bob"))
    catalog, indexer = opened()
    indexer.sync(patience=30)
    for process in processes:
        process.kill()
        process.communicate()
    found = catalog.get(asset)
    assert found
    assert found.sold == 10
    scratch, other = opened("scratch")
    other.sync()
    assert told(catalog) == told(scratch)


def test_a_catalog_that_lost_an_asset_is_read_again_from_the_beginning(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    asset = publisher.publish("lost")
    indexer.sync()
    whole = told(catalog)
    with catalog.store._open() as db:
        db.execute("DELETE FROM listing WHERE id = ?", (asset,))
    publisher.offer(asset, "1")
    indexer.sync()
    assert told(catalog).keys() == whole.keys()
    found = catalog.get(asset)
    assert found
    assert found.price == 10**18


def test_a_network_that_is_said_to_begin_too_late_is_named(publisher: Publisher, tmp_path: Path) -> None:
    asset = publisher.publish("early")
    late = publisher.world.chain.block("latest").number + 1
    publisher.offer(asset, "1")
    indexer = Indexer(Catalog(tmp_path), publisher.world.chain, Documents(publisher.world.profile), late)
    with pytest.raises(NetworkError, match="before block"):
        indexer.sync()


def test_rebuilding_reads_the_same_again(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    publisher.publish("again")
    indexer.sync()
    before = told(catalog)
    status = indexer.rebuild()
    assert told(catalog) == before
    assert (status.listings, status.behind, status.indexed) == (len(before), 0, True)


# -- documents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"recorded": b"\7" * 32}, "SHA-256"),
        ({"content": b"[" * 100_000}, "malformed"),
        ({"content": b'{"name": '}, "malformed"),
        ({"content": b"\xff\xfe\x00"}, "malformed"),
        ({"content": b" " * (MAX_DOCUMENT + 1)}, "more than 4 MiB"),
        ({"uri": "file:///etc"}, "not opened"),
        ({"uri": "javascript://x"}, "not opened"),
        ({"uri": "../../state"}, "not opened"),
        ({"uri": "s3://somebody/else"}, "not opened"),
    ],
)
def test_a_document_that_cannot_be_right_is_quarantined_with_the_reason(
    publisher: Publisher, opened: Any, how: dict[str, Any], reason: str
) -> None:
    catalog, indexer = opened()
    asset = publisher.publish("a lie", **how)
    indexer.sync()
    indexer.describe()
    found = catalog.get(asset)
    assert found
    assert found.quarantined
    assert reason in found.fault
    assert catalog.search("lie").total == 0
    status = indexer.status()
    assert found.name in [fault.asset for fault in status.faults if fault.final]
    assert reason in str(status._repr_mimebundle_()["text/plain"])


def test_a_document_that_is_away_is_read_when_it_comes_back(publisher: Publisher, opened: Any) -> None:
    catalog, indexer = opened()
    content = document("latecomer")
    asset = publisher.publish("", uri=f"assets/late-{next(_names)}", content=content)
    indexer.sync()
    found = catalog.get(asset)
    assert found
    assert not found.quarantined
    assert "cannot be read" in found.fault
    assert indexer.status().waiting >= 1
    indexer.describe()
    assert asset not in [w.id for w in catalog.store.waiting(time.time(), 1_000)]  # not at once again
    publisher.store(found.uri, content)
    indexer.retry()
    assert [r.id for r in catalog.search("latecomer").items] == [asset]
    described = catalog.get(asset)
    assert described
    assert described.fault == ""


class Web(http.server.BaseHTTPRequestHandler):
    """Serves what a test puts here; "drip" and "endless" are servers that mean harm."""

    pages: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/ok/metadata.json")
            self.end_headers()
            return
        content = self.pages.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        if content is not None:
            self.wfile.write(content)

    def log_message(self, *values: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_documents_on_the_web_follow_the_listing(publisher: Publisher, opened: Any, web: str) -> None:
    catalog, indexer = opened()
    content = document("web footed")
    Web.pages["/ok/metadata.json"] = content
    asset = publisher.publish("", uri=f"{web}/ok", content=content)
    large = publisher.publish("", uri=f"{web}/large", content=b"x" * 50_000_000)
    Web.pages["/large/metadata.json"] = b"x" * 50_000_000
    moved = publisher.publish("", uri=f"{web}/moved", content=content)
    indexer.sync()
    indexer.describe()
    assert [record.id for record in catalog.search("web footed").items] == [asset]
    faults = {record.id: record for record in catalog.store.faulty(0, 1_000)}
    assert "more than 4 MiB" in faults[large].fault
    assert faults[large].quarantined
    assert "302" in faults[moved].fault
    assert not faults[moved].quarantined


def test_a_gateway_gives_ipfs_documents(
    world: Any,
    web: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = document("from ipfs")
    address, digest = "ipfs://" + "b" * 59, hashlib.sha256(content).hexdigest()
    documents = Documents(replace(world.profile, name="sepolia"))
    with pytest.raises(Away, match="SAHARA_LAB_IPFS_GATEWAY"):
        documents.read(address, digest)
    monkeypatch.setenv("SAHARA_LAB_IPFS_GATEWAY", web)
    Web.pages[f"/ipfs/{'b' * 59}/metadata.json"] = content
    assert documents.read(address, digest) == content
    with pytest.raises(Refused):
        documents.read("ipfs://../../etc", digest)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_addresses_inside_one_s_own_network_are_never_asked(host: str, web: str) -> None:
    before = len(Web.asked)
    with pytest.raises(NetworkError, match="not on the public internet"):
        fetch(f"http://{host}:{web.rpartition(':')[2]}/ok/metadata.json", 100)
    assert len(Web.asked) == before

"""Real parts for the vault's tests: key servers on loopback, an owner, readers, and a policy held in memory."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from sahara_lab.errors import NotFound
from sahara_lab.signing import LocalSigner
from sahara_lab.vault import (
    Decision,
    KeyServer,
    Packed,
    ReleaseClass,
    Session,
    Vault,
    VaultFileSystem,
    VaultRef,
    create_app,
    delegate_session,
    new_seed,
    open_vault,
    pack,
    public_bytes,
)

CHAIN = 31337
_assets = itertools.count(1000)  # key servers outlive a test, and so do their receipts
REGISTRY = "0x" + "ab" * 20


class Policy:
    """Licenses in memory: what the chain would answer."""

    def __init__(self) -> None:
        self.assets: dict[int, tuple[str, str]] = {}
        self.answers: dict[tuple[str, int], str] = {}
        self.groups: dict[str, set[str]] = {}
        self.epochs = {1}
        self.asked = 0
        self.not_final_for = 0
        self.until = 0

    def license(self, account: str, asset: int, reason: str = "ok") -> None:
        self.answers[account.lower(), asset] = reason

    def identity(self, asset: int) -> tuple[str, str] | None:
        return self.assets.get(asset)

    def owner(self, asset: int) -> str | None:
        return self.assets.get(asset, (None, ""))[0]

    def check(self, account: str, asset: int, epoch: int, use: str, access_class: str = "read") -> Decision:
        self.asked += 1
        if access_class != "read":
            member = account.lower() in self.groups.get(access_class, set())
            return Decision(member, 0, 7, "0x" + "11" * 32, "ok" if member else "not-in-group", "", self.until)
        if self.not_final_for > 0:
            self.not_final_for -= 1
            return Decision(False, 0, 7, "0x" + "00" * 32, "not-final")
        reason = "ok" if self.assets.get(asset, ("", ""))[0].lower() == account.lower() else "no-license"
        reason = self.answers.get((account.lower(), asset), reason)
        if epoch not in self.epochs and reason == "ok":
            reason = "stale-epoch"
        return Decision(reason == "ok", 5, 7, "0x" + "11" * 32, reason, f"it says {reason}", self.until)


class Account:
    """Somebody with a wallet: credentials as the vault asks for them."""

    def __init__(self) -> None:
        self.signer = LocalSigner.generate()
        self.encryption_key: bytes | None = new_seed()
        self.public = public_bytes(self.encryption_key)
        self._session: Session | None = None
        self.sessions = 0

    @property
    def account(self) -> str:
        return self.signer.address

    def session(self) -> Session:
        if self._session is None:
            self._session = delegate_session(self.signer, chain_id=CHAIN, registry=REGISTRY)
            self.sessions += 1
        return self._session

    def end_session(self) -> None:
        """Forget the session, and with it the keys that were released in it."""
        self._session = None


class RunningServer:
    """A key server run by uvicorn in a thread."""

    def __init__(self, number: int, policy: Policy, folder: Path) -> None:
        self.number = number
        self.policy = policy
        self.seed = new_seed()
        self.signer = LocalSigner.generate()
        self.receipts = folder / f"receipts-{number}.jsonl"
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.app: Any = create_app(
            self.seed, self.signer, policy, self.receipts, server_id=number, chain_id=CHAIN, registry=REGISTRY
        )
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join(5)
        self._socket.close()

    def describe(self) -> KeyServer:
        return KeyServer(self.number, public_bytes(self.seed), self.url)


@dataclass
class World:
    """Alice's vaults, three key servers (2 of 3), and a policy that the tests change."""

    folder: Path
    policy: Policy
    servers: list[RunningServer]
    alice: Account
    bob: Account
    refs: dict[str, list[VaultRef]] = field(default_factory=dict)

    def publish(self, source: Any, name: str = "digits", **options: Any) -> VaultRef:
        versions = self.refs.setdefault(f"alice/{name}", [])
        asset = versions[0].asset if versions else next(_assets)
        location = f"{self.folder.as_uri()}/storage/{name}-{len(versions) + 1}"
        packed: Packed = pack(
            source,
            options.pop("location", location),
            creator=self.alice.account,
            name=name,
            owner=self.alice.signer,
            owner_key=self.alice.public,
            release=[ReleaseClass("read", [server.describe() for server in self.servers], 2)],
            chain_id=CHAIN,
            registry=REGISTRY,
            **options,
        )
        self.policy.assets[asset] = (self.alice.account, name)
        ref = VaultRef(
            asset=asset,
            name=f"alice/{name}",
            version=len(versions) + 1,
            epoch=packed.epoch,
            root=packed.root,
            manifest_hash=packed.manifest_hash,
            location=packed.location,
            chain_id=CHAIN,
            registry=REGISTRY,
            creator=self.alice.account,
            server_accounts={server.number: server.signer.address for server in self.servers},
        )
        versions.append(ref)
        return ref

    def resolve(self, owner_name: str, version: int | None) -> VaultRef:
        versions = self.refs.get(owner_name, [])
        if not versions or (version or 1) > len(versions):
            raise NotFound(f"there is no asset {owner_name!r}")
        return versions[(version or len(versions)) - 1]

    def open(self, ref: VaultRef, reader: Account | None = None, use: str = "read") -> Vault:
        return open_vault(ref, reader or self.alice, use)

    def licensed(self, ref: VaultRef, use: str = "read") -> Vault:
        """The vault as Bob sees it, with a license."""
        self.policy.license(self.bob.account, ref.asset)
        return open_vault(ref, self.bob, use)

    def stored(self, ref: VaultRef, kind: str) -> list[Path]:
        """Files of one kind ("o", "n", "m", "h", "g") in a vault's storage."""
        root = Path(ref.location.removeprefix("file://"))
        return sorted(path for path in (root / kind).rglob("*") if path.is_file())


_world: World | None = None


class TestFileSystem(VaultFileSystem):
    """The file system over the world of the running test."""

    __test__ = False

    def _backend(self) -> tuple[Any, Any]:
        assert _world is not None
        return _world, _world.alice if (self.account or "alice") == "alice" else _world.bob


@pytest.fixture(scope="session")
def key_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Policy, list[RunningServer]]]:
    policy = Policy()
    servers = [RunningServer(number, policy, tmp_path_factory.mktemp("servers")) for number in (1, 2, 3)]
    yield policy, servers
    for server in servers:
        server.stop()


@pytest.fixture
def world(
    tmp_path: Path, key_servers: tuple[Policy, list[RunningServer]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    global _world
    monkeypatch.setenv("SAHARA_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAHARA_LAB_ACCOUNT", raising=False)
    policy, servers = key_servers
    policy.assets.clear()
    policy.answers.clear()
    policy.groups.clear()
    policy.epochs = {1}
    policy.not_final_for = policy.until = 0
    _world = World(tmp_path, policy, servers, Account(), Account())
    yield _world
    _world = None


@pytest.fixture
def fs(world: World) -> Callable[..., VaultFileSystem]:
    """Makes file systems of an account: ``fs()`` is Alice's, ``fs("bob")`` Bob's."""

    def make(account: str = "alice", **options: Any) -> VaultFileSystem:
        return TestFileSystem(account=account, skip_instance_cache=True, **options)

    return make


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """An object store on loopback that speaks S3; returns its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a bucket; how to reach it is in the environment, where S3's own libraries look."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    store = s3fs.S3FileSystem(skip_instance_cache=True)
    if not store.exists("vaults"):
        store.mkdir("vaults")
    return "s3://vaults"

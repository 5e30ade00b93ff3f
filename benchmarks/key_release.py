"""How long a reader waits for a key: 2 of 3 key servers on loopback, each a process that syncs its log to disk.

Prints the median and the 95th percentile of cold releases, each in a session of its own, the ratio to plain round trips
to one server (GET /v1/info), and what opening the same asset again in one session costs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sahara_lab.signing import LocalSigner
from sahara_lab.vault import (
    Decision,
    KeyServer,
    ReleaseClass,
    Session,
    VaultRef,
    delegate_session,
    new_seed,
    open_vault,
    pack,
    public_bytes,
)
from sahara_lab.vault.release import exchange

CHAIN, REGISTRY, NAME = 31337, "0x" + "ab" * 20, "data"


class Everybody:
    """A policy that says yes without asking a chain: what is measured is the protocol."""

    def __init__(self, creator: str) -> None:
        self._creator = creator

    def identity(self, asset: int) -> tuple[str, str]:
        return self._creator, NAME

    def owner(self, asset: int) -> str:
        return self._creator

    def check(self, account: str, asset: int, epoch: int, use: str, access_class: str) -> Decision:
        return Decision(True, 1, 1, "0x" + "11" * 32, "ok")


class Reader:
    """Somebody with a wallet and no grant."""

    encryption_key = None

    def __init__(self) -> None:
        self.signer = LocalSigner.generate()
        self.account = self.signer.address
        self.renew()

    def renew(self) -> None:
        self._session = delegate_session(self.signer, chain_id=CHAIN, registry=REGISTRY)

    def session(self) -> Session:
        return self._session


def serve(listening: socket.socket, number: int, seed: bytes, key: bytes, creator: str, folder: str) -> None:
    import uvicorn

    from sahara_lab.vault import Limits, create_app
    from sahara_lab.vault.limits import Rate

    plenty = Rate(10**6, 1e6)
    app = create_app(
        seed,
        LocalSigner(key),
        Everybody(creator),
        Path(folder) / f"receipts-{number}",
        server_id=number,
        chain_id=CHAIN,
        registry=REGISTRY,
        limits=Limits(account=plenty, address=plenty),
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    server.run(sockets=[listening])


def times(work: Callable[[], Any], count: int, before: Callable[[], Any] = lambda: None) -> list[float]:
    found = []
    for _ in range(count):
        before()
        started = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - started))
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="releases that are counted (default 100)")
    count = parser.parse_args().rounds
    owner, reader = Reader(), Reader()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        servers, accounts, processes = [], {}, []
        for number in (1, 2, 3):
            listening = socket.create_server(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            seed, signer = new_seed(), LocalSigner.generate()
            given = (listening, number, seed, signer.private_bytes(), owner.account, folder)
            process = context.Process(target=serve, args=given, daemon=True)
            process.start()
            processes.append(process)
            servers.append(KeyServer(number, public_bytes(seed), url))
            accounts[number] = signer.address
        try:
            for server in servers:
                while _status(server.url) != 200:
                    time.sleep(0.05)
            location = (Path(folder) / "vault").as_uri()
            packed = pack(
                {"a": b"content"},
                location,
                creator=owner.account,
                name=NAME,
                owner=owner.signer,
                owner_key=public_bytes(new_seed()),
                release=[ReleaseClass("read", servers, 2)],
                chain_id=CHAIN,
                registry=REGISTRY,
            )
            ref = VaultRef(
                1,
                f"me/{NAME}",
                1,
                1,
                packed.root,
                packed.manifest_hash,
                location,
                CHAIN,
                REGISTRY,
                owner.account,
                server_accounts=accounts,
            )
            times(lambda: open_vault(ref, reader).unlock(), 3, reader.renew)
            cold = times(lambda: open_vault(ref, reader).unlock(), count, reader.renew)
            again = times(lambda: open_vault(ref, reader).unlock(), count)
            plain = times(lambda: _status(servers[0].url), count)
        finally:
            for process in processes:
                process.terminate()
    middle, trip = statistics.median(cold), statistics.median(plain)
    print(f"release of a key, 2 of 3, cold: p50 {middle:.1f} ms, p95 {cold[int(0.95 * count)]:.1f} ms, ", end="")
    print(f"{middle / trip:.1f} x a plain round trip ({trip:.1f} ms); again in the session: ", end="")
    print(f"p50 {statistics.median(again):.2f} ms")


def _status(url: str) -> int:
    try:
        return exchange(f"{url}/v1/info")[0]
    except OSError:
        return 0


if __name__ == "__main__":
    main()

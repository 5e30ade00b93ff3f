"""Running a key server on a network: licenses are asked of the chain, and the receipt log is anchored there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sahara_lab.chain import Chain, Network
from sahara_lab.errors import NotFound
from sahara_lab.licensing.anchoring import Anchoring, Batch
from sahara_lab.licensing.policy import ChainAccessPolicy
from sahara_lab.licensing.serverkeys import ServerKeys

KEYS = "keys.json"
RECEIPTS = "receipts.log"
PUBLIC = "public.json"
CONNECTIONS = 512
KEEP_ALIVE = 5  # seconds
ENDING = 5  # seconds for requests under way when told to stop


def server_id(chain: Chain, account: str) -> int:
    """The number under which the registry knows a key server, by its account.

    Raises:
        NotFound: it is not registered, or was switched off.
    """
    registry = chain.contract("KeyServerRegistry")
    count: int = registry.call("count")
    entries = chain.batch_call([(registry, "get", (number,)) for number in range(1, count + 1)])
    for number, entry in reversed(list(enumerate(entries, 1))):
        if entry["account"] == account and entry["active"]:
            return int(number)
    raise NotFound(
        f"the network does not know a key server with the account {account}",
        hint="Propose it to the DAO: sahara-lab keyserver propose FOLDER",
    )


def make_app(keys: ServerKeys, number: int, chain: Chain, receipts: Path, batch: Batch) -> Any:
    """The ASGI application of a key server, whose log is anchored while it lives."""
    from sahara_lab.vault import create_app

    app = create_app(
        keys.encryption_seed,
        keys.signer,
        ChainAccessPolicy(chain),
        receipts,
        server_id=number,
        chain_id=chain.chain_id,
        registry=chain.contract("AssetRegistry").address,
    )
    app.state.anchoring = Anchoring(chain, number, keys.signer, app.state.server.log, batch)
    app.state.anchoring.start()
    return app


def serve(app: Any, host: str, port: int, proxies: str = "127.0.0.1") -> None:
    """Serve until terminated.

    Args:
        proxies: addresses whose ``X-Forwarded-For`` is believed; a proxy with TLS stands in front of a public server.
    """
    import uvicorn

    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=ENDING,
        forwarded_allow_ips=proxies,
    )


def run(network: Network, folder: Path, passphrase: str, host: str, port: int, batch: Batch, proxies: str) -> None:
    """Run the key server whose keys and receipts are in ``folder`` on a network, until terminated.

    Raises:
        NotFound: there are no keys, or the network does not know them.
        NetworkError: the node serves another chain.
    """
    keys = ServerKeys.load(folder / KEYS, passphrase)
    chain = Chain(network.rpc_url, network.chain_id, network.addresses)
    chain.check()
    number = server_id(chain, keys.signer.address)
    serve(make_app(keys, number, chain, folder / RECEIPTS, batch), host, port, proxies)

"""How fast one account's transactions go out, beside web3.py's loop and the node's own limit, in one run.

Three ways send the same token transfer to the same node: ``Sender.send_many`` (encode, sign, journal, send, gather
receipts), web3.py's ordinary loop (send one, wait for its receipt), and batches that were encoded and signed before the
clock started, whose receipts are gathered. Rounds are interleaved and medians are taken, so that a busy machine slows
all three. The CPU that the node and this process use for one transaction is printed too: it depends less on what else
the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from web3 import HTTPProvider, Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from sahara_lab.chain import Call, Chain, Keyring, Receipt, Sender, Wallet
from sahara_lab.chain.abi import artifact
from sahara_lab.errors import SaharaError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import found, open_accounts, server_keys
from sahara_lab.localnet.node import Node, free_port
from sahara_lab.profile import Profile

SOMEBODY = "0x00000000000000000000000000000000000000AA"


def pipelined(chain: Chain, wallet: Wallet, journal: Path, count: int) -> float:
    """Seconds for ``count`` transfers by our sender."""
    token = chain.contract("SaharaToken")
    started = time.perf_counter()
    ends = Sender(chain, wallet, journal).send_many(Call(token, "transfer", (SOMEBODY, 1)) for _ in range(count))
    taken = time.perf_counter() - started
    assert all(isinstance(end, Receipt) for end in ends)
    return taken


def limit(chain: Chain, wallet: Wallet, count: int, size: int = 200) -> float:
    """Seconds for ``count`` transfers that need nothing but the node."""
    token, rpc = chain.contract("SaharaToken"), chain.rpc
    first = int(rpc("eth_getTransactionCount", wallet.address, "pending"), 16)
    call = {
        "type": 2,
        "chainId": chain.chain_id,
        "to": token.address,
        "data": "0x" + token.encode("transfer", SOMEBODY, 1).hex(),
        "value": 0,
        "gas": 150_000,
        "maxFeePerGas": int(rpc("eth_gasPrice"), 16),
        "maxPriorityFeePerGas": 0,
    }
    signed = [wallet.sign_transaction({**call, "nonce": first + index}) for index in range(count)]
    sends = [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw, _ in signed]
    asks = [("eth_getTransactionReceipt", [tx_hash]) for _, tx_hash in signed]
    started = time.perf_counter()
    for start in range(0, count, size):
        rpc.batch(sends[start : start + size])
    deadline = time.monotonic() + 120
    while rpc("eth_getTransactionReceipt", signed[-1][1]) is None:
        assert time.monotonic() < deadline, "the node mines no more"
        time.sleep(0.002)
    assert all(rpc.batch(asks))
    return time.perf_counter() - started


def peer(chain: Chain, key: bytes, count: int) -> float:
    """Seconds for ``count`` transfers by web3.py as its documentation shows it."""
    from eth_account import Account

    account = Account.from_key(key)
    web3 = Web3(HTTPProvider(chain.rpc.url))
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    token = web3.eth.contract(
        address=Web3.to_checksum_address(chain.addresses["SaharaToken"]), abi=artifact("SaharaToken")["abi"]
    )
    started = time.perf_counter()
    for _ in range(count):
        tx_hash = token.functions.transfer(SOMEBODY, 1).transact({"from": account.address})
        assert web3.eth.wait_for_transaction_receipt(tx_hash, poll_latency=0.005)["status"] == 1
    return time.perf_counter() - started


def rest(node: Node) -> None:
    """Wait until the node is done with what an earlier way left it: empty blocks, above all."""
    head = -1
    while head != (head := int(node.rpc("eth_blockNumber"), 16)):
        time.sleep(0.5)


def cpu_seconds(node: Node) -> float:
    """What the node and this process have used so far."""
    used = psutil.Process(node.pid).cpu_times()
    return float(used.user + used.system) + time.process_time()


def keep_awake(node: Node) -> None:
    """What the embedded network's supervisor does: the node at times leaves transactions lying that are ready."""
    head = -1
    with contextlib.suppress(SaharaError):
        while node.alive:
            head = node.wake(head)
            time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2_000, help="transfers in a round of ours and of the limit")
    parser.add_argument("--peer-count", type=int, default=40, help="transfers in a round of web3.py")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile("local", Path(folder))
        state, logs = profile.private(profile.state), profile.private(profile.logs)
        node = Node(anvil.ensure(), free_port(), logs / "anvil.log")
        try:
            node.wait_ready()
            threading.Thread(target=keep_awake, args=(node,), daemon=True).start()
            servers = [server_keys(state, n).entry(f"http://127.0.0.1:{n}") for n in (1, 2, 3)]
            made = found(profile, node.rpc, open_accounts(profile), servers)
            chain = Chain(node.url, made.chain_id, made.addresses)
            wallet = Keyring(profile).open("alice")
            journal = state / "journal-alice.jsonl"
            ways: dict[str, tuple[int, Callable[[int], float]]] = {
                "limit": (given.count, lambda count: limit(chain, wallet, count)),
                "ours": (given.count, lambda count: pipelined(chain, wallet, journal, count)),
                "web3": (given.peer_count, lambda count: peer(chain, wallet._unlock(), count)),
            }
            rates: dict[str, list[float]] = {name: [] for name in ways}
            efforts: dict[str, list[float]] = {name: [] for name in ways}
            for round_ in range(given.rounds + 1):  # the first one warms up
                for name, (count, way) in ways.items():
                    rest(node)
                    before = cpu_seconds(node)
                    taken = way(count)
                    if round_:
                        rates[name].append(count / taken)
                        efforts[name].append((cpu_seconds(node) - before) / count)
        finally:
            node.stop()
    median = {name: statistics.median(values) for name, values in rates.items()}
    effort = {name: 1e3 * statistics.median(values) for name, values in efforts.items()}
    print(f"node's limit, signed before       {median['limit']:8,.0f} tx/s  {effort['limit']:6.2f} ms of CPU each")
    print(f"Sender.send_many, journal and all {median['ours']:8,.0f} tx/s  {effort['ours']:6.2f} ms of CPU each")
    print(f"web3.py, send and wait            {median['web3']:8,.1f} tx/s  {effort['web3']:6.2f} ms of CPU each")
    print(f"ours / web3.py {median['ours'] / median['web3']:.1f} (wanted: 30)")
    print(f"ours / node's limit {median['ours'] / median['limit']:.2f} (wanted: 0.7)")


if __name__ == "__main__":
    main()

"""Making the blocks of the embedded chain: one as soon as a transaction is ready, with whatever is ready by then."""

from __future__ import annotations

import json
import threading

from sahara_lab.chain import Rpc
from sahara_lab.errors import SaharaError

#: Seconds between looks where nothing was announced, and until a lost connection is tried again.
LOOK, AGAIN = 1.0, 0.05
_CONNECT = 3.0


class Miner:
    """Has a node that does not mine by itself mine what is ready (``eth_subscribe``, ``newPendingTransactions``).

    Anvil's own automatic mining queues a block for every transaction that arrives while it makes another, and works
    the queue off long after nothing is left to put into it: minutes of empty blocks, each of which moves the chain's
    clock, once there are thousands of assets (foundry-rs/foundry#10122).

    A node that somebody gave another way of mining (``evm_setAutomine``, ``evm_setIntervalMining``) is left to it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rpc = Rpc(url, timeout=60)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="miner", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits for the block under way, where the node is still there to make it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * LOOK)

    def _run(self) -> None:
        import websocket

        while not self._stop.is_set():
            try:
                self._follow()
            except (OSError, SaharaError, websocket.WebSocketException):
                self._stop.wait(AGAIN)

    def _follow(self) -> None:
        import websocket

        socket = websocket.create_connection(self._url.replace("http", "ws", 1), timeout=_CONNECT)
        try:
            asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newPendingTransactions"]}
            socket.send(json.dumps(asked))
            while not self._stop.is_set():
                self._mine()
                try:
                    socket.settimeout(LOOK)
                    while socket.recv():
                        socket.settimeout(0.001)  # what has piled up is one piece of news
                except websocket.WebSocketTimeoutException:
                    pass
        finally:
            socket.close()

    def _mine(self) -> None:
        """Mine until nothing is ready, or until a block took nothing in."""
        while not self._stop.is_set():
            pool, every, automatic = self._rpc.batch(
                [("txpool_status", []), ("anvil_getIntervalMining", []), ("anvil_getAutomine", [])]
            )
            if not int(pool["pending"], 16) or every or automatic:
                return
            self._rpc("evm_mine")
            if not int(self._rpc("eth_getBlockTransactionCountByNumber", "latest") or "0x0", 16):
                return

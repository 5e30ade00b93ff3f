"""Waiting for a chain's next block: told by the node over a websocket where it can, else by the clock."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

#: With a websocket the clock is only the safety net: this many times slower than without.
PATIENCE = 15
#: Seconds until a websocket that was refused, lost or found silent is tried again; doubled each time up to the second.
AGAIN, AGAIN_AT_MOST = 5.0, 300.0
#: Seconds to connect, and between looks at whether the wait was called off.
CONNECT, SLICE = 3.0, 0.25


class Heads:
    """Tells when there is a block that was not read yet (``eth_subscribe``, ``newHeads``).

    What it says only ends a wait early: whoever waits asks the node what happened, so that an announcement that was
    lost, made up or repeated changes nothing but the time. A socket that announces nothing while the chain goes on is
    given up and tried again later.

    Args:
        url: the node's HTTP URL; the websocket is expected at the same place.
        every: seconds between looks without a websocket.
    """

    def __init__(self, url: str, every: float) -> None:
        scheme, _, rest = url.partition("://")
        self._url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}"
        self._every = every
        self._socket: Any = None
        self._next_try = 0.0
        self._pause = AGAIN
        self._trusting = ""  # the newest block read while nothing was announced for the whole of a wait

    @property
    def connected(self) -> bool:
        """Whether a websocket is there to announce blocks."""
        return self._socket is not None

    def wait(self, head: str, stop: threading.Event) -> None:
        """Return when a block other than ``head``, the hash of the newest one read, may be there, or ``stop`` set."""
        if self._trusting and head != self._trusting:
            self._give_up()
        self._trusting = ""
        if self._socket is None and time.monotonic() >= self._next_try and self._connect():
            return  # something may have happened before the subscription began
        if self._socket is None:
            stop.wait(self._every)
            return
        deadline = time.monotonic() + PATIENCE * self._every
        while not stop.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                self._trusting = head
                return
            announced = self._receive(min(left, SLICE))
            if self._socket is None or (announced and announced != head):
                return

    def close(self) -> None:
        """End the subscription."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> bool:
        import websocket

        try:
            self._socket = websocket.create_connection(self._url, timeout=CONNECT, enable_multithread=False)
            asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
            self._socket.send(json.dumps(asked))
            answer = json.loads(self._socket.recv())
            if not isinstance(answer, dict) or not isinstance(answer.get("result"), str):
                raise ValueError("no subscription")
        except (OSError, ValueError, websocket.WebSocketException):
            self._give_up()
            return False
        self._pause = AGAIN
        return True

    def _receive(self, timeout: float) -> str:
        """The hash of the newest block announced within ``timeout`` seconds; nothing when none was."""
        import websocket

        newest = ""
        try:
            self._socket.settimeout(timeout)
            while True:
                said = json.loads(self._socket.recv())
                newest = str(said["params"]["result"]["hash"])
                self._socket.settimeout(0.001)  # what has piled up is one piece of news
        except websocket.WebSocketTimeoutException:
            pass
        except (OSError, ValueError, KeyError, TypeError, websocket.WebSocketException):
            self._give_up()
        return newest

    def _give_up(self) -> None:
        self.close()
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, AGAIN_AT_MOST)

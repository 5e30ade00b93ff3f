"""A wire to a node that can be cut, clogged, or kept from carrying websockets."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gate:
    """Carries bytes between clients and a node; counts the websockets that were opened through it."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self.websockets = 0
        self.asked = 0
        self.refusing = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def clog(self) -> None:
        """From now on websockets stay open and nothing comes out of them."""
        self._flowing.clear()

    def cut(self) -> None:
        """Break every websocket that is open."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self) -> None:
        self._flowing.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        first = client.recv(1 << 16)
        upgrade = first.startswith(b"GET")
        if upgrade:
            self.asked += 1
        if upgrade and self.refusing:
            client.sendall(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        node = socket.create_connection(self._target)
        node.sendall(first)
        if upgrade:
            self.websockets += 1
            self._sockets += [client, node]
        threading.Thread(target=self._pump, args=(client, node, False), daemon=True).start()
        self._pump(node, client, upgrade)

    def _pump(self, source: socket.socket, target: socket.socket, may_clog: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if may_clog:
                    self._flowing.wait()
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

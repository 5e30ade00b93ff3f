"""A JSON-RPC node that misbehaves as told, in front of a real one."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Given one call's parameters and the node's answer; gives what the client gets instead.
Change = Callable[[list[Any], dict[str, Any]], dict[str, Any]]


@dataclass
class Fault:
    """What happens to calls of one method, the next ``times`` times, after ``skip`` of them went well.

    ``kind`` is "lost" (the node never hears of it), "silent" (the node acts, the answer is lost), "status" (an HTTP
    status instead), "garbled" (half of the answer), "full" (an error about the pool), or "changed" (see
    ``change``). ``first`` is done before the node
    hears of the call.
    """

    method: str
    kind: str
    times: int = 1
    skip: int = 0
    status: int = 429
    change: Change | None = None
    first: Callable[[], Any] | None = None

    def strikes(self) -> bool:
        if self.skip:
            self.skip -= 1
            return False
        if not self.times:
            return False
        self.times -= 1
        return True


class Proxy:
    """The node's double; every call that reached it is in ``seen``."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer is one packet: the rest of two would wait for the first to be acknowledged

            def do_POST(self) -> None:
                proxy.exchange(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *given: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def will(self, method: str, kind: str, **options: Any) -> Fault:
        """Arrange for a fault; the first arranged of a method strikes first."""
        fault = Fault(method, kind, **options)
        self.faults.append(fault)
        return fault

    def answers(self, method: str, change: Callable[[list[Any], Any], Any], **options: Any) -> Fault:
        """Arrange for other results: ``change`` gets the parameters and the node's result."""

        def changed(params: list[Any], got: dict[str, Any]) -> dict[str, Any]:
            return {**got, "result": change(params, got.get("result"))}

        return self.will(method, "changed", change=changed, **options)

    def before(self, method: str, first: Callable[[], Any], **options: Any) -> Fault:
        """Arrange for something to happen just before the node hears of a call."""
        return self.will(method, "none", first=first, **options)

    def count(self, method: str) -> int:
        """How many calls of a method reached it."""
        return self.seen.count(method)

    def exchange(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        with self._lock:
            self.seen += [call["method"] for call in calls]
            struck = {
                index: fault
                for index, call in enumerate(calls)
                if (fault := next((f for f in self.faults if f.method == call["method"] and f.strikes()), None))
            }
        kinds = {fault.kind for fault in struck.values()}
        for fault in struck.values():
            if fault.first is not None:
                fault.first()
        if "lost" in kinds:
            self._hang_up(handler)
            return
        if "status" in kinds:
            self._reply(handler, b"{}", next(fault.status for fault in struck.values()))
            return
        if "full" in kinds:
            error = {"code": -32000, "message": "txpool is full"}
            errors = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
            self._reply(handler, json.dumps(errors if isinstance(asked, list) else errors[0]).encode())
            return
        answer = json.loads(self._forward(body))
        if "silent" in kinds:
            self._hang_up(handler)
            return
        got = {one.get("id"): one for one in (answer if isinstance(answer, list) else [answer])}
        for index, fault in struck.items():
            if fault.change is not None:
                one = got[calls[index]["id"]]
                one.update(fault.change(calls[index]["params"], dict(one)))
        content = json.dumps(answer).encode()
        self._reply(handler, content[: len(content) // 2] if "garbled" in kinds else content)

    def _forward(self, body: bytes) -> bytes:
        request = urllib.request.Request(self.target, body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            return bytes(answer.read())

    def _reply(self, handler: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _hang_up(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

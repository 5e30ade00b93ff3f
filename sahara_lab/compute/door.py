"""The keeper's door: a local socket that asks for a secret, then speaks JSON.

Each request is one JSON frame followed by the binary frames it announces; each answer is one JSON
frame. Nothing that crosses the door is unpickled by the door. An open connection also says
"somebody is still here", which is how the keeper knows when the last client has gone.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from sahara_lab.errors import JobError

Handler = Callable[[dict[str, Any], list[bytes]], dict[str, Any]]


class Door:
    """Serves requests, one thread for each client."""

    def __init__(self, address: Path, secret: bytes, handler: Handler) -> None:
        self._listener = Listener(str(address), family="AF_UNIX", authkey=secret, backlog=16)
        self._handler = handler
        self._clients = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="door", daemon=True).start()

    @property
    def clients(self) -> int:
        """How many clients are connected now."""
        return self._clients

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, ConnectionError, EOFError):
                continue  # a stranger, or a client that left while knocking
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="client", daemon=True).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        with self._lock:
            self._clients += 1
        try:
            while True:
                request = json.loads(connection.recv_bytes())
                blobs = [connection.recv_bytes() for _ in range(int(request.get("blobs", 0)))]
                try:
                    answer = self._handler(request, blobs)
                except JobError as error:
                    answer = {"error": error.message, "hint": error.hint}
                except Exception as error:  # the keeper must outlive any one request
                    answer = {"error": f"the job service failed: {type(error).__name__}: {error}", "hint": ""}
                connection.send_bytes(json.dumps(answer).encode())
        except (EOFError, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._clients -= 1
            connection.close()


class Visitor:
    """The client's end. Safe to use from several threads."""

    def __init__(self, address: str, secret: bytes) -> None:
        self._connection = Client(address, family="AF_UNIX", authkey=secret)
        self._lock = threading.Lock()

    def ask(self, op: str, blobs: list[bytes] | None = None, **fields: Any) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises:
            JobError: the keeper refused, with its reason.
            ConnectionError: the keeper is gone.
        """
        parts = blobs or []
        with self._lock:
            try:
                self._connection.send_bytes(json.dumps({"op": op, "blobs": len(parts), **fields}).encode())
                for part in parts:
                    self._connection.send_bytes(part)
                answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError) as error:
                self.close()
                raise ConnectionError("the job service closed the connection") from error
            except BaseException:
                self.close()  # an interrupt between request and answer: the next answer would be the wrong one
                raise
        if "error" in answer:
            raise JobError(answer["error"], hint=answer.get("hint", ""))
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.close()

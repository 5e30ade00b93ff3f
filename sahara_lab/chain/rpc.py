"""JSON-RPC over HTTP: one pooled, thread-safe connection to a node (Ethereum JSON-RPC specification)."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from typing import Any

import orjson

from sahara_lab.errors import ChainError, NetworkError

MOST_IN_A_BATCH = 200
#: Pauses, in seconds, before a node that says "too many requests" is asked again; then it is given up.
BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6)
#: The longest that a node's own ``Retry-After`` is obeyed, in seconds.
LONGEST_PAUSE = 5.0
#: What a node, or what stands before it, answers for a while: too many requests, or nobody there.
BUSY = frozenset({429, 502, 503, 504})

_FEED = {"Content-Type": "application/json"}


class RpcError(ChainError):
    """The node answered with an error; ``data`` holds a revert's bytes, if any."""

    code = "rpc"

    def __init__(self, message: str, *, hint: str = "", data: bytes = b"") -> None:
        super().__init__(message, hint=hint)
        self.data = data


class Rpc:
    """Calls a node.

    Args:
        url: HTTP address of the node.
        timeout: seconds until an answer is given up.
    """

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url
        self._timeout = timeout
        self._connections: tuple[int, Any] = (0, None)
        self._numbers = itertools.count(1)

    def __call__(self, method: str, *params: Any) -> Any:
        """Call one method.

        Raises:
            NetworkError: the node does not answer.
            RpcError: it answers with an error.
        """
        answer = self._post(self._body(method, params))
        if not isinstance(answer, dict):
            raise NetworkError(f"{self.place} does not speak JSON-RPC")
        return result(answer)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Call many methods in few requests; answers in the order of the calls, the first error is raised."""
        return [result(answer) for answer in self.batch_raw(calls)]

    def batch_raw(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
        """Like :meth:`batch`, with each answer's ``result`` or ``error`` as it came."""
        answers: list[dict[str, Any]] = []
        for start in range(0, len(calls), MOST_IN_A_BATCH):
            bodies = [self._body(method, params) for method, params in calls[start : start + MOST_IN_A_BATCH]]
            found = self._post(bodies)
            if not isinstance(found, list) or len(found) != len(bodies):
                result(found if isinstance(found, dict) else {})
                raise NetworkError(f"{self.place} answered a batch of {len(bodies)} calls incompletely")
            by_id = {answer.get("id"): answer for answer in found if isinstance(answer, dict)}
            if any(body["id"] not in by_id for body in bodies):
                raise NetworkError(f"{self.place} answered a batch of {len(bodies)} calls incompletely")
            answers += [by_id[body["id"]] for body in bodies]
        return answers

    def _body(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": list(params)}

    @property
    def place(self) -> str:
        """The node's address as it may be shown: providers put their secret key in the path."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def _post(self, body: Any) -> Any:
        sent = orjson.dumps(body)
        for pause in (*BACKOFF, None):
            status, answer, wanted = self._exchange(sent)
            if status not in BUSY:
                return answer
            if pause is not None:
                time.sleep(min(max(pause, wanted), LONGEST_PAUSE))
        raise NetworkError(f"the chain node at {self.place} is too busy (HTTP {status})", hint="Try again in a minute")

    def _exchange(self, body: bytes) -> tuple[int, Any, float]:
        """One request: the status, the answer, and the seconds that the node asks to wait."""
        import urllib3

        try:
            response = self._pool().request("POST", self.url, body=body, headers=_FEED)
            if response.status in BUSY:
                after = response.headers.get("Retry-After", "")
                return response.status, None, float(after) if after.isdigit() else 0.0
            answer = orjson.loads(response.data)
        except urllib3.exceptions.HTTPError as error:
            raise NetworkError(
                f"the chain node at {self.place} does not answer", hint="Run: sahara-lab up, or sahara-lab doctor"
            ) from error
        except orjson.JSONDecodeError as error:
            if response.status >= 400:
                raise NetworkError(f"{self.place} answers with HTTP status {response.status}") from error
            raise NetworkError(f"{self.place} does not speak JSON-RPC") from error
        if response.status >= 400 and not (
            isinstance(answer, list) or (isinstance(answer, dict) and "error" in answer)
        ):
            raise NetworkError(f"{self.place} answers with HTTP status {response.status}")
        return response.status, answer, 0.0

    def _pool(self) -> Any:
        """This process's connections: a forked child must not speak on its parent's."""
        import urllib3

        owner, pool = self._connections
        if owner != os.getpid():
            pool = urllib3.PoolManager(maxsize=8, timeout=self._timeout, retries=False)
            self._connections = (os.getpid(), pool)
        return pool

    def __repr__(self) -> str:
        return f"Rpc({self.place})"


def result(answer: dict[str, Any]) -> Any:
    """What a node answered to one call.

    Raises:
        RpcError: it answered with an error.
        NetworkError: it is no answer.
    """
    if "error" in answer:
        error = answer["error"]
        if not isinstance(error, dict):
            raise RpcError(str(error))
        raise RpcError(str(error.get("message", error)), data=_revert_data(error.get("data")))
    if "result" not in answer:
        raise NetworkError("the node's answer holds neither a result nor an error")
    return answer["result"]


def _revert_data(data: Any) -> bytes:
    """Nodes put the revert's bytes in different places."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if isinstance(data, str) and data.startswith("0x"):
        try:
            return bytes.fromhex(data[2:])
        except ValueError:
            return b""
    return b""

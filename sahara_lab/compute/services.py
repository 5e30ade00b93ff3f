"""Long-lived actors of the floors above, such as the gateway of served models: the keeper's side.

The keeper owns them, so none outlives it, and a restarted kernel finds them again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sahara_lab.errors import JobError

_START_WITHIN = 180.0
_ANSWER_WITHIN = 600.0
_CONCURRENCY = 16


class Services:
    """The actors that a keeper has on its Ray, by name.

    An actor's class has ``handle(request, blobs)``, which answers with what JSON can hold, ``idle()``, and ``close()``.

    Args:
        wait_for_ray: blocks until Ray is there; raises JobError when it will not be.
    """

    def __init__(self, wait_for_ray: Callable[[float], None]) -> None:
        self._wait_for_ray = wait_for_ray
        self._actors: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def any(self) -> bool:
        """Whether there is a service to stay for."""
        return bool(self._actors)

    def handle(self, request: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        """Pass a request on to the service it names, which is started where the request says from what.

        Where there is none and it does not, the answer is ``{"absent": True}``.

        Raises:
            JobError: it does not start, or it has died.
        """
        name = str(request["service"])
        if name not in self._actors and "actor" not in request:
            return {"absent": True}
        self._wait_for_ray(_START_WITHIN)  # before Ray is imported: it reads its settings then
        import ray

        with self._lock:
            actor = self._actors.get(name) or self._start(name, request)
        try:
            answer: dict[str, Any] = ray.get(actor.handle.remote(request["ask"], blobs), timeout=_ANSWER_WITHIN)
            if ray.get(actor.idle.remote(), timeout=10):
                self._end(name)
        except ray.exceptions.RayActorError:
            self._actors.pop(name, None)
            raise JobError(f"the service {name!r} died", hint="Start it again") from None
        return answer

    def _start(self, name: str, request: dict[str, Any]) -> Any:
        import ray

        module, _, kind = str(request["actor"]).partition(":")
        if not module.startswith("sahara_lab."):
            raise JobError(f"{module!r} is no part of Sahara Lab")
        remote: Any = ray.remote(getattr(import_module(module), kind))
        options = {"num_cpus": 0, "max_concurrency": _CONCURRENCY, "name": name, "get_if_exists": False}
        actor = remote.options(**options).remote(name, **request.get("arguments", {}))
        try:
            ray.get(actor.idle.remote(), timeout=_START_WITHIN)
        except Exception as error:
            raise JobError(f"the service {name!r} did not start: {_cause(error)}") from None
        self._actors[name] = actor
        return actor

    def _end(self, name: str) -> None:
        import ray

        actor = self._actors.pop(name, None)
        if actor is not None:
            with contextlib.suppress(Exception):
                ray.get(actor.close.remote(), timeout=30)
            with contextlib.suppress(Exception):
                ray.kill(actor)

    def end_all(self) -> None:
        """End every service."""
        for name in list(self._actors):
            self._end(name)


def _cause(error: Exception) -> str:
    """A failure inside an actor in one line, without Ray's traceback."""
    cause = getattr(error, "cause", None) or error
    return str(cause).strip().splitlines()[-1] if str(cause).strip() else type(cause).__name__

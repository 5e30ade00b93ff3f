"""A copy of a model, as Ray Serve runs it: loads once, answers batches. It knows nothing of keys and money."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import orjson

from sahara_lab.errors import InputError, SaharaError
from sahara_lab.profile import ACCOUNT_VARIABLE

MOST_INSTANCES = 256
NAMESPACE = "sahara"  # of the keeper's Ray
Answer = tuple[int, bytes]
"""An HTTP status and a JSON body."""


@dataclass(frozen=True)
class Serving:
    """How a model is served.

    Attributes:
        name: ``owner/name@version``.
        profile: the network's.
        batch, wait: most calls that are computed together, and seconds to wait for them.
        replicas: the fewest and the most copies; Ray Serve adds and removes them by how many calls wait.
        cpus, gpus: of each copy.
        path: ``sys.path`` of who serves, for the modules of its loader.
    """

    name: str
    profile: str = "local"
    batch: int = 16
    wait: float = 0.002
    replicas: tuple[int, int] = (1, 1)
    cpus: float = 1.0
    gpus: float = 0.0
    path: tuple[str, ...] = ()


class Replica:
    """One copy of a model.

    Args:
        gateway: name of the actor that hands out the session to read the vault with.
        loader: the server's own loader, pickled by who serves; None for a known architecture.
    """

    def __init__(self, serving: Serving, gateway: str, loader: bytes | None) -> None:
        import torch

        torch.set_num_threads(max(1, int(serving.cpus)))
        self._failure = ""
        self._predict: Any = None
        try:
            self._predict = _load(serving, gateway, loader)
        except SaharaError as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"the model cannot be loaded: {type(error).__name__}: {error}"
        if self._failure and not _is_first(serving, gateway):
            raise RuntimeError(self._failure)  # Ray Serve makes another copy; those that there are go on

    async def ready(self) -> tuple[str, str]:
        """Why the model cannot answer, empty when it can; and of which kind it is, ``json`` or ``language``."""
        return self._failure, getattr(self._predict, "kind", "json")

    async def __call__(self, body: bytes) -> Answer:
        """Answer ``{"instances": […]}`` with ``{"predictions": […]}``."""
        try:
            instances = _instances(body)
        except InputError as error:
            return failed(400, error.code, str(error))
        answer: Answer = await self._batched(instances)
        return answer

    async def _batched(self, instances: Any) -> Any:
        raise NotImplementedError

    async def _together(self, calls: list[list[Any]]) -> list[Answer]:
        """Compute several calls at once; when that fails, one after another, so that one bad call spoils no other."""
        try:
            found = self._checked([instance for call in calls for instance in call])
        except Exception as error:
            if len(calls) > 1:
                return [(await self._together([call]))[0] for call in calls]
            if isinstance(error, InputError):
                return [failed(400, error.code, str(error))]
            return [failed(500, "model", f"the model failed: {type(error).__name__}: {str(error)[:200]}")]
        answers, at = [], 0
        for call in calls:
            answers.append(_answer(found[at : at + len(call)]))
            at += len(call)
        return answers

    def _checked(self, instances: list[Any]) -> list[Any]:
        if self._failure:
            raise RuntimeError(self._failure)
        found = list(self._predict(instances))
        if len(found) != len(instances):
            raise ValueError(f"{len(found)} predictions for {len(instances)} instances")
        return found


def deployment(serving: Serving, gateway: str, loader: bytes | None) -> Any:
    """The Ray Serve application of a model."""
    from ray import serve

    class Model(Replica):
        """With Ray Serve's batching, whose limits are bound to a class."""

        @serve.batch(max_batch_size=serving.batch, batch_wait_timeout_s=serving.wait)
        async def _batched(self, calls: list[list[Any]]) -> list[Answer]:
            return await self._together(calls)

    least, most = serving.replicas
    options: dict[str, Any] = {"ray_actor_options": {"num_cpus": serving.cpus, "num_gpus": serving.gpus}}
    options["max_ongoing_requests"] = max(8, 4 * serving.batch)
    options["max_queued_requests"] = 64 * serving.batch
    options["graceful_shutdown_timeout_s"] = 5
    if most > least:
        options["autoscaling_config"] = {
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": max(2, serving.batch),
            "upscale_delay_s": 5,
            "downscale_delay_s": 60,
        }
    else:
        options["num_replicas"] = least
    made: Any = serve.deployment(Model, name="model")
    return made.options(**options).bind(serving, gateway, loader)


def failed(status: int, code: str, detail: str, hint: str = "") -> Answer:
    """A refusal or failure as every route of the gateway says it."""
    problem = {"code": code, "message": detail[:500], **({"hint": hint} if hint else {})}
    return status, orjson.dumps({"error": problem})


def _answer(predictions: list[Any]) -> Answer:
    try:
        return 200, orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)
    except (TypeError, ValueError) as error:
        return failed(500, "model", f"the model's predictions are not JSON: {error}")


def _instances(body: bytes) -> list[Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        raise InputError("the request is not JSON") from None
    found = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(found, list) or not 0 < len(found) <= MOST_INSTANCES:
        raise InputError(f'the request is {{"instances": […]}} with 1 to {MOST_INSTANCES} of them')
    return found


def _load(serving: Serving, gateway: str, loader: bytes | None) -> Any:
    import cloudpickle
    import ray

    from sahara_lab.licensing.filesystem import LicensedVaultFileSystem
    from sahara_lab.serving.models import ModelFiles, build

    sys.path.extend(entry for entry in serving.path if entry not in sys.path)
    install = cloudpickle.loads(ray.get(_seat(gateway).session.remote()))
    install()  # may read the vault as the account until the session ends; holds no wallet
    fs = LicensedVaultFileSystem(profile=serving.profile, account=os.environ[ACCOUNT_VARIABLE], use="inference")
    return build(ModelFiles(serving.name, fs), cloudpickle.loads(loader) if loader else None)


def _seat(gateway: str) -> Any:
    import ray

    return ray.get_actor(gateway, namespace=NAMESPACE)


def _is_first(serving: Serving, gateway: str) -> bool:
    """Whether the gateway waits to hear from this copy whether the model can be served at all."""
    import ray

    waits: bool = ray.get(_seat(gateway).deploying.remote(serving.name))
    return waits

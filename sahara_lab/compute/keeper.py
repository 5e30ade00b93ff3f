"""The keeper: a background process that owns the local Ray, the workers and the running jobs.

``python -m sahara_lab.compute.keeper JOBS_DIR``. It outlives the kernel that started it and ends by
itself when nobody has been connected for a while and no job runs. Ray's processes share its fate
(the kernel kills them when it dies), so nothing can leak.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sahara_lab.compute.controller import Controller, request_error
from sahara_lab.compute.door import Door
from sahara_lab.compute.joining import join, joined
from sahara_lab.compute.kernels import Kernels
from sahara_lab.compute.options import Options
from sahara_lab.compute.record import write_private
from sahara_lab.compute.services import Services
from sahara_lab.errors import JobError

IDLE_VARIABLE = "SAHARA_LAB_COMPUTE_IDLE_SECONDS"
_IDLE_ALONE = 600.0
_IDLE_WATCHED = 3600.0
_OBJECT_STORE = 200 * 1024 * 1024
_RAY_ATTEMPTS = 5  # Ray gives up after 30 seconds, which pass on a very busy machine


def keep(jobs_dir: Path, cluster_file: Path, address: str | None = None) -> None:
    """Serve until idle or told to go.

    Args:
        address: of the Ray cluster to train on; a Ray of this machine's own when left out.
    """
    home = Path(tempfile.mkdtemp(prefix="sahara-"))  # short: socket paths have a limit of about 100 characters
    going = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: going.set())
    controller = Controller(jobs_dir, cluster_file.name, home)

    def wait_for_ray(within: float) -> None:
        controller.ray_wanted.set()
        if not controller.ray_ready.wait(within) or controller.broken:
            raise JobError(controller.broken or "Ray has not started", hint="Run: sahara-lab doctor")

    kernels = Kernels(wait_for_ray)
    services = Services(wait_for_ray)

    def handle(request: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        if going.is_set():
            raise JobError("the job service is closing", hint="Run the cell again")
        match request["op"]:
            case "hello":
                return {"pid": os.getpid(), "home": str(home), **controller.status()}
            case "submit":
                return controller.submit(request, blobs)
            case "warm":
                return controller.warm(Options.of(request["options"]), request["modules"])
            case "stop":
                return controller.stop(str(request["job"]), bool(request.get("force")))
            case "kernel":
                return kernels.handle(request)
            case "service":
                return services.handle(request, blobs)
            case "shutdown":
                going.set()
                return {}
        raise request_error(request)

    secret = secrets.token_bytes(32)
    door = Door(home / "door", secret, handle)
    description = {"pid": os.getpid(), "address": str(home / "door"), "secret": secret.hex(), "home": str(home)}
    write_private(cluster_file, json.dumps(description).encode())
    try:
        _wait(door, controller, kernels, services, going, home, address)
    finally:
        going.set()
        door.close()
        controller.stop_all()
        kernels.end_all()
        services.end_all()
        with contextlib.suppress(Exception):
            import ray

            ray.shutdown()
        shutil.rmtree(home, ignore_errors=True)
        with contextlib.suppress(OSError, ValueError):  # last, so that who waits for our end can see it
            if json.loads(cluster_file.read_text())["pid"] == os.getpid():
                cluster_file.unlink()


def _start_ray(home: Path, controller: Controller) -> None:
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        del os.environ[name]  # settings of another cluster the person uses
    os.environ.update(
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN=secrets.token_hex(32),
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
        RAY_enable_metrics_collection="0",
        RAY_enable_worker_prestart="0",
        RAY_worker_niceness="0",  # the seats only pass messages on, and must get through beside the training
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # on every system: the cluster listens on loopback only
    )
    why = ""
    for _ in range(_RAY_ATTEMPTS):
        try:
            import ray

            ray.init(
                address="local",
                num_cpus=max(2, os.cpu_count() or 1),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=_OBJECT_STORE,
                namespace="sahara",
                _node_ip_address="127.0.0.1",
                _temp_dir=str(home / "ray"),
            )
        except Exception as error:
            why = f"Ray did not start: {error}"
            with contextlib.suppress(Exception):
                ray.shutdown()
        else:
            controller.ray_came()
            return
    controller.ray_failed(why)


def _join_ray(address: str, controller: Controller) -> None:
    kept = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_USE_TLS")
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        if name not in kept and not name.startswith("RAY_TLS_"):
            del os.environ[name]
    os.environ.update(RAY_AUTH_MODE="token", RAY_USAGE_STATS_ENABLED="0")
    try:
        join(address)
    except JobError as error:
        controller.ray_failed(str(error))
    else:
        controller.ray_came()


def _wait(
    door: Door,
    controller: Controller,
    kernels: Kernels,
    services: Services,
    going: threading.Event,
    home: Path,
    address: str | None,
) -> None:
    alone = float(os.environ.get(IDLE_VARIABLE, _IDLE_ALONE))
    last_client = time.monotonic()
    started = False
    while not going.wait(0.5 if started else 0.02):
        if controller.ray_wanted.is_set() and not started:
            started = True
            if address is None:
                _start_ray(home, controller)
            else:
                _join_ray(address, controller)
        if address is not None and started and not controller.broken and not joined():
            controller.ray_failed(f"the connection to the cluster at {address} is lost")
        moment = time.monotonic()
        if controller.broken and not controller.busy:
            return
        kernels.end_forgotten()
        if door.clients or controller.busy or kernels.any or services.any:
            last_client = moment
        if moment - last_client > alone:
            return
        if (
            not controller.busy
            and not kernels.any
            and not services.any
            and moment - max(controller.last_busy, 0.0) > max(alone, _IDLE_WATCHED)
        ):
            return


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])

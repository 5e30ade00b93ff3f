"""Becoming a client of a Ray cluster, and saying in one line why that did not work. Runs in the keeper.

Ray Client waits half a minute for any answer and does not say what was wrong, so the server is asked first. A client
needs one port of the head, and neither a Ray of its own nor a way back to it.
"""

from __future__ import annotations

import logging
from typing import Any

from sahara_lab.compute.clusters import DEFAULT_PORT
from sahara_lab.errors import JobError

NAMESPACE = "sahara"
_ANSWER_WITHIN = 15.0


def join(address: str) -> None:
    """Connect this process; ``RAY_AUTH_MODE`` and the token's variables are set already.

    Raises:
        JobError: the cluster does not let us in; says why.
    """
    import ray

    _knock(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, namespace=NAMESPACE)
    except BaseException as error:  # Ray leaves by SystemExit at times
        line = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise JobError(
            f"the cluster at {address} did not take this machine as a client ({line})",
            hint="Its Python and Ray have to be the versions that are installed here",
        ) from error


def joined() -> bool:
    """Whether the connection still stands."""
    from ray.util.client import ray as client

    return bool(client.is_connected())  # type: ignore[no-untyped-call]


def _knock(address: str) -> None:
    import grpc
    import ray.core.generated.ray_client_pb2 as messages
    from ray._private.grpc_utils import init_grpc_channel
    from ray.core.generated.ray_client_pb2_grpc import RayletDriverStub

    ping: Any = messages
    question = ping.ClusterInfoRequest(type=ping.ClusterInfoType.PING)
    stub: Any = RayletDriverStub
    channel = init_grpc_channel(address.removeprefix("ray://"), asynchronous=False)
    try:
        stub(channel).ClusterInfo(question, timeout=_ANSWER_WITHIN, wait_for_ready=True)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAUTHENTICATED:
            raise JobError(
                f"the cluster at {address} has another token than the one given",
                hint="Name the right file: sahara-lab cluster use ADDRESS --token-file FILE",
            ) from None
        raise JobError(
            f"what answers at {address} is no Ray Client server ({error.code().name.lower().replace('_', ' ')})",
            hint=f"Give the head's Ray Client port, {DEFAULT_PORT} unless it was started with another",
        ) from None
    finally:
        channel.close()

"""Finding a Ray cluster by its address: quick checks that need neither Ray nor an open session."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from sahara_lab.errors import JobError

TOKEN_VARIABLE: Final = "RAY_AUTH_TOKEN"  # noqa: S105 - the name, not the token
_REACH_WITHIN = 3.0


def token() -> str | None:
    """The token for Ray clusters, from where Ray itself looks for it."""
    if os.environ.get(TOKEN_VARIABLE):
        return os.environ[TOKEN_VARIABLE]
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        return path.read_text("utf-8").strip() or None
    except OSError:
        return None


def check(address: str) -> None:
    """See whether a cluster can be reached at all; quick, and before anything is sent.

    Raises:
        JobError: the address is none, nothing listens there, or there is no token to show.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise JobError(
            f"'{address}' is no address of a Ray cluster", hint="Give --cluster HOST:PORT, e.g. 10.0.0.5:6379"
        )
    try:
        socket.create_connection((host, int(port)), _REACH_WITHIN).close()
    except OSError as error:
        raise JobError(f"no Ray cluster answers at {address} ({error})", hint="See: ray status") from None
    if token() is None:
        raise JobError(
            f"the cluster at {address} needs a token", hint=f"Set {TOKEN_VARIABLE}, or RAY_AUTH_TOKEN_PATH to its file"
        )

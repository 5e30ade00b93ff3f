"""Whether the parts of a network answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from sahara_lab.errors import NetworkError


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether a key server answers."""
    import urllib3

    try:
        response = urllib3.request("GET", f"{url}/v1/info", timeout=timeout, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return bool(response.status == 200)


def wait_for(url: Callable[[], str], patience: float = 30.0, meanwhile: Callable[[], None] | None = None) -> None:
    """Wait until a key server answers.

    Args:
        url: where it is now; a server that is started again may have moved.
        meanwhile: called between attempts; it may raise.

    Raises:
        NetworkError: it stays silent.
    """
    deadline = time.monotonic() + patience
    while not answers(url()):
        if meanwhile is not None:
            meanwhile()
        if time.monotonic() > deadline:
            raise NetworkError(f"the key server at {url()} does not start", hint="Run: sahara-lab doctor")
        time.sleep(0.02)

"""Whether the parts of a network answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sahara_lab.errors import NetworkError


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether a key server answers."""
    import urllib3

    try:
        response = urllib3.request("GET", f"{url}/v1/info", timeout=timeout, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return bool(response.status == 200)


def wait_for_servers(urls: Sequence[str], patience: float = 30.0) -> None:
    """Wait until every key server answers.

    Raises:
        NetworkError: one stays silent.
    """
    deadline = time.monotonic() + patience
    for url in urls:
        while not answers(url):
            if time.monotonic() > deadline:
                raise NetworkError(f"the key server at {url} does not start", hint="Run: sahara-lab doctor")
            time.sleep(0.05)

"""Small documents from strangers' web servers: bounded in size and time, never from inside one's own network."""

from __future__ import annotations

import ipaddress
import socket
import time
from urllib.parse import urlsplit

from sahara_lab.errors import InputError, NetworkError

CONNECT_SECONDS = 4.0
TOTAL_SECONDS = 10.0
_PART = 65_536
_PORTS = {"http": 80, "https": 443}


class TooLarge(InputError):
    """The document is larger than was asked for."""


def fetch(url: str, most: int, *, private: bool = False) -> bytes:
    """The content of a URL.

    Redirects are not followed, and the address that was checked is the one that is spoken to, so that no name can lead
    to another place afterwards.

    Args:
        most: bytes above which it is refused.
        private: addresses of private networks and of this machine may be asked.

    Raises:
        InputError: not an http or https URL, or one with a password in it.
        TooLarge: there is more than ``most``.
        NetworkError: no answer, another answer than 200, an address that may not be asked.
    """
    import urllib3

    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password:
        raise InputError(f"{url[:80]!r} is not a web address that can be read")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise InputError(f"{url[:80]!r} has no valid port") from None
    address = _address(parts.hostname, port, private)
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=TOTAL_SECONDS / 2)
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, port, server_hostname=parts.hostname, assert_hostname=parts.hostname, timeout=timeout
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Accept-Encoding": "identity", "User-Agent": "sahara-lab"}
    try:
        with pool:
            answer = pool.request("GET", target, headers=headers, redirect=False, retries=False, preload_content=False)
            try:
                if answer.status != 200:
                    raise NetworkError(f"{parts.hostname} answers with {answer.status}")
                return _read(answer, most)
            finally:
                answer.close()
    except (urllib3.exceptions.HTTPError, OSError, UnicodeError, ValueError) as error:
        raise NetworkError(f"{parts.hostname} does not answer ({type(error).__name__})") from error


def _read(answer: object, most: int) -> bytes:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    for part in answer.stream(_PART, decode_content=False):  # type: ignore[attr-defined]
        content += part
        if len(content) > most:
            raise TooLarge(f"it has more than {most:,} bytes")
        if time.monotonic() > deadline:
            raise NetworkError(f"it did not arrive within {TOTAL_SECONDS:.0f} seconds")
    return bytes(content)


def _address(host: str, port: int, private: bool) -> str:
    """The first address of a host, where all of them may be asked."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise NetworkError(f"there is no host {host[:80]}") from None
    for address in found:
        if not private and not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise NetworkError(f"{host[:80]} is not on the public internet")
    return found[0]

"""Which Ray cluster a profile trains on: its address, where its token lies, and whether anybody answers there.

Light to import and quick: what needs Ray itself is in :mod:`sahara_lab.compute.joining`.
"""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sahara_lab.compute.record import write_private
from sahara_lab.errors import JobError

DEFAULT_PORT: Final = 10001
HERE: Final = "none"
"""In place of an address: this machine."""
WARNING: Final = (
    "Whoever has this cluster's token can run code on its nodes and, through what they answer, on this machine: "
    "use a cluster that is yours alone, never one shared with strangers"
)
_ADDRESS = re.compile(r"(?:ray://)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?/?")
_REACH_WITHIN = 3.0


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster as a client reaches it.

    Args:
        address: ``ray://HOST:PORT`` of the head's Ray Client server.
        token_file: the file with its token, or None to let Ray look where it always does (``RAY_AUTH_TOKEN``,
            ``RAY_AUTH_TOKEN_PATH``, ``~/.ray/auth_token``).
    """

    address: str
    token_file: Path | None = None

    def environment(self) -> dict[str, str]:
        """Variables that tell Ray where the token is; the token itself only where it came as a variable.

        Raises:
            JobError: there is no token, or others may read its file.
        """
        if self.token_file is None and os.environ.get("RAY_AUTH_TOKEN"):
            return {"RAY_AUTH_TOKEN": os.environ["RAY_AUTH_TOKEN"]}
        path = self.token_file or Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
        hint = "Name the file that holds it: sahara-lab cluster use ADDRESS --token-file FILE"
        try:
            empty, mode = not path.read_text("utf-8").strip(), path.stat().st_mode
        except (OSError, UnicodeDecodeError):
            raise JobError(f"there is no token for the cluster at {self.address} in {path}", hint=hint) from None
        if empty:
            raise JobError(f"the token file {path} is empty", hint=hint)
        if mode & 0o077:
            raise JobError(f"others may read the token file {path}", hint=f"Run: chmod 600 {path}")
        return {"RAY_AUTH_TOKEN_PATH": str(path)}

    def check(self) -> None:
        """See whether there is a token to show and somebody to show it to; takes three seconds at most.

        Raises:
            JobError: there is not.
        """
        self.environment()
        host, port = endpoint(self.address)
        try:
            socket.create_connection((host, port), _REACH_WITHIN).close()
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise JobError(
                f"nobody answers at {self.address} ({reason})",
                hint=f"Give the head's host and its Ray Client port, {DEFAULT_PORT} unless it was started with another",
            ) from None


def canonical(address: str) -> str:
    """``ray://HOST:PORT`` of what a person typed; the scheme and the port may be left out.

    Raises:
        JobError: it is no address. What it holds is not repeated when it could hold a secret.
    """
    found = _ADDRESS.fullmatch(address.strip())
    port = int(found[2] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 65536:
        shown = "that" if "@" in address or "?" in address else f"'{address}'"
        raise JobError(f"{shown} is no address of a Ray cluster", hint="Give it as ray://HOST:10001, without a token")
    return f"ray://{found[1].lower()}:{port}"


def endpoint(address: str) -> tuple[str, int]:
    """Host and port of a canonical address."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.strip("[]"), int(port)


class Clusters:
    """The clusters that a jobs folder knows, and the one it trains on when nothing else is said."""

    def __init__(self, jobs_dir: Path) -> None:
        self._file = jobs_dir / ".clusters.json"

    @property
    def chosen(self) -> str | None:
        """Address of the cluster to train on; None: this machine."""
        return self._read()[0]

    def find(self, address: str) -> Cluster:
        """The cluster at an address, with the token file that was named for it once."""
        file = self._read()[1].get(address)
        return Cluster(address, Path(file) if file else None)

    def choose(self, cluster: Cluster | None) -> None:
        """Train there from now on; None: on this machine."""
        _, files = self._read()
        if cluster is not None:
            files.pop(cluster.address, None)
            if cluster.token_file is not None:
                files[cluster.address] = str(cluster.token_file)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.parent.chmod(0o700)
        content = {"chosen": cluster.address if cluster else None, "token_files": files}
        write_private(self._file, json.dumps(content).encode())

    def _read(self) -> tuple[str | None, dict[str, str]]:
        try:
            content = json.loads(self._file.read_text("utf-8"))
            return content["chosen"], dict(content["token_files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, {}

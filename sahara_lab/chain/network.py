"""What a session must know about a network: where its node is, its contracts and its key servers.

The embedded network's supervisor writes this file; for any other network ``sahara-lab network add`` does.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sahara_lab.errors import NetworkError
from sahara_lab.profile import Profile

FORMAT = 1


@dataclass(frozen=True)
class KeyServerAddress:
    """One key server: its id in the registry, its URL, and the account that signs its receipts."""

    id: int
    url: str
    account: str


@dataclass(frozen=True)
class Network:
    """A network as written in ``network.json``; addresses are checksummed, times are seconds since the epoch."""

    chain_id: int
    rpc_url: str
    addresses: dict[str, str]
    key_servers: tuple[KeyServerAddress, ...]
    threshold: int
    deployed_block: int = 0
    accounts: tuple[str, ...] = ()
    supervisor_pid: int = 0
    started_at: float = 0.0
    recovered: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, profile: Profile) -> Network:
        """Read the profile's network file.

        Raises:
            NetworkError: there is none, or it cannot be read.
        """
        try:
            document = json.loads(profile.network_file.read_text())
            if document.pop("v") != FORMAT:
                raise ValueError("written by another version")
            document["key_servers"] = tuple(KeyServerAddress(**server) for server in document["key_servers"])
            document["accounts"] = tuple(document["accounts"])
            return cls(**document)
        except FileNotFoundError:
            raise NetworkError(f"the network {profile.name!r} is not running", hint="Run: sahara-lab up") from None
        except (ValueError, KeyError, TypeError) as error:
            raise NetworkError(
                f"the description of network {profile.name!r} is damaged ({error})", hint="Run: sahara-lab up"
            ) from error

    def save(self, profile: Profile) -> None:
        """Write the profile's network file in one step, readable by this user only."""
        profile.private(profile.folder)
        handle, name = tempfile.mkstemp(dir=profile.folder, prefix=".network-")
        with os.fdopen(handle, "w") as stream:
            json.dump({"v": FORMAT, **asdict(self)}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(profile.network_file)

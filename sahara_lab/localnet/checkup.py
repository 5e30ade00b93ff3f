"""What is wrong with this installation, and the command that repairs it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sahara_lab._version import __version__
from sahara_lab.chain.client import Chain
from sahara_lab.chain.network import Network
from sahara_lab.errors import NetworkError, SaharaError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.probe import answers
from sahara_lab.profile import Profile

LEAST_FREE = 2 << 30  # bytes


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    repair_command: str = ""


def doctor(profile: Profile) -> list[Check]:
    """Look at everything a session needs; nothing is changed."""
    return [*_installation(), *_disk(profile), *_network(profile)]


def _installation() -> Iterator[Check]:
    yield Check("Python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer")
    try:
        yield Check("package", True, f"sahara-lab {version('sahara-lab')}")
    except PackageNotFoundError:
        yield Check("package", False, f"sahara-lab {__version__} is on the path but not installed", "make setup")
    for name in ("ray", "torch", "pytorch-lightning", "jupyterlab"):
        try:
            yield Check(name, True, version(name))
        except PackageNotFoundError:
            yield Check(name, False, "not installed", "pip install sahara-lab")
    extension = Path(sys.prefix) / "share/jupyter/labextensions/sahara-lab/package.json"
    found = extension.exists()
    yield Check("Lab extension", found, "installed" if found else "not installed in this environment", "make setup")
    program = anvil.find()
    yield Check("chain node", program is not None, str(program or "anvil is not there yet"), "sahara-lab up")


def _disk(profile: Profile) -> Iterator[Check]:
    folder = profile.folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Check("disk", free > LEAST_FREE, f"{free / 2**30:.1f} GiB free", f"free some space near {folder}")
    open_to_others = [
        path for path in (profile.keystores, profile.state) if path.exists() and path.stat().st_mode & 0o077
    ]
    detail = "private" if not open_to_others else f"{open_to_others[0]} can be read by others"
    yield Check("key files", not open_to_others, detail, f"chmod 700 {open_to_others[0]}" if open_to_others else "")


def _network(profile: Profile) -> Iterator[Check]:
    try:
        network = Network.load(profile)
        chain = Chain(network.rpc_url, network.chain_id, network.addresses)
        chain.check()
    except NetworkError as error:
        damaged = profile.network_file.exists()
        yield Check("network", False, error.message, "sahara-lab down && sahara-lab up" if damaged else "sahara-lab up")
        return
    except SaharaError as error:
        yield Check("network", False, str(error), "sahara-lab down && sahara-lab up")
        return
    yield Check("network", True, f"chain {network.chain_id}, {len(network.addresses)} contracts at {network.rpc_url}")
    for server in network.key_servers:
        alive = answers(server.url)
        detail = server.url if alive else f"{server.url} does not answer"
        yield Check(f"key server {server.id}", alive, detail, "sahara-lab down && sahara-lab up")

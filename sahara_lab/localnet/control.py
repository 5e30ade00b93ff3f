"""Starting, stopping and looking at the embedded network, from any process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sahara_lab.chain.network import Network
from sahara_lab.chain.rpc import Rpc
from sahara_lab.display import bundle, card, mono, text_card
from sahara_lab.errors import InputError, NetworkError
from sahara_lab.localnet.node import clean_environment
from sahara_lab.localnet.probe import answers
from sahara_lab.profile import Profile, data_home

PATIENCE = 90.0


@dataclass(frozen=True)
class Status:
    """How the network is."""

    running: bool
    rpc_url: str = ""
    chain_id: int = 0
    block: int = 0
    key_servers: tuple[tuple[str, bool], ...] = ()
    accounts: tuple[str, ...] = ()
    threshold: int = 0
    recovered: str | None = None

    def __str__(self) -> str:
        if not self.running:
            return "the network is not running. Run: sahara-lab up"
        up = sum(ok for _, ok in self.key_servers)
        return f"chain {self.chain_id} at block {self.block}, {up} of {len(self.key_servers)} key servers"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if not self.running:
            return bundle(
                str(self), card("Network", [("State", "not running")], accent="error", footer="sahara-lab up")
            )
        up = sum(ok for _, ok in self.key_servers)
        rows: list[tuple[str, object]] = [
            ("Chain", f"{self.chain_id}, block {self.block:,}"),
            ("Node", mono(self.rpc_url)),
            ("Key servers", f"{up} of {len(self.key_servers)} up, {self.threshold} needed"),
            ("Accounts", ", ".join(self.accounts)),
        ]
        healthy = up == len(self.key_servers)
        html = card(
            "Embedded network",
            rows,
            badge="running" if healthy else "degraded",
            accent="ok" if healthy else "warn",
            footer=self.recovered,
        )
        return bundle(text_card(self, rows), html)


def ensure_up(profile: Profile, timeout: float = PATIENCE, progress: Callable[[str], None] | None = None) -> Network:
    """Attach to the embedded network, starting it when it is not running; any number of processes may call this.

    Raises:
        NetworkError: it cannot be started; the message says why.
    """
    running = _running(profile)
    if running:
        return running
    from filelock import FileLock

    with FileLock(profile.private(profile.state) / "start.lock", timeout=timeout):
        running = _running(profile)
        if running:
            return running
        if progress:
            progress("starting the embedded network")
        return _start(profile, timeout)


def attach(profile: Profile) -> Network:
    """The running network of a profile.

    Raises:
        NetworkError: it is not running.
    """
    network = Network.load(profile)
    _probe(network)
    return network


def down(profile: Profile, patience: float = 30.0) -> None:
    """Stop the embedded network; its state stays on disk. Stopping what does not run is no error."""
    try:
        network = Network.load(profile)
    except NetworkError:
        return
    pid = network.supervisor_pid
    if _is_supervisor(pid):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while _is_supervisor(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    profile.network_file.unlink(missing_ok=True)


def status(profile: Profile) -> Status:
    """Whether the node and the key servers answer."""
    try:
        network = Network.load(profile)
        block = int(_probe(network)("eth_blockNumber"), 16)
    except NetworkError:
        return Status(running=False)
    return Status(
        running=True,
        rpc_url=network.rpc_url,
        chain_id=network.chain_id,
        block=block,
        key_servers=tuple((server.url, answers(server.url)) for server in network.key_servers),
        accounts=network.accounts,
        threshold=network.threshold,
        recovered=network.recovered,
    )


def advance(profile: Profile, seconds: int) -> int:
    """Move the embedded network's clock forward; returns the chain's new time in seconds.

    Raises:
        InputError: the profile is not the embedded network.
    """
    network = attach(profile)
    if not network.supervisor_pid:
        raise InputError(
            f"the clock of network {profile.name!r} cannot be moved", hint="Only the embedded network's can"
        )
    rpc = Rpc(network.rpc_url)
    rpc("evm_increaseTime", seconds)
    for _ in range(3):  # so that the new time is final, too
        rpc("evm_mine")
    return int(rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def _running(profile: Profile) -> Network | None:
    """The network if its node answers and its supervisor lives."""
    try:
        network = attach(profile)
    except NetworkError:
        return None
    return network if _is_supervisor(network.supervisor_pid) else None


def _probe(network: Network) -> Rpc:
    rpc = Rpc(network.rpc_url, timeout=5)
    found = int(rpc("eth_chainId"), 16)
    if found != network.chain_id:
        raise NetworkError(f"{network.rpc_url} serves chain {found}, not {network.chain_id}", hint="Run: sahara-lab up")
    return rpc


def _start(profile: Profile, timeout: float) -> Network:
    logs = profile.private(profile.logs)
    home = profile.home or data_home()
    failure = profile.state / "failure.txt"
    failure.unlink(missing_ok=True)
    profile.network_file.unlink(missing_ok=True)
    with (logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sahara_lab.localnet", profile.name, str(home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=clean_environment(),
            start_new_session=True,
        )
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            network = attach(profile)
            _forget_note(profile, network)
            return network
        except NetworkError:
            pass
        if process.poll() is not None and not profile.network_file.exists():
            reason = (
                failure.read_text() if failure.exists() else f"the network did not start. See {logs}/supervisor.log"
            )
            raise NetworkError(reason.rstrip("."), hint="" if failure.exists() else "Run: sahara-lab doctor")
        time.sleep(0.03)
    raise NetworkError(f"the network did not start within {timeout:.0f} s", hint="Run: sahara-lab doctor")


def _forget_note(profile: Profile, network: Network) -> None:
    """A note about a loss is for the one who started the network; those who attach later are not told again."""
    if network.recovered:
        replace(network, recovered=None).save(profile)


def _is_supervisor(pid: int) -> bool:
    from sahara_lab.localnet.supervisor import command_line

    return bool(pid) and "sahara_lab.localnet" in command_line(pid)

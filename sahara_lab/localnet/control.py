"""Starting, stopping and looking at the embedded network, from any process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sahara_lab.chain.network import Network
from sahara_lab.chain.rpc import Rpc
from sahara_lab.display import bundle, card, mono, text_card
from sahara_lab.errors import ChainError, InputError, NetworkError
from sahara_lab.localnet.probe import answers
from sahara_lab.localnet.processes import Identity, clean_environment, python_module
from sahara_lab.profile import Profile, data_home

PATIENCE = 90.0
#: Exit status of a supervisor that found another one at work.
BUSY = 3
#: How long a supervisor that lives but does not answer is waited for before it is replaced.
SILENCE = 20.0


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


def ensure_up(
    profile: Profile,
    timeout: float = PATIENCE,
    progress: Callable[[str], None] | None = None,
    *,
    owner: int = 0,
) -> Network:
    """Attach to the embedded network, starting it when it is not running; any number of processes may call this.

    Args:
        owner: a process with which the network should end, if it is started now; by default it stays until ``down``.

    Raises:
        NetworkError: it cannot be started; the message says why.
    """
    _require_embedded(profile)
    running = _running(profile)
    if running:
        return running
    from filelock import FileLock, Timeout

    try:
        with FileLock(profile.private(profile.state) / "start.lock", timeout=timeout):
            running = _running(profile)
            return running or _start(profile, timeout, progress, owner)
    except Timeout:
        raise NetworkError(
            "another process has been starting the network for too long",
            hint="Run: sahara-lab down, then sahara-lab up",
        ) from None


def attach(profile: Profile) -> Network:
    """The running network of a profile.

    Raises:
        NetworkError: it is not running.
    """
    network = Network.load(profile)
    _probe(network)
    return network


def down(profile: Profile, patience: float = 30.0) -> None:
    """Stop the embedded network; its state stays on disk. Stopping what does not run is no error.

    Raises:
        InputError: the profile is a network that was not started here.
    """
    _require_embedded(profile)
    supervisor = _supervisor(profile)
    if supervisor:
        supervisor.end(patience)
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
        InputError: the profile is not the embedded network, or the time would run backwards.
    """
    network = attach(profile)
    if not network.supervisor_pid:
        raise InputError(
            f"the clock of network {profile.name!r} cannot be moved", hint="Only the embedded network's can"
        )
    if seconds < 0:
        raise InputError("a chain's time does not run backwards")
    rpc = Rpc(network.rpc_url)
    rpc("evm_increaseTime", seconds)
    for _ in range(3):  # so that the new time is final, too
        rpc("evm_mine")
    return int(rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def _running(profile: Profile) -> Network | None:
    """The network if its node answers and its supervisor lives; costs a file and one request."""
    try:
        network = attach(profile)
        os.kill(network.supervisor_pid, 0)
    except (NetworkError, OSError):
        return None
    return network


def _probe(network: Network) -> Rpc:
    """See that the node answers and is this network's, not another one that took its port."""
    rpc = Rpc(network.rpc_url, timeout=5)
    contract = network.addresses.get("Directory", "0x" + "0" * 40)
    try:
        chain, nonce = rpc.batch([("eth_chainId", []), ("eth_getTransactionCount", [contract, "latest"])])
    except ChainError as error:
        raise NetworkError(f"{network.rpc_url} is not a chain node", hint="Run: sahara-lab up") from error
    if int(chain, 16) != network.chain_id or int(nonce, 16) == 0:  # a contract's nonce starts at 1 (EIP-161)
        raise NetworkError(f"{network.rpc_url} serves another network", hint="Run: sahara-lab up")
    return rpc


def _require_embedded(profile: Profile) -> None:
    """A network of one's own is neither started nor stopped here; its description must not be lost."""
    try:
        own = Network.load(profile).extra.get("own")
    except NetworkError:
        return
    if own:
        raise InputError(
            f"the network {profile.name!r} runs elsewhere", hint=f"Look at it: sahara-lab network verify {profile.name}"
        )


def _supervisor(profile: Profile) -> Identity | None:
    return Identity.load(profile.state / "supervisor.pid.json")


def _start(profile: Profile, timeout: float, progress: Callable[[str], None] | None, owner: int) -> Network:
    from sahara_lab.localnet import anvil

    deadline = time.monotonic() + timeout
    supervisor = _supervisor(profile)
    if supervisor:
        network = _await_answer(profile, supervisor)
        if network:
            return network
    anvil.ensure(progress)
    if progress:
        progress("starting the embedded network")
    profile.network_file.unlink(missing_ok=True)
    process = _spawn(profile, owner)
    while time.monotonic() < deadline:
        network = _running(profile)
        if network:
            _forget_note(profile, network)
            return network
        if process.poll() == BUSY:  # the one before is still stopping
            time.sleep(0.2)
            process = _spawn(profile, owner)
        elif process.poll() is not None:
            raise _why(profile)
        time.sleep(0.03)
    if process.poll() is None:
        process.terminate()
    raise NetworkError(f"the network did not start within {timeout:.0f} s", hint="Run: sahara-lab doctor")


def _spawn(profile: Profile, owner: int) -> subprocess.Popen[bytes]:
    logs = profile.private(profile.logs)
    with (logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            python_module("sahara_lab.localnet", profile.name, str(profile.home or data_home()), str(owner)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=clean_environment(),
            cwd=logs,
            start_new_session=True,
        )


def _await_answer(profile: Profile, supervisor: Identity) -> Network | None:
    """Wait for a supervisor that lives but whose network does not answer; end it when it stays silent."""
    profile.network_file.unlink(missing_ok=True)  # a living supervisor writes it again
    deadline = time.monotonic() + SILENCE
    while supervisor.alive:
        network = _running(profile)
        if network:
            return network
        if time.monotonic() > deadline:
            supervisor.end(patience=5)
        time.sleep(0.05)
    return None


def _why(profile: Profile) -> NetworkError:
    failure = profile.state / "failure.txt"
    if failure.exists():
        return NetworkError(failure.read_text().rstrip("."))
    return NetworkError(f"the network did not start. See {profile.logs}/supervisor.log", hint="Run: sahara-lab doctor")


def _forget_note(profile: Profile, network: Network) -> None:
    """A note about a loss is for the one who started the network; those who attach later are not told again."""
    if network.recovered:
        replace(network, recovered=None).save(profile)

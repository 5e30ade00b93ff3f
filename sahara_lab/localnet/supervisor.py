"""The supervisor: one background process that keeps the embedded network alive.

    python -m sahara_lab.localnet PROFILE HOME [OWNER]

It holds a file lock for as long as it lives, so two of them cannot run. It starts the chain node and the key servers,
restarts what dies, makes new blocks final, and writes the chain's state to disk about a second after it changed, less
often when it has grown large. It ends when told to, when its folder is deleted, or with the process OWNER when there is
one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from sahara_lab.chain import KeyServerAddress, Network
from sahara_lab.errors import NetworkError, SaharaError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.control import BUSY
from sahara_lab.localnet.founding import KEY_SERVERS, THRESHOLD, found, move_key_server, open_accounts, server_keys
from sahara_lab.localnet.node import CHAIN_ID, Node, free_port
from sahara_lab.localnet.probe import wait_for
from sahara_lab.localnet.processes import Identity, read_json, write_json
from sahara_lab.localnet.servers import ServerProcess
from sahara_lab.localnet.snapshot import Snapshots
from sahara_lab.profile import Profile

TICK = 0.1
MOST_FAILURES = 3
CHECKPOINT_AFTER = 1.0  # seconds of changes that a crash may cost, as long as writing them down is quick
CHECKPOINT_SHARE = 10  # seconds between snapshots for each second that one takes


def pid_file(profile: Profile) -> Path:
    """The file that names the profile's supervisor."""
    return profile.state / "supervisor.pid.json"


class Supervisor:
    """Runs the network of one profile."""

    def __init__(self, profile: Profile, owner: int = 0) -> None:
        self._profile = profile
        self._owner = Identity.of(owner) if owner else None
        self._state = profile.private(profile.state)
        self._logs = profile.private(profile.logs)
        self._snapshots = Snapshots(self._state)
        self._ports = self._read_ports()
        self._servers = [self._server(index) for index in range(1, KEY_SERVERS + 1)]
        self._stopping = False
        self._recovered: str | None = None
        self._started = time.time()
        self._deployment: dict[str, Any] = read_json(self._state / "deployment.json")
        self._node: Node | None = None
        self._head = -1
        self._dirty_since: float | None = None
        self._checkpoint_after = CHECKPOINT_AFTER

    def _server(self, index: int) -> ServerProcess:
        port = free_port(self._ports.get(f"keyserver-{index}", 0))
        return ServerProcess(index, self._state, self._logs, port, server_keys(self._state, index))

    # -- life ---------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start everything, then watch until told to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._end_orphans()
        try:
            for server in self._servers:
                server.start()
            self._start_node()
            self._publish()
            while not self._stopping and self._state.exists() and (self._owner is None or self._owner.alive):
                self._watch()
                time.sleep(TICK)
            self._save_last()
        finally:
            self._end_children()
            self._profile.network_file.unlink(missing_ok=True)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _watch(self) -> None:
        node = self._node
        if node is None or not node.alive:
            self._say("the chain node ended; starting it from its last snapshot")
            for server in self._servers:
                server.stop()
                server.start()
            self._start_node()
            self._publish()
            return
        if self._revive() or not self._profile.network_file.exists():
            self._publish(wait=False)
        with contextlib.suppress(SaharaError):
            self._follow_chain(node)

    def _follow_chain(self, node: Node) -> None:
        """Make new blocks final and write the state down a second after it changed."""
        head = node.wake(self._head)
        if head != self._head:
            node.finalize(head)
            # The block that was looked at, not those made after it: a transaction may have slipped in between.
            self._head = head
            self._snapshots.record_head(head)
            self._dirty_since = self._dirty_since or time.monotonic()
        if self._dirty_since is not None and time.monotonic() - self._dirty_since >= self._checkpoint_after:
            self._checkpoint()

    def _save_last(self) -> None:
        """Write down what happened up to the very end."""
        if self._node is not None and self._node.alive and self._state.exists():
            self._follow_chain(self._node)
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self._node is None or not self._node.alive or self._dirty_since is None:
            return
        self._dirty_since, began = None, time.monotonic()
        try:
            self._snapshots.save(self._node.snapshot())
        except (OSError, SaharaError) as error:
            self._say(f"the chain's state could not be written: {error}")
            self._dirty_since = time.monotonic()
        # The node makes no blocks while it gives its state, which takes seconds once it holds thousands of assets.
        self._checkpoint_after = max(CHECKPOINT_AFTER, CHECKPOINT_SHARE * (time.monotonic() - began))

    # -- the chain ----------------------------------------------------------------------------------------------------

    def _start_node(self) -> None:
        port = free_port(self._ports.get("node", 0))
        snapshot = self._snapshots.load() if self._deployment else None
        node = self._node = Node(anvil.ensure(self._say), port, self._logs / "anvil.log", snapshot)
        identity = Identity.of(node.pid)
        if identity:
            identity.save(self._state / "node.pid.json")
        node.wait_ready()
        if snapshot is not None:
            self._note_loss(snapshot.block)
            self._snapshots.record_head(snapshot.block)  # the empty blocks of the start are no loss
            self._dirty_since = time.monotonic()  # written again, in case it was the one before the newest
        else:
            self._found_anew(node)
            self._snapshots.record_head(node.block_number())
        self._head = node.block_number()
        for server in self._servers:
            self._configure(server)
        self._remember_ports()

    def _note_loss(self, restored: int) -> None:
        seen = self._snapshots.head()
        if seen is not None and seen > restored:
            self._recovered = (
                f"The network was stopped hard: it came back at block {restored}, and {seen - restored} newer "
                f"block{'s' if seen - restored != 1 else ''} (the last seconds before the stop) are lost."
            )
            self._say(self._recovered)

    def _found_anew(self, node: Node) -> None:
        if self._deployment:
            self._recovered = "The chain's saved state was missing or damaged, so the network started anew and empty."
            self._say(self._recovered)
        entries = [server.keys.entry(server.url) for server in self._servers]
        made = found(self._profile, node.rpc, open_accounts(self._profile), entries)
        node.finalize(node.block_number())
        self._deployment = {"chain_id": made.chain_id, "addresses": made.addresses, "block": made.block}
        self._snapshots.save(node.snapshot())
        write_json(self._state / "deployment.json", self._deployment)

    # -- key servers --------------------------------------------------------------------------------------------------

    def _configure(self, server: ServerProcess) -> None:
        assert self._node is not None
        server.configure(self._node.url, CHAIN_ID, self._deployment["addresses"])

    def _revive(self) -> bool:
        """Start again what ended; whether there was anything."""
        ended = [server for server in self._servers if not server.alive and server.due()]
        for server in ended:
            self._say(f"key server {server.index} ended; starting it again")
            server.stop()
            server.start()
            self._configure(server)
            self._remember_ports()
        return bool(ended)

    def _revive_or_give_up(self) -> None:
        if self._stopping:
            raise NetworkError("the network was told to stop while it was starting", hint="Run: sahara-lab up")
        if self._revive() and max(server.failures for server in self._servers) > MOST_FAILURES:
            raise NetworkError(f"a key server does not start. See {self._logs}", hint="Run: sahara-lab doctor")

    def _register_moves(self, node: Node) -> None:
        """Servers that had to take another port say so on chain."""
        for server in self._servers:
            with contextlib.suppress(SaharaError):
                if move_key_server(node.rpc, self._deployment["addresses"], server.index, server.keys, server.url):
                    self._say(f"key server {server.index} moved to {server.url}")

    # -- housekeeping -------------------------------------------------------------------------------------------------

    def _publish(self, *, wait: bool = True) -> None:
        """Say to everyone where the network is, at first once all of it answers."""
        assert self._node is not None
        self._register_moves(self._node)
        if wait:
            self._wait_for_servers()
        if not self._state.exists():
            return  # the folder was deleted: to write into it would bring it back
        Network(
            chain_id=CHAIN_ID,
            rpc_url=self._node.url,
            addresses=self._deployment["addresses"],
            key_servers=tuple(
                KeyServerAddress(server.index, server.url, server.keys.signer.address) for server in self._servers
            ),
            threshold=THRESHOLD,
            deployed_block=self._deployment["block"],
            accounts=tuple(wallet.handle for wallet in open_accounts(self._profile)),
            supervisor_pid=os.getpid(),
            started_at=self._started,
            recovered=self._recovered,
        ).save(self._profile)
        self._recovered = None

    def _wait_for_servers(self) -> None:
        for server in self._servers:
            wait_for(partial(getattr, server, "url"), meanwhile=self._revive_or_give_up)

    def _remember_ports(self) -> None:
        assert self._node is not None
        ports = {"node": self._node.port} | {f"keyserver-{server.index}": server.port for server in self._servers}
        if ports != self._ports:
            self._ports = ports
            write_json(self._state / "ports.json", ports)

    def _read_ports(self) -> dict[str, int]:
        kept = read_json(self._state / "ports.json")
        return {name: port for name, port in kept.items() if isinstance(port, int) and 0 < port < 65_536}

    def _end_orphans(self) -> None:
        """End what a supervisor that was killed left running."""
        for path in self._state.glob("*.pid.json"):
            if path == pid_file(self._profile):
                continue
            orphan = Identity.load(path)
            if orphan:
                orphan.end(patience=2)
            path.unlink(missing_ok=True)

    def _end_children(self) -> None:
        for server in self._servers:
            server.stop()
        if self._node is not None:
            self._node.stop()
        (self._state / "node.pid.json").unlink(missing_ok=True)

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Run the supervisor of a profile; ``BUSY`` when another one runs."""
    profile = Profile(arguments[0], Path(arguments[1]))
    owner = int(arguments[2]) if len(arguments) > 2 else 0
    lock = FileLock(profile.private(profile.state) / "supervisor.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return BUSY
    failure = profile.state / "failure.txt"
    failure.unlink(missing_ok=True)
    identity = Identity.of(os.getpid())
    if identity:
        identity.save(pid_file(profile))
    try:
        Supervisor(profile, owner).run()
    except SaharaError as error:
        _explain(failure, error)
        return 1
    except Exception as error:
        _explain(failure, NetworkError(f"the network stopped: {error}", hint="Run: sahara-lab doctor"))
        raise
    finally:
        pid_file(profile).unlink(missing_ok=True)
        lock.release()
    return 0


def _explain(failure: Path, error: SaharaError) -> None:
    """Leave the reason for the one who waits for the start."""
    with contextlib.suppress(OSError):
        failure.write_text(str(error))

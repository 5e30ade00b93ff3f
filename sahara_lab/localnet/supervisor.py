"""The supervisor: one background process that keeps the embedded network alive.

    python -m sahara_lab.localnet PROFILE HOME

It holds a file lock for as long as it lives, so two of them cannot run. It starts the chain node and the key servers,
restarts what dies, makes new blocks final, and writes the chain's state to disk about a second after it changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from sahara_lab.chain import KeyServerAddress, Network
from sahara_lab.errors import NetworkError, SaharaError
from sahara_lab.localnet import anvil
from sahara_lab.localnet.founding import KEY_SERVERS, THRESHOLD, ServerKeys, found, open_accounts
from sahara_lab.localnet.node import CHAIN_ID, Node, clean_environment, die_with_parent, free_port
from sahara_lab.localnet.snapshot import Snapshots
from sahara_lab.profile import Profile

TICK = 0.1
CHECKPOINT_AFTER = 1.0  # seconds of changes that a crash may cost


class Supervisor:
    """Runs the network of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._state = profile.private(profile.state)
        self._logs = profile.private(profile.logs)
        self._snapshots = Snapshots(self._state)
        self._ports = self._read_ports()
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._stopping = False
        self._recovered: str | None = None
        self._started = time.time()
        self._deployment: dict[str, Any] = self._read_deployment()
        self._node: Node | None = None
        self._head = -1
        self._dirty_since: float | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start everything, then watch until told to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._end_orphans()
        try:
            self._start_node()
            for index in range(1, KEY_SERVERS + 1):
                self._start_server(index)
            self._publish()
            while not self._stopping:
                self._watch()
                time.sleep(TICK)
            self._checkpoint()
        finally:
            self._end_children()
            self._profile.network_file.unlink(missing_ok=True)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _watch(self) -> None:
        node = self._node
        if node is None or not node.alive:
            self._say("the chain node ended; starting it from its last snapshot")
            self._start_node()
            for index in list(self._servers):
                self._stop_server(index)
                self._start_server(index)
            self._publish()
            return
        for index, process in list(self._servers.items()):
            if process.poll() is not None:
                self._say(f"key server {index} ended; starting it again")
                self._start_server(index)
        with contextlib.suppress(SaharaError):
            self._follow_chain(node)

    def _follow_chain(self, node: Node) -> None:
        """Make new blocks final and write the state down a second after it changed."""
        head = node.block_number()
        if head != self._head:
            if head < self._head or node.has_transactions(head):
                node.finalize()
                head = node.block_number()
            self._head = head
            self._snapshots.record_head(head)
            self._dirty_since = self._dirty_since or time.monotonic()
        if self._dirty_since is not None and time.monotonic() - self._dirty_since >= CHECKPOINT_AFTER:
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self._node is None or not self._node.alive or self._dirty_since is None:
            return
        self._dirty_since = None
        try:
            self._snapshots.save(self._node.snapshot())
        except OSError as error:
            self._say(f"the chain's state could not be written: {error}")
            self._dirty_since = time.monotonic()

    # -- the chain ----------------------------------------------------------------------------------------------------

    def _start_node(self) -> None:
        program = anvil.ensure(self._say)
        self._node = Node(program, self._port("node"), self._logs / "anvil.log")
        self._remember_pid("node", self._node.pid)
        self._node.wait_ready()
        snapshot = self._snapshots.load() if self._deployment else None
        if snapshot is not None:
            self._node.load(snapshot)
            self._note_loss(snapshot.block)
        else:
            self._found_anew()
        self._head = self._node.block_number()

    def _note_loss(self, restored: int) -> None:
        seen = self._snapshots.head()
        if seen is not None and seen > restored:
            self._recovered = (
                f"The network was stopped hard: it came back at block {restored}, and {seen - restored} newer "
                f"block{'s' if seen - restored != 1 else ''} (the last seconds before the stop) are lost."
            )
            self._say(self._recovered)

    def _found_anew(self) -> None:
        if self._deployment:
            self._recovered = "The chain's saved state was missing or damaged, so the network started anew and empty."
            self._say(self._recovered)
        assert self._node is not None
        servers = [self._keys(index).entry(self._server_url(index)) for index in range(1, KEY_SERVERS + 1)]
        made = found(self._profile, self._node.rpc, open_accounts(self._profile), servers)
        self._node.finalize()
        self._deployment = {"chain_id": made.chain_id, "addresses": made.addresses, "block": made.block}
        self._snapshots.save(self._node.snapshot())
        self._snapshots.record_head(self._node.block_number())
        _write_json(self._state / "deployment.json", self._deployment)

    def _read_deployment(self) -> dict[str, Any]:
        return _read_json(self._state / "deployment.json")

    # -- key servers --------------------------------------------------------------------------------------------------

    def _keys(self, index: int) -> ServerKeys:
        return ServerKeys.load_or_create(self._state, index)

    def _server_url(self, index: int) -> str:
        return f"http://127.0.0.1:{self._port(f'keyserver-{index}')}"

    def _start_server(self, index: int) -> None:
        assert self._node is not None
        url = self._server_url(index)
        settings = self._state / f"keyserver-{index}.json"
        _write_json(
            settings,
            {
                "index": index,
                "port": int(url.rpartition(":")[2]),
                "rpc_url": self._node.url,
                "chain_id": self._deployment["chain_id"],
                "addresses": self._deployment["addresses"],
            },
        )
        with (self._logs / f"keyserver-{index}.log").open("ab") as log:
            self._servers[index] = subprocess.Popen(
                [sys.executable, "-m", "sahara_lab.localnet.keyserver", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                preexec_fn=die_with_parent,
            )
        self._remember_pid(f"keyserver-{index}", self._servers[index].pid)

    def _stop_server(self, index: int) -> None:
        process = self._servers.pop(index)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # -- housekeeping -------------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        """Say to everyone where the network is, once all of it answers."""
        assert self._node is not None
        from sahara_lab.localnet.probe import wait_for_servers

        urls = [self._server_url(index) for index in sorted(self._servers)]
        wait_for_servers(urls)
        Network(
            chain_id=CHAIN_ID,
            rpc_url=self._node.url,
            addresses=self._deployment["addresses"],
            key_servers=tuple(
                KeyServerAddress(index, self._server_url(index), self._keys(index).signer.address)
                for index in sorted(self._servers)
            ),
            threshold=THRESHOLD,
            deployed_block=self._deployment["block"],
            accounts=tuple(wallet.handle for wallet in open_accounts(self._profile)),
            supervisor_pid=os.getpid(),
            started_at=self._started,
            recovered=self._recovered,
        ).save(self._profile)

    def _port(self, name: str) -> int:
        """The port of a part, the same across restarts unless somebody else took it."""
        running = self._servers.get(int(name.rpartition("-")[2])) if name.startswith("keyserver") else None
        if running is not None and running.poll() is None:
            return self._ports[name]
        wanted = self._ports.get(name, 0)
        chosen = free_port(wanted)
        if chosen != wanted:
            self._ports[name] = chosen
            _write_json(self._state / "ports.json", self._ports)
        return chosen

    def _read_ports(self) -> dict[str, int]:
        kept = _read_json(self._state / "ports.json")
        return {name: port for name, port in kept.items() if isinstance(port, int) and 0 < port < 65_536}

    def _remember_pid(self, name: str, pid: int) -> None:
        _write_json(self._state / f"{name}.pid.json", {"pid": pid})

    def _end_orphans(self) -> None:
        """End what a supervisor that was killed left running."""
        for path in self._state.glob("*.pid.json"):
            pid = _read_json(path).get("pid")
            command = command_line(pid) if isinstance(pid, int) else ""
            if "anvil" in command or "sahara_lab.localnet.keyserver" in command:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            path.unlink(missing_ok=True)

    def _end_children(self) -> None:
        for index in list(self._servers):
            self._stop_server(index)
        if self._node is not None:
            self._node.stop()
        for path in self._state.glob("*.pid.json"):
            path.unlink(missing_ok=True)

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", flush=True)


def command_line(pid: int) -> str:
    """What a process runs; empty when there is no such process."""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def _write_json(path: Path, value: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(value, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def main(arguments: list[str]) -> int:
    """Run the supervisor of a profile; returns at once when another one runs."""
    profile = Profile(arguments[0], Path(arguments[1]))
    lock = FileLock(profile.private(profile.state) / "supervisor.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return 0
    failure = profile.state / "failure.txt"
    failure.unlink(missing_ok=True)
    try:
        Supervisor(profile).run()
    except SaharaError as error:
        failure.write_text(str(error))
        return 1
    except OSError as error:
        failure.write_text(str(NetworkError(f"the network stopped: {error}", hint="Run: sahara-lab doctor")))
        raise
    finally:
        lock.release()
    return 0

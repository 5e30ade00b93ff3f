"""Strangers' jobs on data that must not leave, as the machine of the data's owner has them on disk."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from sahara_lab.rental.approvals import code_digest
from sahara_lab.rental.journal import write_state
from sahara_lab.rental.sealed import binding, seal_package


def take(owner: Any, client: Any, asset: str, source: str) -> str:
    """The journal of a job of ``client`` that ``owner``'s machine took, and whose code waits; returns the job."""
    number = secrets.randbits(200)
    bound = binding(owner.chain.chain_id, owner.chain.contract("ComputeEscrow").address, number, owner.wallet.address)
    folder = owner.machine.folder / "jobs" / f"{number:064x}"
    folder.mkdir(parents=True)
    content = {"source": source, "inputs": [f"{asset}@1"]}
    public = owner.directory.encryption_key(owner.wallet.handle)
    (folder / "package").write_bytes(seal_package(public, bound, secrets.token_bytes(32), content))
    state = {"phase": "taken", "client": client.wallet.address, "on_site": [f"{asset}@1"], "workers": 1}
    write_state(folder / "state.json", {**state, "code": code_digest(source).hex()})
    return f"{number:#066x}"


def end(owner: Any, job: str, record: dict[str, Any]) -> None:
    """Let it have ended, with results that wait behind the gate."""
    path = owner.machine.folder / "jobs" / job[2:] / "state.json"
    outputs = {"metrics.json": {"size": 12, "sha256": hashlib.sha256(b"12").hexdigest()}}
    state = json.loads(path.read_text())
    write_state(path, {**state, "phase": "ended", "gate": "waiting", "outputs": outputs, "record": record})


def forget(owner: Any, job: str) -> None:
    """Take the journal away again."""
    (owner.machine.folder / "jobs" / job[2:] / "state.json").unlink(missing_ok=True)

"""What strangers' code sees of the machine, and what happens where there is no wall."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sahara_lab.errors import JobError
from sahara_lab.rental import sandbox
from sahara_lab.rental.sandbox import UNSAFE, Isolation

LOOK = """
import json, os, socket, sys
found = {"uid": os.getuid(), "environment": sorted(os.environ)}
found["processes"] = [name for name in os.listdir("/proc") if name.isdecimal()]
for name, path in {"home": SECRET, "tmp": TMP, "root": "/etc/shadow"}.items():
    try:
        found[name] = open(path).read()
    except OSError as error:
        found[name] = type(error).__name__
for name, path in {"system": "/usr/x", "package": PACKAGE, "job": "/job/x"}.items():
    try:
        open(path, "w").write("x"); found[name] = "written"
    except OSError as error:
        found[name] = type(error).__name__
for name, address in {"loopback": ("127.0.0.1", PORT), "internet": ("1.1.1.1", 53)}.items():
    try:
        socket.create_connection(address, 2); found[name] = "reached"
    except OSError as error:
        found[name] = "closed"
print(json.dumps(found))
"""


def look(isolation: Isolation, folder: Path, **values: Any) -> dict[str, Any]:
    """Run :data:`LOOK` behind the wall."""
    work = folder / "work"
    work.mkdir()
    (work / "look.py").write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()) + LOOK)
    process = sandbox.start(isolation, "runpy", work, [], unsafe=False)
    sandbox.end(process)  # only to see that starting works; what follows needs another command
    command = [*sandbox._bubblewrap(isolation, work, ()), sys.executable, "-P", "/job/look.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={})
    return dict(json.loads(done.stdout))


@pytest.fixture
def wall(isolation: Isolation) -> Isolation:
    if not isolation.safe:
        pytest.skip(f"this host has no wall: {isolation.detail}")
    return isolation


def test_behind_the_wall_there_is_nothing_of_the_operator(wall: Isolation, tmp_path: Path) -> None:
    import socket

    secret = tmp_path / "secret"
    secret.write_text("the operator's")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = look(
            wall,
            tmp_path,
            SECRET=str(secret),
            TMP=str(tmp_path),
            PORT=server.getsockname()[1],
            PACKAGE=str(Path(sandbox.__file__)),
        )
    assert found["uid"] == 65534
    assert len(found["processes"]) <= 2
    assert found["home"] == found["root"] == "FileNotFoundError"
    assert {found["system"], found["package"]} == {"OSError"}  # read-only
    assert found["job"] == "written"
    assert found["loopback"] == found["internet"] == "closed"
    assert not {name for name in found["environment"] if "TOKEN" in name or "PASSWORD" in name or "KEY" in name}


def test_without_a_wall_strangers_code_is_not_run(tmp_path: Path) -> None:
    nothing = Isolation(UNSAFE, "bubblewrap is not installed")
    with pytest.raises(JobError, match=r"not run here: bubblewrap is not installed.*--unsafe-no-isolation"):
        sandbox.start(nothing, "sahara_lab.rental.workplace", tmp_path, [], unsafe=False)


def test_a_wall_that_is_installed_and_does_not_work_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv(sandbox.VARIABLE, str(broken))
    found = sandbox.find_isolation()
    assert not found.safe
    assert "does not work here: No permissions" in found.detail


@pytest.mark.network
def test_joining_without_a_wall_is_refused_in_one_line(carol: Any) -> None:
    kept = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "bwrap").exists()]
    environment = {**os.environ, "PATH": os.pathsep.join(kept)}
    environment.pop(sandbox.VARIABLE, None)
    command = [sys.executable, "-m", "sahara_lab.cli", "-a", "carol", "provider", "join", "--rate", "0.01"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "cannot keep strangers' code apart from you" in done.stderr.splitlines()[-1]
    assert "--unsafe-no-isolation" in done.stderr.splitlines()[-1]
    assert not [offer for offer in carol.compute.providers() if offer.isolation == UNSAFE]


def test_a_job_that_fills_memory_is_noticed(tmp_path: Path) -> None:
    hungry = "import time; kept = bytearray(300 << 20); kept[::4096] = b'x' * len(kept[::4096]); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while sandbox.usage(process, tmp_path)[0] < 250 << 20:
            assert time.monotonic() < deadline
    finally:
        sandbox.end(process)
    assert process.poll() is not None

"""Fetching the chain node: from the configured registry only, and only the pinned bytes."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sahara_lab.errors import NetworkError
from sahara_lab.localnet import anvil

PROGRAM = b"#!/bin/sh\necho anvil\n"


def tarball(program: bytes = PROGRAM, name: str = "package/bin/anvil") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(program)
        archive.addfile(member, io.BytesIO(program))
    return buffer.getvalue()


class Registry:
    """A local npm registry that serves one file."""

    def __init__(self) -> None:
        self.blob = tarball()
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                self.send_response(200 if registry.blob else 404)
                self.end_headers()
                self.wfile.write(registry.blob)

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A machine without anvil, whose npm registry is ours and serves the pinned file."""
    made = Registry()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", made.url + "/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(anvil.shutil, "which", lambda name: None)
    digest = base64.b64encode(hashlib.sha512(made.blob).digest()).decode()
    machine = (anvil.platform.system().lower(), "x86_64")
    monkeypatch.setattr(anvil.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(anvil, "PINS", {machine: ("@foundry-rs/anvil-test", f"sha512-{digest}")})
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_it_is_fetched_once_and_then_found(registry: Registry) -> None:
    said: list[str] = []
    program = anvil.ensure(said.append)
    assert program.read_bytes() == PROGRAM
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"anvil\n"
    assert anvil.ensure(said.append) == program
    assert registry.asked == [f"/@foundry-rs/anvil-test/-/anvil-test-{anvil.VERSION}.tgz"]
    assert len(said) == 1


@pytest.mark.parametrize("blob", [tarball(b"something else"), b"", b"<html>no such package</html>"])
def test_other_bytes_than_the_pinned_are_refused(registry: Registry, blob: bytes) -> None:
    registry.blob = blob
    with pytest.raises(NetworkError, match="Install Foundry"):
        anvil.ensure()
    assert anvil.find() is None


def test_a_package_without_the_program_is_refused(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.blob = tarball(name="package/README")
    digest = base64.b64encode(hashlib.sha512(registry.blob).digest()).decode()
    [(machine, (package, _))] = anvil.PINS.items()
    monkeypatch.setattr(anvil, "PINS", {machine: (package, f"sha512-{digest}")})
    with pytest.raises(NetworkError, match="holds no anvil"):
        anvil.ensure()


def test_a_machine_without_a_pin_is_told_what_to_install(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil.platform, "machine", lambda: "riscv64")
    with pytest.raises(NetworkError, match=r"no pinned anvil for \w+ on riscv64"):
        anvil.ensure()


def test_the_users_npmrc_names_the_registry_when_there_is_no_npm(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NPM_CONFIG_REGISTRY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(anvil, "_NPM", [])
    with pytest.raises(NetworkError, match="no npm registry is configured"):
        anvil.ensure()
    (tmp_path / ".npmrc").write_text(f"; mine\nfund=false\nregistry = {registry.url}/\n")
    assert anvil.ensure().read_bytes() == PROGRAM


def test_an_anvil_on_the_path_comes_first(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil.shutil, "which", lambda name: f"/opt/{name}")
    assert anvil.ensure() == Path("/opt/anvil")
    assert registry.asked == []

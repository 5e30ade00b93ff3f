"""Notebooks served by Voila, in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: A test browser that speaks to nobody but the server under test.
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@contextmanager
def _serving(notebook: Path, log: Path, variables: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "voila", notebook.name, "--no-browser", f"--port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=notebook.parent, env={**os.environ, **variables}, stdout=output, stderr=output
        )
    try:
        _wait(f"http://127.0.0.1:{port}/voila/files/none", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers at all."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - loopback
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"Voila did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serves a notebook until the module's tests are done; gives its address. Keywords are environment variables."""
    with ExitStack() as running:

        def serve(notebook: Path, **variables: str) -> str:
            log = tmp_path_factory.mktemp("voila") / "voila.log"
            return running.enter_context(_serving(notebook, log, variables))

        yield serve


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; the machine's own Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs a Chromium browser")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()

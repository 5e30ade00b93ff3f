"""JupyterLab with its sidebar, and notebooks served by Voila, in a real browser."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: A test browser that speaks to nobody but the server under test.
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
#: How long a step may take on a machine that is busy with other tests: it fails tests that hang, not slow ones.
PATIENCE = 150  # seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser that missed its moment gets a second one; a wrong result does not."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun="TimeoutError"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What stood on the page where a test failed: a timeout alone does not tell."""
    report: Any = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        with suppress(Exception):
            report.sections.append(("the page", page.locator("body").aria_snapshot(timeout=10_000)[-6_000:]))
    return report


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
    end = time.monotonic() + PATIENCE
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
def new_page() -> Iterator[Callable[..., Any]]:
    """Opens a page in a context of its own, of a browser that is the machine's own Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs a Chromium browser")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def opened(width: int = 1440, height: int = 900) -> Any:
            context = browser.new_context(viewport={"width": width, "height": height})
            context.set_default_timeout(PATIENCE * 1000)
            return context.new_page()

        yield opened
        browser.close()


# -- JupyterLab with the sidebar --------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _jupyterlab(folder: Path, base_url: str = "/", app: str = "jupyterlab") -> Iterator[str]:
    token, port = secrets.token_hex(16), _free_port()
    (folder / "work").mkdir()
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    (folder / "config.py").write_text(
        f"c.ServerApp.jpserver_extensions = {{'sahara_lab': True, 'jupyterlab': True, {app!r}: True}}\n"
        "c.ServerApp.allow_unauthenticated_access = False\n"
        f"c.ServerApp.base_url = {base_url!r}\n"
        "c.LabApp.expose_app_in_browser = True\n"
        f"c.LabApp.workspaces_dir = {str(folder / 'workspaces')!r}\n"
        f"c.LabApp.user_settings_dir = {str(folder / 'settings')!r}\n"
    )
    environment = {
        **os.environ,
        "SAHARA_LAB_ACCOUNT": "bob",
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = [sys.executable, "-m", app, "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--config={folder / 'config.py'}"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder / "work", env=environment, stdout=log, stderr=log)
    try:
        _answers(f"http://127.0.0.1:{port}{base_url}api?token={token}", server, folder / "server.log")
        yield f"http://127.0.0.1:{port}{base_url}lab?token={token}&reset"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def jupyter(alice: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address, token included, of a JupyterLab that Bob uses."""
    with _jupyterlab(tmp_path_factory.mktemp("jupyter")) as address:
        yield address


@pytest.fixture
def notebook(alice: Any, tmp_path: Path) -> Iterator[str]:
    """The address, token included, of a Notebook 7 that Bob uses; its files are in ``tmp_path / "work"``."""
    with _jupyterlab(tmp_path, app="notebook") as address:
        yield address


@pytest.fixture
def prefixed(alice: Any, tmp_path: Path) -> Iterator[str]:
    """The same behind a base URL, as a hub or a reverse proxy serves it."""
    with _jupyterlab(tmp_path, "/some/prefix/") as address:
        yield address


def _answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # our own server
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(new_page: Callable[..., Any], jupyter: str) -> Iterator[Any]:
    """JupyterLab with the sidebar open; fails when a request leaves this machine."""
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    strangers: list[str] = []
    page.on("request", lambda request: strangers.append(request.url) if _foreign(request.url) else None)
    open_lab(page, jupyter)
    yield page
    page.context.close()
    assert strangers == []


def open_lab(page: Any, address: str) -> None:
    """Go to a JupyterLab and open the sidebar."""
    page.goto(address)
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.locator('.jp-SideBar [data-id="sahara-lab-panel"]').click()
    page.wait_for_selector(".jp-Sahara-network[data-state=up]")


def _foreign(url: str) -> bool:
    return not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", url)


@pytest.fixture
def shot_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], None]:
    """Keeps a picture of a page; ``SAHARA_LAB_SHOTS`` names the folder."""
    folder = Path(os.environ.get("SAHARA_LAB_SHOTS") or tmp_path_factory.mktemp("shots"))
    return lambda page, name: page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
def shot(page: Any, shot_of: Callable[[Any, str], None]) -> Callable[[str], None]:
    """Keeps a picture of the page with the sidebar."""
    return lambda name: shot_of(page, name)

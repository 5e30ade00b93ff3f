"""The quickstart in a real JupyterLab, run from its menu as a new user would."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.ray]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240
QUIET = {"fetchNews": "false", "checkForUpdates": False}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab serves, with the quickstart in it."""
    folder = tmp_path_factory.mktemp("room")
    shutil.copy(ROOT / "example_notebooks" / "00_quickstart.ipynb", folder)
    return folder


@pytest.fixture(scope="module")
def server(network: object, room: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A JupyterLab with its token on: address and token."""
    home = tmp_path_factory.mktemp("jupyter")
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--LabApp.user_settings_dir={home / 'settings'}", f"--LabApp.workspaces_dir={home / 'workspaces'}"]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=room, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}", timeout=2)
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((home / "server.log").read_text()[-2000:])
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", token
    finally:
        process.terminate()
        process.wait(20)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]


def test_the_quickstart_runs_cell_by_cell_in_the_lab(server: tuple[str, str], room: Path, new_page: Any) -> None:
    address, token = server
    page = new_page()
    page.goto(f"{address}/lab/tree/00_quickstart.ipynb?token={token}")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text(re.compile(r"\| Idle")).wait_for()
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()

    notebook = room / "00_quickstart.ipynb"
    deadline = time.monotonic() + PATIENCE
    while any(cell["execution_count"] is None for cell in code_cells(notebook)):
        assert time.monotonic() < deadline, "the notebook did not finish"
        page.wait_for_timeout(2_000)
        page.keyboard.press("Control+s")
        failures = [out for cell in code_cells(notebook) for out in cell["outputs"] if out["output_type"] == "error"]
        assert failures == []

    shown = json.dumps([cell["outputs"] for cell in code_cells(notebook)])
    assert "held-out scans are read correctly" in shown
    assert "progressbar" in shown, "the training cell shows its progress"
    page.locator('.jp-SideBar [data-id="sahara-lab-panel"]').click()
    page.wait_for_selector(".jp-Sahara-network[data-state=up]")
    if "SAHARA_LAB_SHOTS" in os.environ:
        take_pictures(page, Path(os.environ["SAHARA_LAB_SHOTS"]))
    page.context.close()


def take_pictures(page: Any, folder: Path) -> None:
    """One picture a heading, for people to look at."""
    scroll = "(n) => document.querySelectorAll('.jp-Notebook h2')[n]?.scrollIntoView()"
    for number in range(page.locator(".jp-Notebook h2").count()):
        page.evaluate(scroll, number)
        page.wait_for_timeout(500)
        page.screenshot(path=str(folder / f"quickstart-{number}.png"))

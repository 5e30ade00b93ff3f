"""The wheel: everything inside, installable where there is no Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_extension_the_widgets_and_the_contracts(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "sahara_lab/chain/artifacts/Market.json",
        "data/share/jupyter/labextensions/sahara-lab/package.json",
        "data/share/jupyter/labextensions/sahara-lab/static/remoteEntry",
        "data/etc/jupyter/jupyter_server_config.d/sahara_lab.json",
        "data/share/jupyter/kernels/sahara/kernel.json",
    ):
        assert any(part in name for name in names), f"{part} is missing"
    widgets = [name for name in names if name.startswith("sahara_lab/widgets/") and name.endswith(".js")]
    assert len(widgets) >= 2
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]


def test_the_extension_is_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        scripts = [
            entry
            for entry in archive.infolist()
            if "labextensions/sahara-lab/static" in entry.filename and entry.filename.endswith(".js")
        ]
        # With what loads when a page or dialog is opened; what the lab loads at its start is measured in a browser.
        assert 0 < sum(entry.file_size for entry in scripts) < 200_000


def test_the_wheel_installs_and_runs_without_node(wheel: Path, tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from bootstrap import pip_settings
    finally:
        sys.path.pop(0)
    environment = {**os.environ, **pip_settings(), "PATH": "/nonexistent", "SAHARA_LAB_HOME": str(tmp_path / "home")}
    uv, room = str(BIN / "uv"), tmp_path / "room"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(room)], check=True, env=environment)
    python = str(room / "bin" / "python")
    install = [uv, "pip", "install", "--quiet", "--python", python, "-c", str(ROOT / "constraints.txt"), str(wheel)]
    done = subprocess.run(install, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = subprocess.run(
        [str(room / "bin/sahara-lab"), "--version"], check=True, env=environment, capture_output=True
    )
    assert b"sahara-lab" in version.stdout
    listed = subprocess.run(
        [str(room / "bin/jupyter-labextension"), "list"],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "sahara-lab" in listed.stdout + listed.stderr
    assert "enabled" in next(line for line in (listed.stdout + listed.stderr).splitlines() if "sahara-lab v" in line)


def test_the_extension_and_the_package_have_one_version() -> None:
    from sahara_lab import __version__

    assert json.loads((ROOT / "extension" / "package.json").read_text())["version"] == __version__

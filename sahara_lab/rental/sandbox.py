"""The wall around strangers' code: bubblewrap where the host has it, and a plain word where it has not.

Inside there is the system's ``/usr`` and this Python, read-only; the job's own folder; ciphertext of its inputs. There
is no network, no other process, no home, no capability, and the user is nobody. Where a host offers no wall, jobs of
strangers are refused unless the operator said so in words (``--unsafe-no-isolation``).
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import site
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sahara_lab.errors import JobError

JOB = "/job"
UNSAFE = "none (UNSAFE)"
VARIABLE = "SAHARA_LAB_BWRAP"  # where bubblewrap is, when it is not on the PATH
_NOBODY = "65534"
_CHECKED_WITHIN = 20.0
#: What a job may not exceed: bytes of one file, open files, seconds of CPU are metered and not limited.
_LARGEST_FILE = 64 << 30
_OPEN_FILES = 4096
_DEVICES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", *(f"/dev/nvidia{n}" for n in range(16)))


@dataclass(frozen=True)
class Isolation:
    """What stands between a stranger's code and this machine. ``kind`` is "bubblewrap" or "none (UNSAFE)"."""

    kind: str
    detail: str
    program: str = ""

    @property
    def safe(self) -> bool:
        return self.kind != UNSAFE

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


def find_isolation() -> Isolation:
    """What this host offers, found out by using it: a program that is installed may still be forbidden to work."""
    program = os.environ.get(VARIABLE) or shutil.which("bwrap")
    if program is None:
        return Isolation(UNSAFE, "bubblewrap is not installed (Debian: apt install bubblewrap)")
    found = Isolation("bubblewrap", "", program)
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        probe = ["/bin/sh", "-c", "id -u; ls /proc | grep -c '^[0-9]'; ls /sys/class/net 2>/dev/null | wc -l"]
        done = subprocess.run(
            [*_bubblewrap(found, None, ()), *probe],
            capture_output=True,
            text=True,
            timeout=_CHECKED_WITHIN,
            check=False,
        )
        if done.returncode == 0 and done.stdout.split()[:1] == [_NOBODY]:
            return Isolation("bubblewrap", "no network, no other processes, read-only system, user nobody", program)
        return Isolation(UNSAFE, f"bubblewrap is installed and does not work here: {done.stderr.strip()[:200]}")
    return Isolation(UNSAFE, "bubblewrap is installed and does not answer")


def start(
    isolation: Isolation, module: str, folder: Path, inputs: Sequence[tuple[Path, str]], *, unsafe: bool
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` behind the wall, with pipes; it ends with this process.

    Args:
        folder: the job's own; inside it is :func:`inside`, and the only place that can be written.
        inputs: folders to read, each with its name under ``/inputs``.
        unsafe: go on where there is no wall.

    Raises:
        JobError: there is none, and the operator did not ask to go on without.
    """
    if not isolation.safe and not unsafe:
        raise JobError(
            f"strangers' code is not run here: {isolation.detail}",
            hint="Install bubblewrap; or, knowing that their code can then do all that you can: --unsafe-no-isolation",
        )
    command = [sys.executable, "-P", "-m", module]
    if isolation.safe:
        command = [*_bubblewrap(isolation, folder, inputs), *command]
    # The log lies outside what the job can write: a link that it left there would be followed.
    with (folder.parent / "stderr.log").open("wb") as log:
        return _process(command, log, folder, isolation)


def _process(command: list[str], log: BinaryIO, folder: Path, isolation: Isolation) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={} if isolation.safe else _environment(str(folder)),
        cwd=folder,
        start_new_session=True,
        preexec_fn=_limited(),
    )


def inside(isolation: Isolation, folder: Path) -> str:
    """The job's folder as its own processes see it."""
    return JOB if isolation.safe else str(folder)


def input_inside(isolation: Isolation, path: Path, name: str) -> str:
    """An input's folder as the job's processes see it."""
    return f"/inputs/{name}" if isolation.safe else str(path)


def _environment(home: str) -> dict[str, str]:
    """Nothing of the operator's: no token, no key, no path of theirs."""
    found = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "SAHARA_LAB_HOME": f"{home}/home",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",  # noqa: S108 - behind the wall it is the job's own
        "MPLCONFIGDIR": f"{home}/home",
    }
    root = _source_root()
    return found | {"PYTHONPATH": root} if root else found


def _source_root() -> str:
    """Where this package is, when it was not installed but runs from a source tree."""
    root = str(Path(__file__).resolve().parents[2])
    return "" if root in (*site.getsitepackages(), site.getusersitepackages()) else root


def _bubblewrap(isolation: Isolation, folder: Path | None, inputs: Sequence[tuple[Path, str]]) -> list[str]:
    arguments = [
        isolation.program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--uid", _NOBODY, "--gid", _NOBODY, "--hostname", "sahara", "--clearenv",
        "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108
    ]  # fmt: skip
    for place in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        path = Path(place)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), place]
        elif path.exists():
            arguments += ["--ro-bind", place, place]
    for place in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts"):
        arguments += ["--ro-bind-try", place, place]
    arguments += [part for device in _DEVICES if Path(device).exists() for part in ("--dev-bind", device, device)]
    root = _source_root()
    trees = [sys.base_prefix, sys.prefix, *([f"{root}/sahara_lab"] if root else [])]
    for tree in dict.fromkeys(trees):
        if not tree.startswith("/usr/"):
            arguments += [*_parents(Path(tree)), "--ro-bind", tree, tree]
    for path, name in inputs:
        arguments += ["--perms", "0755", "--dir", "/inputs", "--ro-bind", str(path), f"/inputs/{name}"]
    if folder is not None:
        arguments += ["--bind", str(folder), JOB, "--chdir", JOB]
    for name, value in _environment(JOB).items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--"]


def _parents(tree: Path) -> list[str]:
    """Folders above a bind, readable by nobody: bubblewrap itself makes them for their maker only."""
    above = [parent for parent in reversed(tree.parents) if str(parent) != "/"]
    return [part for parent in above for part in ("--perms", "0755", "--dir", str(parent))]


def _limited() -> Callable[[], None]:
    """Limits that hold for the job and what it starts; memory and disk are watched by who started it."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, _at_most(resource.RLIMIT_FSIZE, _LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_NOFILE, _at_most(resource.RLIMIT_NOFILE, _OPEN_FILES))
        os.nice(5)  # the provider has to answer beside the training

    return limit


def _at_most(which: int, wanted: int) -> tuple[int, int]:
    _, hard = resource.getrlimit(which)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return limit, limit


def usage(process: subprocess.Popen[bytes], folder: Path) -> tuple[int, int]:
    """Bytes of memory of a job's processes, and of disk in its folder."""
    import psutil

    memory = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        for one in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                memory += _memory_of(one)
    disk = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                disk += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118 - os.walk gives text
    return memory, disk


def _memory_of(process: Any) -> int:
    info = process.memory_info()
    return max(0, int(info.rss) - int(getattr(info, "shared", 0)))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a job's processes, all of them; the namespace goes with its first one."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
    with contextlib.suppress(OSError):
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    process.wait()

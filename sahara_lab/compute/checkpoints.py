"""A job's checkpoints: the last two, each with its hash: a damaged one is noticed, the one before it used."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any, Final

LIST: Final = "checkpoints.json"
_KEPT: Final = 2


def new_file(folder: Path, step: int) -> Path:
    """Where to write the next checkpoint. It counts only once it is listed."""
    return folder / f"step-{step:09d}-{secrets.token_hex(3)}.ckpt"


def keep(path: Path, *, step: int, epoch: int) -> dict[str, Any]:
    """List a checkpoint that is completely written as the newest, and delete those that are not needed any more."""
    from sahara_lab.compute.record import write_private

    folder = path.parent
    entry = {"file": path.name, "sha256": file_hash(path), "size": path.stat().st_size, "step": step, "epoch": epoch}
    entries = [entry, *listed(folder)][:_KEPT]
    write_private(folder / LIST, json.dumps(entries).encode())
    names = {item["file"] for item in entries}
    for other in folder.glob("step-*.ckpt"):
        if other.name not in names:
            other.unlink(missing_ok=True)
    return entry


def listed(folder: Path) -> list[dict[str, Any]]:
    """The checkpoints of a folder, newest first; empty when there are none."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / LIST).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return found


def newest(folder: Path) -> Path | None:
    """The newest checkpoint whose file is there in its full size; does not read it."""
    for entry in listed(folder):
        path = folder / str(entry["file"])
        with contextlib.suppress(OSError):
            if path.stat().st_size == entry["size"]:
                return path
    return None


def newest_sound(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint whose content has the hash it was written with, and its entry; reads it."""
    for entry in listed(folder):
        path = folder / entry["file"]
        with contextlib.suppress(OSError):
            if path.stat().st_size == entry["size"] and file_hash(path) == entry["sha256"]:
                return path, entry
    return None


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

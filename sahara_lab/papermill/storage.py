"""``vault://`` paths for papermill.

papermill imports this module while it is being imported itself, so nothing of papermill is imported here.
Output lands in the draft of the account's own asset, which ``lab.market.publish("vault://me/name", name="name")``
publishes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sahara_lab.errors import InputError

#: Names under which people pass secrets by mistake; papermill stores parameters in clear, twice.
_SECRET = re.compile(r"pass(word|phrase)|secret|token|api_?key|private_?key|mnemonic|credential", re.IGNORECASE)


class VaultHandler:
    """Reads and writes notebooks in vaults, as the current account."""

    def __init__(self) -> None:
        self._written: dict[str, bytes] = {}

    def _files(self) -> Any:
        from sahara_lab.lab import connect

        return connect().vault.fs

    def read(self, path: str) -> str:
        """The text of a notebook.

        Raises:
            AccessDenied: no license or grant covers reading it.
        """
        data: bytes = self._files().cat_file(path)
        return data.decode("utf-8")

    def write(self, buf: str, path: str) -> None:
        """Store a notebook in the draft of an own asset.

        papermill saves before and after every cell. What is stored is encrypted as a new object each time, so that
        only the finished notebook is stored, and once. Where it lay on this machine's disk is not told to buyers.

        Raises:
            InputError: a parameter looks like a secret, and would be stored in clear.
        """
        refuse_secrets(buf)
        if is_running(buf):
            return
        data = without_paths(buf).encode("utf-8")
        if self._written.get(path) == data:
            return
        self._files().pipe_file(path, data)
        self._written[path] = data

    def listdir(self, path: str) -> list[str]:
        """Paths in a folder of a vault."""
        return [f"vault://{entry}" for entry in self._files().ls(path, detail=False)]

    def pretty_path(self, path: str) -> str:
        """The path as it is shown."""
        return path


#: What the entry point ``papermill.io`` names: papermill wants an object, not a class.
handler = VaultHandler()


def refuse_secrets(text: str) -> None:
    """Refuse a notebook whose papermill parameters look like secrets.

    Raises:
        InputError: one does; the message names it and not its value.
    """
    for name, value in (_papermill(text).get("parameters") or {}).items():
        if value not in (None, "") and (_SECRET.search(name) or str(value).lstrip().startswith("-----BEGIN ")):
            raise InputError(
                f"the parameter {name!r} looks like a secret, and papermill would store it in clear",
                hint="Let the notebook read it from the environment or the keystore",
            )


def is_running(text: str) -> bool:
    """Whether papermill saved this notebook on its way, before the last cell."""
    papermill = _papermill(text)
    return bool(papermill.get("start_time")) and not papermill.get("end_time")


def without_paths(text: str) -> str:
    """The notebook with local input and output paths cut to their file names."""
    papermill = _papermill(text)
    local = {
        key: papermill[key]
        for key in ("input_path", "output_path")
        if isinstance(papermill.get(key), str) and "://" not in papermill[key]
    }
    if not local:
        return text
    notebook = json.loads(text)
    notebook["metadata"]["papermill"].update({key: re.split(r"[/\\]", path)[-1] for key, path in local.items()})
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _papermill(text: str) -> dict[str, Any]:
    """papermill's own record in a notebook; empty for everything else."""
    try:
        found = json.loads(text)["metadata"]["papermill"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}

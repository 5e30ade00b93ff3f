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
        """Store a notebook in the draft of an own asset; a text that is stored already is not stored again.

        Raises:
            InputError: a parameter looks like a secret, and would be stored in clear.
        """
        refuse_secrets(buf)
        data = buf.encode("utf-8")
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
    try:
        parameters = json.loads(text)["metadata"]["papermill"]["parameters"]
    except (ValueError, KeyError, TypeError):
        return
    for name, value in (parameters or {}).items():
        if _SECRET.search(name) and value not in (None, ""):
            raise InputError(
                f"the parameter {name!r} looks like a secret, and papermill would store it in clear",
                hint="Let the notebook read it from the environment or the keystore",
            )

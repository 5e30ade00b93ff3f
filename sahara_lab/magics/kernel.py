"""A Python kernel with the magics loaded, that does not inherit the server's secrets: ``Python (Sahara)``.

Kernels inherit the whole environment of the Jupyter server. What a notebook has no business with is taken out before
any of its code runs.
"""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSPHRASE|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL", re.IGNORECASE)


def scrub(environment: dict[str, str] | os._Environ[str]) -> list[str]:
    """Remove variables that look like secrets; returns their names."""
    found = [name for name in environment if _SECRET.search(name)]
    for name in found:
        del environment[name]
    return found


def main() -> None:
    """Start the kernel; takes ipykernel's arguments."""
    scrub(os.environ)
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.extra_extensions = ["sahara_lab"]
    app.initialize()  # type: ignore[no-untyped-call]
    app.start()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()

"""``sahara-lab dashboard``: the page in a browser, behind a token, with claiming and voting."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from sahara_lab.dashboards.guard import ACTIONS_VARIABLE

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "dashboard",
            "metadata": {},
            "outputs": [],
            "source": "import sahara_lab as sahara\nfrom sahara_lab.dashboards import Dashboard\n\n"
            "Dashboard(sahara.connect(), votes=sahara.DaoPanel)",
        }
    ],
    "metadata": {
        "kernelspec": {"display_name": "Python (Sahara)", "language": "python", "name": "sahara"},
        "language_info": {"name": "python"},
        "title": "Sahara Lab: dashboard",
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
#: The token is not among them on purpose: a command line can be read by every account of the machine.
FIXED = (
    "--Voila.ip=127.0.0.1",
    "--Voila.auto_token=True",
    "--VoilaConfiguration.strip_sources=True",
    "--VoilaConfiguration.show_tracebacks=False",
    "--VoilaConfiguration.preheat_kernel=False",
    "--VoilaConfiguration.file_denylist=.*[.]ipynb",
    "--VoilaConfiguration.extension_allowlist=@jupyter-widgets/jupyterlab-manager",
    "--VoilaConfiguration.extension_allowlist=@voila-dashboards/widgets-manager8",
    "--VoilaConfiguration.extension_allowlist=anywidget",
)
#: Voila's page names style sheets of a public host; the browser is told to ask nobody but this server.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'"


def main(arguments: list[str] | None = None) -> None:
    """Serve the dashboard until interrupted. Further arguments go to Voila (``--no-browser``, ``--port=``)."""
    from voila.app import Voila

    os.environ[ACTIONS_VARIABLE] = "1"
    if not os.environ.get("JUPYTER_TOKEN"):
        os.environ.pop("JUPYTER_TOKEN", None)  # an empty one would mean: no token at all
    with tempfile.TemporaryDirectory(prefix="sahara-dashboard-") as folder:
        notebook = Path(folder) / "dashboard.ipynb"
        notebook.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
        given = sys.argv[1:] if arguments is None else arguments
        Voila.launch_instance(
            [str(notebook), *given, *FIXED], tornado_settings={"headers": {"Content-Security-Policy": POLICY}}
        )


if __name__ == "__main__":
    main()

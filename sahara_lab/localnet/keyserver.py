"""One key server of the embedded network, as its own process: ``python -m sahara_lab.localnet.keyserver``.

The supervisor starts it early and tells it on standard input, in one line of JSON, which server it is and where the
chain is; the keys are read from their own file. When that input ends the supervisor is gone, and so is the server.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

ANCHOR_RECEIPTS, ANCHOR_SECONDS = 64, 30.0  # gas costs nothing here
ENDING = 5.0  # seconds for requests under way when the supervisor is gone


def main() -> None:
    """Serve until terminated."""
    from sahara_lab.chain import Chain
    from sahara_lab.licensing.anchoring import Batch
    from sahara_lab.licensing.keyserver import make_app, serve
    from sahara_lab.localnet.founding import server_keys
    from sahara_lab.localnet.processes import die_with_parent

    die_with_parent()
    _load_slow_parts()
    line = sys.stdin.readline()
    if not line:
        return
    settings: dict[str, Any] = json.loads(line)
    threading.Thread(target=_follow_supervisor, daemon=True).start()
    folder = Path(settings["folder"])
    index = int(settings["index"])
    chain = Chain(settings["rpc_url"], settings["chain_id"], settings["addresses"])
    receipts = folder / f"receipts-{index}.log"
    app = make_app(server_keys(folder, index), index, chain, receipts, Batch(ANCHOR_RECEIPTS, ANCHOR_SECONDS))
    serve(app, "127.0.0.1", settings["port"])


def _load_slow_parts() -> None:
    """Import what the first request would import, while the chain node is still starting."""
    for name in ("eth_account.messages", "urllib3", "uvicorn.protocols.http.auto", "sahara_lab.vault.keyserver_app"):
        import_module(name)


def _follow_supervisor() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(ENDING)
    os._exit(1)


if __name__ == "__main__":
    main()

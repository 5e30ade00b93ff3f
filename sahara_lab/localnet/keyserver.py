"""One key server of the embedded network, as its own process: ``python -m sahara_lab.localnet.keyserver FILE``.

FILE is written by the supervisor and names the port, the node and the contracts; the keys are read from their own file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Serve until terminated."""
    import uvicorn

    from sahara_lab.chain import Chain
    from sahara_lab.licensing.policy import ChainAccessPolicy
    from sahara_lab.localnet.founding import ServerKeys
    from sahara_lab.localnet.node import die_with_parent
    from sahara_lab.vault import create_app

    die_with_parent()
    settings = json.loads(Path(arguments[0]).read_text())
    folder = Path(arguments[0]).parent
    index = int(settings["index"])
    keys = ServerKeys.load_or_create(folder, index)
    chain = Chain(settings["rpc_url"], settings["chain_id"], settings["addresses"])
    app = create_app(
        server_id=index,
        server_key=keys.encryption_seed,
        signer=keys.signer,
        policy=ChainAccessPolicy(chain),
        receipts=folder / f"receipts-{index}.log",
        chain_id=settings["chain_id"],
        registry=settings["addresses"]["AssetRegistry"],
    )
    uvicorn.run(app, host="127.0.0.1", port=settings["port"], log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1:])
